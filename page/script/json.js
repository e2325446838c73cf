// JSON as a tree whose parts open and close, to copy and to download.

const is_raw = value => Boolean(JSON.isRawJSON?.(value));
const is_tree = value => value !== null && typeof value === "object" && !is_raw(value);
const few = 50;             // the members that a part shows at first
const short_text = 2000;    // the characters that a text shows at first

function leaf(value) {
  const text = JSON.stringify(value) ?? "null";
  const kind = typeof value === "string" ? "s" : typeof value === "number" || is_raw(value) ? "n" : "b";
  const node = t(`span.${kind}`, text.length > short_text ? text.slice(0, short_text) + "…" : text);
  if (text.length <= short_text) return [node];
  const more = h("button.button.small", { onclick: () => { node.textContent = text; more.remove(); } }, `Show all ${count(text.length, "character")}`);
  return [node, more];
}

const label_of = key => key === undefined ? [] : [t("span.k", JSON.stringify(key)), ": "];

// `room` says how many lines may still be opened at first.
function tree(key, value, room, open) {
  if (!is_tree(value)) return t(".leaf", label_of(key), leaf(value));
  const all = Array.isArray(value) ? value : Object.entries(value);
  const [begin, end] = Array.isArray(value) ? "[]" : "{}";
  if (!all.length) return t(".leaf", label_of(key), begin + end);
  const body = h(".branch");
  const size = Array.isArray(value) ? count(all.length, "item") : count(all.length, "member");
  const node = h("details.tree", {}, t("summary", label_of(key), t("span.fold", `${begin} … ${end}`), t("span.unfold", begin), " ", t("span.soft", size)), body);
  const draw = () => {
    if (body.mark) return;
    body.mark = "drawn";
    show_members(body, all, Array.isArray(value), 0, room);
  };
  node.ontoggle = () => { if (node.open) draw(); };
  if (open || (room.lines > all.length && all.length <= few)) {
    room.lines -= all.length;
    node.open = true;
    draw();
  }
  return node;
}

function show_members(body, all, is_array, from, room, many = few) {
  body.append(...all.slice(from, from + many).map(each => is_array ? tree(undefined, each, room) : tree(each[0], each[1], room)));
  const next = from + many;
  if (next >= all.length) return;
  const more = h("button.button.small", { onclick: () => {
    const at = body.children.length - 1;
    more.remove();
    show_members(body, all, is_array, next, { lines: 0 }, 500);
    body.children[at]?.querySelector("summary")?.focus();
  } }, `Show ${number(Math.min(500, all.length - next))} more of ${number(all.length)}`);
  body.append(more);
}

function download(text, name) {
  const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

// `name` is that of the file to download, without its end.
function json(value, label, name = label.toLowerCase()) {
  const acts = t("span.acts",
    navigator.clipboard && h("button.button.small", { "aria-label": `Copy ${label}`, onclick: () => navigator.clipboard.writeText(pretty(value)).then(() => toast("Copied."), complain) }, "Copy"),
    h("button.button.small", { "aria-label": `Download ${label}`, onclick: () => download(pretty(value), `${name.replace(/[^\w.-]+/g, "-")}.json`) }, "Download"));
  return h(".json", { role: "group", "aria-label": label }, acts, tree(undefined, value, { lines: 40 }, true));
}
