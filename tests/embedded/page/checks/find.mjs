import { base, check, expect, fake, focused, live_text, no_run_goes_on, only_fake, page, requested, rows, run_of, send, shared, shot, Skip, until, visit } from "../harness.mjs";

const chips = page.locator("#filters .chip");
const all_rows = question => rows.evaluateAll((all, text) => all.length > 0 && all.every(row => row.innerText.includes(text)), question);

async function add_filter(kind, value) {
  await page.locator("#add-filter").click();
  await page.locator("#filter-kind").selectOption(kind);
  const field = page.locator(await page.locator("#filter-choice").isVisible() ? "#filter-choice" : "#filter-value");
  if (await page.locator("#filter-choice").isVisible()) await field.selectOption(value);
  else await field.fill(value);
  await page.locator("#filter-go").click();
}

await check("each filter becomes a chip and is kept in the address", async () => {
  only_fake();
  await visit("");
  await rows.nth(3).waitFor();
  const [run] = (await (await fetch(`${base}/api/runs?limit=1&event=order/placed`)).json()).runs;
  const customer = run.tags[0].value;
  const given = { app: "shop", event: "order/placed", error: "insufficient", tag: "customer:c-1", key: "c-1", where: "event.data.total > 10",
    from: "2020-01-01T00:00", until: "2090-01-01T00:00", repeated: "false", by: "ended", event_id: run.event_id };
  let n = 0;
  for (const [kind, value] of Object.entries(given)) {
    await add_filter(kind, value);
    await until(async () => await chips.count() === ++n || --n < 0, `${kind} is a chip`);
    expect(page.url().includes(`${kind}=`), `the address does not have ${kind}`);
  }
  await page.reload();
  await until(async () => await chips.count() === n, "the filters survive a reload");
  const asked = requested.findLast(each => /api\/runs\?/.test(each.url())).url();
  for (const kind of Object.keys(given)) expect(asked.includes(`${kind}=`), `the engine was not asked for ${kind}`);
  for (; n > 0; --n) {
    await page.getByRole("button", { name: /^Remove / }).first().click();
    await until(async () => await chips.count() === n - 1, "a chip is removed");
  }
  await add_filter("tag", `customer:${customer}`);
  await until(() => all_rows(`customer:${customer}`), "only runs with the tag are shown");
});

await check("several statuses, and several tags, are several values", async () => {
  only_fake();
  await visit("");
  await page.locator("#status .chip", { hasText: "Failed" }).click();
  await page.locator("#status .chip", { hasText: "Cancelled" }).click();
  await until(async () => await rows.count() > 5 && (await rows.evaluateAll(all => all.every(row => ["failed", "cancelled"].includes(row.dataset.s)) && new Set(all.map(row => row.dataset.s)).size === 2)), "both are shown");
  expect(page.url().includes("status=failed&status=cancelled"), page.url());
  await page.locator("#status .chip", { hasText: "Failed" }).click();
  await until(() => rows.evaluateAll(all => all.length > 0 && all.every(row => row.dataset.s === "cancelled")), "one is left");
});

await check("a filter is changed, and one with a mistake is refused where it is", async () => {
  only_fake();
  await visit("#/runs?tag=customer%3Ac-1");
  await chips.first().locator(".text").click();
  expect(await page.locator("#filter-value").inputValue() === "customer:c-1", "the form has another value");
  await page.locator("#filter-value").fill("nonsense");
  await page.locator("#filter-go").click();
  expect((await page.locator("#filter-wrong").innerText()).includes("name:value"), "nothing says what is wrong");
  await page.locator("#filter-value").fill("customer:c-2");
  await page.keyboard.press("Enter");
  await until(async () => page.url().endsWith("tag=customer%3Ac-2"), "the filter is another");
  await add_filter("where", "event.data.total >");
  await page.locator(".none", { hasText: "is no CEL expression" }).getByRole("button", { name: "Try again" }).waitFor();
});

await check("a view is saved, opened and forgotten", async () => {
  only_fake();
  await visit("#/runs?status=failed&tag=customer%3Ac-7");
  await page.keyboard.press("v");
  await page.locator("#saved-name").fill("<b>night</b>");
  await page.keyboard.press("Enter");
  await visit("");
  await page.locator("#saved-open").click();
  await page.getByRole("link", { name: "<b>night</b>" }).click();
  await until(async () => page.url().includes("status=failed&tag=customer%3Ac-7") && await chips.count() === 1, "the saved view opens");
  expect(await page.locator("#saved").evaluate(dialog => !dialog.open), "the form is still open");
  await page.locator("#saved-open").click();
  await page.getByRole("button", { name: "Forget <b>night</b>" }).click();
  await page.locator("#saved").getByText("None yet").waitFor();
  await page.keyboard.press("Escape");
});

await check("the histogram selects a span, by pointer and by keyboard", async () => {
  only_fake();
  await visit("");
  const bars = page.locator("#chart-bars");
  await until(async () => (await page.locator("#chart-failed").getAttribute("d"))?.length > 50, "failed runs are drawn");
  const { x, y, width } = await bars.boundingBox();
  await page.mouse.move(x + width * 0.5, y + 20);
  expect(/completed/.test(await page.locator("#chart-words").innerText()), "the words do not say what is under the pointer");
  await page.mouse.down();
  await page.mouse.move(x + width * 0.6, y + 20, { steps: 4 });
  await page.mouse.up();
  await until(async () => page.url().includes("from=") && page.url().includes("until=") && await chips.count() === 2, "a span was selected");
  const span = new URLSearchParams(page.url().split("?")[1]);
  const hours = (Date.parse(span.get("until")) - Date.parse(span.get("from"))) / 36e5;
  expect(hours > 3 && hours < 9, `the span has ${hours} hours`);
  await until(async () => {
    const { runs } = await (await fetch(`${base}/api/runs?limit=1&from=${span.get("from")}&until=${span.get("until")}`)).json();
    return (await rows.first().getAttribute("data-id")) === runs[0].id;
  }, "the list shows the span");
  await visit("");
  await until(async () => (await page.locator("#chart-completed").getAttribute("d"))?.length > 50, "the bars are drawn");
  await bars.focus();
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("Shift+ArrowLeft");
  expect(/ to .*completed/.test(await bars.getAttribute("aria-valuetext")), await bars.getAttribute("aria-valuetext"));
  await page.keyboard.press("Enter");
  await until(async () => page.url().includes("from="), "Enter selects the span");
  await shot("span");
});

await check("runs are selected by keyboard and run again, after a question", async () => {
  only_fake();
  await visit("#/runs?status=failed");
  await rows.nth(3).waitFor();
  await page.locator("#list-runs").focus();
  await page.keyboard.press("x");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("x");
  const picked = page.locator("#picked");
  await picked.getByText("2 selected").waitFor();
  expect(await page.locator("#list-runs").getAttribute("aria-multiselectable") === "true", "it is not said that many can be selected");
  expect(await page.locator(".row[aria-selected=true]").count() === 2, "the rows are not marked");
  await shot("selected");
  const before = fake.asked.length;
  await picked.getByRole("button", { name: "Rerun" }).click();
  await page.keyboard.press("Escape");
  expect(fake.asked.length === before, "they were run again without an answer");
  await picked.getByRole("button", { name: "Rerun" }).click();
  await page.locator("#ask-yes").click();
  await page.locator(".toast", { hasText: "2 runs started again." }).waitFor();
  expect(fake.asked.length === before + 2, "not two were run again");
  expect(await picked.isHidden(), "they are still selected");
});

await check("a click selects while selecting, Shift selects those between, and Escape ends it", async () => {
  only_fake();
  await visit("");
  await rows.nth(4).waitFor();
  await page.locator("#pick").click();
  expect(await focused() === "list-runs", "the focus does not go to the list");
  await rows.nth(0).click();
  await rows.nth(3).click({ modifiers: ["Shift"] });
  await page.locator("#picked").getByText("4 selected").waitFor();
  await rows.nth(1).click();
  await page.locator("#picked").getByText("3 selected").waitFor();
  expect((await live_text()).includes("3 selected"), "the number is not announced");
  expect(!/runs\/0/.test(page.url()), "a click opened a run");
  await page.locator("#list-runs").focus();
  await page.keyboard.press("Escape");
  expect(await page.locator("#picked").isHidden(), "Escape does not end it");
});

await check("all runs that match are counted first and then run again, with progress", async () => {
  only_fake();
  await no_run_goes_on();
  await visit("#/runs?status=failed");
  await rows.first().waitFor();
  const { count } = await (await fetch(`${base}/api/runs/count?status=failed`)).json();
  await page.keyboard.press("b");
  const shown = count.toLocaleString("en");
  await page.getByText(`${shown} runs will be run again.`).waitFor();
  expect((await page.locator("#bulk-filter").innerText()).includes("Status: failed"), "the filters are not said");
  await page.locator("#bulk-where").selectOption("step");
  await page.locator("#bulk-go").click();
  expect((await page.locator("#bulk-wrong").innerText()).includes("Which step"), "an empty step is not refused");
  await page.locator("#bulk-where").selectOption("failed");
  await page.locator("#bulk-rate").fill("0");
  await until(async () => !await page.locator("#bulk-go").isDisabled(), "the runs are counted again");
  await page.locator("#bulk-go").click();
  expect((await page.locator("#bulk-wrong").innerText()).includes("from 1 to 10,000"), "a rate of zero is not refused");
  await page.locator("#bulk-rate").fill("150");
  await shot("bulk");
  await page.getByRole("button", { name: `Rerun ${shown} runs` }).click();
  await page.locator(".work", { hasText: `of ${shown}` }).waitFor();
  const asked = fake.asked.at(-1);
  expect(asked.bulk === "rerun" && asked.from_failed_step && asked.per_second === 150 && asked.filter.status[0] === "failed", JSON.stringify(asked));
  await shot("bulk-progress");
  await page.locator(".work", { hasText: "done" }).waitFor();
  await page.getByRole("button", { name: "Dismiss" }).last().click();
});

await check("deleting in bulk needs a second yes, and is stopped", async () => {
  only_fake();
  await visit("#/runs?function=reports-nightly");
  await rows.first().waitFor();
  await page.keyboard.press("b");
  await page.getByLabel("Delete", { exact: true }).check();
  await page.getByText(/runs will be deleted/).waitFor();
  expect(await page.locator("#bulk-go").isDisabled(), "it deletes without a second yes");
  await page.locator("#bulk-sure").check();
  await page.locator("#bulk-rate").fill("2");
  await page.locator("#bulk-go").click();
  await page.locator(".work").getByRole("button", { name: "Stop" }).click();
  await page.locator(".work", { hasText: "stopped" }).waitFor();
});

await check("a repeated run is told from its last attempt, and all runs must be meant", async () => {
  only_fake();
  const get = async path => (await fetch(`${base}${path}`)).json();
  const [first] = (await get("/api/runs?limit=1&status=failed")).runs;
  const { run_id } = await (await fetch(`${base}/api/runs/${first.id}/rerun`, { method: "POST", headers: { "content-type": "application/json" }, body: "{}" })).json();
  await visit(`#/runs?event_id=${first.event_id}&function=${first.function}`);
  await rows.nth(1).waitFor();
  await add_filter("repeated", "false");
  await until(async () => await rows.count() === 1 && (await rows.first().getAttribute("data-id")) === run_id, "only the repetition is shown");
  expect((await chips.allInnerTexts()).some(each => each.includes("Repeated since: no")), "the chip has other words");
  await visit("");
  await rows.first().waitFor();
  await page.keyboard.press("b");
  await page.getByLabel("Cancel", { exact: true }).check();
  expect((await page.locator("#bulk-filter").innerText()).includes("All runs"), "it is not said that all runs are meant");
  await page.locator("#bulk-close").click();
});

await check("changes come by themselves, and without the stream by asking", async () => {
  only_fake();
  await visit("");
  await rows.first().waitFor();
  expect(requested.some(each => each.url().endsWith("/api/live")), "the stream was not asked for");
  const states = () => requested.filter(each => each.url().endsWith("/api/state")).length;
  await no_run_goes_on();
  await page.waitForTimeout(1500);
  const before = states();
  await page.waitForTimeout(3500);
  expect(states() - before <= 1, `it asked ${states() - before} times although nothing changed`);
  await page.route("**/api/live", route => route.fulfill({ status: 503, contentType: "application/json", body: "{}" }));
  const first = await rows.first().getAttribute("data-id");
  await visit("");
  await fetch(`${base}/e/page`, { method: "POST", body: JSON.stringify({ name: "user/created", data: {} }) });
  await until(async () => await rows.count() && (await rows.first().getAttribute("data-id")) > first, "a new run appears");
  await page.unroute("**/api/live");
});

await check("an engine without these routes shows none of it", async () => {
  only_fake();
  const missing = /\/api\/(bulk|runs\/count|runs\/histogram|live)/;
  await page.route(missing, route => route.fulfill({ status: 404, contentType: "application/json", body: '{"error":"there is no such route"}' }));
  await visit("");
  await rows.first().waitFor();
  for (const id of ["#add-filter", "#chart"]) expect(await page.locator(id).isHidden(), `${id} is shown`);
  expect(await page.locator("#status .chip").count() === 6, "statuses are shown that it does not know");
  await page.unroute(missing);
});

await check("a real engine understands each filter, the histogram, and a count for bulk work", async () => {
  if (fake) throw new Skip("needs a real engine");
  const given = { status: "completed", app: "shop", event: "a/b", error: "declined", tag: "customer:c-1", key: "k", where: "event.data.n > 1",
    from: "2020-01-01T00:00:00.000Z", until: "2090-01-01T00:00:00.000Z", repeated: "false", by: "started", event_id: "01M8BVZNAMG5F3H20T9SNJ5GYZ", search: "x" };
  await visit(`#/runs?${new URLSearchParams(given)}`);
  await page.getByText("Nothing matches.").waitFor();
  await page.keyboard.press("b");
  await page.getByText("No run matches.").waitFor();
  expect(await page.locator("#bulk-wrong").innerText() === "", await page.locator("#bulk-wrong").innerText());
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Clear the filters" }).click();
  await rows.first().waitFor();
  await until(async () => /\d run/.test(await page.locator("#chart-words").innerText()), "the histogram counts the runs");
  await visit("#/runs?where=event.data.n+%3E");
  await page.locator(".none").getByText("expected a value").waitFor();
});

await check("all that match are cancelled by a real engine, with progress", async () => {
  if (fake || !shared.trigger) throw new Skip("needs a real engine");
  await run_of(await send(shared.trigger, { bulk: true, long: true }));
  await visit(`#/runs?${new URLSearchParams({ event: shared.trigger, where: "event.data.bulk == true" })}`);
  await rows.first().waitFor();
  await page.keyboard.press("b");
  await page.getByLabel("Cancel", { exact: true }).check();
  await page.getByText("1 run will be cancelled.").waitFor();
  await page.getByRole("button", { name: "Cancel 1 run" }).click();
  await page.locator(".work", { hasText: "1 of 1" }).waitFor();
  await until(async () => (await rows.first().getAttribute("data-s")) === "cancelled", "the run is cancelled");
});
