import { accessible, check, expect, fake, focused, least_contrast, only_fake, page, requested, rows, send, shot, until, visit, with_refusals } from "../harness.mjs";

const list = page.locator("#list-functions .row");
const posted = path => requested.filter(each => each.method() === "POST" && new URL(each.url()).pathname === path).map(each => each.postData());

await check("functions show their triggers and options", async () => {
  await visit("#/functions");
  await list.first().click();
  await page.locator("#part-triggers .stack").waitFor();
  if (!fake) return;
  await page.locator("#find").fill("nightly");
  await until(async () => await list.count() === 1, "functions are searched");
  await list.click();
  await page.getByText("0 2 * * *").nth(1).waitFor();
  await page.getByText('[{"limit":1}]').waitFor();
  await page.getByRole("link", { name: "See its runs" }).click();
  await until(async () => page.url().includes("function=reports-nightly") && await rows.count() > 5, "its runs are shown");
});

await check("functions show how they do: in the list, and in the details", async () => {
  only_fake();
  await visit("#/functions/shop-charge");
  await until(async () => /a minute|an hour/.test(await list.first().innerText()), "the rate is in the list");
  await until(async () => /% failed/.test(await list.first().innerText()), "the share of failed runs is in the list");
  const figures = page.locator("#part-stats tbody tr");
  await figures.nth(1).waitFor();
  expect(/Last hour\s+\d+\s+.*(a minute|an hour)\s+[\d.]+ %\s+.*(s|ms)/s.test(await figures.first().innerText()), await figures.first().innerText());
  await shot("functions");
});

await check("a function is invoked with a form that knows the fields of its event", async () => {
  only_fake();
  await visit("#/functions/shop-charge");
  const before = posted("/api/functions/shop-charge/invoke").length;
  await page.getByRole("button", { name: "Invoke" }).click();
  const dialog = page.getByRole("dialog", { name: "Invoke Charge" });
  const field = name => dialog.getByLabel(name, { exact: true });
  await field("order whole number").waitFor();
  expect(await focused() === await field("order whole number").getAttribute("id"), "the first field has not the focus");
  expect((await field("currency text").locator("option").allInnerTexts()).join() === "EUR,USD", "the texts that are allowed are not offered");
  await field("order whole number").fill("12.5");
  await dialog.getByRole("button", { name: "Invoke" }).click();
  expect((await dialog.locator(".wrong").innerText()).includes("order: give a whole number"), "nothing says what is wrong");
  expect(await field("order whole number").getAttribute("aria-invalid") === "true", "the field is not marked");
  expect(posted("/api/functions/shop-charge/invoke").length === before, "it was sent all the same");
  await field("order whole number").fill("18014398509481985");
  await field("customer text").fill('a "quoted" <b>name</b>');
  await field("total number").fill("1e2");
  await field("express yes or no").selectOption("true");
  await dialog.getByRole("button", { name: "Add to lines" }).click();
  await field("sku text").fill("TEA");
  await field("count whole number").fill("2");
  await dialog.getByRole("button", { name: "Add address" }).click();
  await field("street text").fill("Main Street");
  await dialog.getByRole("button", { name: "Add labels" }).click();
  await dialog.getByRole("button", { name: "Add to labels" }).click();
  await field("labels 1, key text").fill("k");
  await field("labels 1, value text").fill("v");
  await shot("functions-invoke");
  await page.keyboard.press("Control+Enter");
  await page.getByRole("link", { name: "See the run" }).waitFor();
  expect(posted("/api/functions/shop-charge/invoke").at(-1) === '{"data":{"order":18014398509481985,"customer":"a \\"quoted\\" <b>name</b>","total":1e2,"currency":"EUR","express":true,"lines":[{"sku":"TEA","count":2}],"address":{"street":"Main Street"},"labels":{"k":"v"}}}',
    posted("/api/functions/shop-charge/invoke").at(-1));
  await until(async () => await focused() !== "BODY", "the focus goes back");
  await page.getByRole("link", { name: "See the run" }).click();
  await page.locator("#part-head .badge").waitFor();
});

await check("fields become JSON and back, and what they can't show stays JSON", async () => {
  only_fake();
  await visit("#/functions/shop-charge");
  await page.getByRole("button", { name: "Invoke" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("order whole number", { exact: true }).fill("7");
  await dialog.getByLabel("total number", { exact: true }).fill("1");
  await dialog.getByRole("button", { name: "JSON" }).click();
  const area = dialog.getByLabel("Data, a JSON object");
  expect(JSON.parse(await area.inputValue()).order === 7, "the fields are not in the text");
  await area.fill('{"order": 8, "unknown": {"a": 1}}');
  await dialog.getByRole("button", { name: "Fields" }).click();
  expect(await dialog.getByLabel("order whole number", { exact: true }).inputValue() === "8", "the text is not in the fields");
  expect(JSON.parse(await dialog.getByLabel("Other members").inputValue()).unknown.a === 1, "a member that the type does not have is lost");
  await dialog.getByLabel("total number", { exact: true }).fill("1");
  await dialog.getByRole("button", { name: "JSON" }).click();
  expect(JSON.parse(await area.inputValue()).unknown.a === 1, "it is lost on the way back");
  await area.fill('{"order": "seven"}');
  await dialog.getByRole("button", { name: "Fields" }).click();
  expect((await dialog.locator(".wrong").innerText()).includes("can't show"), "nothing says why there are no fields");
  expect(await area.inputValue() === '{"order": "seven"}', "the text has changed");
  await area.fill('{"refused": true}');
  await with_refusals(async () => {
    await dialog.getByRole("button", { name: "Invoke", exact: true }).click();
    await dialog.getByText("the data are refused").waitFor();
  });
  await page.keyboard.press("Escape");
  await until(async () => await page.locator("dialog[open]").count() === 0, "Escape closes the form");
});

await check("a function is paused and resumed", async () => {
  only_fake();
  await visit("#/functions/mail-welcome");
  await page.getByRole("button", { name: "Pause the function" }).click();
  await page.getByRole("button", { name: "Resume the function" }).waitFor();
  expect(posted("/api/pause").at(-1) === '{"function":"mail-welcome"}', posted("/api/pause").at(-1));
  await until(async () => (await page.locator("#functions-mail-welcome").innerText()).includes("Paused"), "the list says it");
  await page.locator("#part-head .badge", { hasText: "Paused for 1 min, by key" }).waitFor();
  await page.reload();
  await page.getByRole("button", { name: "Resume the function" }).click();
  await page.getByRole("button", { name: "Pause the function" }).waitFor();
});

await check("a schedule shows its next times, runs now, is paused, and is backfilled", async () => {
  only_fake();
  await visit("#/functions/reports-nightly");
  const part = page.locator("#part-triggers");
  await part.getByText("Next, in UTC:").waitFor();
  expect(await part.locator("time").count() === 5, "five times are not shown");
  await part.getByRole("button", { name: "Run now" }).click();
  await until(() => posted("/api/schedules/run").at(-1) === '{"function":"reports-nightly","cron":"0 2 * * *"}', "it runs");
  await part.getByRole("button", { name: "Pause the schedule" }).click();
  await part.getByRole("button", { name: "Resume the schedule" }).click();
  await part.getByRole("button", { name: "Pause the schedule" }).waitFor();
  await part.getByRole("button", { name: "Backfill" }).click();
  const dialog = page.getByRole("dialog", { name: "Backfill the schedule" });
  await dialog.getByRole("button", { name: "Start the runs" }).click();
  expect((await dialog.locator(".wrong").innerText()).includes("Give a day and a time."), "nothing says what is missing");
  await dialog.getByLabel("From").fill("2026-01-02T00:00");
  await dialog.getByLabel("Until").fill("2026-01-01T00:00");
  await dialog.getByRole("button", { name: "Start the runs" }).click();
  expect((await dialog.locator(".wrong").innerText()).includes("after its beginning"), "the order is not checked");
  await dialog.getByLabel("Until").fill("2026-01-05T00:00");
  await dialog.getByRole("button", { name: "Start the runs" }).click();
  await page.getByText("Started 3 runs, 1 ran before, 1 skipped.").waitFor();
  expect(JSON.parse(posted("/api/schedules/backfill").at(-1)).cron === "0 2 * * *", "the schedule is not named");
});

await check("an engine that can't pause or schedule has no buttons for it", async () => {
  only_fake();
  for (const path of ["**/api/pauses", "**/api/schedules", "**/api/functions/*/stats"])
    await page.route(path, route => route.fulfill({ status: 404, contentType: "application/json", body: '{"error":"the embedded engine has no such route"}' }));
  await with_refusals(async () => {
    await visit("#/functions/reports-nightly");
    await page.locator("#part-triggers .stack").waitFor();
    await page.getByRole("button", { name: "Invoke" }).waitFor();
    expect(await page.getByRole("button", { name: /Pause|Run now|Backfill/ }).count() === 0, "there is a button");
    expect(await page.locator("#part-stats table").count() === 0, "there are figures");
  }).finally(() => page.unrouteAll());
});

await check("hundreds of functions are scrolled while they change", async () => {
  only_fake();
  const functions = Array.from({ length: 300 }, (_, i) => ({ id: `many-${String(i).padStart(3, "0")}`, name: `Function ${i}`, app: "many", triggers: [], options: {} }));
  await page.route("**/api/functions", route => route.fulfill({ contentType: "application/json", body: JSON.stringify({ functions }) }));
  try {
    await visit("#/functions");
    await list.first().waitFor();
    await page.locator("#list-functions").focus();
    await page.keyboard.press("End");
    await until(async () => (await list.last().innerText()).includes("Function 299"), "the end is reached");
    await send("user/created", {});
    await page.waitForTimeout(2500);
    expect(await list.last().getAttribute("aria-setsize") === "300", `there are ${await list.last().getAttribute("aria-setsize")} rows`);
    expect((await list.last().innerText()).includes("Function 299") && await list.count() < 60, "the rows in sight moved");
  } finally { await page.unrouteAll(); }
});

await check("the forms fit a narrow phone, and their text has enough contrast", async () => {
  only_fake();
  await page.setViewportSize({ width: 320, height: 640 });
  for (const scheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: scheme });
    await visit("#/functions/shop-charge");
    await page.locator("#part-stats table").waitFor();
    const wide = () => page.evaluate(() => document.documentElement.scrollWidth > innerWidth || document.querySelector("#detail").scrollWidth > innerWidth);
    expect(!await wide(), "the function is too wide");
    await page.getByRole("button", { name: "Invoke" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Add to lines" }).click();
    expect(await dialog.evaluate(node => node.scrollWidth <= node.clientWidth), "the form is too wide");
    const least = await page.evaluate(least_contrast);
    expect(least.ratio >= 4.5, `${least.ratio.toFixed(2)} of "${least.text}" (${least.class})`);
    await dialog.getByRole("button", { name: "Add address" }).click();
    await dialog.getByRole("button", { name: "Add labels" }).click();
    await dialog.getByRole("button", { name: "Add to labels" }).click();
    await accessible("the form that invokes");
    await shot(`functions-phone-${scheme}`);
    await page.keyboard.press("Escape");
    await visit("#/functions/reports-nightly");
    await page.getByRole("button", { name: "Backfill" }).click();
    await accessible("the form that backfills");
    await page.keyboard.press("Escape");
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 1360, height: 860 });
});
