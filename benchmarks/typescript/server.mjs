// The functions of serve_benchmark.cpp on the official TypeScript SDK and node's own HTTP server.
import { createServer } from "node:http";
import { Inngest } from "inngest";
import { serve } from "inngest/node";

const silent = { info() {}, warn() {}, error: console.error, debug() {} };
const inngest = new Inngest({ id: "bench", checkpointing: false, logger: silent });
const on = [{ event: "bench/asked" }];

const item = () => ({
  name: "A product of some kind", sku: "SKU-2026-000123", description: "Fits most needs", padding: "x".repeat(20),
  quantity: 7, price: 19.95, in_stock: true, tags: ["red", "large", "new"],
});
const functions = [
  inngest.createFunction({ id: "none", triggers: on }, async () => "done"),
  inngest.createFunction({ id: "loop", triggers: on }, async ({ event, step }) => {
    let total = 0;
    for (let i = 0; i < event.data.steps; i++) total += (await step.run("step", item)).quantity;
    return total;
  }),
  inngest.createFunction({ id: "plan", triggers: on }, async ({ event, step }) => {
    const started = Array.from({ length: event.data.steps }, () => step.run("step", () => 1));
    return (await Promise.all(started)).reduce((a, b) => a + b, 0);
  }),
];
createServer(serve({ client: inngest, functions })).listen(Number(process.argv[2]), "127.0.0.1");
