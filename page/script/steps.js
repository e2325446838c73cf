// A step's details in the waterfall: its attempts, what it waits for, its result, and what can be done with it.

function step_panel(step) {
  const { child } = step;
  const is_run = !step.id;
  return h(".panel", { role: "region", "aria-label": step.name || "Run" },
    t("dl.facts", fact("Status", badge(step.status)), fact("Queued", stamp(step.queued_at)), fact("Ended", stamp(step.ended_at)),
      step.kind && fact("Kind", step.kind, step.is_kept && t("span.soft", ", kept from the original run")), !is_run && fact("Id", copyable(step.hash ?? step.id)), step.awaits && fact(awaits_words(step), t("span.mono", step.awaits)),
      child && fact("Its run", link({ view: "runs", id: child.run_id }, child.function ?? child.run_id))),
    !is_run && features.bulk && t(".acts", button("Rerun from here", event => rerun_from(step, event.currentTarget), ".small"), button("Edit and rerun", () => edit_and_rerun(step), ".small")),
    step.attempts.length > 0 && attempts_of(step),
    step.failure && error_box(step.failure),
    step_result(step));
}

const awaits_words = step => ({ sleep: "Sleeps", invoke: "Invokes" })[step.kind] ?? "Waits for";

// Each attempt, with its own error and stack.
function attempts_of(step) {
  const ended = each => each.ended_at && each.started_at ? took(time(each.ended_at) - time(each.started_at)) : "–";
  const all = step.attempts.slice(-50);
  return h("ol.attempts", { "aria-label": "Attempts" }, all.map(each => t("li",
    t(".line", t("b", `Attempt ${attempt_number(each)}`), status_word(each.ended_at ? each.status : "running"), t("span.soft", each.started_at ? ["started ", stamp(each.started_at, false), ", took ", ended(each)] : ["ended ", stamp(each.ended_at, false)])),
    each.failure ? error_box(each.failure) : each.error && h(".error", {}, t("p", each.error)))));
}

// The result; of a wait it is the event that ended it.
function step_result(step) {
  if (step.output !== undefined) {
    const label = step.kind === "wait" ? "Matched event" : "Result";
    return t(".result", t("h3", label), json(step.output, label, `${run.id}-${step.name}`));
  }
  if (step.output_size) return t("p.soft", `The result has ${number(step.output_size)} bytes, too many to show here.`);
  let { detail } = step;
  if (!detail || step.attempts.some(each => each.error === detail) || step.awaits === detail) return null;
  try { detail = JSON.parse(detail, exact); } catch { /* It is text. */ }
  return typeof detail === "object" ? json(detail, "Detail") : t("p.detail", step.detail);
}
