// Inputs and keys that work in each view.

const keys = [["↑ ↓", "move through a list"], ["Enter", "open"], ["Esc", "back to the list"], ["/", "search"],
  ["n", "send an event"], ["?", "all keys"], ["1 … 4", "the views"], ["f", "add a filter"], ["v", "saved views"], ["x", "select a run"],
  ["b", "act on all runs that match"], ["r", "rerun the run"], ["c", "cancel the run"]];
const key_rows = rows => rows.map(([key, what]) => [t("", key.split(" ").map(each => each === "…" ? "… " : [t("kbd", each), " "])), t("", what)]);

function open_help() {
  $("help-keys").replaceChildren(...key_rows(keys).flat());
  $("help").showModal();
}
$("help-open").onclick = open_help;
$("help-close").onclick = () => $("help").close();

$("only").onchange = () => change({ function: $("only").value, id: "" });
let typing;
$("find").oninput = () => {
  clearTimeout(typing);
  typing = setTimeout(() => change({ search: $("find").value.trim(), id: "" }), 200);
};
$("find").onkeydown = event => { if (event.key === "ArrowDown" || event.key === "Enter") list().focus(); };
$("fresh").onclick = () => {
  list().reach(0);
  list().focus();
  list().refresh().catch(complain);
};

// The tabs, in the order in which the views were added.
const names = Object.keys(views);
names.forEach((name, at) => {
  const tab = views[name].tab = h("button", { role: "tab", id: "tab-" + name, "aria-controls": "view" }, views[name].title);
  tab.onclick = () => go({ view: name });
  tab.onkeydown = event => {
    const end = names.length - 1;
    const to = names[{ ArrowRight: at < end ? at + 1 : 0, ArrowLeft: at > 0 ? at - 1 : end, Home: 0, End: end }[event.key]];
    if (to) go({ view: to });
    if (to) views[to].tab.focus();
    else if (event.key === "ArrowDown") list().focus();
  };
  $("tabs").append(tab);
});

// What Escape leaves: a search, a selection, the details.
function escape(target) {
  if (target === $("find") && $("find").value) {
    $("find").value = "";
    change({ search: "" });
  }
  else if (list().picking) {
    list().pick(false);
    list().focus();
  }
  else if (route.id) leave();
  else list().focus();
}

onkeydown = event => {
  if (document.querySelector("dialog[open]") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") escape(event.target);
  else if (event.target.closest("input, select, textarea")) return;
  else if (event.key === "/" && !$("find").hidden) $("find").focus();
  else if (event.key === "n") compose();
  else if (event.key === "?") open_help();
  else if (names[event.key - 1]) go({ view: names[event.key - 1] });
  else if (!views[route.view].key?.(event.key, event)) return;
  event.preventDefault();
};
