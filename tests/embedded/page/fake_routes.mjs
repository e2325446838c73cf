// The routes of the imitated engine that find runs, count them, run them again and act on many.

const statuses = ["completed", "failed", "cancelled"];
const has_text = (value, part) => String(value ?? "").toLowerCase().includes(part.toLowerCase());

/// Whether a run fulfils the parameters. Throws what the engine would refuse.
function matcher(engine, params) {
  const all = name => params.getAll(name);
  const one = name => params.get(name) ?? "";
  const condition = /^\s*event\.data\.total\s*>\s*(\d+)\s*$/.exec(one("where"));
  if (one("where") && !condition) throw Object.assign(new Error(`where: "${one("where")}" is no CEL expression`), { status: 400 });
  const time = Date.parse;
  const first_of = run => run.original ?? run.id;
  const newest = new Map();  // repetition of each run
  for (const run of engine.runs.values())
    if (run.original && !(newest.get(run.original) > run.id)) newest.set(run.original, run.id);
  const is_repeated = run => newest.has(first_of(run)) && (!run.original || newest.get(run.original) > run.id);
  return (run, shown) => {
    const event = engine.events.get(run.event_id);
    const tags = engine.tags_of(run);
    const at = { started: shown.started_at, ended: shown.ended_at }[one("by")] ?? shown.queued_at;
    return (!all("status").length || all("status").includes(shown.status)) &&
      (!one("function") || run.function === one("function")) && (!one("app") || run.function.split("-")[0] === one("app")) &&
      (!one("event") || run.event_name === one("event")) && (!one("event_id") || run.event_id === one("event_id")) &&
      (!one("error") || (shown.status === "failed" && has_text("PaymentError card_declined: insufficient funds", one("error")))) &&
      all("tag").every(tag => tags.some(each => `${each.name}:${each.value}` === tag)) &&
      (!one("key") || event.event.data?.customer === one("key")) && (!condition || event.event.data?.total > Number(condition[1])) &&
      (!one("repeated") || String(is_repeated(run)) === one("repeated")) &&
      (!one("from") || time(at) >= time(one("from"))) && (!one("until") || time(at) < time(one("until"))) &&
      (!one("search") || has_text(run.id, one("search")) || has_text(run.event_id, one("search")) || has_text(run.event_name, one("search")));
  };
}

function matching(engine, params) {
  const matches = matcher(engine, params);
  return [...engine.runs.values()].filter(run => matches(run, engine.short(run)));
}

const params_of = filter => new URLSearchParams(Object.entries(filter ?? {}).flatMap(([name, value]) => [value].flat().map(each => [name, each])));

function histogram(engine, params) {
  const found = matching(engine, params);
  const times = found.map(run => run.at);
  const from = Date.parse(params.get("from") ?? "") || Math.min(...times, Date.now() - 1000);
  const until = Date.parse(params.get("until") ?? "") || Date.now();
  const many = Number(params.get("buckets") ?? 60);
  const width = (until - from) / many;
  const buckets = Array.from({ length: many }, (_, i) => ({ at: engine.iso(from + i * width), completed: 0, failed: 0, cancelled: 0, other: 0 }));
  for (const run of found) {
    const { status } = engine.short(run);
    const at = Math.floor((run.at - from) / width);
    if (buckets[at]) ++buckets[at][statuses.includes(status) ? status : "other"];
  }
  return { from: engine.iso(from), until: engine.iso(until), buckets };
}

export function find_routes(engine, method, url) {
  if (method !== "GET") return;
  try {
    if (url.pathname === "/api/runs/count") return [200, { count: matching(engine, url.searchParams).length }];
    if (url.pathname === "/api/runs/histogram") return [200, histogram(engine, url.searchParams)];
    if (url.pathname === "/api/runs") {
      const matches = matcher(engine, url.searchParams);
      return [200, engine.paged(engine.runs, url.searchParams, (shown, run) => matches(run, shown), engine.short, "runs")];
    }
  } catch (error) {
    if (!error.status) throw error;
    return [error.status, { error: error.message, status: error.status }];
  }
}

export function rerun_routes(engine, method, url, body) {
  const path = url.pathname;
  const again = /^\/api\/runs\/([^/]+)\/rerun$/.exec(path);
  if (method === "POST" && again) {
    const run = engine.runs.get(again[1]);
    if (!run) return [404, { error: "no such run" }];
    const asked = body ? JSON.parse(body) : {};
    engine.asked.push({ rerun: run.id, text: body, ...asked });
    const fresh = engine.add_run(engine.functions.find(each => each.id === run.function), engine.events.get(run.event_id), Date.now(), asked.result !== undefined ? "completed" : run.fate);
    const first = engine.runs.get(run.original) ?? run;
    fresh.original = first.id;
    (first.reruns ??= []).push({ id: fresh.id, status: "queued", queued_at: engine.iso(fresh.at) });
    engine.changed();
    return [200, { run_id: fresh.id }];
  }
  const invoked = /^\/api\/functions\/([^/]+)\/invoke$/.exec(path);
  if (method === "POST" && invoked) {
    const item = engine.functions.find(each => each.id === decodeURIComponent(invoked[1]));
    if (!item) return [404, { error: "no such function" }];
    engine.asked.push({ invoke: item.id, text: body });
    const event = engine.add_event("inngest/function.invoked", JSON.parse(body).data, Date.now());
    engine.changed();
    return [200, { run_id: engine.add_run(item, event, Date.now(), "completed").id }];
  }
}

const works = [];
function go_on(engine) {
  for (const each of works.filter(work => work.state === "running")) {
    const due = Math.floor((Date.now() - each.began) / 1000 * each.per_second) + 1;
    while (each.done < Math.min(due, each.runs.length)) {
      const run = each.runs[each.done++];
      if (each.action === "remove") engine.runs.delete(run.id);
      if (each.action === "cancel" && !engine.short(run).ended_at) run.cancelled_at = Date.now();
      if (each.action === "rerun") engine.add_run(engine.functions.find(item => item.id === run.function), engine.events.get(run.event_id), Date.now(), "completed").original = run.original ?? run.id;
    }
    if (each.done === each.runs.length) each.state = "done";
    engine.changed();
  }
}
const work_shown = ({ runs, began, ...rest }) => rest;

export function bulk_routes(engine, method, url, body) {
  const path = url.pathname;
  if (!path.startsWith("/api/bulk")) return;
  go_on(engine);
  if (method === "GET") return [200, { operations: works.map(work_shown) }];
  const stop = /^\/api\/bulk\/([^/]+)\/stop$/.exec(path);
  if (stop) {
    const found = works.find(each => each.id === stop[1]);
    if (found) found.state = "stopped";
    return found ? [200, work_shown(found)] : [404, { error: "no such operation" }];
  }
  const { action, filter, all = false, per_second = 100, dry_run, from_step = "", from_failed_step = false } = JSON.parse(body);
  let runs;
  try {
    runs = matching(engine, params_of(filter)).filter(run => (action === "cancel") !== Boolean(engine.short(run).ended_at) && (!from_failed_step || engine.short(run).status === "failed"));
  } catch (error) {
    return [400, { error: error.message, status: 400 }];
  }
  if (dry_run) return [200, { count: runs.length }];
  if (all !== Object.keys(filter).every(name => name === "by")) return [400, { error: "filter, all: which runs?", status: 400 }];
  engine.asked.push({ bulk: action, filter, from_step, from_failed_step, per_second });
  const work = { id: `work-${works.length}`, action, total: runs.length, done: 0, failed: 0, state: "running", per_second, from_step, began: Date.now(), runs };
  works.unshift(work);
  return [200, work_shown(work)];
}
