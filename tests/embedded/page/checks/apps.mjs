import { check, engine, expect, focused, least_contrast, only_fake, page, requested, shot, Skip, until, visit, with_refusals } from "../harness.mjs";

const list = page.locator("#list-apps .row");

await check("apps show where they are, with which SDK, and their functions", async () => {
  await visit("#/apps");
  await list.first().waitFor();
  const own = list.filter({ hasText: "this process" });
  expect(await own.count() === 1, "this process is not there");
  await own.click();
  await page.locator("#part-functions a").first().waitFor();
  expect((await page.locator("#part-facts").innerText()).includes("C++ "), "its SDK is not shown");
  await page.locator("#part-functions a").first().click();
  await until(() => page.url().includes("#/functions/"), "a function opens");
});

await check("an app shows when it was heard and what went wrong, as text", async () => {
  only_fake();
  await visit("#/apps/import");
  const facts = page.locator("#part-facts");
  await facts.waitFor();
  expect(/Registered\s+\d{4}-.*1 d ago/s.test(await facts.innerText()), await facts.innerText());
  expect(/Last contact\s+\d{4}-.*ago/s.test(await facts.innerText()), "the last contact is not shown");
  expect((await page.locator("#part-error").innerText()).includes("with status 502"), "the error is not shown");
  expect(await list.filter({ hasText: "Error" }).count() === 2, "the list does not mark the apps with an error");
  expect(await page.evaluate(() => window.harm) === undefined && await page.locator("#view img").count() === 0, "markup became an element");
  await list.filter({ hasText: "odd-" }).click();
  await page.getByText("not registered").first().waitFor();
  await page.locator("#part-head", { hasText: "odd-" }).waitFor();  // the row may have said it before the page changed
  expect(await page.locator("#part-head").getByRole("button", { name: /Pause/ }).count() === 0, "what has no functions can be paused");
  await page.locator("#find").fill("http://127.0.0.1:3000/api/mail");
  await until(async () => await list.count() === 1, "apps are searched");
  await page.locator("#find").press("Escape");
  await visit("#/apps/reports");
  await page.getByText("connected: 2 workers").waitFor();
  await shot("apps");
});

await check("an app is paused, and its functions say so", async () => {
  only_fake();
  await visit("#/apps/import");
  await page.getByRole("button", { name: "Pause the app" }).click();
  await page.getByRole("button", { name: "Resume the app" }).waitFor();
  expect(requested.findLast(each => each.method() === "POST").postData() === '{"app":"import"}', "the app is not named");
  await page.locator("#part-functions a").first().click();
  await page.getByText("Its app is paused").waitFor();
  await page.locator("#part-head a", { hasText: "import" }).click();
  await page.getByRole("button", { name: "Resume the app" }).click();
  await page.getByRole("button", { name: "Pause the app" }).waitFor();
});

await check("an app that is not there is said to be so, and so is an engine that fails", async () => {
  only_fake();
  await page.route("**/api/apps", route => route.fulfill({ status: 404, contentType: "application/json", body: '{"error":"no apps here"}' }));
  await with_refusals(async () => {
    await visit("#/apps/none");
    await page.locator("#detail").getByText("no apps here").waitFor();
  }).finally(() => page.unrouteAll());
  await visit("#/apps/none");
  await page.getByRole("heading", { name: "Not found" }).waitFor();
});

await check("the list of apps works by keyboard, on a phone, and in the dark", async () => {
  await visit("#/apps");
  await list.first().waitFor();
  await page.locator("#tab-apps").focus();
  await page.keyboard.press("ArrowDown");
  expect(await focused() === "list-apps", "the down arrow does not go to the list");
  await page.keyboard.press("Enter");
  await until(async () => await focused() === "detail", "Enter opens the app");
  await page.keyboard.press("Escape");
  await until(async () => await focused() === "list-apps", "Escape goes back");
  await page.setViewportSize({ width: 320, height: 640 });
  await page.emulateMedia({ colorScheme: "dark" });
  await list.last().click();
  await page.locator("#part-facts dl").waitFor();
  expect(!await page.evaluate(() => document.documentElement.scrollWidth > innerWidth || document.querySelector("#detail").scrollWidth > innerWidth), "it is too wide");
  const least = await page.evaluate(least_contrast);
  expect(least.ratio >= 4.5, `${least.ratio.toFixed(2)} of "${least.text}" (${least.class})`);
  await shot("apps-phone");
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 1360, height: 860 });
});

await check("with a real engine, a function is invoked by its fields, paused and resumed, and an event is sent again", async () => {
  if (!engine) throw new Skip("needs an engine's program");
  const posted = () => requested.findLast(each => each.method() === "POST").postData();
  await visit("#/functions/engine-post");
  await page.getByRole("button", { name: "Invoke" }).click();
  const dialog = page.getByRole("dialog", { name: "Invoke post" });
  await dialog.getByLabel("address text", { exact: true }).fill("Main Street 1");
  await dialog.getByLabel("grams whole number", { exact: true }).fill("7");
  await dialog.getByRole("button", { name: "Invoke", exact: true }).click();
  await page.getByRole("link", { name: "See the run" }).click();
  await until(async () => (await page.locator("#part-head .badge").innerText()).includes("Completed"), "the run completes");
  await page.getByText("Main Street 1").first().waitFor();
  await visit("#/functions/engine-post");
  await until(async () => (await page.locator("#part-stats tbody tr").first().innerText()).includes("100 %") === false && /Last hour\s+[1-9]/.test(await page.locator("#part-stats tbody tr").first().innerText()), "the run is counted");
  await page.locator("#part-triggers").getByText("Next, in UTC:").waitFor();
  await page.getByRole("button", { name: "Pause the schedule" }).click();
  await page.getByRole("button", { name: "Resume the schedule" }).click();
  await page.getByRole("button", { name: "Pause the function" }).click();
  await page.locator("#part-head .badge", { hasText: "Paused" }).waitFor();
  await page.getByRole("button", { name: "Resume the function" }).click();
  await page.getByRole("button", { name: "Pause the function" }).waitFor();
  await page.locator("#part-triggers").getByRole("button", { name: "Send" }).click();
  await page.locator("#send").getByLabel("address text", { exact: true }).fill("Side Street 2");
  await page.locator("#send").getByLabel("grams whole number", { exact: true }).fill("9");
  await page.keyboard.press("Control+Enter");
  await page.getByRole("link", { name: "See it", exact: true }).click();
  expect(posted() === '{"name":"engine/parcel.posted","data":{"address":"Side Street 2","grams":9}}', posted());
  await page.locator("#part-runs a", { hasText: "engine-post" }).waitFor();
  await page.getByRole("button", { name: "Resend" }).click();
  await page.getByText("Sent engine/parcel.posted again.").waitFor();
});
