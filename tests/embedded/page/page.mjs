// Tries the engine's web page in a browser, as a person would.
//
//   node page.mjs [--base http://127.0.0.1:8288] [--engine program] [--shots folder] [--browser chromium]
//
// Without a base, or an engine's program that says its address, it starts the fake engine with 10,000 runs. Against a
// real one the checks that need those are skipped.
// PLAYWRIGHT is the folder where playwright-core was installed.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { start } from "./fake_engine.mjs";

const { values: given } = parseArgs({ options: { base: { type: "string" }, engine: { type: "string" }, shots: { type: "string" }, browser: { type: "string", default: "/usr/bin/chromium" } } });
const { chromium } = createRequire(join(process.env.PLAYWRIGHT ?? process.cwd(), "x.js"))("playwright-core");

const engine = given.engine && spawn(given.engine, [], { stdio: ["pipe", "pipe", "inherit"] });
if (engine) given.base = String((await once(engine.stdout, "data"))[0]).trim();
const fake = given.base ? null : await start();
const base = (given.base ?? fake.base).replace(/\/$/, "");
const browser = await chromium.launch({ executablePath: given.browser, args: process.getuid?.() === 0 ? ["--no-sandbox"] : [] });
const page = await browser.newPage({ viewport: { width: 1360, height: 860 }, colorScheme: "light" });
page.setDefaultTimeout(20000);

const problems = [];
const requested = [];
let offline = false;
page.on("console", message => { if (message.type() === "error" && !offline) problems.push(message.text()); });
page.on("pageerror", error => problems.push(error.stack));
page.on("request", request => requested.push(request));

let failed = 0;
class Skip extends Error {}
async function check(name, body) {
  try {
    await body();
    console.log(`ok       ${name}`);
  } catch (error) {
    if (error instanceof Skip) return console.log(`skipped  ${name}: ${error.message}`);
    ++failed;
    console.log(`FAILED   ${name}\n${error.stack}`);
    if (given.shots) await page.screenshot({ path: join(given.shots, `failure-${failed}.png`) });
  }
}
function expect(truth, words) { if (!truth) throw new Error(words); }
const only_fake = () => { if (!fake) throw new Skip("needs the runs of the fake engine"); };

async function until(question, words, seconds = 20) {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await page.waitForTimeout(50))
    if (await question()) return;
  throw new Error(`in ${seconds} s it did not happen that ${words}`);
}

const rows = page.locator("#list-runs .row");
const strips = page.locator(".fall button.strip");
const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.className || document.activeElement.tagName);
const elements = () => page.evaluate(() => document.querySelectorAll("body *").length);
const live_text = () => page.locator("#live").textContent();

async function visit(hash) {
  await page.goto("about:blank");
  await page.goto(`${base}/${hash}`);
  await page.locator("#link span").getByText("·").waitFor({ state: "attached" });
}

async function send(name, data) {
  const answer = await fetch(`${base}/e/page`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ name, data }) });
  return (await answer.json()).ids[0];
}

async function run_of(event) {
  let run;
  await until(async () => {
    const { events } = await (await fetch(`${base}/api/events?limit=50`)).json();
    run = events.find(each => each.id === event)?.runs[0];
    return run;
  }, `event ${event} started a run`);
  return run.id;
}

async function shot(name) {
  if (!given.shots) return;
  mkdirSync(given.shots, { recursive: true });
  await page.screenshot({ path: join(given.shots, `${name}.png`) });
}

// The least contrast between text and what is behind it, of all the text in sight.
function least_contrast() {
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

let trigger;
await check("the page comes with its policy and shows the engine's state", async () => {
  const answer = await page.goto(`${base}/`);
  expect(answer.headers()["content-security-policy"]?.includes("default-src 'none'"), "there is no Content-Security-Policy");
  expect(answer.headers()["content-type"]?.includes("text/html"), "it is no HTML");
  const { functions } = await (await fetch(`${base}/api/functions`)).json();
  trigger = functions.flatMap(each => each.triggers).find(each => each.event && !each.event.includes("*"))?.event;
  await until(async () => /·/.test(await page.locator("#link").innerText()), "the version is shown");
});

await check("runs appear in the list, newest first", async () => {
  if (!fake && trigger) await run_of(await send(trigger, {}));
  await until(async () => await rows.count() > 0, "there are rows");
  const ids = await rows.evaluateAll(all => all.map(row => row.dataset.id));
  expect(ids.join() === [...ids].sort().reverse().join(), "the rows are in another order");
});

await check("10,000 runs keep the page small", async () => {
  only_fake();
  await page.locator("#list-runs").focus();
  const last = () => rows.last().getAttribute("aria-setsize");
  let most = 0;
  await until(async () => {
    await page.keyboard.press("End");
    most = Math.max(most, await elements());
    return await last() === "10000";
  }, "all runs were loaded", 120);
  expect(await rows.count() < 60, `${await rows.count()} rows are in the page`);
  expect(most < 700, `the page has ${most} elements`);
  console.log(`         with 10,000 runs loaded: ${await rows.count()} rows, at most ${most} elements in the page`);
  const id = await rows.last().getAttribute("data-id");
  await send("user/created", {});
  await page.waitForTimeout(2500);
  expect(await page.locator(`#runs-${id}`).count() === 1, "a new run moved the rows in sight");
  await page.getByRole("button", { name: "Newer above" }).click();
  await until(async () => (await rows.first().innerText()).includes("Welcome mail") && (await rows.first().getAttribute("aria-posinset")) === "1", "the new run is on top");
});

await check("runs are filtered by status", async () => {
  only_fake();
  await visit("");
  await page.locator(".chip", { hasText: "Failed" }).click();
  await until(async () => await rows.count() > 5 && (await rows.evaluateAll(all => all.every(row => row.dataset.s === "failed"))), "only failed runs are shown");
  expect(page.url().includes("status=failed"), "the address does not have the filter");
  expect(await page.locator(".chip[aria-pressed=true]").innerText().then(text => text.includes("Failed")), "the filter is not marked");
  await page.reload();
  await until(async () => await rows.count() > 5 && (await rows.evaluateAll(all => all.every(row => row.dataset.s === "failed"))), "the filter survives a reload");
});

await check("runs are filtered by function, and the filters cleared", async () => {
  only_fake();
  await page.locator("#only").selectOption("mail-welcome");
  await until(async () => await rows.count() > 5 && (await rows.evaluateAll(all => all.every(row => row.innerText.includes("Welcome mail")))), "only its runs are shown");
  await page.locator("#find").fill("no such run");
  await page.getByText("Nothing matches.").waitFor();
  await page.getByRole("button", { name: "Clear the filters" }).click();
  await until(async () => await rows.count() > 5 && !page.url().includes("function="), "all runs are shown");
  expect(await page.locator("#find").inputValue() === "", "the search is still there");
});

await check("a run is found by a part of its id", async () => {
  await visit("");
  await rows.first().waitFor();
  const id = await rows.last().getAttribute("data-id");
  await page.locator("#find").fill(id.slice(12));
  await until(async () => await rows.count() === 1 && (await rows.first().getAttribute("data-id")) === id, "it alone is shown");
  await page.locator("#find").press("Escape");
  await until(async () => !page.url().includes("search="), "Escape ends the search");
});

let some_run;
await check("a run opens with its waterfall, and a step with its details", async () => {
  await visit(fake ? "#/runs?status=failed" : "");
  await rows.first().click();
  await strips.nth(1).waitFor();
  some_run = await rows.first().getAttribute("data-id");
  expect(page.url().includes(some_run), "the address does not have the run");
  expect(await page.locator(".badge").first().innerText().then(text => /^[A-Z][a-z]+$/.test(text.trim())), "no word says the status");
  expect(await page.locator(".track .bar").count() >= 2, "there are no bars");
  const inside = await page.locator(".fall").evaluate(fall => [...fall.querySelectorAll(".track .bar")].every(bar => {
    const [box, track] = [bar.getBoundingClientRect(), bar.parentElement.getBoundingClientRect()];
    return box.left >= track.left - 1 && box.right <= track.right + 5;
  }));
  expect(inside, "a bar leaves its track");
  await strips.last().click();
  expect(await strips.last().getAttribute("aria-expanded") === "true", "the step is not open");
  await page.locator(".panel").getByText("Queued").waitFor();
  if (fake) {
    expect(await page.locator(".panel tbody tr").count() === 3, "three attempts are not shown");
    expect((await page.locator(".panel").innerText()).includes("card_declined"), "the attempt's error is not shown");
    expect((await page.locator(".error").innerText()).includes("PaymentError"), "the run's error is not shown");
  }
  await strips.last().click();
  expect(await page.locator(".panel").count() === 0, "the step does not close");
});

await check("many steps and a large output stay small", async () => {
  only_fake();
  const run = await run_of(await send("catalogue/huge", { number: 1 }));
  await visit(`#/runs/${run}`);
  await strips.nth(100).waitFor();
  expect(await strips.count() === 101, "there is more than a page of steps");
  await page.getByRole("button", { name: "Next" }).click();
  await page.locator(".label", { hasText: "row 150" }).waitFor();
  expect(await elements() < 2200, `the page has ${await elements()} elements`);
  const more = page.getByRole("button", { name: /^Show all/ });
  expect(await more.innerText() === "Show all 5,005 lines", await more.innerText());
  const output = await page.getByLabel("Output").innerText();
  expect(output.length < 1000, "the output is not collapsed");
  expect(output.includes("9007199254740993"), "a large number lost a digit");
  await more.click();
  expect((await page.getByLabel("Output").innerText()).includes("4999"), "the output does not expand");
});

await check("a form with mistakes says so and sends nothing", async () => {
  await visit("");
  await page.getByRole("button", { name: "Send event" }).click();
  const posts = () => requested.filter(each => each.method() === "POST").length;
  const before = posts();
  await page.locator("#send-go").click();
  expect((await page.locator("#send-name-wrong").innerText()).includes("name"), "nothing says that the name is missing");
  expect(await page.locator("#send-name").getAttribute("aria-invalid") === "true", "the name is not marked");
  await page.locator("#send-name").fill("test/page");
  await page.locator("#send-data").fill('{"a": 1,}');
  expect((await page.locator("#send-data-wrong").innerText()).length > 0, "nothing says that it is no JSON");
  await page.locator("#send-go").click();
  await page.locator("#send-data").fill("[1, 2]");
  expect((await page.locator("#send-data-wrong").innerText()).includes("object"), "an array is not refused");
  await page.locator("#send-go").click();
  expect(posts() === before, "it was sent all the same");
  await page.locator("#send-data").fill('{"a": 1}');
  expect(await page.locator("#send-data-wrong").innerText() === "", "the mistake is still there");
  await page.keyboard.press("Escape");
});

await check("markup in an event does nothing", async () => {
  await page.getByRole("button", { name: "Send event" }).click();
  const html = "<script>window.harm = 1</script><img src=x onerror='window.harm = 2'>";
  const name = fake ? `test/<img src=x onerror="window.harm = 3">` : "test/markup";  // a real one refuses such names
  await page.locator("#send-name").fill(name);
  await page.locator("#send-data").fill(JSON.stringify({ html, [html]: 18014398509481985 }).replace("18014398509481984", "18014398509481985"));
  await page.locator("#send-go").click();
  await page.getByRole("link", { name: "See it" }).click();
  await page.locator(".json", { hasText: "window.harm = 1" }).waitFor();
  expect(requested.findLast(each => each.method() === "POST").postData().includes("18014398509481985"), "a large number lost a digit");
  expect(await page.evaluate(() => window.harm) === undefined, "it ran");
  expect(await page.locator("img, body script ~ script").count() === 0, "it became an element");
});

await check("a known trigger fills the form, and the run is followed while it goes on", async () => {
  if (!trigger) throw new Skip("no function has an event as its trigger");
  await visit("#/events");
  await page.keyboard.press("n");
  await page.locator("#known .chip", { hasText: trigger }).first().click();
  expect(await page.locator("#send-name").inputValue() === trigger, "the name was not filled in");
  if (fake) expect((await page.locator("#send-data").inputValue()).includes("customer"), "the last data were not offered");
  await page.keyboard.press("Control+Enter");
  await page.getByRole("link", { name: "See it" }).click();
  await page.locator(".stack a").first().click();
  await strips.nth(1).waitFor();
  const status = page.locator("#part-head .badge");
  if (fake) {
    await until(async () => await page.locator(".label[data-s=sleeping], .label[data-s=retrying]").count() > 0, "a step waits");
    await shot("running");
  }
  await until(async () => ["Completed", "Failed", "Cancelled"].includes((await status.innerText()).trim()), "the run ended", 60);
  if (fake) expect((await live_text()).includes("completed"), "the end is not announced");
  if (fake) await page.locator(".json", { hasText: "receipt" }).waitFor();
});

await check("a run is cancelled, after a question", async () => {
  if (!trigger) throw new Skip("no function has an event as its trigger");
  await visit(`#/runs/${await run_of(await send(trigger, {}))}`);
  await strips.first().waitFor();
  const button = page.locator(".acts").getByRole("button", { name: "Cancel" });
  if (!await button.count()) throw new Skip("the run ended before");
  await button.click();
  await page.keyboard.press("Escape");
  expect(await page.locator("#ask").evaluate(dialog => !dialog.open), "Escape does not close the question");
  await button.click();
  await page.getByRole("button", { name: "Cancel the run" }).click();
  await until(async () => (await page.locator("#part-head .badge").innerText()).includes("Cancelled"), "the run is cancelled");
  expect(await button.count() === 0, "it can be cancelled again");
});

await check("a run is run again, as another run", async () => {
  await visit(`#/runs/${some_run}`);
  await page.getByRole("button", { name: "Rerun" }).click();
  await until(async () => !page.url().includes(some_run) && /runs\/[0-9A-Z]{26}/.test(page.url()), "the new run opens");
  await strips.first().waitFor();
});

await check("the keyboard alone is enough", async () => {
  await visit("");
  await rows.nth(2).waitFor();
  for (let i = 0; await focused() !== "tab-runs"; ++i) {
    expect(i < 10, "Tab does not reach the tabs");
    await page.keyboard.press("Tab");
  }
  await page.keyboard.press("ArrowRight");
  expect(await focused() === "tab-events" && page.url().endsWith("#/events"), "the right arrow does not go to the next tab");
  await page.keyboard.press("Home");
  await page.locator("#tab-runs[aria-selected=true]").waitFor();
  await page.keyboard.press("ArrowDown");
  expect(await focused() === "list-runs", "the down arrow does not go to the list");
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  expect(outline === "solid", "the focus is not visible");
  const active = () => page.locator("#list-runs").getAttribute("aria-activedescendant");
  const first = await active();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  expect(first && await active() !== first, "the arrow does not move");
  const chosen = (await active()).replace("runs-", "");
  await page.keyboard.press("Enter");
  await until(async () => await focused() === "detail" && page.url().includes(chosen), "Enter opens the run and goes there");
  for (let i = 0; await focused() !== "strip"; ++i) {
    expect(i < 20, "Tab does not reach the waterfall");
    await page.keyboard.press("Tab");
  }
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.locator(".panel").waitFor();
  expect(await focused() === "strip", "the focus is lost when a step opens");
  await page.keyboard.press("Escape");
  await until(async () => await focused() === "list-runs", "Escape goes back to the list");
  expect(await active() === `runs-${chosen}`, "the list forgot where it was");
  await page.keyboard.press("/");
  expect(await focused() === "find", "the slash does not go to the search");
  await page.keyboard.press("Escape");
  await page.keyboard.press("3");
  await page.locator("#tab-functions[aria-selected=true]").waitFor();
  await page.keyboard.press("n");
  expect(await focused() === "send-name", "n does not open the form");
  await page.keyboard.press("Escape");
});

await check("functions show their triggers and options", async () => {
  await visit("#/functions");
  await page.locator("#list-functions .row").first().click();
  await page.locator("#part-triggers .stack").waitFor();
  if (!fake) return;
  await page.locator("#find").fill("nightly");
  await until(async () => await page.locator("#list-functions .row").count() === 1, "functions are searched");
  await page.locator("#list-functions .row").click();
  await page.getByText("0 2 * * *").nth(1).waitFor();
  await page.getByText('[{"limit":1}]').waitFor();
  await page.getByRole("link", { name: "See its runs" }).click();
  await until(async () => page.url().includes("function=reports-nightly") && await rows.count() > 5, "its runs are shown");
});

await check("an unknown run, and an engine that is away", async () => {
  offline = true;
  await visit("#/runs/01HZZZZZZZZZZZZZZZZZZZZZZZ");
  await page.getByRole("heading", { name: "Not found" }).waitFor();
  await visit(`#/runs/${some_run}`);
  await strips.first().waitFor();
  await page.route("**/api/**", route => route.abort());
  await page.locator("#link.lost").waitFor();
  expect((await live_text()).includes("does not answer"), "it is not announced");
  expect(await strips.count() > 0 && await rows.count() > 0, "what was there is gone");
  await page.unroute("**/api/**");
  await page.locator("#link:not(.lost)").waitFor();
  offline = false;
});

for (const scheme of ["light", "dark"]) {
  await check(`text has enough contrast in ${scheme}`, async () => {
    await page.emulateMedia({ colorScheme: scheme });
    await visit(`#/runs/${some_run}`);
    await strips.last().click();
    await page.locator(".panel").waitFor();
    const paper = await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    expect((parseInt(/\d+/.exec(paper)[0]) < 128) === (scheme === "dark"), `the page is ${paper}`);
    const least = await page.evaluate(least_contrast);
    expect(least.ratio >= 4.5, `${least.ratio.toFixed(2)} of "${least.text}" (${least.class})`);
    console.log(`         least: ${least.ratio.toFixed(2)}, of "${least.text.slice(0, 40)}"`);
    await shot(scheme);
    await page.keyboard.press("n");
    await shot(`${scheme}-form`);
    await page.keyboard.press("Escape");
    await visit("#/events");
    await page.locator("#list-events .row").first().click();
    await page.locator("#part-json .json").waitFor();
    await shot(`${scheme}-events`);
  });
}

await check("the theme is chosen and kept", async () => {
  const scheme = () => page.evaluate(() => getComputedStyle(document.documentElement).colorScheme);
  await page.emulateMedia({ colorScheme: "light" });
  await visit("");
  await page.locator("#theme").click();
  await page.locator("#theme").click();
  expect(await scheme() === "dark", `it is ${await scheme()}`);
  await page.reload();
  expect(await scheme() === "dark", "it was forgotten");
  await page.locator("#theme").click();
  expect(await scheme() === "light dark", `it is ${await scheme()}`);
});

await check("a phone shows the list or the run, and nothing beyond its edge", async () => {
  await page.setViewportSize({ width: 375, height: 740 });
  await visit("");
  await rows.first().waitFor();
  const wide = () => page.evaluate(() => document.documentElement.scrollWidth > innerWidth || document.querySelector("#detail").scrollWidth > innerWidth);
  expect(!await wide(), "the list is too wide");
  await shot("phone-list");
  await rows.first().click();
  await strips.first().waitFor();
  expect(await rows.first().isHidden(), "the list is still there");
  expect(!await wide(), "the run is too wide");
  await shot("phone-run");
  await page.getByRole("button", { name: "Back" }).click();
  await until(() => rows.first().isVisible(), "Back goes to the list");
});

await check("a guarded engine lets a browser in by its link, once", async () => {
  if (!engine) throw new Skip("needs an engine's program");
  const guarded = spawn(given.engine, ["guarded"], { stdio: ["pipe", "pipe", "inherit"] });
  const context = await browser.newContext();
  try {
    const link = String((await once(guarded.stdout, "data"))[0]).trim();
    const { origin } = new URL(link);
    const visitor = await context.newPage();
    expect((await visitor.goto(`${origin}/`)).status() === 401, "the page is open to all");
    expect((await visitor.goto(link)).status() === 200, "the link does not work");
    await visitor.waitForURL(`${origin}/`);
    await visitor.locator("#link span").getByText("·").waitFor({ state: "attached" });
    const status = await visitor.evaluate(async () => (await fetch("/e/page", { method: "POST", body: JSON.stringify({ name: "a/b" }) })).status);
    expect(status === 200, "an event is not taken");
    expect((await visitor.goto(link)).status() === 401, "the link works twice");
    expect((await visitor.goto(`${origin}/`)).status() === 200, "the browser is no longer signed in");
    const other = await browser.newContext();
    expect((await (await other.newPage()).goto(`${origin}/`)).status() === 401, "another browser is signed in, too");
    await other.close();
  } finally {
    await context.close();
    guarded.kill();
  }
});

await check("a page of another origin is shown nothing and changes nothing", async () => {
  if (!engine) throw new Skip("needs an engine's program");
  const context = await browser.newContext();
  try {
    const stranger = await context.newPage();
    await stranger.route("http://stranger.example/", route => route.fulfill({ contentType: "text/html", body: "<!doctype html><title>stranger</title>" }));
    await stranger.goto("http://stranger.example/");
    const before = (await (await fetch(`${base}/api/events`)).json()).events.length;
    const read = await stranger.evaluate(async base => {
      const attempt = (path, options) => fetch(base + path, options).then(answer => answer.text(), () => "");
      await attempt("/e/x", { method: "POST", mode: "no-cors", body: JSON.stringify({ name: "stranger/sent" }) });
      await attempt("/fn/register", { method: "POST", mode: "no-cors", body: "{}" });
      await attempt("/e/x", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ name: "stranger/sent" }) });
      return attempt("/api/events");
    }, base);
    expect(read === "", "it has read the events");
    expect((await (await fetch(`${base}/api/events`)).json()).events.length === before, "it has sent an event");
    const shown = await stranger.evaluate(base => new Promise(done => {
      const frame = document.createElement("iframe");
      frame.onload = () => done(frame.contentDocument !== null || frame.contentWindow.length);
      frame.src = `${base}/`;
      document.body.append(frame);
    }), base);
    const inside = stranger.frames().find(frame => frame !== stranger.mainFrame());
    expect(!shown && !(await inside?.locator("#list-runs").count()), "the page is shown in a frame");
  } finally {
    await context.close();
  }
});

await check("nothing was asked of anyone else, and the console has no errors", async () => {
  const others = requested.map(each => each.url()).filter(url => !url.startsWith(base) && !/^(data|about):/.test(url));
  expect(others.length === 0, others.join("\n"));
  expect(problems.length === 0, problems.join("\n"));
});

await browser.close();
engine?.kill();
fake?.close();
console.log(failed ? `${failed} failed` : "all is well");
process.exit(failed ? 1 : 0);
