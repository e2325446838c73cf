// The filters of a view as chips, and the form that adds one. The address has them all.

// What a filter is called, and how it is entered: as text, a time, or one of some values. Known values are offered.
const filter_kinds = {
  function: { name: "Function", offer: () => functions.map(item => item.id) },
  app: { name: "App", offer: () => functions.map(item => item.app) },
  event: { name: "Event name", offer: () => functions.flatMap(item => item.triggers.map(each => each.event)) },
  event_id: { name: "Event id" },
  name: { name: "Name", offer: () => functions.flatMap(item => item.triggers.map(each => each.event)) },
  error: { name: "Error", hint: "a part of the error's name or message" },
  tag: { name: "Tag", hint: "name:value", wrong: text => /^[^:]+:/.test(text) ? "" : "A tag is written as name:value." },
  key: { name: "Key", hint: "a concurrency or idempotency key" },
  where: { name: "Condition", hint: "event.data.total > 100" },
  from: { name: "From", type: "datetime-local" },
  until: { name: "Until", type: "datetime-local" },
  repeated: { name: "Repeated since", values: ["false", "true"], words: { false: "no", true: "yes" } },
  by: { name: "Time of", values: ["queued", "started", "ended"] },
};

// The function has a field of its own, and a search is in the search field.
const in_chips = () => views[route.view].filters.filter(name => filter_kinds[name] && (name !== "function" || $("only").hidden));

function filter_words(name, value) {
  const { type, words = {} } = filter_kinds[name];
  const shown = type ? new Date(value).toLocaleString("sv").slice(0, 16) : words[value] ?? value;
  return `${filter_kinds[name].name}: ${shown}`;
}

function without(name, value) {
  change({ [name]: Array.isArray(route[name]) ? route[name].filter(each => each !== value) : "", id: "" });
  setTimeout(() => ($("filters").querySelector(".cross") ?? $("add-filter")).focus());
}

function draw_filters() {
  const set = in_chips().flatMap(name => [route[name]].flat().filter(Boolean).map(value => [name, value]));
  $("add-filter").hidden = !in_chips().length || (route.view === "runs" && !features.find);
  $("filters").hidden = !set.length;
  patch($("filters"), set, () => set.map(([name, value]) => t("span.chip.filter",
    h("button.grow.text", { title: value, onclick: () => edit_filter(name, value) }, filter_words(name, value)),
    h("button.cross", { "aria-label": `Remove ${filter_words(name, value)}`, onclick: () => without(name, value) }, "×"))));
}

// Times are entered in the reader's time zone, and asked for in UTC.
const local_time = text => {
  const at = new Date(text);
  return new Date(at - at.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
};

let replaced = null;  // the filter that the form changes
function edit_filter(name, value) {
  replaced = name ? [name, value] : null;
  const kinds = in_chips();
  patch($("filter-kind"), kinds, () => kinds.map(each => h("option", { value: each }, filter_kinds[each].name)));
  $("filter-kind").value = name ?? kinds[0];
  filter_kind_changed();
  const field = filter_field();
  field.value = value === undefined ? (field.tagName === "SELECT" ? filter_kinds[$("filter-kind").value].values[0] : "") : field.type === "datetime-local" ? local_time(value) : value;
  $("filter-wrong").textContent = "";
  $("filter").showModal();
  (name ? field : $("filter-kind")).focus();
}

const filter_field = () => $("filter-choice").hidden ? $("filter-value") : $("filter-choice");

function filter_kind_changed() {
  const kind = filter_kinds[$("filter-kind").value];
  $("filter-choice").hidden = !kind.values;
  $("filter-value").hidden = Boolean(kind.values);
  $("filter-value").type = kind.type ?? "text";
  $("filter-value").placeholder = kind.hint ?? "";
  $("filter-value-label").htmlFor = filter_field().id;
  patch($("filter-choice"), kind.values, () => (kind.values ?? []).map(each => h("option", { value: each }, word(kind.words?.[each] ?? each))));
  const offers = [...new Set(kind.offer?.() ?? [])].filter(Boolean).slice(0, 200);
  patch($("filter-known"), offers, () => offers.map(value => h("option", { value })));
}

function set_filter() {
  const name = $("filter-kind").value;
  const text = filter_field().value.trim();
  const kind = filter_kinds[name];
  const wrong = text ? kind.wrong?.(text) ?? "" : "Enter what to look for.";
  $("filter-wrong").textContent = wrong;
  filter_field().ariaInvalid = wrong !== "";
  if (wrong) return filter_field().focus();
  const value = kind.type ? new Date(text).toISOString() : text;
  const to = { id: "" };
  if (replaced) to[replaced[0]] = Array.isArray(route[replaced[0]]) ? route[replaced[0]].filter(each => each !== replaced[1]) : "";
  to[name] = Array.isArray(route[name]) ? [...new Set([...(to[name] ?? route[name]), value])] : value;
  $("filter").close();
  change(to);
}

$("add-filter").onclick = () => edit_filter();
$("filter-kind").onchange = () => {
  filter_kind_changed();
  filter_field().value = filter_kinds[$("filter-kind").value].values?.[0] ?? "";
};
$("filter").firstElementChild.onsubmit = event => { event.preventDefault(); set_filter(); };
$("filter-close").onclick = () => $("filter").close();
