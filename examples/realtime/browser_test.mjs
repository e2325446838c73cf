// Starts the example and watches its progress bar in a browser: node browser_test.mjs <program> <browser> [server]

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { join } from "node:path";

const [program, executablePath, server] = process.argv.slice(2);
const { chromium } = createRequire(join(process.env.PLAYWRIGHT ?? process.cwd(), "x.js"))("playwright-core");
const example = spawn(program, ["0", ...(server ? [server] : [])], { stdio: ["ignore", "pipe", "inherit"] });
const url = String((await once(example.stdout, "data"))[0]).trim();
let browser;
try {
  browser = await chromium.launch({ executablePath, timeout: 120000, args: process.getuid?.() === 0 ? ["--no-sandbox"] : [] });
  const page = await browser.newPage();
  page.setDefaultTimeout(60000);
  const problems = [];
  page.on("pageerror", error => problems.push(error.stack));
  await page.goto(url);
  // notes each value that the bar shows
  await page.evaluate(() => {
    window.seen = [];
    new MutationObserver(() => seen.push(document.getElementById("bar").value))
      .observe(document.getElementById("bar"), { attributes: true });
  });
  await page.getByRole("button", { name: "Import" }).click();
  await page.waitForFunction(() => document.getElementById("doing").textContent === "done");
  const seen = await page.evaluate(() => window.seen);
  const summary = await page.locator("#summary").innerText();
  if (String(seen) !== "18,36,54,72,90,100") throw new Error(`the bar showed ${seen}`);
  if (summary !== "All 5 parts are imported.") throw new Error(`the summary is "${summary}"`);
  if (problems.length) throw new Error(problems.join("\n"));
  console.log(`ok: the bar showed ${seen}, and the summary came word by word`);
} finally {
  await browser?.close();
  example.kill("SIGTERM");
  await once(example, "exit");
}
