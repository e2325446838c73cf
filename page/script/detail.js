// The details beside the list: parts that each are drawn anew when they change.

let shown = "";           // the address of what they show

// The parts of the details, made anew for another thing.
function parts(...names) {
  const here = route.view + "/" + route.id;
  if (shown === here && $("part-" + names[0])) return;
  shown = here;
  opened.clear();
  first_step = 0;
  squeeze = true;
  fill_detail(names.map(name => h("", { id: "part-" + name })));
  $("detail").scrollTop = 0;
}

function fill_detail(...nodes) {
  const back = h("button.button.plain.small", { id: "back", onclick: leave }, "← Back");
  $("detail").firstElementChild.replaceChildren(back, ...nodes.flat());
}

function hints() {
  const { one } = views[route.view];
  fill_detail(t(".keys", t("p", `Select ${one} to see more of it.`), key_rows(keys.slice(0, 6))));
}

// Nothing of the last thing stays while the next one is on its way.
function loading_detail() {
  if (shown && shown !== `${route.view}/${route.id}`) fill_detail(h("p.soft", { role: "status" }, "Loading …"));
}

async function show_detail() {
  const { view, id } = route;
  const gone = () => route.view !== view || route.id !== id;
  $("view").classList.toggle("open", Boolean(id));
  if (run?.id !== id) run = null;
  if (!id) {
    hints();
    shown = "";
    return;
  }
  const slow = setTimeout(loading_detail, 300);
  try {
    const draw = await views[view].detail(id);
    if (gone()) return;
    draw();
  } catch (error) {
    if (gone() || (shown === `${view}/${id}` && !error.status)) return;
    fill_detail(t("h2", error.status === 404 ? "Not found" : "That did not work"), t("p.soft", error.message), button("Try again", show_detail));
    shown = "";
  } finally {
    clearTimeout(slow);
  }
  title();
  focus_detail();
}
