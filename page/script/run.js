// The details of a run.

let run = null;           // the run that they show

async function run_detail(id) {
  const got = await api(`/api/runs/${encodeURIComponent(id)}`);
  return () => draw_run_detail(got);
}

function draw_run_detail(got) {
  parts("head", "facts", "error", "fall", "relatives", "output", "input", "logs", "notes", "messages", "log");
  if (run && run.status !== got.status) say(`The run is ${got.status}.`);
  run = got;
  const { status, error, output, events = [], timeline = [], metadata = [], messages = [], logs = [] } = got;
  patch($("part-head"), [got.id, status, features.bulk], () => head(got.function_name || got.function, [badge(status), copyable(got.id)],
    [live(got) && button("Cancel", () => cancel(got.id), ".bad"),
      features.bulk && button("Edit and rerun", () => edit_and_rerun(null)),
      features.bulk && ["failed", "cancelled"].includes(status) && button(status === "failed" ? "Rerun from the failed step" : "Rerun from where it stopped", event => rerun(got.id, event.currentTarget, '{"from_failed_step":true}')),
      button([icon("retrying"), "Rerun"], event => rerun(got.id, event.currentTarget))]));
  patch($("part-error"), error, () => error && section("Error", error_box(error)));
  patch($("part-relatives"), relatives(got), () => draw_relatives(relatives(got)));
  patch($("part-output"), output, () => output !== undefined && section("Output", json(output, "Output", `${got.id}-output`)));
  patch($("part-input"), events, () => events.length > 0 && (events.length === 1 ? section("Event", json(events[0], "Event", `${got.id}-event`))
    : section(count(events.length, "event"), json(events, "Events", `${got.id}-events`))));
  patch($("part-logs"), logs, () => logs.length > 0 && section(`Logs, ${count(logs.length, "line")}`, log_lines(logs)));
  patch($("part-notes"), metadata, () => metadata.length > 0 && section("Metadata", notes(metadata)));
  patch($("part-messages"), messages, () => messages.length > 0 && section(`Published: ${count(messages.length, "message")}`, sent(messages)));
  patch($("part-log"), timeline, () => timeline.length > 0 && log(timeline));
  draw_live();
}

// Name, message and stack are read as text; everything that an error has besides is in the JSON.
function error_box(error, label = "Error") {
  const { name, message, stack, ...rest } = error;
  const text = value => typeof value === "string" ? value : JSON.stringify(value);
  return h(".error", {}, t("strong", text(name ?? label)), t("p", text(message ?? "")),
    stack && h("pre", { tabindex: "0", role: "group", "aria-label": "Stack" }, text(stack)),
    Object.keys(rest).length > 0 && json(error, label));
}

// What changes with the time alone.
function draw_live() {
  const ms = lasted(run);
  const queued = took((run.started_at ? time(run.started_at) : Date.now()) - time(run.queued_at));
  const shown_took = ms === undefined ? "" : took(ms);
  patch($("part-facts"), [run, shown_took, queued], () => h("dl.facts", {},
    fact("Started", stamp(run.started_at)),
    fact("Took", shown_took, t("span.soft", ms === undefined ? `queued for ${queued}` : `, queued for ${queued}`)),
    fact("Event", link({ view: "events", id: run.event_id }, run.event_name || run.event_id)),
    fact("Function", link({ view: "functions", id: run.function }, run.function)),
    run.waits_for && fact("Waits for", run.waits_for, run.until && t("span.soft", " until ", stamp(run.until))),
    !run.waits_for && run.until && fact(run.status === "sleeping" ? "Sleeps until" : "Due", stamp(run.until)),
    tags_of(run).length > 0 && fact("Tags", t("span.tags", tags_of(run).map(tag => link({ view: "runs", tag }, tag))))));
  draw_fall();
}

// Tags are pairs; each is a link to the runs with the same one.
function tags_of({ tags = [] }) {
  const pairs = Array.isArray(tags) ? tags.map(each => [each.name, each.value]) : Object.entries(tags);
  return pairs.map(([name, value]) => `${name}:${value}`);
}

// The runs that this one belongs to: [what, run, step].
function relatives({ parent, children = [], original_run_id, reruns = [] }) {
  return [
    parent && ["Invoked by", parent, parent.step],
    original_run_id && ["Rerun of", { run_id: original_run_id }],
    ...reruns.map(each => ["Rerun as", typeof each === "string" ? { run_id: each } : { run_id: each.run_id ?? each.id, ...each }]),
    ...children.map(each => ["Invoked", each, each.step]),
  ].filter(Boolean);
}

function draw_relatives(all) {
  if (!all.length) return [];
  return section("Related runs", t(".stack", all.slice(0, 200).map(([what, each, step]) => link({ view: "runs", id: each.run_id },
    t("span.key-name", what), each.status && status_word(each.status), t("span.grow", each.function_name ?? each.function, step && t("span.soft", ` in step ${step}`)), t("span.mono.soft", each.run_id)))));
}

const attempt_number = each => (each.attempt ?? 0) + 1;

function log_lines(logs) {
  const level = each => h("span.word", { "data-s": { warn: "waiting", error: "failed" }[each.level] ?? "queued" }, each.level);
  return table(["Time", "Level", "Step", "Attempt", "Line"], logs.slice(-500).map(each => [stamp(each.at, false), level(each), each.step, attempt_number(each), each.text]), "Log lines");
}

// A score is a kind of metadata: each name has a value.
function notes(metadata) {
  const about = target => target ? [target.step_id, target.step_attempt !== undefined && `attempt ${target.step_attempt + 1}`].filter(Boolean).join(", ") : "the run";
  const kind = each => each.kind === "inngest.score" ? "score" : each.kind.replace(/^userland\./, "");
  const value = each => JSON.stringify(each.kind === "inngest.score" ? each.value?.value : each.value);
  const rows = metadata.flatMap(each => Object.entries(each.values).map(([name, value]) => ({ ...each, name, value })));
  return table(["Kind", "Name", "Value", "About"], rows.map(each => [kind(each), each.name, value(each)?.slice(0, 300), about(each.target)]), "Metadata");
}

function sent(messages) {
  return table(["Time", "Channel", "Topic", "Data"], messages.map(each => [stamp(each.at, false), each.channel, each.topic, JSON.stringify(each.data).slice(0, 300)]), "Messages");
}

function log(timeline) {
  const last = timeline.slice(-200);
  const name = `Timeline, ${last.length < timeline.length ? "the last 200 of " : ""}${count(timeline.length, "entry", "entries")}`;
  const draw = () => table(["Time", "What", "Step", "Attempt", "Took", "Detail"], last.map(each =>
    [stamp(each.at, false), each.what, each.step, attempt_number(each), each.duration_ms ? took(each.duration_ms) : "", each.detail?.slice(0, 300)]), "Timeline");
  const details = h("details", { ontoggle: () => { if (details.children.length === 1) details.append(draw()); } }, t("summary", name));
  return t("section", details);
}
