import { check, engine, expect, focused, least_contrast, live_text, page, rows, send, shared, shot, strips, until, visit } from "../harness.mjs";

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

await check("an unknown run, and an engine that is away", async () => {
  shared.offline = true;
  await visit("#/runs/01HZZZZZZZZZZZZZZZZZZZZZZZ");
  await page.getByRole("heading", { name: "Not found" }).waitFor();
  await visit(`#/runs/${shared.some_run}`);
  await strips.first().waitFor();
  await page.route("**/api/**", route => route.abort());
  await page.locator("#link.lost").waitFor();
  expect((await live_text()).includes("does not answer"), "it is not announced");
  expect(await strips.count() > 0 && await rows.count() > 0, "what was there is gone");
  await page.unroute("**/api/**");
  await page.locator("#link:not(.lost)").waitFor();
  shared.offline = false;
});

for (const scheme of ["light", "dark"]) {
  await check(`text has enough contrast in ${scheme}`, async () => {
    await page.emulateMedia({ colorScheme: scheme });
    await visit(`#/runs/${shared.some_run}`);
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
