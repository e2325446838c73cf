// What surrounds the views.

function nothing_here(which) {
  if (which.problem) return [t("p", which.problem), button("Try again", () => { which.next = undefined; which.more(); })];
  if (which.loading || which.next === undefined) return [h("p", { role: "status" }, "Loading …")];
  if (filtered()) return [t("p", "Nothing matches."), button("Clear the filters", () => go({ view: route.view }))];
  return [t("p", views[route.view].none), ["runs", "events"].includes(route.view) && button("Send an event", () => compose())];
}

let sequence = -1;
let counts = {};
let total = 0;

function leave() {
  change({ id: "" });
  setTimeout(() => list().focus());
}

function title() {
  const what = run ? `${run.function_name || run.function}: ${run.status}` : views[route.view].title;
  document.title = `${what} · inngest-cpp`;
}

function show() {
  route = read_hash();
  const { filters, find } = views[route.view];
  for (const view of Object.values(views)) {
    const here = view.name === route.view;
    view.tab.ariaSelected = here;
    view.tab.tabIndex = here ? 0 : -1;
  }
  $("view").setAttribute("aria-labelledby", "tab-" + route.view);
  $("bar").hidden = filters.length === 0 && !find;
  $("status").hidden = !filters.includes("status");
  $("only").hidden = !filters.includes("function");
  $("saved-open").hidden = route.view !== "runs";
  $("find").hidden = !find;
  $("find").placeholder = $("find").ariaLabel = find ?? "";
  if (document.activeElement !== $("find")) $("find").value = route.search;
  $("only").value = route.function;
  draw_chips();
  draw_filters();
  const asked = JSON.stringify(chosen());
  const changed = list().asked !== asked;
  list().asked = asked;
  if (changed) list().clear();
  for (const view of Object.values(views)) view.list.render();
  draw_picks();
  draw_works();
  load_chart();
  list().refresh().then(() => { if (changed && filtered()) say(`${count(list().items.length, "row")}${list().next ? " or more" : ""}.`); }, () => {});
  show_detail();
  title();
}

function toggle_status(status) {
  if (!status) return change({ status: [], id: "" });
  change({ status: route.status.includes(status) ? route.status.filter(each => each !== status) : features.find ? [...route.status, status] : [status], id: "" });
}

function draw_chips() {
  const known = features.find ? statuses : counted_always;
  patch($("status"), [counts, route.status, known], () => ["", ...known].map(status => h("button.chip",
    { "data-s": status, "aria-pressed": status ? route.status.includes(status) : !route.status.length, onclick: () => toggle_status(status) },
    status && icon(status), status ? word(status) : "All", (!status || status in counts) && t("b", number(status ? counts[status] : total)))));
}

function connected(state) {
  const text = state ? `${state.mode === "sqlite" ? "SQLite" : "In memory"} · ${state.version}` : "No connection";
  const label = $("link").lastElementChild;
  if (label.textContent === text) return;
  label.textContent = text;
  $("link").classList.toggle("lost", !state);
  if (!state) say("The engine does not answer. Trying again.");
}
