// Elements, and what fills them.

const $ = id => document.getElementById(id);

// Nothing that the server says is read as markup: children that are not nodes are text.
function h(spec, props, ...children) {
  const [tag, ...classes] = spec.split(".");
  const node = document.createElement(tag || "div");
  if (classes.length) node.className = classes.join(" ");
  for (const [name, value] of Object.entries(props ?? {})) {
    if (name.startsWith("on")) node[name] = value;
    else if (value !== undefined && value !== false) node.setAttribute(name, value);
  }
  node.append(...children.flat(3).filter(child => child || child === 0));
  return node;
}

const t = (spec, ...children) => h(spec, {}, ...children);

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  const known = $("s-" + name) ? name : "planned";
  use.setAttribute("href", "#s-" + known);
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", known);
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

// Fills a node anew when what it shows changed. The focus stays at what is in its place.
function patch(node, value, build) {
  const mark = JSON.stringify(value) ?? "";
  if (node.mark === mark) return;
  node.mark = mark;
  const all = () => [...node.querySelectorAll("a, button, summary, [tabindex]")];
  const held = document.activeElement;
  const at = all().indexOf(held);
  node.replaceChildren(...[build()].flat().filter(Boolean));
  if (at < 0) return;
  const now = all()[at];
  (now?.className === held.className ? now : $("detail")).focus({ preventScroll: true });
}

function place(node, left, width) {
  node.style.left = `${left}%`;
  if (width !== undefined) node.style.width = `${width}%`;
  return node;
}

const say = text => { $("live").textContent = text; };

function toast(text, link, bad) {
  const node = t(bad ? ".toast.bad" : ".toast", t(".grow", text), link,
    h("button", { "aria-label": "Dismiss", onclick: () => node.remove() }, "×"));
  $("toasts").append(node);
  while ($("toasts").children.length > 4) $("toasts").firstChild.remove();
  setTimeout(() => node.remove(), 8000);
}
const complain = error => toast(error.message, null, true);
