// #/runs/<id>?status=failed&status=cancelled&function=<id>&search=<text>

// The views by their names, in the order of their tabs. The file of a view adds it:
//   title    the tab's text
//   one      what its list has, such as "a run"
//   load     gets {limit, before}, returns {<name>: items, next}
//   draw     fills a row of the list with an item
//   detail   gets an id, returns a function that draws the details
//   filters  the parameters of the address that it understands: see filters.js
//   find     the hint in the search field, if it has one
//   none     what an empty list says
//   picks    whether its rows can be selected
//   key      gets a key and the event, returns whether the key did something
const views = {};
function add_view(name, view) {
  views[name] = { name, filters: [], ...view, list: new List(name, view.load, view.draw) };
}
const list = () => views[route.view].list;

// The parameters that may be given more than once are arrays.
const no_filters = { status: [], tag: [], function: "", app: "", event: "", event_id: "", error: "", key: "", where: "", name: "",
  from: "", until: "", repeated: "", by: "", search: "" };
let route = { ...no_filters, view: "runs", id: "" };

function read_hash() {
  const [path, text] = location.hash.replace(/^#\/?/, "").split("?");
  const [view, id = ""] = path.split("/");
  const params = new URLSearchParams(text);
  const out = { ...no_filters };
  for (const name of Object.keys(no_filters)) out[name] = Array.isArray(no_filters[name]) ? params.getAll(name) : params.get(name) ?? "";
  return { ...out, view: views[view] ? view : "runs", id: new URLSearchParams("id=" + id).get("id") };
}

const address = ({ view, id, ...filters }) => query(`#/${view}${id ? "/" + encodeURIComponent(id) : ""}`, filters);
const go = to => { location.hash = address(to); };
const change = to => go({ ...route, ...to });

// The filters of the view that are set.
const chosen = () => Object.fromEntries(views[route.view].filters.map(name => [name, route[name]]).filter(([, value]) => value?.length));
const filtered = () => Object.keys(chosen()).length > 0;
