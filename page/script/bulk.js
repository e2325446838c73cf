// Selecting runs, and acting on those, or on all that match the filters.

const run_actions = {
  rerun: { words: "Rerun", done: "started again", act: id => post(`/api/runs/${encodeURIComponent(id)}/rerun`) },
  cancel: { words: "Cancel", done: "cancelled", act: id => cancel_run(id) },
};

function picks_changed(which) {
  which.render();
  draw_picks();
}

function draw_picks() {
  const here = list();
  const can = views[route.view].picks;
  $("pick").hidden = !can;
  $("pick").ariaPressed = here.picking;
  $("picked").hidden = !can || !here.picking;
  if ($("picked").hidden) return;
  const n = here.picked.size;
  patch($("picked"), [n, features.bulk], () => [t("b", `${number(n)} selected`),
    Object.entries(run_actions).map(([name, action]) => h("button.button.small", { disabled: n === 0 && "", onclick: () => act_on_picked(name) }, action.words)),
    features.bulk && button("All that match…", open_bulk, ".small"),
    button("Done", () => { here.pick(false); here.focus(); }, ".small.plain")].flat());
  say(`${number(n)} selected`);
}

// One after another. What went wrong is said once, with the number.
async function act_on_picked(name) {
  const ids = [...list().picked];
  const { words, done, act } = run_actions[name];
  if (!await ask(`${words} ${count(ids.length, "run")}?`, name === "cancel" ? "They stop before their next steps. What their steps have done stays done." : "Each starts from the beginning, as a new run.", `${words} ${count(ids.length, "run")}`, name === "cancel")) return;
  let good = 0;
  const wrong = [];
  for (const id of ids) {
    try {
      await act(id);
      ++good;
    } catch (error) { wrong.push(error.message); }
  }
  list().pick(false);
  if (good) toast(`${count(good, "run")} ${done}.`);
  if (wrong.length) toast(`${number(wrong.length)} failed: ${wrong[0]}`, null, true);
  look();
}

// All that match.

let counted = null;  // what the dry run has counted
const bulk_action = () => document.querySelector("input[name=bulk-action]:checked").value;

async function open_bulk() {
  const set = Object.entries(chosen()).flatMap(([name, value]) => [value].flat().map(each => filter_kinds[name] ? filter_words(name, each) : `${word(name)}: ${each}`));
  $("bulk-filter").textContent = set.length ? `Runs with ${set.join(", ")}` : "All runs: no filter is set.";
  $("bulk-wrong").textContent = "";
  $("bulk-sure").checked = false;
  if (!$("bulk").open) $("bulk").showModal();
  await count_bulk();
}

function bulk_body() {
  const action = bulk_action();
  const where = action === "rerun" && $("bulk-where").value;
  const is_all = Object.keys(chosen()).every(name => name === "by");
  return { action, filter: chosen(), ...(is_all && { all: true }), ...(where === "failed" && { from_failed_step: true }), ...(where === "step" && { from_step: $("bulk-step").value.trim() }) };
}

async function count_bulk() {
  counted = null;
  draw_bulk();
  try {
    const asked = bulk_body();
    const got = await post("/api/bulk", { ...asked, from_step: asked.from_step || undefined, dry_run: true });
    if (JSON.stringify(asked) === JSON.stringify(bulk_body())) counted = got.count;
    $("bulk-wrong").textContent = "";
  } catch (error) { $("bulk-wrong").textContent = error.message; }
  draw_bulk();
}

function draw_bulk() {
  const action = bulk_action();
  $("bulk-from").hidden = action !== "rerun";
  $("bulk-step").hidden = $("bulk-where").value !== "step";
  $("bulk-sure").parentElement.hidden = action !== "remove";
  $("bulk-count").textContent = counted === null ? "Counting …" : counted ? `${count(counted, "run")} will be ${{ rerun: "run again", cancel: "cancelled", remove: "deleted" }[action]}.` : "No run matches.";
  $("bulk-go").textContent = `${{ rerun: "Rerun", cancel: "Cancel", remove: "Delete" }[action]}${counted ? ` ${count(counted, "run")}` : ""}`;
  $("bulk-go").classList.toggle("bad", action !== "rerun");
  $("bulk-go").disabled = !counted || (action === "remove" && !$("bulk-sure").checked);
}

// What is wrong with the form, and where.
function wrong_in_bulk() {
  const per_second = Number($("bulk-rate").value);
  if (!Number.isInteger(per_second) || per_second < 1 || per_second > 10000) return ["A whole number from 1 to 10,000.", $("bulk-rate")];
  if (bulk_body().from_step === "") return ["Which step?", $("bulk-step")];
  return ["", null];
}

async function start_bulk() {
  const [wrong, where] = wrong_in_bulk();
  $("bulk-wrong").textContent = wrong;
  if (wrong) return where.focus();
  $("bulk-go").disabled = true;
  try {
    const begun = await post("/api/bulk", { ...bulk_body(), per_second: Number($("bulk-rate").value) });
    seen_running.add(begun.id);
    $("bulk").close();
    list().pick(false);
    toast("It goes on by itself, also after a restart.");
    await load_works();
    look();
  } catch (error) { $("bulk-wrong").textContent = error.message; }
  draw_bulk();
}

for (const each of document.querySelectorAll("input[name=bulk-action]")) each.onchange = count_bulk;
$("bulk-where").onchange = count_bulk;
$("bulk-sure").onchange = draw_bulk;
$("bulk-close").onclick = () => $("bulk").close();
$("bulk").firstElementChild.onsubmit = event => { event.preventDefault(); start_bulk(); };
$("pick").onclick = () => {
  list().pick(!list().picking);
  if (list().picking) list().focus();
};

// Bulk work that goes on, or has ended since the page was opened.

let works = [];
const seen_running = new Set();
const goes_on = each => ["running", "queued", "waiting"].includes(each.state);

async function load_works() {
  if (!features.bulk) return;
  try {
    const got = await api("/api/bulk");
    works = got.operations;
  } catch { return; }
  for (const each of works.filter(goes_on)) seen_running.add(each.id);
  draw_works();
}

function draw_works() {
  const shown_works = works.filter(each => seen_running.has(each.id)).slice(0, 5);
  $("works").hidden = route.view !== "runs" || !shown_works.length;
  patch($("works"), shown_works, () => shown_works.map(each => t(".work",
    t("span.grow", t("b", word(each.action)), ` ${number(each.done + each.failed)} of ${number(each.total)}`, each.failed > 0 && h("span.word", { "data-s": "failed" }, `, ${number(each.failed)} failed`), !goes_on(each) && `, ${each.state}`),
    h("progress", { max: each.total || 1, value: each.done + each.failed, "aria-label": `${word(each.action)} in bulk` }),
    goes_on(each) ? button("Stop", () => stop_work(each.id), ".small")
      : h("button.cross", { "aria-label": "Dismiss", onclick: () => { seen_running.delete(each.id); draw_works(); } }, "×"))));
}

async function stop_work(id) {
  try {
    await post(`/api/bulk/${encodeURIComponent(id)}/stop`);
    await load_works();
  } catch (error) { complain(error); }
}
