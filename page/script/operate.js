// What people do with functions and apps: invoke, pause, resume, and run schedules. An engine without a route has no
// button for it.

const missing = new Set();

// The answer, or null where the engine does not have the route.
async function if_there(path) {
  if (missing.has(path)) return null;
  try {
    return await api(path);
  } catch (error) {
    if (error.status !== 404) throw error;
    missing.add(path);
    return null;
  }
}

// Does something and says that it is done.
async function act(from, done, work) {
  from.disabled = true;
  try {
    const answer = await work();
    toast(done);
    return answer;
  } catch (error) {
    complain(error);
    return null;
  } finally { from.disabled = false; }
}

// A dialog with a form. `run` does what the button says; what it throws is shown.
let dialogs = 0;
function ask_with_form(title_text, nodes, action, run) {
  const id = `dialog-${++dialogs}`;
  const wrong = h(".wrong", { "aria-live": "polite", id: id + "-wrong" });
  const go = h("button.button.first", {}, action);
  const close = h("button.button", { type: "button", onclick: () => dialog.close() }, "Close");
  const submit = async () => {
    go.disabled = true;
    wrong.textContent = "";
    try {
      await run();
      dialog.close();
    } catch (error) {
      wrong.textContent = error.message;
      if (error.input) error.input.ariaInvalid = true;
      error.input?.focus();
    }
    go.disabled = false;
  };
  const form = h("form", { method: "dialog", novalidate: "", onsubmit: event => { event.preventDefault(); submit(); },
    onkeydown: event => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit(); } },
    h("h2", { id }, title_text), nodes, wrong, t(".feet", close, go));
  const dialog = h("dialog", { "aria-labelledby": id, onclose: () => {
    dialog.remove();
    if (document.activeElement === document.body) $("detail").focus({ preventScroll: true });
  } }, form);
  document.body.append(dialog);
  dialog.showModal();
  return { dialog, wrong };
}

// What is paused: objects with `app`, `function`, or `function` and `cron`, since when and by whom. Null where nothing can
// be paused.
let pauses = null;
async function load_pauses() {
  pauses = (await if_there("/api/pauses"))?.pauses ?? null;
}
const same_target = (a, b) => ["app", "function", "cron"].every(each => (a[each] || undefined) === (b[each] || undefined));
const pause_of = target => pauses?.find(each => same_target(each, target));
const is_paused = target => Boolean(pause_of(target));

// Says that something is paused, since when, and by whom.
function pause_badge(target, text = "Paused") {
  const pause = pause_of(target);
  if (!pause) return null;
  const long = pause.since && ago(pause.since).replace(" ago", "");
  const more = [long && (long === "now" ? "just now" : `for ${long}`), pause.by && `by ${pause.by}`].filter(Boolean).join(", ");
  return h("span.badge", { title: pause.since }, icon("paused"), more ? `${text} ${more}` : text);
}

// A button that pauses or resumes an app, a function or a schedule.
function pause_button(target, kind = "") {
  if (!pauses) return null;
  const paused = is_paused(target);
  const name = target.cron ? "the schedule" : target.function ? "the function" : "the app";
  const press = async event => {
    const path = paused ? "/api/resume" : "/api/pause";
    const done = paused ? `${word(name)} goes on.` : `${word(name)} is paused. ${target.cron ? "It starts no runs" : "Its runs wait"} until you resume it.`;
    if (await act(event.currentTarget, done, () => post(path, target).then(answer => answer ?? {})) === null) return;
    await load_pauses().catch(complain);
    await list().refresh().catch(() => {});
    show_detail();
  };
  return h(`button.button${kind}`, { onclick: press, "aria-label": `${paused ? "Resume" : "Pause"} ${name}${target.cron ? " " + target.cron : ""}` }, paused ? "Resume" : "Pause");
}

async function invoke(item) {
  const known = await api(query("/api/shapes", { function: item.id })).catch(() => ({}));
  // The first event is the type of what a function is invoked with.
  const first = item.triggers[0];
  const shape = known[first?.event ?? (first?.cron ? "inngest/scheduled.timer" : "")] ?? Object.values(known)[0];
  const area = h("textarea.field.mono", { id: "invoke-data", spellcheck: "false" });
  const fields = h("", { id: "invoke-fields" });
  const modes = h(".chips", { role: "group", "aria-label": "How to enter the data" });
  const input = new Payload(area, fields, modes, text => { told.wrong.textContent = text; });
  const told = ask_with_form(`Invoke ${item.name || item.id}`, [modes, fields, h("label", { for: "invoke-data" }, "Data, a JSON object"), area], "Invoke", async () => {
    const { run_id } = await post(`/api/functions/${encodeURIComponent(item.id)}/invoke`, `{"data":${input.text()}}`);
    toast(`Invoked ${item.name || item.id}.`, link({ view: "runs", id: run_id }, "See the run"));
    look();
  });
  input.set(shape, {});
  input.focus();
}

function run_schedule(item, cron, event) {
  act(event.currentTarget, "The schedule runs now, as a run of its own.", () => post("/api/schedules/run", { function: item.id, cron })).then(look);
}

function backfill(item, cron) {
  const input = (id, text) => [h("label", { for: id }, text), h("input.field", { id, type: "datetime-local", step: "60" })];
  const at = id => {
    const given = $(id).value;
    if (!given || Number.isNaN(Date.parse(given))) throw new Wrong("Give a day and a time.", $(id));
    return new Date(given).toISOString();
  };
  ask_with_form("Backfill the schedule", [t("p.soft", `Starts the runs that ${cron} would have started in a span of time.`), input("backfill-from", "From"), input("backfill-until", "Until")], "Start the runs", async () => {
    const span = { from: at("backfill-from"), until: at("backfill-until") };
    if (span.from >= span.until) throw new Wrong("The span must end after its beginning.", $("backfill-until"));
    const answer = await post("/api/schedules/backfill", { function: item.id, cron, ...span });
    const parts = [answer.repeated && `${number(answer.repeated)} ran before`, answer.skipped && `${number(answer.skipped)} skipped`].filter(Boolean);
    toast([`Started ${count(answer.run_ids.length, "run")}`, ...parts].join(", ") + ".");
    look();
  });
}
