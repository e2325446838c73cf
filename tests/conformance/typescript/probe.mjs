// The app of probe.hpp, on the official TypeScript SDK: probe.mjs <port>.
import { createServer } from "node:http";
import { Inngest } from "inngest";
import { serve } from "inngest/node";

const silent = { info() {}, warn() {}, error() {}, debug() {} };
const inngest = new Inngest({ id: "probe", logger: silent });
const ran = (id, step) => { console.log(`ran ${id} ${step}`); return "ts"; };

const functions = [
  inngest.createFunction({ id: "journey", triggers: [{ event: "probe/journey.wanted" }] }, async ({ event, step }) => {
    const { id } = event.data;
    const first = await step.run("first", () => ran(id, "first"));
    await step.sleep("nap", "8s");
    const [left, right] = await Promise.all([
      step.run("left", () => ran(id, "left")),
      step.run("right", () => ran(id, "right")),
    ]);
    const gone = await step.waitForEvent("go", { event: "probe/go", timeout: "2m", if: "async.data.id == event.data.id" });
    const last = await step.run("last", () => ran(id, "last"));
    return { first, left, right, n: gone ? gone.data.n : -1, last };
  }),
  inngest.createFunction({ id: "sum", triggers: [{ event: "probe/sum.wanted" }] }, async ({ event, step }) =>
    step.run("add", () => event.data.a + event.data.b)),
];

const port = Number(process.argv[2]);
createServer(serve({ client: inngest, functions })).listen(port, "127.0.0.1", async () => {
  const answer = await fetch(`http://127.0.0.1:${port}/api/inngest`, { method: "PUT" });
  console.log(answer.ok ? "registered" : `${answer.status} ${await answer.text()}`);
});
