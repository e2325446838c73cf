// The form that sends an event.

const payload = new Payload($("send-data"), $("send-fields"), $("send-modes"), text => { $("send-data-wrong").textContent = text; });
let shapes = {};

// The shape of an event's data. A trigger may end with a wildcard.
function shape_of(name) {
  const pattern = Object.keys(shapes).find(each => each.endsWith("*") && name.startsWith(each.slice(0, -1)));
  return shapes[name] ?? shapes[pattern];
}

function compose(name, data) {
  payload.set(null);
  if (name !== undefined) fill(name, data);
  $("send-data").value ||= "{}";
  check();
  offer();
  Promise.all([load_functions(), api("/api/shapes").then(found => { shapes = found; })]).then(() => {
    offer();
    if ($("send").open) know_shape();
  }, () => {});
  $("send").showModal();
  if (name === undefined) $("send-name").focus();
  else payload.focus();
}

// The data of the last such event is the best first guess. A trigger may end with a wildcard; an event may not.
function fill(name, data) {
  $("send-name").value = name.replace(/\*+$/, "");
  const last = views.events.list.items.find(event => event.name === name)?.event.data;
  payload.set(shape_of(name), data ?? last ?? {});
  check();
}

// Shows the fields of the named event, if they are known.
function know_shape() {
  const shape = shape_of($("send-name").value.trim());
  if ((shape?.fields ? shape : null) === payload.shape) return;
  const held = payload.fields.contains(document.activeElement) || document.activeElement === $("send-data");
  try {
    if (payload.root) payload.area.value = pretty(parsed(payload.root.read()));
  } catch { /* Then the text is what it was before. */ }
  payload.set(shape);
  if (held) payload.focus();
}

function offer() {
  const names = [...new Set(functions.flatMap(item => item.triggers.map(each => each.event)))].filter(Boolean).slice(0, 60);
  patch($("known"), names, () => names.map(name => h("button.chip.mono", { type: "button", onclick: () => {
    fill(name);
    payload.focus();
  } }, name)));
}

// Whether the form can be sent. Says what is wrong; with the name only when asked to.
function check(strict) {
  let wrong = null;
  try { payload.text(); } catch (error) { wrong = error; }
  if (wrong && !strict && payload.root) wrong = null;  // fields are filled in one after another
  const mark = (input, line, text) => {
    if (input) input.ariaInvalid = text !== "";
    line.textContent = text;
    if (strict && text) input?.focus();
    return text === "";
  };
  const good = mark(wrong?.input ?? (payload.root ? null : $("send-data")), $("send-data-wrong"), wrong?.message ?? "");
  const named = $("send-name").value.trim() !== "";
  return mark($("send-name"), $("send-name-wrong"), strict && !named ? "An event needs a name." : "") && named && good;
}

async function send() {
  if (!check(true)) return;
  const name = $("send-name").value.trim();
  // The text goes as it was typed, so no number loses a digit.
  const body = `{"name":${JSON.stringify(name)},"data":${payload.text()}}`;
  $("send-go").disabled = true;
  try {
    const { ids } = await api("/e/page", { method: "POST", headers: as_json, body });
    $("send").close();
    toast(`Sent ${name}.`, link({ view: "events", id: ids[0] }, "See it"));
    look();
  } catch (error) { $("send-data-wrong").textContent = error.message; }
  $("send-go").disabled = false;
}

$("compose").onclick = () => compose();
$("send-close").onclick = () => $("send").close();
$("send").firstElementChild.onsubmit = event => { event.preventDefault(); send(); };
$("send").oninput = event => {
  if (event.target === $("send-name")) know_shape();
  check();
};
$("send").onkeydown = event => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) send(); };
