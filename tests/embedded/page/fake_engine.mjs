// An engine that is none: the API of the embedded engine over made-up functions, events and runs, for the page's test.
// Started by itself it prints its address: node fake_engine.mjs [port] [runs]

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { app_routes } from "./fake_apps.mjs";
import { bulk_routes, find_routes, rerun_routes } from "./fake_routes.mjs";

const header = fileURLToPath(new URL("../../../include/inngest/embedded/detail/page.hpp", import.meta.url));

/// Each gets the engine, the method, the URL and the body; it returns [status, value], or nothing for other routes.
const routes = [app_routes, find_routes, rerun_routes, bulk_routes];

/// The page and its policy, as the compiler sees them.
function page() {
  const source = readFileSync(header, "utf8");
  const text_of = name => {
    const definition = source.split(`std::string_view ${name} =`)[1].split("\n\n/// ")[0];
    return [...definition.matchAll(/R"page\(([^]*?)\)page"/g)].map(match => match[1]).join("");
  };
  return { html: text_of("web_page[]"), policy: text_of("web_page_policy") };
}

// Numbers that look like chance and are the same in each run.
let seed = 42;
function chance(below) {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return Math.floor((seed / 2 ** 32) * below);
}

const letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
let serial = 0;
function ulid(at) {
  const encode = (value, size) => {
    let out = "";
    for (let i = 0; i < size; ++i, value = Math.floor(value / 32)) out = letters[value % 32] + out;
    return out;
  };
  let noise = "";
  for (let i = 0; i < 8; ++i) noise += letters[chance(32)];
  return encode(at, 10) + encode(++serial, 8) + noise;
}
const iso = at => new Date(at).toISOString();

const functions = [
  { id: "shop-charge", name: "Charge", triggers: [{ event: "order/placed", expression: "event.data.total > 0" }],
    options: { retries: 4, concurrency: [{ limit: 10, key: "event.data.customer", scope: "fn" }], idempotency: "event.data.order", timeouts: { start: "10s", finish: "2m" } } },
  { id: "shop-ship", name: "Ship the order", triggers: [{ event: "order/paid" }, { event: "order/reshipped" }], options: { retries: 3, priority: { run: "event.data.express ? 120 : 0" } } },
  { id: "mail-welcome", name: "Welcome mail", triggers: [{ event: "user/created" }], options: { debounce: { period: "5s", key: "event.data.email" } } },
  { id: "reports-nightly", name: "Nightly report", triggers: [{ cron: "0 2 * * *" }], options: { concurrency: [{ limit: 1 }] } },
  { id: "import-catalogue", name: "Import the catalogue of a supplier with a rather long name", triggers: [{ event: "catalogue/*" }], options: {} },
].map(each => ({ ...each, app: each.id.split("-")[0] }));

function data_of(name) {
  return { order: 1000 + chance(9000), customer: `c-${chance(500)}`, total: chance(20000) / 100, currency: "EUR", express: chance(2) === 1, lines: [{ sku: "TEA-100", count: 1 + chance(3) }, { sku: "CUP-7", count: 2 }], note: name };
}

/// The steps of a run that began at `at`, as they are at `till`: what comes later has not happened yet.
function steps_of(at, till, fails, is_long) {
  const steps = [];
  let now = at;
  const step = (name, kind, parts, result) => {
    if (now > till) return;
    const each = { hash: (steps.length * 7919 + 1).toString(16).padStart(40, "b7e1"), id: (steps.length * 7919 + 104729).toString(16).padStart(40, "a9f3"), name, kind, queued_at: iso(now), ended_at: null, attempts: [], status: "planned" };
    steps.push(each);
    if (typeof parts === "number") {
      now += parts;
      const ended = now <= till;
      each.status = ended ? (result ?? "completed") : kind === "sleep" ? "sleeping" : "waiting";
      if (ended) each.ended_at = iso(now);
      else now = Infinity;
      each.awaits = { sleep: "until " + iso(at + parts), wait: "order/packed if async.data.order == event.data.order", invoke: "mail-welcome" }[kind];
      each.detail = each.awaits;
      if (ended && kind === "wait") each.output = { name: "order/packed", data: { order: 1047, by: "<b>Ada</b>" } };
      return;
    }
    parts.forEach(([queued, ran, error], number) => {
      now += queued;
      if (now > till) return;
      const attempt = { attempt: number, started_at: iso(now), ended_at: null, status: "completed" };
      each.attempts.push(attempt);
      now += ran;
      if (now > till) { each.status = "running"; now = Infinity; return; }
      attempt.ended_at = iso(now);
      if (error) Object.assign(attempt, { status: "failed", error, failure: { name: "CardError", message: error, stack: `CardError: ${error}\n    at charge (shop/payment.cpp:${88 + number})` } });
      else each.output = { ok: true, took: ran, reference: `r-${number}` };
      each.status = error ? (number + 1 < parts.length ? "retrying" : "failed") : "completed";
      if (each.status !== "retrying") { each.ended_at = iso(now); each.detail = error ? error : JSON.stringify({ ok: true, took: ran, reference: `r-${number}` }); }
    });
  };
  step("load the order", "run", [[12, 140]]);
  step("reserve the stock", "run", [[8, 320]]);
  step("charge the card", "run", fails ? [[10, 640, "card_declined: insufficient funds"], [1500, 580, "card_declined: insufficient funds"], [3100, 610, "card_declined: insufficient funds"]]
    : [[10, 640, "gateway timed out after 600 ms"], [1500, 410]]);
  if (!fails) {
    step("cool down", "sleep", is_long ? 3600000 : 6000);
    step("wait for the packing", "wait", 2400);
    step("label", "invoke", 900);
    step("send the mail", "run", [[15, 230]]);
  }
  return { steps, end: now };
}

/// A run with more steps than fit on a page, each of one millisecond.
function many_steps(at) {
  const steps = Array.from({ length: 450 }, (_, i) => ({ id: `many-${i}`, name: `row ${i}`, kind: "run", status: "completed", queued_at: iso(at + i), ended_at: iso(at + i + 1), attempts: [{ attempt: 0, started_at: iso(at + i), ended_at: iso(at + i + 1), status: "completed" }] }));
  return { steps, end: at + 450 };
}

export function start({ port = 0, runs: amount = 10000 } = {}) {
  const events = new Map();
  const runs = new Map();
  let sequence = 1;
  let counted = "";

  function add_event(name, data, at) {
    const id = ulid(at);
    const event = { id, name, received_at: iso(at), event: { id, name, data, ts: at, v: "2026-01-01" }, runs: [] };
    events.set(id, event);
    return event;
  }
  function add_run(item, event, at, fate) {
    const id = ulid(at);
    const run = { id, function: item.id, function_name: item.name, event_id: event.id, event_name: event.name, at, fate, cancelled_at: null };
    runs.set(id, run);
    event.runs.push(run);
    return run;
  }

  // A run as it is at this moment.
  function now(run) {
    const till = run.cancelled_at ?? Date.now();
    const started = run.at + 40;
    const { steps, end } = run.event_name === "catalogue/huge" ? many_steps(started) : steps_of(started, till, run.fate === "failed", events.get(run.event_id).event.data?.long);
    let status = end <= till ? run.fate : till < started ? "queued" : "running";
    if (run.cancelled_at !== null && end > run.cancelled_at) status = "cancelled";
    const ended = status === "cancelled" ? run.cancelled_at : status === "completed" || status === "failed" ? end : null;
    const short = { id: run.id, function: run.function, function_name: run.function_name, status, event_id: run.event_id, event_name: run.event_name, queued_at: iso(run.at), started_at: started <= till ? iso(started) : null, ended_at: ended && iso(ended) };
    return { short, steps };
  }
  const settled = new Map();
  function short(run) {
    const known = settled.get(run);
    if (known) return known;
    const state = now(run).short;
    state.tags = tags_of(run);
    if (state.ended_at) settled.set(run, state);
    return state;
  }

  const tags_of = run => run.hostile ? [{ name: "<img src=x>", value: "<script>window.harm = 4</script>" }] : [{ name: "customer", value: events.get(run.event_id).event.data?.customer ?? "none" }];

  function whole(run) {
    const { short, steps } = now(run);
    const timeline = [{ at: short.queued_at, what: "started", attempt: 0 }];
    for (const step of steps) {
      for (const each of step.attempts) if (each.ended_at) timeline.push({ at: each.ended_at, what: each.status === "failed" ? "step failed" : "step completed", step: step.name, attempt: each.attempt, duration_ms: Date.parse(each.ended_at) - Date.parse(each.started_at), detail: each.error ?? step.detail });
      if (!step.attempts.length) timeline.push({ at: step.queued_at, what: step.kind === "sleep" ? "sleeping" : "waiting", step: step.name, attempt: 0, detail: step.detail });
    }
    const out = { ...short, tags: tags_of(run), events: [events.get(run.event_id).event], steps, timeline, attempts: [], children: [] };
    if (run.original) out.original_run_id = run.original;
    if (run.reruns) out.reruns = run.reruns;
    out.logs = [{ at: short.queued_at, level: "info", step: "", attempt: 0, text: "order accepted" }, { at: short.queued_at, level: "warn", step: "charge the card", attempt: 0, text: "the gateway is slow <b>" }];
    if (steps.some(step => step.kind === "invoke")) out.children = [{ run_id: [...runs.keys()][3], step: "label", function: "mail-welcome", function_name: "Welcome mail", status: "completed" }];
    if (run.fate === "failed") out.parent = { run_id: [...runs.keys()][5], step: "hand over", function: "shop-ship", function_name: "Ship the order", status: "completed" };
    if (run.fate === "failed" && short.ended_at) out.attempts = [{ attempt: 0, started_at: null, ended_at: short.ended_at, status: "failed", error: "Error: outside", failure: { name: "Error", message: "outside of the steps", stack: "Error: outside\n    at handler (shop/charge.cpp:12)" } }];
    out.metadata = [{ kind: "inngest.score", target: null, values: { quality: { value: 0.75 } } },
      { kind: "userland.rows", target: { step_id: "load the order", step_attempt: 1 }, values: { count: 7, names: ["a", "<b>"] } }];
    out.messages = [10, 100].map(percent => ({ at: short.queued_at, channel: "import:7", topic: "progress", data: { percent } }));
    if (run.event_name === "catalogue/huge") out.output = { large: "<9007199254740993>", rows: Array.from({ length: 5000 }, (_, i) => i) };
    else if (short.status === "completed") out.output = { charged: true, receipt: "https://shop.example/receipts/20391", amount: 249.9, lines: Array.from({ length: 14 }, (_, i) => ({ sku: `SKU-${i}`, count: i + 1, gift: i % 3 === 0 })) };
    if (short.status === "failed") out.error = { name: "PaymentError", message: "card_declined: insufficient funds", stack: "PaymentError: card_declined\n    at charge (shop/payment.cpp:88)\n    at step.run (shop/charge.cpp:41)" };
    return out;
  }

  const began = Date.now();
  for (let i = amount; i > 0; --i) {
    const item = functions[chance(functions.length)];
    const name = (item.triggers[0].event ?? "inngest/scheduled.timer").replace("*", "updated");
    const at = began - i * 20000 - chance(15000);
    const event = add_event(name, data_of(name), at);
    const run = add_run(item, event, at + 3, chance(12) === 0 ? "failed" : "completed");
    if (chance(40) === 0) run.cancelled_at = at + 900;
  }

  function receive(name, data) {
    const event = add_event(name, data, Date.now());
    for (const item of functions) {
      if (!item.triggers.some(each => each.event && (each.event === name || (each.event.endsWith("*") && name.startsWith(each.event.slice(0, -1)))))) continue;
      add_run(item, event, Date.now(), data?.fail ? "failed" : "completed");
    }
    ++sequence;
    return event;
  }

  function paged(all, params, matches, show, name) {
    const limit = Number(params.get("limit") ?? 50);
    const before = params.get("before");
    const ids = [...all.keys()];
    let at = ids.length - 1;
    if (before) while (at >= 0 && ids[at] >= before) --at;
    const page = [];
    let next = null;
    for (; at >= 0; --at) {
      const item = show(all.get(ids[at]));
      if (!matches(item, all.get(ids[at]))) continue;
      if (page.length === limit) { next = page.at(-1).id; break; }
      page.push(item);
    }
    return { [name]: page, next };
  }

  // What the routes of other files work with.
  const engine = { functions, events, runs, short, whole, add_run, add_event, receive, paged, iso, tags_of, asked: [], changed: () => { ++sequence; } };

  function answer(method, url, body) {
    const path = url.pathname;
    for (const route of routes) {
      const answered = route(engine, method, url, body);
      if (answered) return answered;
    }
    const found = /^\/(?:api|v1)\/runs\/([^/]+)$/.exec(path);
    if (path === "/api/state") {
      const counts = { queued: 0, running: 0, completed: 0, failed: 0, cancelled: 0 };
      for (const run of runs.values()) ++counts[short(run).status];
      if (counts.running + counts.queued || JSON.stringify(counts) !== counted) ++sequence;
      counted = JSON.stringify(counts);
      return [200, { version: "0.1.0", sequence, counts, mode: "memory" }];
    }
    if (path === "/api/functions") return [200, { functions }];
    if (path === "/api/events")
      return [200, paged(events, url.searchParams, () => true, each => ({ ...each, runs: each.runs.map(run => ({ id: run.id, function: run.function, status: short(run).status })) }), "events")];
    if (path === "/e/page" && method === "POST") {
      const sent = JSON.parse(body);
      if (sent.name === "refused/always") return [400, { error: "this event is refused", status: 400 }];
      return [200, { ids: [receive(sent.name, sent.data).id], status: 200 }];
    }
    if (!found || !runs.has(found[1])) return [404, { error: "no such run" }];
    const run = runs.get(found[1]);
    if (method === "GET") return [200, whole(run)];
    if (method === "DELETE") {
      if (short(run).ended_at) return [409, { error: "the run has ended" }];
      run.cancelled_at = Date.now();
      ++sequence;
      return [204, null];
    }
    return [404, { error: "there is no such route" }];
  }

  // As the engine does: the sequence at once and after changes.
  function follow(request, response) {
    response.writeHead(200, { "content-type": "text/event-stream" });
    let told = -1;
    const tell = () => {
      const [, state] = answer("GET", new URL("http://localhost/api/state"), "");
      if (state.sequence !== told) response.write(`data: {"sequence":${told = state.sequence}}\n\n`);
    };
    tell();
    const timer = setInterval(tell, 200);
    request.on("close", () => clearInterval(timer));
  }

  const server = createServer((request, response) => {
    const url = new URL(request.url, "http://localhost");
    if (url.pathname === "/api/live") return follow(request, response);
    if (url.pathname === "/") {
      const { html, policy } = page();
      response.writeHead(200, { "content-type": "text/html; charset=utf-8", "content-security-policy": policy });
      return response.end(html);
    }
    let body = "";
    request.on("data", part => { body += part; });
    request.on("end", () => {
      let status, value;
      try { [status, value] = answer(request.method, url, body); }
      catch (error) { [status, value] = [500, { error: String(error) }]; }
      response.writeHead(status, { "content-type": "application/json" });
      response.end(value === null ? undefined : JSON.stringify(value).replace(/"<(\d+)>"/g, "$1"));
    });
  });
  return new Promise(done => server.listen(port, "127.0.0.1", () => done({ asked: engine.asked, base: `http://127.0.0.1:${server.address().port}`, close: () => { server.closeAllConnections(); server.close(); } })));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { base } = await start({ port: Number(process.argv[2] ?? 0), runs: Number(process.argv[3] ?? 10000) });
  console.log(base);
}
