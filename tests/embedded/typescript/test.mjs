// Runs app.mjs on the embedded engine: test.mjs <engine's program>. Checks what came of every function. With
// TRANSPORT=connect the program has a gateway, and the app is a worker.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { deepStrictEqual as equal } from "node:assert";
import { setTimeout as sleep } from "node:timers/promises";

const patience = 120;  // seconds for what should take one

/// The first result that counts as true.
async function until(what, condition) {
  for (const end = Date.now() + patience * 1000; Date.now() < end; await sleep(50)) {
    const found = await condition();
    if (found) return found;
  }
  throw new Error(`in vain for ${patience} s: ${what}`);
}

/// A process that has said so when it is ready: its first line, and all that it says.
async function start(command, args, env) {
  const flags = { NODE_OPTIONS: "--experimental-websocket" };  // which node 20 has, but does not show
  const process_ = spawn(command, args, { env: { ...process.env, ...flags, ...env }, stdio: ["pipe", "pipe", "inherit"] });
  let all = "";
  process_.stdout.on("data", text => { all += text; });
  const says = text => until(`${command} says ${text}`, () => all.includes(text));
  await Promise.race([
    says("\n"),
    once(process_, "exit").then(([code]) => { throw new Error(`${command} ended with ${code}`); }),
  ]);
  return { process: process_, said: all.split("\n")[0], says };
}

const connects = process.env.TRANSPORT === "connect";
const app_file = new URL("app.mjs", import.meta.url).pathname;

async function check(engine_program, checkpointing) {
  const engine = await start(engine_program, []);
  const url = engine.said;
  const app = await start("node", [app_file], { INNGEST_DEV: url, CHECKPOINTING: checkpointing });
  const port = app.said;
  const get = async path => (await fetch(url + path)).json();
  /// Events at the same time.
  const send_all = async (name, all) => {
    const answer = await fetch(`${url}/e/key`, { method: "POST", body: JSON.stringify(all.map(data => ({ name: `ts/${name}`, data }))) });
    return (await answer.json()).ids;
  };
  const send = async (name, data) => (await send_all(name, [data]))[0];
  /// The one run of an event, when it is as wanted.
  const run_of = (event, wanted = run => run.ended_at) => until(`the run of event ${event} ends`, async () => {
    const { data } = await get(`/v1/events/${event}/runs`);
    return data.length === 1 && wanted(data[0]) && data[0];
  });
  const waits_at = async (event, step) => {
    const { run_id } = await run_of(event, () => true);
    await until(`run ${run_id} waits at ${step}`, async () => {
      const { steps } = await get(`/api/runs/${run_id}`);
      return steps.some(each => each.name === step && each.status === "waiting");
    });
  };
  const output_of = async event => {
    const run = await run_of(event);
    equal(run.status, "Completed");
    return run.output;
  };
  const run_of_function = name => until(`the runs of ${name} end`, async () => {
    const { runs } = await get(`/api/runs?function=ts-${name}`);
    return runs.length > 0 && runs.every(each => each.ended_at) && Promise.all(runs.map(each => get(`/api/runs/${each.id}`)));
  });

  try {
    if (!connects) {
      const registered = await fetch(`http://127.0.0.1:${port}/api/inngest`, { method: "PUT" });
      equal(registered.status, 200);
    }

    const events = {};
    for (const name of ["edits", "plain", "sequence", "parallel", "race", "signal", "invokes", "sends", "retries", "function-retries", "catches", "fails", "non-retriable", "cancelled", "large"])
      events[name] = await send(name, { name: "world", id: "7" });
    events.waits = await send("waits", { id: "7", n: 3 });
    [events.batch1, , , events.batch4] = await send_all("batch", [1, 2, 3, 4].map(n => ({ n })));  // before the timeout
    await send_all("debounced", [1, 2].map(n => ({ id: "a", n })));  // within the period

    await waits_at(events.waits, "match");
    await send("resume", { id: "other" });
    await send("resume", { id: "7" });
    await waits_at(events.waits, "if");
    await send("choose", { n: 2 });
    await send("choose", { n: 4 });
    await send("cancel", { id: "7" });
    await waits_at(events.signal, "signal");
    await send("signaller", {});

    equal(await output_of(events.plain), { hello: "world" });
    equal(await output_of(events.sequence), { a: { value: 1 }, b: 2, sum: 10, nothing: null });
    equal(await output_of(events.parallel), "1+2+7");
    equal(await output_of(events.race), "fast");
    equal(await output_of(events.waits), { matched: { id: "7" }, chosen: { n: 4 }, none: null });
    equal(await output_of(events.signal), { signal: "ts-signal", data: { from: "us" } });
    const invoked = await output_of(events.invokes);
    equal(invoked.good.got._inngest.fn_id, "ts-child"); // servers say who invoked
    delete invoked.good.got._inngest;
    equal(invoked, { good: { got: { x: 1 } }, bad: { message: "the child failed", cause: "Error: root" }, late: "InngestInvokeTimeoutError" });
    equal((await run_of_function("sunk")).map(each => each.output).sort(), [1, 2]);
    equal(await output_of(events.retries), "after 3");
    equal(await output_of(events["function-retries"]), { n: 2, attempt: 1 });
    equal(await output_of(events.catches), { name: "RangeError", message: "always fails", after: "recovered" });
    equal((await run_of(events.fails)).status, "Failed");
    equal((await run_of_function("fails-failure"))[0].output, { handled: "no way", of: "ts-fails", event: "ts/fails" });
    equal((await run_of(events["non-retriable"])).status, "Failed");
    equal(await output_of(events.batch1), 6);
    equal(await output_of(events.batch4), 4);
    equal((await run_of(events.cancelled)).status, "Cancelled");
    equal((await run_of_function("debounced")).map(each => each.output), [2]);
    equal(await output_of(events.large), 5_400_000);

    if (!connects) {
      // fetch() follows the redirect to the engine, which waits for the response
      const response = await fetch(`http://127.0.0.1:${port}/endpoint?sleep=1`, { method: "POST" });
      equal(response.status, 200);
      const told = await response.json();
      equal(typeof told === "string" ? JSON.parse(told) : told, { sum: 23, method: "POST", steps: 3 });
      const { runs } = await get("/api/runs?search=inngest/http.request");
      equal(runs.map(each => each.status), ["completed"]);
    }

    const edited = await run_of(events.edits);
    equal([edited.output.doubled, edited.output.after], [6, 7]);
    const again = await (await fetch(`${url}/v2/runs/${edited.run_id}/rerun`, {
      method: "POST", headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ fromStep: { stepId: "double", input: [10] } }) })).json();
    const ended = until("the repetition ends", async () => {
      const { data } = await get(`/v2/runs/${again.data.runId}?includeOutput=true`);
      return data.endedAt && data.output;
    });
    equal(await ended, { before: edited.output.before, doubled: 20, after: 21 });
    const { data: { rootSpan } } = await get(`/v2/runs/${again.data.runId}/trace`);
    equal(rootSpan.children.map(each => each.name), ["double", "after", "Finalization"]);
  } finally {
    app.process.kill();
    engine.process.kill();
  }
}

/// A worker is killed, asked to stop, and absent: nothing is lost.
async function check_workers(engine_program, env) {
  const engine = await start(engine_program, [], env);
  const url = engine.said;
  const headers = env.INNGEST_SIGNING_KEY
    ? { authorization: `Bearer signkey-test-${createHash("sha256").update(Buffer.from(env.INNGEST_SIGNING_KEY.slice(13), "hex")).digest("hex")}` }
    : {};
  const get = async path => (await fetch(url + path, { headers })).json();
  const send = async name => {
    const answer = await fetch(`${url}/e/key`, { method: "POST", body: JSON.stringify({ name: `ts/${name}`, data: {} }) });
    return (await answer.json()).ids[0];
  };
  const workers = async () => (await get("/v0/connect/envs/dev/conns")).data;
  const run_of = event => get(`/v1/events/${event}/runs`).then(({ data }) => data[0]);
  const output_of = event => until(`the end of event ${event}'s run`, async () => {
    const run = await run_of(event);
    return run?.ended_at && run;
  });
  const worker = more => start("node", [app_file], { INNGEST_DEV: url, CHECKPOINTING: "off", ...env, ...more });

  try {
    const hanging = await worker({ HANGS: "1", INSTANCE: "hanging" });
    equal((await workers()).map(each => each.instance_id), ["hanging"]);
    const killed = await send("hangs");
    await hanging.says("hangs works");
    hanging.process.kill("SIGKILL");
    await until("nobody", async () => (await workers()).length === 0);
    const waiting = await send("plain");  // which nobody can run now
    await sleep(300);
    equal((await run_of(waiting)).ended_at, null);

    const stopping = await worker({ LASTS: "15000", INSTANCE: "stopping" });
    equal((await output_of(waiting)).status, "Completed");
    equal((await output_of(killed)).output, "done by the next worker");
    const lasting = await send("lasts");
    await stopping.says("lasts works");
    stopping.process.kill("SIGTERM");  // it ends its step and goes
    await until("nobody", async () => (await workers()).length === 0);
    equal((await run_of(lasting)).ended_at, null);
    const last = await worker({ INSTANCE: "last" });  // it runs the rest of the function
    equal((await output_of(lasting)).output, "done by the first worker");
    last.process.kill();
  } finally {
    engine.process.kill();
  }
}

for (const checkpointing of process.env.ONLY_WORKERS ? [] : ["on", "off"]) {
  await check(process.argv[2], checkpointing);
  console.log(`the TypeScript app ran as it should, with checkpointing ${checkpointing}`);
}
if (connects) {
  for (const env of [{}, { INNGEST_SIGNING_KEY: "signkey-test-0123456789abcdef", INNGEST_EVENT_KEY: "key" }]) {
    await check_workers(process.argv[2], env);
    console.log(`TypeScript workers came and went as they should, ${env.INNGEST_SIGNING_KEY ? "with" : "without"} a key`);
  }
}
