"use strict";

const $ = id => document.getElementById(id);
const time = text => Date.parse(text);
const live = run => run.status === "queued" || run.status === "running";
const statuses = ["queued", "running", "completed", "failed", "cancelled"];
const word = status => status === "timed_out" ? "Timed out" : status[0].toUpperCase() + status.slice(1);
const number = n => n.toLocaleString("en");
const count = (n, one, many = one + "s") => `${number(n)} ${n === 1 ? one : many}`;

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

function took(ms) {
  if (ms < 1000) return ms > 0 && ms < 1 ? "<1 ms" : `${Math.round(ms)} ms`;
  const s = ms / 1000;
  if (s < 60) return `${s.toFixed(s < 10 ? 2 : 1)} s`;
  const [big, unit, small, part] = [[86400, "d", 3600, "h"], [3600, "h", 60, "m"], [60, "m", 1, "s"]].find(each => s >= each[0]);
  const rest = Math.floor(s % big / small);
  return `${Math.floor(s / big)} ${unit}` + (rest ? ` ${rest} ${part}` : "");
}

function ago(text) {
  const s = (Date.now() - time(text)) / 1000;
  if (s < 5) return "now";
  const [unit, name] = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]].find(each => s >= each[0]);
  return `${Math.floor(s / unit)} ${name} ago`;
}

// In the reader's time zone; the title has it in UTC.
function stamp(text, date = true) {
  if (!text) return "–";
  const at = new Date(text);
  const local = new Date(at - at.getTimezoneOffset() * 60000).toISOString();
  return h("time", { datetime: text, title: text }, local.slice(date ? 0 : 11, 23).replace("T", " "));
}

const lasted = (each, from = each.started_at) => from ? (each.ended_at ? time(each.ended_at) : Date.now()) - time(from) : undefined;

// Whole numbers beyond 2^53 stay as they were written, where the browser can.
const exact = (key, value, context) =>
  Number.isInteger(value) && !Number.isSafeInteger(value) && context?.source && JSON.rawJSON ? JSON.rawJSON(context.source) : value;
const pretty = value => JSON.stringify(value, null, 2);
const say = text => { $("live").textContent = text; };

function toast(text, link, bad) {
  const node = t(bad ? ".toast.bad" : ".toast", t(".grow", text), link,
    h("button", { "aria-label": "Dismiss", onclick: () => node.remove() }, "×"));
  $("toasts").append(node);
  while ($("toasts").children.length > 4) $("toasts").firstChild.remove();
  setTimeout(() => node.remove(), 8000);
}
const complain = error => toast(error.message, null, true);

// The engine's API.

const as_json = { "content-type": "application/json" };
const failure = (text, status) => Object.assign(new Error(text), { status });

async function api(path, options) {
  let response;
  try {
    response = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(15000), ...options });
  } catch {
    throw new Error("The engine does not answer.");
  }
  const text = await response.text();
  let body = null;
  try {
    body = text ? JSON.parse(text, exact) : null;
  } catch {
    if (response.ok) throw new Error(`${path}: the answer is no JSON.`);
  }
  if (!response.ok) throw failure(body?.error ?? `${path}: status ${response.status}`, response.status);
  return body;
}

function query(path, params) {
  const given = Object.entries(params).filter(each => each[1]);
  return given.length ? `${path}?${new URLSearchParams(given)}` : path;
}

// #/runs/<id>?status=failed&function=<id>&search=<text>

const views = ["runs", "events", "functions"];
let route = { view: "runs", id: "", status: "", function: "", search: "" };

function read_hash() {
  const [path, params] = location.hash.replace(/^#\/?/, "").split("?");
  const [view, id = ""] = path.split("/");
  const given = Object.fromEntries(new URLSearchParams(params));
  return { status: "", function: "", search: "", ...given, view: views.includes(view) ? view : "runs", id: new URLSearchParams("id=" + id).get("id") };
}

const address = ({ view, id, ...filters }) => query(`#/${view}${id ? "/" + encodeURIComponent(id) : ""}`, filters);
const go = to => { location.hash = address(to); };
const change = to => go({ ...route, ...to });
const filtered = () => route.status || route.function || route.search;

// A list draws the rows in sight only, and loads the others page by page.

const row_height = 62;
const page_size = 100;

class List {
  constructor(name, load, draw) {
    Object.assign(this, { name, load, draw, rows: new Map() });
    this.sheet = h(".sheet", { role: "presentation" });
    this.box = h(".list", { id: "list-" + name, role: "listbox", tabindex: "0", "aria-label": word(name),
      onkeydown: event => this.key(event),
      onscroll: () => {
        this.render();
        clearTimeout(this.settling);
        this.settling = setTimeout(() => this.settle(), 150);
      },
      onfocus: () => {
        this.active ??= route.id || this.items[this.first()]?.id;
        this.render();
      },
      onclick: event => {
        const id = event.target.closest(".row")?.dataset.id;
        if (id !== undefined) this.open(id, false);
      } }, this.sheet);
    this.box.hidden = true;
    this.none = h(".none");
    $("side").append(this.box, this.none);
    new ResizeObserver(() => this.render()).observe(this.box);
    this.clear();
  }

  clear() {
    Object.assign(this, { items: [], next: undefined, active: null, loading: false, turn: (this.turn ?? 0) + 1, total: 0 });
    this.box.scrollTop = 0;
  }

  first() { return Math.floor(this.box.scrollTop / row_height); }
  shown() { return Math.ceil(this.box.clientHeight / row_height) + 1; }

  // Null when the list was cleared.
  async fetch(before, limit) {
    const turn = this.turn;
    const seen = sequence;
    const { [this.name]: items, next } = await this.load({ limit, before });
    if (turn !== this.turn) return null;
    for (const item of items) item.seen = seen;
    return { items, next };
  }

  async more() {
    if (this.loading || this.next === null) return;
    this.loading = true;
    const turn = this.turn;
    let page = null;
    try {
      page = await this.fetch(this.next, page_size);
    } catch (error) {
      complain(error);
      if (turn === this.turn) this.next = null;
    }
    if (turn !== this.turn) return;
    this.loading = false;
    this.total ||= total;
    if (page) {
      this.items.push(...page.items);
      this.next = page.next;
    }
    this.render();
  }

  // Fetches the rows in sight again. At the top the new ones come along; further down nothing may move.
  async refresh() {
    if (this.next === undefined) return this.more();
    const from = this.first();
    const before = from ? this.items[from - 1]?.id : undefined;
    const page = await this.fetch(before, from ? this.shown() : page_size);
    if (!page) return;
    if (!from) this.total = total;
    this.merge(before, page);
    this.render();
  }

  // Ids are ULIDs, newest first: a page replaces all that lies in its range.
  merge(before, page) {
    const last = page.items.at(-1)?.id;
    const apart = !before && page.next && last > this.items[0]?.id;
    const above = before ? this.items.filter(item => item.id >= before) : [];
    const below = page.next === null || apart ? [] : this.items.filter(item => item.id < last);
    if (!below.length) this.next = page.next;
    this.items = [...above, ...page.items, ...below];
  }

  // Rows that were loaded long ago may have changed since.
  settle() {
    const sight = this.items.slice(this.first(), this.first() + this.shown());
    if (sight.some(item => item.seen !== sequence)) this.refresh().catch(() => {});
  }

  render() {
    const here = this === list();
    this.none.hidden = !here || this.items.length > 0 || this.next !== null;
    if (!here || !this.box.clientHeight) return;
    const from = Math.max(0, this.first() - 4);
    const wanted = this.items.slice(from, this.first() + this.shown() + 4);
    const keep = new Set(wanted.map(item => item.id));
    this.sheet.style.height = `${this.items.length * row_height}px`;
    for (const [id, row] of this.rows) {
      if (keep.has(id)) continue;
      row.remove();
      this.rows.delete(id);
    }
    wanted.forEach((item, position) => this.put(item, from + position, position));
    this.box.setAttribute("aria-busy", this.loading);
    this.box.setAttribute("aria-activedescendant", this.rows.get(this.active)?.id ?? "");
    if (!this.none.hidden) patch(this.none, filtered(), nothing_here);
    $("fresh").hidden = this.name !== "runs" || !this.first() || total <= this.total;
    if (from + wanted.length + 20 >= this.items.length && this.next) this.more();
  }

  put(item, index, position) {
    let row = this.rows.get(item.id);
    if (!row) this.rows.set(item.id, row = h(".row", { role: "option", id: `${this.name}-${item.id}`, "data-id": item.id }));
    const there = this.sheet.children[position];
    if (there !== row) this.sheet.insertBefore(row, there ?? null);
    row.style.transform = `translateY(${index * row_height}px)`;
    row.ariaPosInSet = index + 1;
    row.ariaSetSize = this.next === null ? this.items.length : -1;
    row.ariaSelected = item.id === route.id;
    row.classList.toggle("active", item.id === this.active);
    this.draw(row, item);
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = this.items.findIndex(item => item.id === this.active);
    const page = Math.max(1, this.shown() - 3);
    const end = this.items.length - 1;
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: end }[event.key];
    if (to !== undefined) this.reach(Math.max(0, Math.min(end, to)));
    else if (event.key === "Enter" || event.key === " ") this.open(this.active, true);
    else return;
    event.preventDefault();
  }

  reach(index) {
    this.active = this.items[index]?.id ?? null;
    const top = index * row_height;
    this.box.scrollTop = Math.min(top, Math.max(this.box.scrollTop, top + row_height - this.box.clientHeight));
    this.render();
  }

  // With the keyboard the focus goes along; Escape brings it back.
  open(id, follow) {
    if (!id) return;
    this.active = id;
    follow_focus = follow || $("detail").clientWidth === 0;
    if (id === route.id) focus_detail();
    change({ id });
    this.render();
  }
}

let follow_focus = false;
function focus_detail() {
  if (follow_focus) $("detail").focus({ preventScroll: true });
  follow_focus = false;
}

function nothing_here() {
  if (filtered()) return [t("p", "Nothing matches."), h("button.button", { onclick: () => go({ view: route.view }) }, "Clear the filters")];
  if (route.view === "functions") return [t("p", "No functions yet. They appear when an app registers them.")];
  return [t("p", `No ${route.view} yet.`), h("button.button", { onclick: () => compose() }, "Send an event")];
}

function draw_run(row, run) {
  row.dataset.s = run.status;
  const ms = lasted(run);
  const text = ms === undefined ? "" : took(ms);
  patch(row, [run.status, ago(run.queued_at), text], () => [icon(run.status),
    t(".name", run.function_name || run.function, t("span", run.event_name)), t(".when", ago(run.queued_at)),
    t(".under.mono", run.id), t(".under.end", t("span.word", word(run.status)), text)]);
}

function draw_event(row, event) {
  patch(row, [ago(event.received_at), event.runs], () => [icon("bolt"),
    t(".name", event.name), t(".when", ago(event.received_at)), t(".under.mono", event.id),
    t(".under.end", event.runs.slice(0, 4).map(run => h("span.word", { "data-s": run.status, title: word(run.status) }, icon(run.status))),
      event.runs.length ? count(event.runs.length, "run") : "no run")]);
}

function draw_function(row, item) {
  patch(row, item, () => [icon("code"), t(".name", item.name || item.id), t(".when", item.app),
    t(".under.mono", item.id), t(".under.end", item.triggers.map(each => each.event ?? each.cron).join(", "))]);
}

const lists = {
  runs: new List("runs", ask => api(query("/api/runs", { ...ask, status: route.status, function: route.function, search: route.search })), draw_run),
  events: new List("events", ask => api(query("/api/events", ask)), draw_event),
  functions: new List("functions", async () => {
    await load_functions();
    const text = route.search.toLowerCase();
    return { functions: functions.filter(item => JSON.stringify([item.id, item.name, item.triggers]).toLowerCase().includes(text)), next: null };
  }, draw_function),
};

let functions = [];
async function load_functions() {
  functions = (await api("/api/functions")).functions;
  patch($("only"), functions.map(item => [item.id, item.name]), () =>
    [h("option", { value: "" }, "All functions"), functions.map(item => h("option", { value: item.id }, item.name || item.id))].flat());
  $("only").value = route.function;
}

// Details.

let shown = "";           // the address of what they show
let run = null;           // the run that they show
let squeeze = true;
let first_step = 0;
const opened = new Set(); // the steps whose details are open
const step_page = 100;

const badge = status => h("span.badge", { "data-s": status }, icon(status), word(status));
const fact = (name, ...value) => t("", t("dt", name), t("dd", value));
const section = (title, ...children) => t("section", t(".heading", t("h3", title)), children);
const button = (text, onclick, kind = "") => h(`button.button${kind}`, { onclick }, text);
const link = (to, ...text) => h("a", { href: address(to) }, text);
const cells = (tag, values) => t("tr", values.map(value => h(tag, {}, value)));
const table = (names, rows) => t(".scroll", t("table", t("thead", cells("th", names)), t("tbody", rows.map(row => cells("td", row)))));
const status_word = s => h("span.word", { "data-s": s }, icon(s), word(s));

function copyable(text) {
  const copy = () => navigator.clipboard.writeText(text).then(() => toast("Copied."), complain);
  return navigator.clipboard ? h("button.copy.mono", { title: "Copy", "aria-label": `Copy ${text}`, onclick: copy }, text) : t("span.mono", text);
}

function head(title, below, buttons) {
  return t(".top", t(".grow", t("h2", title), t(".line", below)), t(".acts", buttons));
}

// Long text stays without colours: a node a word would be too many.
function colour(text) {
  if (text.length > 20000) return [text];
  const out = [];
  let at = 0;
  for (const match of text.matchAll(/("(?:[^"\\]|\\.)*")(:)?|true|false|null|-?\d[\d.eE+-]*/g)) {
    const [all, string, colon] = match;
    const kind = colon ? "k" : string ? "s" : /^[tfn]/.test(all) ? "b" : "n";
    out.push(text.slice(at, match.index), t(`span.${kind}`, all));
    at = match.index + all.length;
  }
  return [...out, text.slice(at)];
}

// Large values show how they begin, and the rest on demand.
function json(value, label) {
  const text = pretty(value);
  const lines = text.split("\n");
  const start = lines.slice(0, 24).join("\n").slice(0, 4000);
  const pre = h("pre", { tabindex: "0", role: "region", "aria-label": label });
  let whole = start.length === text.length;
  if (whole) pre.append(...colour(text));
  if (whole) return t(".json", pre);
  const more = h("button.more", { onclick: () => { whole = !whole; draw(); } });
  const all = lines.length > 24 ? count(lines.length, "line") : count(text.length, "character");
  function draw() {
    pre.replaceChildren(...colour(whole ? text : start + " …"));
    more.textContent = whole ? "Show less" : `Show all ${all}`;
    more.ariaExpanded = whole;
  }
  draw();
  return t(".json", pre, more);
}

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

const keys = [["↑ ↓", "move through a list"], ["Enter", "open"], ["Esc", "back to the list"], ["/", "search"],
  ["n", "send an event"], ["1 2 3", "runs, events, functions"]];
function hints() {
  const one = { runs: "a run", events: "an event", functions: "a function" }[route.view];
  fill_detail(t(".keys", t("p", `Select ${one} to see more of it.`),
    keys.map(([key, what]) => [t("", key.split(" ").map(each => [t("kbd", each), " "])), t("", what)])));
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
  try {
    const draw = await { runs: run_detail, events: event_detail, functions: function_detail }[view](id);
    if (gone()) return;
    draw();
  } catch (error) {
    if (gone() || (shown === `${view}/${id}` && !error.status)) return;
    fill_detail(t("h2", error.status === 404 ? "Not found" : "That did not work"), t("p.soft", error.message));
    shown = "";
  }
  title();
  focus_detail();
}

async function run_detail(id) {
  const got = await api(`/api/runs/${encodeURIComponent(id)}`);
  return () => draw_run_detail(got);
}

function draw_run_detail(got) {
  parts("head", "facts", "error", "fall", "output", "input", "log");
  if (run && run.status !== got.status) say(`The run is ${got.status}.`);
  run = got;
  const { status, error, output, events, timeline } = got;
  patch($("part-head"), [got.id, status], () => head(got.function_name || got.function, [badge(status), copyable(got.id)],
    [live(got) && button("Cancel", () => cancel(got.id), ".bad"), button([icon("retrying"), "Rerun"], event => rerun(got.id, event.currentTarget))]));
  patch($("part-error"), error, () => error && section("Error", t(".error", t("strong", error.name || "Error"), t("p", error.message),
    error.stack && h("pre", { tabindex: "0", "aria-label": "Stack" }, error.stack))));
  patch($("part-output"), output, () => output !== undefined && section("Output", json(output, "Output")));
  patch($("part-input"), events, () => events.length > 0 && (events.length === 1 ? section("Event", json(events[0], "Event"))
    : section(count(events.length, "event"), json(events, "Events"))));
  patch($("part-log"), timeline, () => timeline.length > 0 && log(timeline));
  draw_live();
}

// What changes with the time alone.
function draw_live() {
  const ms = lasted(run);
  const queued = took((run.started_at ? time(run.started_at) : Date.now()) - time(run.queued_at));
  patch($("part-facts"), [run, ms, queued], () => h("dl.facts", {},
    fact("Started", stamp(run.started_at)),
    fact("Took", ms === undefined ? "" : took(ms), t("span.soft", ms === undefined ? `queued for ${queued}` : `, queued for ${queued}`)),
    fact("Event", link({ view: "events", id: run.event_id }, run.event_name)),
    fact("Function", link({ view: "functions", id: run.function }, run.function))));
  draw_fall();
}

function log(timeline) {
  const last = timeline.slice(-200);
  const name = `Log, ${last.length < timeline.length ? "the last 200 of " : ""}${count(timeline.length, "entry", "entries")}`;
  const draw = () => table(["Time", "What", "Step", "Attempt", "Took", "Detail"], last.map(each =>
    [stamp(each.at, false), each.what, each.step, (each.attempt ?? 0) + 1, each.duration_ms ? took(each.duration_ms) : "", each.detail?.slice(0, 300)]));
  const details = h("details", { ontoggle: () => { if (details.children.length === 1) details.append(draw()); } }, t("summary", name));
  return t("section", details);
}

// The waterfall.

// A step as bars: in the queue, each attempt, until the next one; or one for a sleep or a wait.
function bars_of(step, end) {
  const idle = /sleep/.test(step.kind) ? "sleeping" : /wait|invoke|signal/.test(step.kind) ? "waiting" : "running";
  const bars = [];
  let at = time(step.queued_at);
  for (const each of step.attempts) {
    const from = time(each.started_at);
    const to = each.ended_at ? time(each.ended_at) : end;
    if (from > at) bars.push({ s: bars.length ? "retrying" : "queued", from: at, to: from });
    bars.push({ s: each.ended_at ? each.status : "running", from, to });
    at = to;
  }
  if (bars.length && (step.ended_at || step.status === "running")) return bars;
  const own = { failed: "failed", timed_out: "timed_out", planned: "queued" }[step.status];
  return [...bars, { s: bars.length ? "retrying" : own ?? idle, from: at, to: Math.max(at, step.ended_at ? time(step.ended_at) : end) }];
}

// Maps times to 0..100. Stretches in which nothing runs can be squeezed, or a week of sleep would hide all the rest.
function scale(bars, from, end) {
  const points = [...new Set([from, end, ...bars.flatMap(bar => [bar.from, bar.to])])].filter(at => at >= from && at <= end).sort((a, b) => a - b);
  const busy = bars.filter(bar => ["running", "completed", "failed"].includes(bar.s)).sort((a, b) => a.from - b.from);
  const spans = [];
  let reached = 0;
  let next = 0;
  for (let i = 1; i < points.length; ++i) {
    while (busy[next]?.from <= points[i - 1]) reached = Math.max(reached, busy[next++].to);
    const idle = reached < points[i];
    if (spans.at(-1)?.idle === idle) spans.at(-1).to = points[i];
    else spans.push({ from: points[i - 1], to: points[i], idle });
  }
  const active = spans.reduce((sum, span) => sum + (span.idle ? 0 : span.to - span.from), 0);
  const most = 0.8 * active / spans.filter(span => span.idle).length;
  let sum = 0;
  for (const span of spans) {
    span.tight = span.idle && active > 0 && span.to - span.from > 2 * most;
    span.start = sum;
    span.size = span.tight && squeeze ? most : span.to - span.from;
    sum += span.size;
  }
  const at = moment => {
    let low = 0;
    let high = spans.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (spans[middle].from <= moment) low = middle;
      else high = middle - 1;
    }
    const span = spans[low];
    return 100 * (span.start + Math.min(1, Math.max(0, (moment - span.from) / (span.to - span.from))) * span.size) / sum;
  };
  return { at, from, end, tight: spans.filter(span => span.tight) };
}

function ticks({ at, from, end, tight }) {
  const unit = [864e5, 36e5, 6e4, 1e3, 1].find(size => (end - from) / size >= 2) ?? 1;
  const power = 10 ** Math.floor(Math.log10((end - from) / unit / 2));
  const step = unit * power * ([1, 2, 5].find(size => size * power * unit >= (end - from) / 6) ?? 10);
  const even = Array.from({ length: Math.floor((end - from) / step) }, (_, i) => from + (i + 1) * step);
  const out = [[from, 0]];
  for (const each of squeeze && tight.length ? tight.flatMap(span => [span.from, span.to]) : even)
    if (at(each) - out.at(-1)[1] >= 12 && at(each) < 88) out.push([each, at(each)]);
  return [...out, [end, 100]];
}

function draw_track(track, bars, fit) {
  track.replaceChildren(...bars.slice(-60).map(bar => {
    const from = fit.at(bar.from);
    return place(h("i.bar", { "data-s": bar.s, title: `${word(bar.s)}, ${took(bar.to - bar.from)}` }), from, fit.at(bar.to) - from);
  }));
}

function draw_fall() {
  const part = $("part-fall");
  if (!part.firstChild) {
    const behind = kind => h(`.strip.${kind}`, { "aria-hidden": true }, t("i"), h(".track"));
    part.append(t("section", h(".heading"), h(".fall", { role: "group", "aria-label": "Steps", onkeydown: fall_key }, behind("grid"), behind("axis"), fall_item()), h(".legend")));
  }
  const [heading, fall, legend] = part.firstChild.children;
  const [grid, axis, whole] = fall.children;
  const { steps } = run;
  const now = run.ended_at ? time(run.ended_at) : Date.now();
  const from = time(run.queued_at);
  const started = run.started_at ? time(run.started_at) : now;
  const all = steps.map(step => bars_of(step, now));
  const total_bars = [{ s: "queued", from, to: started }, { s: run.status, from: started, to: now }];
  const fit = scale(steps.length ? all.flat() : total_bars, from, Math.max(from + 1, now, ...all.map(bars => bars.at(-1).to)));
  patch(heading, [steps.length, first_step, squeeze, fit.tight.length > 0], () => [t("h3", count(steps.length, "step")), ...pager(steps.length),
    fit.tight.length > 0 && h("button.button.small", { "aria-pressed": squeeze, title: "Narrow the times when nothing runs",
      onclick: () => { squeeze = !squeeze; draw_fall(); } }, "Squeeze waits")]);
  const marks = ticks(fit);
  const tight = squeeze ? fit.tight : [];
  grid.lastChild.replaceChildren(...tight.map(span => place(h("em"), fit.at(span.from), fit.at(span.to) - fit.at(span.from))),
    ...marks.slice(1, -1).map(([, x]) => place(h("u"), x)));
  axis.lastChild.replaceChildren(...marks.map(([each, x]) => place(t("span", each > from ? took(each - from) : "0"), x)));
  const used = new Set([...total_bars, ...all.flat()].map(bar => bar.s));
  patch(legend, [...used], () => [...used].map(s => t("span", t(".sign", h("i.bar", { "data-s": s })), word(s))));
  draw_item(whole, { id: "", name: "Run", kind: "", status: run.status, queued_at: run.queued_at, ended_at: run.ended_at, attempts: [] }, total_bars, fit);
  const page = steps.slice(first_step, first_step + step_page);
  while (fall.children.length > page.length + 3) fall.lastChild.remove();
  page.forEach((step, i) => draw_item(fall.children[i + 3] ?? fall.appendChild(fall_item()), step, all[first_step + i], fit));
}

function pager(all) {
  if (all <= step_page) return [];
  const to = (text, by) => h("button.button.small", { disabled: first_step + by < 0 || first_step + by >= all ? "" : undefined,
    onclick: () => { first_step += by; draw_fall(); } }, text);
  return [t("span.soft", `${first_step + 1}–${Math.min(all, first_step + step_page)}`), to("Previous", -step_page), to("Next", step_page)];
}

// A step's bars, and its details below when they are open.
function fall_item() {
  const item = t("", h("button.strip", { onclick: () => {
    if (!opened.delete(item.step)) opened.add(item.step);
    draw_fall();
  } }, h(".label"), h(".track"), h(".took")), h(""));
  return item;
}

function draw_item(item, step, bars, fit) {
  const [strip, panel] = item.children;
  const [label, track, time_taken] = strip.children;
  const tries = step.attempts.length;
  const text = took(lasted(step, step.queued_at));
  const name = step.name || step.id;
  item.step = step.id;
  item.classList.toggle("whole", !step.id);
  strip.ariaExpanded = opened.has(step.id);
  strip.ariaLabel = `${name} ${step.kind}, ${word(step.status)}, ${text}${tries > 1 ? `, ${tries} attempts` : ""}`;
  label.dataset.s = step.status;
  patch(label, [name, step.kind, step.status, tries], () => [icon(step.status), h("b", { title: name }, name), t("small", tries > 1 ? `${step.kind} ×${tries}` : step.kind)]);
  draw_track(track, bars, fit);
  time_taken.textContent = text;
  patch(panel, opened.has(step.id) && step, () => opened.has(step.id) && step_panel(step));
}

function step_panel(step) {
  const ended = each => each.ended_at ? took(time(each.ended_at) - time(each.started_at ?? each.queued_at)) : "–";
  let detail = step.detail;
  try { detail = JSON.parse(detail, exact); } catch { /* It is text. */ }
  return h(".panel", { role: "region", "aria-label": step.name || "Run" },
    t("dl.facts", fact("Status", badge(step.status)), fact("Queued", stamp(step.queued_at)), fact("Ended", stamp(step.ended_at)),
      step.kind && fact("Kind", step.kind), step.id && fact("Id", copyable(step.id))),
    step.attempts.length > 0 && table(["Attempt", "Status", "Started", "Took", "Error"], step.attempts.slice(-50).map(each =>
      [each.attempt + 1, status_word(each.ended_at ? each.status : "running"), stamp(each.started_at, false), ended(each), each.error])),
    detail && (typeof detail === "object" ? json(detail, "Detail") : t("p.detail", step.detail)));
}

function fall_key(event) {
  const rows = [...event.currentTarget.querySelectorAll("button.strip")];
  const at = rows.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
  if (at < 0 || to === undefined) return;
  event.preventDefault();
  rows[to]?.focus();
}

async function event_detail(id) {
  // Events are not asked for by their id, but those before the end of its millisecond have it among them.
  const old = lists.events.items.find(each => each.id === id);
  const near = old?.seen === sequence ? [old] : (await api(query("/api/events", { limit: 100, before: id.slice(0, 10) + "Z".repeat(16) }))).events;
  const event = near.find(each => each.id === id) ?? old;
  if (!event) throw failure("The engine does not have this event.", 404);
  return () => {
    const { runs } = event;
    parts("head", "runs", "json");
    patch($("part-head"), id, () => head(event.name, [stamp(event.received_at), copyable(id)],
      button([icon("bolt"), "Send again"], () => compose(event.name, event.event.data))));
    patch($("part-runs"), runs, () => section(runs.length ? count(runs.length, "run") : "Runs", runs.length
      ? t(".stack", runs.slice(0, 100).map(each => link({ view: "runs", id: each.id }, status_word(each.status), t("span.grow", each.function), t("span.mono.soft", each.id))))
      : t("p.soft", "It started none.")));
    patch($("part-json"), event.event, () => section("Event", json(event.event, "Event")));
  };
}

async function function_detail(id) {
  if (!functions.length) await load_functions();
  const item = functions.find(each => each.id === id);
  if (!item) throw failure("No function has this id.", 404);
  return () => {
    const options = Object.entries(item.options ?? {});
    parts("head", "triggers", "options");
    const runs = link({ view: "runs", function: id }, "See its runs");
    runs.className = "button";
    patch($("part-head"), item, () => head(item.name || id, [item.app, copyable(id)], runs));
    patch($("part-triggers"), item.triggers, () => section("Triggers", t(".stack", item.triggers.map(each => h("", {},
      t("span.key-name", each.cron ? "Schedule" : "Event"), t("span.grow.mono", each.event ?? each.cron, each.expression && t(".soft", `if ${each.expression}`)),
      each.event && button("Send", () => compose(each.event), ".small"))))));
    patch($("part-options"), options, () => section("Options", options.length ? t(".stack", options.map(([name, value]) => h("", {},
      t("span.key-name", name), t("code.grow", JSON.stringify(value))))) : t("p.soft", "All as by default.")));
  };
}

// Cancelling, running again, sending.

function cancel(id) {
  $("ask").returnValue = "";
  $("ask").onclose = async () => {
    if ($("ask").returnValue !== "yes") return;
    try {
      await api(`/v1/runs/${encodeURIComponent(id)}`, { method: "DELETE", headers: as_json });
      toast("The run was cancelled.");
      look();
    } catch (error) { complain(error); }
  };
  $("ask").showModal();
}

async function rerun(id, from) {
  from.disabled = true;
  try {
    const { run_id } = await api(`/api/runs/${encodeURIComponent(id)}/rerun`, { method: "POST", headers: as_json });
    toast("Started again, as a new run.");
    follow_focus = true;
    go({ view: "runs", id: run_id });
    look();
  } catch (error) { complain(error); }
  from.disabled = false;
}

function compose(name, data) {
  if (name !== undefined) fill(name, data);
  $("send-data").value ||= "{}";
  check();
  offer();
  load_functions().then(offer, () => {});
  $("send").showModal();
  $(name === undefined ? "send-name" : "send-data").focus();
}

// The data of the last such event is the best first guess. A trigger may end with a wildcard; an event may not.
function fill(name, data) {
  $("send-name").value = name.replace(/\*+$/, "");
  $("send-data").value = pretty(data ?? lists.events.items.find(event => event.name === name)?.event.data ?? {});
  check();
}

function offer() {
  const names = [...new Set(functions.flatMap(item => item.triggers.map(each => each.event)))].filter(Boolean).slice(0, 60);
  patch($("known"), names, () => names.map(name => h("button.chip.mono", { type: "button", onclick: () => {
    fill(name);
    $("send-data").focus();
  } }, name)));
}

// Whether the form can be sent. Says what is wrong; with the name only when asked to.
function check(strict) {
  let wrong = "";
  try {
    const value = JSON.parse($("send-data").value || "{}");
    if (value === null || typeof value !== "object" || Array.isArray(value)) wrong = "The data must be a JSON object: { … }";
  } catch (error) { wrong = error.message.replace("JSON.parse: ", ""); }
  const mark = (id, text) => {
    $(id).ariaInvalid = text !== "";
    $(id + "-wrong").textContent = text;
    if (strict && text) $(id).focus();
    return text === "";
  };
  const good = mark("send-data", wrong);
  const named = $("send-name").value.trim() !== "";
  return mark("send-name", strict && !named ? "An event needs a name." : "") && named && good;
}

async function send() {
  if (!check(true)) return;
  const name = $("send-name").value.trim();
  // The text goes as it was typed, so no number loses a digit.
  const body = `{"name":${JSON.stringify(name)},"data":${$("send-data").value || "{}"}}`;
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
$("send").oninput = () => check();
$("send-data").onkeydown = event => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) send(); };

// The views.

let sequence = -1;
let counts = {};
let total = 0;
function list() { return lists[route.view]; }

function leave() {
  change({ id: "" });
  setTimeout(() => list().box.focus());
}

function title() {
  const what = run ? `${run.function_name || run.function}: ${run.status}` : word(route.view);
  document.title = `${what} · inngest-cpp`;
}

function show() {
  route = read_hash();
  const runs = route.view === "runs";
  for (const view of views) {
    const here = view === route.view;
    $("tab-" + view).ariaSelected = here;
    $("tab-" + view).tabIndex = here ? 0 : -1;
    lists[view].box.hidden = !here;
    lists[view].render();
  }
  $("view").setAttribute("aria-labelledby", "tab-" + route.view);
  $("bar").hidden = route.view === "events";
  $("status").hidden = $("only").hidden = !runs;
  $("find").placeholder = $("find").ariaLabel = runs ? "Search by id" : "Search functions";
  if (document.activeElement !== $("find")) $("find").value = route.search;
  $("only").value = route.function;
  draw_chips();
  const filters = JSON.stringify([route.status, route.function, route.search]);
  const changed = list().filters !== filters;
  list().filters = filters;
  if (changed) list().clear();
  list().refresh().then(() => { if (changed && filtered()) say(`${count(list().items.length, "row")}${list().next ? " or more" : ""}.`); }, () => {});
  show_detail();
  title();
}

function draw_chips() {
  patch($("status"), [counts, route.status], () => ["", ...statuses].map(status => h("button.chip",
    { "data-s": status, "aria-pressed": route.status === status, onclick: () => change({ status, id: "" }) },
    status && icon(status), status ? word(status) : "All", t("b", number(status ? counts[status] ?? 0 : total)))));
}

function connected(state) {
  const text = state ? `${state.mode === "sqlite" ? "SQLite" : "In memory"} · ${state.version}` : "No connection";
  const label = $("link").lastElementChild;
  if (label.textContent === text) return;
  label.textContent = text;
  $("link").classList.toggle("lost", !state);
  if (!state) say("The engine does not answer. Trying again.");
}

// Asks whether something changed. Only then is the view fetched again.
let looking = null;
const look = () => looking ??= look_once().finally(() => { looking = null; });
async function look_once() {
  const state = await api("/api/state").catch(() => null);
  connected(state);
  if (!state) sequence = -1;
  if (!state || state.sequence === sequence) return;
  if (state.sequence < sequence) Object.values(lists).forEach(each => each.clear());
  sequence = state.sequence;
  counts = state.counts;
  total = Object.values(counts).reduce((sum, n) => sum + n, 0);
  draw_chips();
  if (!functions.length) load_functions().catch(() => {});
  if (!started) return;
  await list().refresh().catch(() => {});
  if (route.id && !(run && !live(run))) await show_detail();
}

// Nothing is drawn anew under a pressed pointer: the click would be lost.
let pressed = false;
onpointerdown = () => { pressed = true; };
onpointerup = onpointercancel = () => { setTimeout(() => { pressed = false; }); };

async function poll() {
  if (!document.hidden && !pressed) await look();
  setTimeout(poll, 1000);
}
document.onvisibilitychange = () => { if (!document.hidden) look(); };
setInterval(() => {
  if (document.hidden || pressed) return;
  list().render();
  if (run && live(run)) draw_live();
}, 1000);

$("only").onchange = () => change({ function: $("only").value, id: "" });
let typing;
$("find").oninput = () => {
  clearTimeout(typing);
  typing = setTimeout(() => change({ search: $("find").value.trim(), id: "" }), 200);
};
$("find").onkeydown = event => { if (event.key === "ArrowDown" || event.key === "Enter") list().box.focus(); };
$("fresh").onclick = () => {
  list().reach(0);
  list().box.focus();
  list().refresh().catch(complain);
};

views.forEach((view, at) => {
  $("tab-" + view).onclick = () => go({ view });
  $("tab-" + view).onkeydown = event => {
    const to = views[{ ArrowRight: (at + 1) % 3, ArrowLeft: (at + 2) % 3, Home: 0, End: 2 }[event.key]];
    if (to) go({ view: to });
    if (to) $("tab-" + to).focus();
    else if (event.key === "ArrowDown") list().box.focus();
  };
});

onkeydown = event => {
  if (document.querySelector("dialog[open]") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") {
    if (event.target === $("find") && $("find").value) {
      $("find").value = "";
      change({ search: "" });
    }
    else if (route.id) leave();
    else list().box.focus();
  }
  else if (event.target.closest("input, select")) return;
  else if (event.key === "/" && !$("bar").hidden) $("find").focus();
  else if (event.key === "n") compose();
  else if (views[event.key - 1]) go({ view: views[event.key - 1] });
  else return;
  event.preventDefault();
};

// As the system is, light, or dark.
const themes = { auto: "light dark", light: "light", dark: "dark" };
function set_theme(name) {
  document.documentElement.style.colorScheme = themes[name];
  $("theme").replaceChildren(icon("sleeping"), word(name));
  $("theme").ariaLabel = `Theme: ${name}`;
  $("theme").onclick = () => {
    const next = { auto: "light", light: "dark", dark: "auto" }[name];
    set_theme(next);
    try { localStorage.theme = next; } catch { /* Then it lasts as long as the page. */ }
  };
}
let kept;
try { kept = localStorage.theme; } catch { /* There is no storage. */ }
set_theme(themes[kept] ? kept : "auto");

let started = false;
onhashchange = show;
look().finally(() => { started = true; show(); poll(); });
