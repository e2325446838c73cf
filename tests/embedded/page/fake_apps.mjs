// The fake engine's apps, shapes, statistics, events, pauses and schedules.

const text = (name, more) => ({ name, type: "string", ...more });
const shapes = {
  "order/placed": { type: "object", fields: [
    { name: "order", type: "integer" }, text("customer"), { name: "total", type: "number" },
    text("currency", { values: ["EUR", "USD"] }), { name: "express", type: "boolean" },
    { name: "lines", type: "array", element: { type: "object", fields: [text("sku"), { name: "count", type: "integer" }] } },
    text("note", { optional: true }),
    { name: "address", type: "object", optional: true, fields: [text("street"), text("town", { optional: true })] },
    { name: "labels", type: "map", optional: true, element: { type: "string" } },
    { name: "extra", type: "any", optional: true }] },
  "user/created": { type: "object", fields: [text("email")] },
  "catalogue/*": { type: "any" },
};
const timer = { "inngest/scheduled.timer": { type: "object", fields: ["cron", "scheduledAt", "fireAt"].map(name => text(name, { optional: true })) } };

const began = Date.now();
const at = ms => new Date(ms).toISOString();
const hostile = "<img src=x onerror='window.harm = 4'>";
const app = (id, more) => ({ id, sdk: "js", sdk_version: "v3.40.1", version: "", url: `http://127.0.0.1:3000/api/${id}`, workers: 0, registered_at: at(began - 864e5), last_contact: at(began - 5000), last_error: null, last_error_at: null, functions: [], ...more });

// One state for each fake engine.
const states = new WeakMap();
function state_of(engine) {
  if (!states.has(engine)) {
    const mine = id => engine.functions.filter(each => each.app === id).map(each => each.id);
    states.set(engine, { pauses: [], ran: [], apps: [
      app("shop", { sdk: "cpp", sdk_version: "0.1.0", version: "7", url: "this process", last_contact: null, functions: mine("shop") }),
      app("mail", { functions: mine("mail") }),
      app("reports", { sdk: "go", sdk_version: "v0.14.0", url: "connect", workers: 2, functions: mine("reports") }),
      app("import", { functions: mine("import"), last_error: `it answered a call with status 502, without the header of an Inngest SDK ${hostile}`, last_error_at: at(began - 60000) }),
      app(`odd-${hostile}`, { sdk: "", sdk_version: "", url: "", registered_at: null, last_contact: null, last_error: "its registration was refused", last_error_at: at(began) }),
    ] });
  }
  return states.get(engine);
}

function stats_of(engine, id, span) {
  const all = [...engine.runs.values()].filter(run => run.function === id && run.at > Date.now() - span).map(run => engine.short(run)).filter(run => run.ended_at);
  const of = status => all.filter(run => run.status === status).length;
  const took = all.filter(run => run.status !== "cancelled").map(run => Date.parse(run.ended_at) - Date.parse(run.queued_at)).sort((a, b) => a - b);
  const quantile = share => took[Math.ceil(took.length * share) - 1] ?? null;
  return { runs: all.length, completed: of("completed"), failed: of("failed"), cancelled: of("cancelled"), error_share: took.length ? of("failed") / took.length : null, p50_ms: quantile(0.5), p95_ms: quantile(0.95), per_minute: all.length * 60000 / span, is_sample: false };
}

const same = (a, b) => ["app", "function", "cron"].every(each => a[each] === b[each]);

function schedules(engine, state) {
  const next = [...Array(5)].map((_, day) => at(Date.UTC(2030, 0, day + 1, 2)));
  return engine.functions.flatMap(item => item.triggers.filter(each => each.cron).map(each => ({ function: item.id, cron: each.cron, time_zone: "UTC", next, paused: state.pauses.some(pause => same(pause, { function: item.id, cron: each.cron })) })));
}

function start(engine, id, name, data, time = Date.now()) {
  const event = engine.receive(name, data);
  return engine.add_run(engine.functions.find(each => each.id === id), event, time, "completed").id;
}

// Events by their name, text, condition and time. The only condition that it understands compares the order.
function find_events(engine, params) {
  const want = name => params.get(name);
  const where = want("where");
  const order = /^event\.data\.order == (\d+)$/.exec(where ?? "");
  if (where && !order) return [400, { error: `where: unexpected end of the expression ${hostile}` }];
  const matches = each => (!want("name") || each.name === want("name")) && (!want("search") || (each.id + JSON.stringify(each.event)).includes(want("search")))
    && (!order || each.event.data.order === Number(order[1])) && (!want("from") || each.received_at >= want("from")) && (!want("until") || each.received_at < want("until"));
  return [200, engine.paged(engine.events, params, matches, each => shown(engine, each), "events")];
}
const shown = (engine, each) => ({ ...each, runs: each.runs.map(run => { const { id, function: of, status, queued_at, ended_at } = engine.short(run); return { id, function: of, status, queued_at, ended_at }; }) });

export function app_routes(engine, method, url, body) {
  const state = state_of(engine);
  const [, api, subject, id, action] = url.pathname.split("/").map(decodeURIComponent);
  if (api !== "api") return null;
  const route = `${method} ${subject}${id === undefined ? "" : "/" + (action ? "*/" + action : id)}`;
  const asked = method === "POST" && body ? JSON.parse(body) : {};
  switch (route) {
    case "GET apps": return [200, { apps: structuredClone(state.apps) }];
    case "GET shapes": {
      const of = url.searchParams.get("function");
      if (!of) return [200, shapes];
      const item = engine.functions.find(each => each.id === of);
      if (!item) return [404, { error: "there is no such function" }];
      return [200, item.triggers[0].cron ? timer : Object.fromEntries(item.triggers.map(each => [each.event, shapes[each.event] ?? { type: "any" }]))];
    }
    case "GET functions/*/stats": return [200, { hour: stats_of(engine, id, 36e5), day: stats_of(engine, id, 864e5) }];
    case "POST functions/*/invoke": {
      if (asked.data?.refused) return [400, { error: "the data are refused" }];
      return [200, { run_id: start(engine, id, "inngest/function.invoked", asked.data) }];
    }
    case "GET events": return find_events(engine, url.searchParams);
    case "POST events/*/resend": {
      const event = engine.events.get(id);
      return event ? [200, { ids: [engine.receive(event.name, event.event.data).id] }] : [404, { error: "there is no such event" }];
    }
    case "GET pauses": return [200, { pauses: state.pauses, draining: false }];
    case "POST pause":
      state.pauses.push({ ...asked, since: at(Date.now() - 60000), by: "key" });
      engine.changed();
      return [200, { paused: true, changed: true }];
    case "POST resume":
      state.pauses = state.pauses.filter(each => !same(each, asked));
      engine.changed();
      return [200, { paused: false, changed: true }];
    case "GET schedules": return [200, { schedules: schedules(engine, state) }];
    case "POST schedules/run": return [200, { run_id: start(engine, asked.function, "inngest/scheduled.timer", { cron: asked.cron }) }];
    case "POST schedules/backfill": {
      if (asked.until - asked.from > 1e12) return [400, { error: "until: too far" }];
      return [200, { times: 5, repeated: 1, skipped: 1, run_ids: [1, 2, 3].map(() => start(engine, asked.function, "inngest/scheduled.timer", { cron: asked.cron })) }];
    }
  }
  if (method !== "GET" || subject !== "events" || id === undefined) return null;
  const event = engine.events.get(id);
  return event ? [200, shown(engine, event)] : [404, { error: "there is no such event" }];
}
