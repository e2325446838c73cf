import { base, check, elements, engine, expect, fake, only_fake, page, rows, run_of, send, shared, until, visit } from "../harness.mjs";

await check("the page comes with its policy and shows the engine's state", async () => {
  const answer = await page.goto(`${base}/`);
  expect(answer.headers()["content-security-policy"]?.includes("default-src 'none'"), "there is no Content-Security-Policy");
  expect(answer.headers()["content-type"]?.includes("text/html"), "it is no HTML");
  const { functions } = await (await fetch(`${base}/api/functions`)).json();
  shared.trigger = functions.flatMap(each => each.triggers).find(each => each.event && !each.event.includes("*"))?.event;
  await until(async () => /·/.test(await page.locator("#link").innerText()), "the version is shown");
});

await check("runs appear in the list, newest first", async () => {
  if (!fake && shared.trigger) await run_of(await send(shared.trigger, {}));
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
