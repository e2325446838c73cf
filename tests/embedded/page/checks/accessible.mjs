import { accessible, check, expect, page, rows, shared, shot, strips, until, visit } from "../harness.mjs";

// Each view and each form, in both themes, with the rules of axe.

const tab_names = async () => {
  await visit("");
  return page.locator("#tabs [role=tab]").evaluateAll(all => all.map(tab => tab.id.replace("tab-", "")));
};

for (const scheme of ["light", "dark"]) {
  await check(`axe finds nothing wrong with any view in ${scheme}`, async () => {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
    for (const width of [375, 1360]) {
      await page.setViewportSize({ width, height: 860 });
      for (const view of await tab_names()) {
        await visit(`#/${view}`);
        const first = page.locator(`#list-${view} .row`).first();
        await first.waitFor();
        await accessible(`the list of ${view}, ${width} wide`);
        await first.click();
        await page.locator("#detail h2").waitFor();
        await accessible(`one of ${view}, ${width} wide`);
        await shot(`${scheme}-${view}-${width}`);
      }
    }
    await visit("#/runs?search=no-such-thing");
    await page.getByText("Nothing matches.").waitFor();
    await accessible("an empty list");
  });

  await check(`axe finds nothing wrong with a run and its steps in ${scheme}`, async () => {
    await visit(`#/runs${shared.some_run ? `/${shared.some_run}` : ""}`);
    if (!shared.some_run) await rows.first().click();
    await strips.nth(1).waitFor();
    for (const strip of await strips.all()) await strip.click();
    await accessible("a run with all its steps open");
    await shot(`${scheme}-steps`);
  });

  await check(`axe finds nothing wrong with any form in ${scheme}`, async () => {
    await visit("");
    await rows.first().waitFor();
    const forms = { n: "#send", "?": "#help", v: "#saved", f: "#filter", b: "#bulk" };
    for (const [key, dialog] of Object.entries(forms)) {
      await page.keyboard.press(key);
      if (!await page.locator(dialog).isVisible()) continue;
      await page.waitForTimeout(100);
      await accessible(`the form ${dialog}`);
      await page.keyboard.press("Escape");
    }
    await rows.first().click();
    await strips.first().waitFor();
    const edit = page.getByRole("button", { name: "Edit and rerun" }).first();
    if (!await edit.count()) return;
    await edit.click();
    await accessible("the form that edits");
    await shot(`${scheme}-edit`);
    await page.keyboard.press("Escape");
    await page.locator("#list-runs").focus();
    await page.keyboard.press("x");
    await page.locator("#picked").waitFor();
    await accessible("a list with a selection");
    await page.keyboard.press("Escape");
  });
}

await check("320 pixels are enough for each view, run and form", async () => {
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 320, height: 640 });
  const fits = async what => {
    const wide = await page.evaluate(() => {
      const clipped = node => node !== document.body && (["hidden", "clip"].includes(getComputedStyle(node).overflowX) || clipped(node.parentElement));
      return [...document.querySelectorAll("body *")].filter(node => {
        const box = node.getBoundingClientRect();
        return box.width && box.right > innerWidth + 1 && node.checkVisibility() && !node.closest("#status, .scroll, svg, pre, .unseen") && !clipped(node.parentElement);
      }).slice(0, 3).map(node => `${node.tagName}.${node.className} ${node.id} in ${node.parentElement.className}`);
    });
    expect(await page.evaluate(() => document.documentElement.scrollWidth) <= 320 && !wide.length, `${what} is wider than the screen: ${wide}`);
  };
  for (const view of await tab_names()) {
    await visit(`#/${view}`);
    await page.locator(`#list-${view} .row`).first().waitFor();
    await fits(`the list of ${view}`);
    await page.locator(`#list-${view} .row`).first().click();
    await page.locator("#detail h2").waitFor();
    await page.waitForTimeout(100);
    await fits(`one of ${view}`);
  }
  await visit(shared.some_run ? `#/runs/${shared.some_run}` : "");
  if (!shared.some_run) await rows.first().click();
  await strips.nth(1).waitFor();
  for (const strip of await strips.all()) await strip.click();
  await fits("a run with all its steps open");
  await shot("narrow-run");
  await visit("#/runs?tag=a-very-long-name-of-a-tag-that-goes-on%3Aand-on-and-on-and-on-and-on-and-on-and-on");
  await until(() => page.locator("#view").isVisible(), "the view is there");
  await fits("a long filter");
  await visit("");
  await rows.first().waitFor();
  await shot("narrow-list");
  for (const id of ["#compose", "#saved-open", "#add-filter", "#help-open"]) {
    if (!await page.locator(id).isVisible()) continue;
    await page.locator(id).click();
    await fits(`the form of ${id}`);
    await page.keyboard.press("Escape");
  }
  await page.setViewportSize({ width: 1360, height: 860 });
});
