// Saved views: filters with a name, in this browser.

function saved_views() {
  try {
    const all = JSON.parse(localStorage.views ?? "[]");
    return Array.isArray(all) ? all.filter(each => typeof each?.name === "string" && /^#\//.test(each.address)) : [];
  } catch {
    return [];
  }
}

function keep_views(all) {
  try {
    localStorage.views = JSON.stringify(all);
  } catch (error) { complain(error); }
  draw_saved();
}

function draw_saved() {
  const all = saved_views();
  patch($("saved-list"), all, () => all.length === 0 ? t("p.soft", "None yet. Set filters, and give them a name.") : t(".stack", all.map((each, at) => t("",
    h("a.grow", { href: each.address, onclick: () => $("saved").close() }, each.name),
    h("button.button.small", { type: "button", "aria-label": `Forget ${each.name}`, onclick: () => keep_views(all.filter((_, i) => i !== at)) }, "Forget")))));
}

$("saved-open").onclick = () => {
  draw_saved();
  $("saved-name").value = "";
  $("saved-wrong").textContent = "";
  $("saved").showModal();
  $("saved-name").focus();
};
$("saved").firstElementChild.onsubmit = event => {
  event.preventDefault();
  const name = $("saved-name").value.trim();
  $("saved-wrong").textContent = name ? "" : "Give it a name.";
  if (!name) return $("saved-name").focus();
  keep_views([...saved_views().filter(each => each.name !== name), { name, address: address({ ...route, id: "" }) }]);
  $("saved").close();
  toast(`Saved as ${name}.`);
};
$("saved-close").onclick = () => $("saved").close();
