// Runs app.mjs on the embedded engine: test.mjs <engine's program>. Checks what came of every function.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { deepStrictEqual as equal } from "node:assert";
import { setTimeout as sleep } from "node:timers/promises";

async function free_port() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  return port;
}

/// A process that has said so when it is ready.
async function start(command, args, env) {
  const process_ = spawn(command, args, { env: { ...process.env, ...env }, stdio: ["pipe", "pipe", "inherit"] });
  const [line] = await once(process_.stdout, "data");
  process_.stdout.resume();
  return { process: process_, said: String(line).trim() };
}

async function check(engine_program, checkpointing) {
  const engine = await start(engine_program, []);
  const url = engine.said;
  const port = await free_port();
  const app = await start("node", [new URL("app.mjs", import.meta.url).pathname],
    { PORT: String(port), INNGEST_DEV: url, CHECKPOINTING: checkpointing });
  const get = async path => (await fetch(url + path)).json();
  const send = async (name, data) => {
    const answer = await fetch(`${url}/e/key`, { method: "POST", body: JSON.stringify({ name: `ts/${name}`, data }) });
    return (await answer.json()).ids[0];
  };
  /// The one run of an event, when it is as wanted.
  const run_of = async (event, wanted = run => run.ended_at) => {
    for (let i = 0; i < 900; ++i, await sleep(50)) {
      const { data } = await get(`/v1/events/${event}/runs`);
      if (data.length === 1 && wanted(data[0])) return data[0];
    }
    throw new Error(`the run of event ${event} does not end`);
  };
  const waits_at = async (event, step) => {
    const { run_id } = await run_of(event, () => true);
    for (let i = 0; i < 600; ++i, await sleep(50)) {
      const { steps } = await get(`/api/runs/${run_id}`);
      if (steps.some(each => each.name === step && each.status === "waiting")) return;
    }
    throw new Error(`run ${run_id} does not wait at ${step}`);
  };
  const output_of = async event => {
    const run = await run_of(event);
    equal(run.status, "Completed");
    return run.output;
  };
  const run_of_function = async name => {
    for (let i = 0; i < 300; ++i, await sleep(50)) {
      const { runs } = await get(`/api/runs?function=ts-${name}`);
      if (runs.length > 0 && runs.every(each => each.ended_at)) return Promise.all(runs.map(each => get(`/api/runs/${each.id}`)));
    }
    throw new Error(`no run of ${name} ends`);
  };

  try {
    const registered = await fetch(`http://127.0.0.1:${port}/api/inngest`, { method: "PUT" });
    equal(registered.status, 200);

    const events = {};
    for (const name of ["plain", "sequence", "parallel", "race", "signal", "invokes", "sends", "retries", "function-retries", "catches", "fails", "non-retriable", "cancelled", "large"])
      events[name] = await send(name, { name: "world", id: "7" });
    events.waits = await send("waits", { id: "7", n: 3 });
    for (const n of [1, 2, 3, 4]) events[`batch${n}`] = await send("batch", { n });
    await send("debounced", { id: "a", n: 1 });
    await send("debounced", { id: "a", n: 2 });

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
  } finally {
    app.process.kill();
    engine.process.kill();
  }
}

for (const checkpointing of ["on", "off"]) {
  await check(process.argv[2], checkpointing);
  console.log(`the TypeScript app ran as it should, with checkpointing ${checkpointing}`);
}
