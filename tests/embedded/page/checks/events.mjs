import { check, expect, fake, focused, least_contrast, only_fake, page, requested, send, shot, until, visit, with_refusals } from "../harness.mjs";

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

const list = page.locator("#list-events .row");

await check("events are found by what the address says", async () => {
  only_fake();
  const id = await send("order/placed", { order: 424242 });
  await send("user/created", { email: "a@b.example" });
  await visit(`#/events?where=${encodeURIComponent("event.data.order == 424242")}`);
  await until(async () => await list.count() === 1 && await list.first().getAttribute("data-id") === id, "the condition finds the event");
  await visit("#/events?name=user%2Fcreated");
  await until(async () => await list.count() > 5 && await list.evaluateAll(all => all.every(row => row.innerText.includes("user/created"))), "the name finds events");
  await page.locator("#find").fill(id.slice(14));
  await page.getByText("Nothing matches.").waitFor();
  await page.getByRole("button", { name: "Clear the filters" }).click();
  await until(async () => await list.count() > 5 && page.url().endsWith("#/events"), "all are shown");
  const until_then = new Date(Date.now() - 6e7).toISOString();
  await visit(`#/events?until=${encodeURIComponent(until_then)}`);
  await until(async () => await list.count() > 5, "the time finds events");
  expect(await list.evaluateAll(all => all.every(row => /16 h|\d\d h|d ago/.test(row.innerText))), "there are later events");
  await with_refusals(async () => {
    await visit("#/events?where=(");
    await page.getByText("unexpected end of the expression").first().waitFor();
  });
  expect(await page.evaluate(() => window.harm) === undefined, "markup in an error ran");
});

await check("an event shows its payload and its runs, and is sent again", async () => {
  only_fake();
  const id = await send("order/placed", { order: 7, html: "<img src=x onerror='window.harm = 5'>" });
  await visit(`#/events/${id}`);
  await page.locator("#part-runs a").waitFor();
  expect((await page.locator("#part-runs a").innerText()).includes("shop-charge"), "its run is not shown");
  await page.locator("#part-json").getByText("window.harm = 5").waitFor();
  await page.getByRole("button", { name: "Resend" }).click();
  await page.getByRole("link", { name: "See it" }).click();
  await until(async () => /events\/[0-9A-Z]{26}/.test(page.url()) && !page.url().includes(id), "the new event opens");
  expect(requested.findLast(each => each.method() === "POST").url().endsWith(`/api/events/${id}/resend`), "another event was sent");
  expect(await page.evaluate(() => window.harm) === undefined, "markup ran");
  await page.locator("#part-runs a").click();
  await until(() => page.url().includes("#/runs/"), "its run opens");
});

await check("a form appears when the types of events arrive after the name was typed", async () => {
  only_fake();
  let answer;
  await page.route("**/api/shapes", route => { answer = () => route.continue(); });
  await visit("#/events");
  await page.keyboard.press("n");
  await page.locator("#send-name").fill("user/created");
  await until(() => answer, "the types are asked for");
  await answer();
  await page.locator("#send").getByLabel("email text", { exact: true }).waitFor();
  await page.unroute("**/api/shapes");
  await page.keyboard.press("Escape");
});

await check("an event whose type is known is sent with a form of its fields", async () => {
  only_fake();
  await visit("#/events");
  await page.keyboard.press("n");
  await page.locator("#send-name").fill("user/created");
  const email = page.locator("#send").getByLabel("email text", { exact: true });
  await email.fill("x@y.example");
  await shot("events-form");
  await page.locator("#send-name").fill("user/unknown");
  await page.locator("#send-data").waitFor();
  expect((await page.locator("#send-data").inputValue()).includes("x@y.example"), "what was entered is lost");
  await page.locator("#send-name").fill("user/created");
  expect(await email.inputValue() === "x@y.example", "what was entered is lost on the way back");
  await page.keyboard.press("Control+Enter");
  await page.getByRole("link", { name: "See it" }).waitFor();
  expect(requested.findLast(each => each.method() === "POST").postData() === '{"name":"user/created","data":{"email":"x@y.example"}}', "other data were sent");
  await visit(`#/events/${await send("order/placed", { order: 1, lines: [{ sku: "A", count: 1 }], more: [1] })}`);
  await page.getByRole("button", { name: "Edit and send" }).click();
  const form = page.locator("#send");
  await form.getByLabel("sku text").waitFor();
  expect(await form.getByLabel("sku text").inputValue() === "A", "the data are not in the fields");
  expect((await form.getByLabel("Other members").inputValue()).includes("more"), "other members are lost");
  await form.getByRole("button", { name: "Remove lines" }).click();
  await form.getByRole("button", { name: "Send", exact: true }).click();
  expect((await page.locator("#send-data-wrong").innerText()).includes("total: give a number"), "a field that is missing is not named");
  await page.keyboard.press("Escape");
});

await check("an event that is not there is said to be so, and the list works in the dark on a phone", async () => {
  only_fake();
  await with_refusals(async () => {
    await visit("#/events/01HZZZZZZZZZZZZZZZZZZZZZZZ");
    await page.getByRole("heading", { name: "Not found" }).waitFor();
  });
  await page.setViewportSize({ width: 320, height: 640 });
  await page.emulateMedia({ colorScheme: "dark" });
  await visit("#/events");
  await list.first().click();
  await page.locator("#part-json .json").waitFor();
  expect(!await page.evaluate(() => document.documentElement.scrollWidth > innerWidth || document.querySelector("#detail").scrollWidth > innerWidth), "it is too wide");
  const least = await page.evaluate(least_contrast);
  expect(least.ratio >= 4.5, `${least.ratio.toFixed(2)} of "${least.text}" (${least.class})`);
  await shot("events-phone");
  await page.getByRole("button", { name: "Back" }).click();
  await until(() => list.first().isVisible(), "Back goes to the list");
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 1360, height: 860 });
});
