// An app on the official TypeScript SDK. CHECKPOINTING=off makes each step a call of its own. TRANSPORT=connect makes
// it a worker: it connects to the engine, instead of waiting to be called at the port that it prints.
import { createServer } from "node:http";
import { Inngest, NonRetriableError, RetryAfterError, step } from "inngest";
import { connect } from "inngest/connect";
import { endpointAdapter, serve, serveEndpoint } from "inngest/node";

const silent = { info() {}, warn() {}, error() {}, debug() {} };
const inngest = new Inngest({
  id: "ts",
  logger: silent,
  endpointAdapter,
  ...(process.env.CHECKPOINTING === "off" ? { checkpointing: false } : {}),
});
const on = (id, options, handler) =>
  inngest.createFunction({ id, triggers: [{ event: `ts/${id}` }], ...options }, handler);

const attempts = new Map();  // by run
const count = key => { attempts.set(key, (attempts.get(key) ?? 0) + 1); return attempts.get(key); };

const child = on("child", { retries: 0 }, async ({ event }) => {
  if (event.data.fails) throw new NonRetriableError("the child failed", { cause: new Error("root") });
  return { got: event.data };
});
const slow = on("slow", {}, async ({ step }) => { await step.sleep("long", "1h"); });

const functions = [
  child,
  slow,
  on("plain", {}, async ({ event }) => ({ hello: event.data.name })),
  on("sequence", {}, async ({ step }) => {
    const a = await step.run("a", () => ({ value: 1 }));
    await step.sleep("nap", "300ms");
    const b = await step.run({ id: "b", name: "Second" }, () => a.value + 1);
    let sum = 0;
    for (let i = 0; i < 5; i++) sum += await step.run("loop", () => i);
    return { a, b, sum, nothing: (await step.run("nothing", () => {})) ?? null };
  }),
  on("parallel", {}, async ({ step }) => {
    const all = await Promise.all([
      step.run("one", () => 1),
      step.run("two", async () => { await new Promise(done => setTimeout(done, 100)); return 2; }),
      step.sleep("nap", "200ms"),
      (async () => (await step.run("first", () => 3)) + (await step.run("second", () => 4)))(),
    ]);
    return (await step.run("after", () => all.filter(Boolean))).join("+");
  }),
  on("edits", {}, async ({ step }) => {
    const before = await step.run("before", () => Math.random());
    const doubled = await step.run("double", n => n * 2, 3);
    return { before, doubled, after: await step.run("after", () => doubled + 1) };
  }),
  on("race", {}, async ({ step, group }) => group.parallel({ mode: "race" }, () =>
    Promise.race([step.run("fast", () => "fast"), step.sleep("slow", "30s").then(() => "slow")]))),
  on("waits", {}, async ({ step }) => {
    const matched = await step.waitForEvent("match", { event: "ts/resume", timeout: "1h", match: "data.id" });
    const chosen = await step.waitForEvent("if", { event: "ts/choose", timeout: "1h", if: "async.data.n > event.data.n" });
    const none = await step.waitForEvent("none", { event: "ts/never", timeout: "100ms" });
    return { matched: matched.data, chosen: chosen.data, none };
  }),
  on("signal", {}, async ({ step }) => step.waitForSignal("signal", { signal: "ts-signal", timeout: "1h", onConflict: "replace" })),
  on("signaller", {}, async ({ step }) => { await step.sendSignal("send", { signal: "ts-signal", data: { from: "us" } }); }),
  on("invokes", { retries: 0 }, async ({ step }) => {
    const good = await step.invoke("good", { function: child, data: { x: 1 } });
    const bad = await step.invoke("bad", { function: child, data: { fails: true } }).catch(e => ({ message: e.message, cause: String(e.cause) }));
    const late = await step.invoke("late", { function: slow, timeout: "200ms" }).catch(e => e.name);
    return { good, bad, late };
  }),
  on("sends", {}, async ({ step }) => {
    await step.sendEvent("send", [{ name: "ts/sunk", data: { n: 1 } }, { name: "ts/sunk", data: { n: 2 } }]);
  }),
  on("sunk", {}, async ({ event }) => event.data.n),
  on("retries", { retries: 2 }, async ({ step, runId }) => step.run("flaky", () => {
    const n = count(runId);
    if (n < 3) throw new Error(`attempt ${n}`);
    return `after ${n}`;
  })),
  on("function-retries", { retries: 2 }, async ({ runId, attempt }) => {
    const n = count(runId);
    if (n < 2) throw new RetryAfterError("not yet", "1s");
    return { n, attempt };
  }),
  on("catches", { retries: 1 }, async ({ step }) => {
    try { await step.run("always", () => { throw new RangeError("always fails"); }); }
    catch (e) { return { name: e.name, message: e.message, after: await step.run("recover", () => "recovered") }; }
  }),
  on("fails", { retries: 1, onFailure: async ({ event, error, step }) => {
    await step.run("clean-up", () => "done");
    return { handled: error.message, of: event.data.function_id, event: event.data.event.name };
  } }, async ({ step }) => { await step.run("always", () => { throw new Error("no way"); }); }),
  on("non-retriable", { retries: 3 }, async () => { throw new NonRetriableError("never again"); }),
  on("batch", { batchEvents: { maxSize: 3, timeout: "2s" } }, async ({ events, step }) =>
    step.run("sum", () => events.reduce((sum, each) => sum + each.data.n, 0))),
  on("cancelled", { cancelOn: [{ event: "ts/cancel", match: "data.id" }] }, async ({ step }) => { await step.sleep("long", "1h"); }),
  on("debounced", { debounce: { period: "2s", key: "event.data.id" } }, async ({ event }) => event.data.n),
  on("large", {}, async ({ step }) => {
    let size = 0;
    for (let i = 0; i < 6; i++) size += (await step.run(`part-${i}`, () => "x".repeat(900_000))).length;
    await step.sleep("nap", "10ms");  // the next call asks for its state
    return size;
  }),
];

// A durable endpoint: it runs while its client waits, up to the sleep, and is continued by the engine.
let steps_of_endpoint = 0;
const endpoint = serveEndpoint(inngest.endpoint(async request => {
  const a = await step.run("a", () => { steps_of_endpoint++; return 20; });
  if (new URL(request.url).searchParams.get("sleep")) await step.sleep("nap", "1s");
  const both = await Promise.all([step.run("b", () => { steps_of_endpoint++; return 1; }), step.run("c", () => { steps_of_endpoint++; return 2; })]);
  return Response.json({ sum: a + both[0] + both[1], method: request.method, steps: steps_of_endpoint });
}));
if (process.env.TRANSPORT === "connect") {
  // The functions of a worker that is killed and of one that is asked to stop.
  functions.push(
    on("hangs", { retries: 1 }, async ({ step }) => step.run("work", async () => {
      console.log("hangs works");
      if (process.env.HANGS) await new Promise(() => setInterval(() => {}, 1000));
      return "done by the next worker";
    })),
    on("lasts", { retries: 0 }, async ({ step }) => step.run("work", async () => {
      console.log("lasts works");
      await new Promise(done => setTimeout(done, Number(process.env.LASTS ?? 0)));
      return "done by the first worker";
    })));
  await connect({ apps: [{ client: inngest, functions }], instanceId: process.env.INSTANCE ?? "ts-worker" });
  console.log("connected");
} else {
  const app = serve({ client: inngest, functions });
  const server = createServer((request, response) => (request.url.startsWith("/endpoint") ? endpoint : app)(request, response))
    .listen(0, "127.0.0.1", () => console.log(server.address().port));
}
