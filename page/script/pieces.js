// What the details of all views are made of.

const badge = status => h("span.badge", { "data-s": status }, icon(status), word(status));
const fact = (name, ...value) => t("", t("dt", name), t("dd", value));
const section = (title, ...children) => t("section", t(".heading", t("h3", title)), children);
const button = (text, onclick, kind = "") => h(`button.button${kind}`, { onclick }, text);
const link = (to, ...text) => h("a", { href: address(to) }, text);
const cells = (tag, values) => t("tr", values.map(value => h(tag, {}, value)));
const table = (names, rows, label = "Table") => h(".scroll", { tabindex: "0", role: "group", "aria-label": label }, t("table", t("thead", cells("th", names)), t("tbody", rows.map(row => cells("td", row)))));
const status_word = s => h("span.word", { "data-s": s }, icon(s), word(s));

function copyable(text) {
  const copy = () => navigator.clipboard.writeText(text).then(() => toast("Copied."), complain);
  return navigator.clipboard ? h("button.copy.mono", { title: "Copy", "aria-label": `Copy ${text}`, onclick: copy }, text) : t("span.mono", text);
}

function head(title, below, buttons) {
  return t(".top", t(".grow", t("h2", title), t(".line", below)), t(".acts", buttons));
}
