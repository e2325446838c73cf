import { base, check, expect, page, rows, shared, strips, until, visit } from "../harness.mjs";

// What comes from apps and clients is text, whatever it contains: here markup is put into every text of every answer.

const harm = `<img src=x onerror="window.harm = 9"><script>window.harm = 9</script>`;
const keeps = /^(id|.*_id|status|state|kind|hash|.*_at|at|until|from|next|what|level|last_contact|time_zone)$/;

function spoiled(value, key = "") {
  if (typeof value === "string") return keeps.test(key) ? value : harm + value;
  if (Array.isArray(value)) return value.map(each => spoiled(each, key));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, spoiled(each, name)]));
}

// The same also for the words of which the page knows all.
const spoiled_words = value => JSON.parse(JSON.stringify(value), (key, each) =>
  ["status", "kind", "what", "level", "state", "mode", "version"].includes(key) && typeof each === "string" ? harm + each : each);

async function harmless(what) {
  expect(await page.evaluate(() => window.harm) === undefined, `${what}: markup ran`);
  expect(await page.locator("img, body script ~ script, iframe").count() === 0, `${what}: markup became an element`);
}

for (const [name, spoil] of [["text", spoiled], ["word", spoiled_words]]) {
  await check(`markup in every ${name} of every answer stays text`, async () => {
    shared.offline = true;  // the stream is refused
    await page.route("**/api/**", async route => {
      if (route.request().url().endsWith("/api/live")) return route.abort();
      const answer = await route.fetch();
      const type = answer.headers()["content-type"] ?? "";
      if (!type.includes("json") || answer.status() >= 300) return route.fulfill({ response: answer });
      await route.fulfill({ response: answer, body: JSON.stringify(spoil(await answer.json())) });
    });
    await page.goto("about:blank");
    await page.goto(`${base}/`);
    await rows.first().waitFor();
    for (const view of await page.locator("#tabs [role=tab]").evaluateAll(all => all.map(tab => tab.id.replace("tab-", "")))) {
      await page.locator(`#tab-${view}`).click();
      const first = page.locator(`#list-${view} .row`).first();
      await first.waitFor();
      await first.click();
      await until(async () => await page.locator("#detail h2").count() > 0, `one of ${view} is shown`);
      await harmless(view);
    }
    await page.locator("#tab-runs").click();
    await rows.nth(1).click();
    await strips.nth(1).waitFor();
    for (const strip of await strips.all()) await strip.click();
    for (const summary of await page.locator("#detail summary").all()) if (await summary.isVisible()) await summary.click();
    await harmless("a run");
    await page.keyboard.press("n");
    await harmless("the form that sends");
    await page.keyboard.press("Escape");
    await page.unrouteAll({ behavior: "ignoreErrors" });  // answers may be on their way
    await visit("");
    shared.offline = false;
  });
}
