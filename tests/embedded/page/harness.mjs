// The browser, and what all checks of the page use.
//
//   node page.mjs [--base http://127.0.0.1:8288] [--engine program] [--shots folder] [--browser chromium]
//                 [--only runs,frame]
//
// Without a base, or an engine's program that says its address, it starts the fake engine with 10,000 runs. Against a
// real one the checks that need those are skipped.
// PLAYWRIGHT is the folder where playwright-core and axe-core were installed.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { start } from "./fake_engine.mjs";

export const { values: given } = parseArgs({ options: { base: { type: "string" }, engine: { type: "string" }, shots: { type: "string" }, only: { type: "string" }, browser: { type: "string", default: "/usr/bin/chromium" } } });
const packages = createRequire(join(process.env.PLAYWRIGHT ?? process.cwd(), "x.js"));
const { chromium } = packages("playwright-core");
const axe = readFileSync(packages.resolve("axe-core/axe.min.js"), "utf8");

export const engine = given.engine && spawn(given.engine, [], { stdio: ["pipe", "pipe", "inherit"] });
if (engine) given.base = String((await once(engine.stdout, "data"))[0]).trim();
export const fake = given.base ? null : await start();
export const base = (given.base ?? fake.base).replace(/\/$/, "");
export const browser = await chromium.launch({ executablePath: given.browser, args: process.getuid?.() === 0 ? ["--no-sandbox"] : [] });
export const page = await browser.newPage({ viewport: { width: 1360, height: 860 }, colorScheme: "light" });
page.setDefaultTimeout(60000);

export const problems = [];
export const requested = [];
/// What checks leave for later ones: an event that triggers a function, a run, whether the engine may be unreachable.
export const shared = { trigger: undefined, some_run: undefined, offline: false, failed: 0 };
page.on("console", message => { if (message.type() === "error" && !shared.offline && !/status of (404|503|400)/.test(message.text())) problems.push(message.text()); });
page.on("pageerror", error => problems.push(error.stack));
page.on("request", request => requested.push(request));

export class Skip extends Error {}
export async function check(name, body) {
  try {
    await body();
    console.log(`ok       ${name}`);
  } catch (error) {
    if (error instanceof Skip) return console.log(`skipped  ${name}: ${error.message}`);
    ++shared.failed;
    console.log(`FAILED   ${name}\n${error.stack}`);
    if (given.shots) await page.screenshot({ path: join(given.shots, `failure-${shared.failed}.png`) });
  }
}
export function expect(truth, words) { if (!truth) throw new Error(words); }
/// For checks in which the server refuses something, which the browser reports as an error.
export async function with_refusals(body) {
  shared.offline = true;
  try {
    await body();
    await page.waitForTimeout(100);
  } finally { shared.offline = false; }
}
export const only_fake = () => { if (!fake) throw new Skip("needs the runs of the fake engine"); };

export async function until(question, words, seconds = 60) {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await page.waitForTimeout(50))
    if (await question()) return;
  throw new Error(`in ${seconds} s it did not happen that ${words}`);
}

export const rows = page.locator("#list-runs .row");
export const strips = page.locator(".fall button.strip");
export const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.className || document.activeElement.tagName);
export const elements = () => page.evaluate(() => document.querySelectorAll("body *").length);
export const live_text = () => page.locator("#live").textContent();

export async function visit(hash) {
  await page.goto("about:blank");
  await page.goto(`${base}/${hash}`);
  await page.locator("#link span").getByText("·").waitFor({ state: "attached" });
  await until(() => page.evaluate(() => started), "the page has read its address");
}

export async function send(name, data) {
  const answer = await fetch(`${base}/e/page`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ name, data }) });
  return (await answer.json()).ids[0];
}

export async function run_of(event) {
  let run;
  await until(async () => {
    const { events } = await (await fetch(`${base}/api/events?limit=50`)).json();
    run = events.find(each => each.id === event)?.runs[0];
    return run;
  }, `event ${event} started a run`);
  return run.id;
}

export async function shot(name) {
  if (!given.shots) return;
  mkdirSync(given.shots, { recursive: true });
  await page.screenshot({ path: join(given.shots, `${name}.png`) });
}

/// Whether axe, which knows the rules of WCAG, finds nothing wrong with what is shown.
export async function accessible(what) {
  if (!await page.evaluate(() => Boolean(window.axe))) await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
  const words = violations.map(({ id, help, nodes }) => `${id}: ${help}\n${nodes.slice(0, 5).map(node => `    ${node.html.slice(0, 200)}\n      ${node.failureSummary?.split("\n").slice(1).join(" ")}`).join("\n")}`);
  expect(!violations.length, `${what} is not accessible:\n${words.join("\n")}`);
}

// The least contrast between text and what is behind it, of all the text in sight.
export function least_contrast() {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = colour => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].map((value, i) => i < 3 ? value : value / 255);
  };
  const behind = node => {
    const layers = [];
    for (; node; node = node.parentElement) {
      const layer = rgba(getComputedStyle(node).backgroundColor);
      layers.unshift(layer);
      if (layer[3] === 1) break;
    }
    return layers.reduce((under, [r, g, b, a]) => [r, g, b].map((value, i) => value * a + under[i] * (1 - a)), [255, 255, 255]);
  };
  const light = rgb => {
    const [r, g, b] = rgb.map(value => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  let least = { ratio: 21 };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const node = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || !node.checkVisibility() || node.closest("script, .unseen, :disabled")) continue;
    const [a, b] = [light(rgba(getComputedStyle(node).color).slice(0, 3)), light(behind(node))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < least.ratio) least = { ratio, text: texts.currentNode.data, class: node.className };
  }
  return least;
}
