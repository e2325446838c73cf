import { base, check, elements, expect, fake, live_text, only_fake, page, requested, rows, run_of, send, shared, shot, Skip, strips, until, visit } from "../harness.mjs";

await check("a run opens with its waterfall, and a step with its details", async () => {
  await visit(fake ? "#/runs?status=failed" : "");
  await rows.first().click();
  await strips.nth(1).waitFor();
  shared.some_run = await rows.first().getAttribute("data-id");
  expect(page.url().includes(shared.some_run), "the address does not have the run");
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
    const attempts = page.locator(".panel .attempts li");
    expect(await attempts.count() === 3, "three attempts are not shown");
    for (const n of [0, 1, 2])
      expect((await attempts.nth(n).innerText()).includes(`shop/payment.cpp:${88 + n}`), `attempt ${n + 1} has no stack of its own`);
    expect((await page.locator("#part-error .error").innerText()).includes("PaymentError"), "the run's error is not shown");
    await page.locator(".panel .attempts").scrollIntoViewIfNeeded();
    await page.locator("#part-fall").evaluate(part => part.scrollIntoView());
    await shot("page");  // docs/images/page.png
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
  const output = page.getByRole("group", { name: "Output", exact: true });
  expect((await output.innerText()).includes("9007199254740993"), "a large number lost a digit");
  expect(!(await output.innerText()).includes("4999"), "the output is not collapsed");
  await output.locator("summary", { hasText: "5,000 items" }).click();
  const more = output.getByRole("button", { name: "Show 500 more of 5,000" });
  await more.click();
  expect((await output.innerText()).includes("549"), "the output does not expand");
  expect(await elements() < 4000, `the page has ${await elements()} elements`);
});

await check("a run shows its scores, its metadata and what it has published", async () => {
  only_fake();
  const run = await run_of(await send("catalogue/huge", { number: 1 }));
  await visit(`#/runs/${run}`);
  const part = name => page.locator(name).innerText();
  await page.locator("#part-notes table").waitFor();
  const notes = (await part("#part-notes")).replaceAll("\t", "|");
  expect(/score\|quality\|0.75\|the run/.test(notes), `the score is not shown: ${notes}`);
  expect(/rows\|count\|7\|load the order, attempt 2/.test(notes), `the metadata is not shown: ${notes}`);
  expect(notes.includes('["a","<b>"]'), `a text is not shown as it is: ${notes}`);
  const messages = await part("#part-messages");
  expect(messages.includes("2 messages") && messages.includes("import:7") && messages.includes('{"percent":100}'), messages);
});

await check("a known trigger fills the form, and the run is followed while it goes on", async () => {
  if (!shared.trigger) throw new Skip("no function has an event as its trigger");
  await visit("#/events");
  await page.keyboard.press("n");
  await page.locator("#known .chip", { hasText: shared.trigger }).first().click();
  expect(await page.locator("#send-name").inputValue() === shared.trigger, "the name was not filled in");
  if (fake) expect((await page.locator("#send-data").inputValue()).includes("customer"), "the last data were not offered");
  else await page.locator("#send-data").fill("{}");  // the last run was a long one
  await page.keyboard.press("Control+Enter");
  await page.getByRole("link", { name: "See it" }).click();
  await page.locator(".stack a").first().click();
  await strips.nth(1).waitFor();
  const status = page.locator("#part-head .badge");
  if (fake) {
    await until(async () => await page.locator(".label[data-s=sleeping], .label[data-s=retrying], .label[data-s=waiting]").count() > 0, "a step waits");
    await shot("running");
  }
  await until(async () => ["Completed", "Failed", "Cancelled"].includes((await status.innerText()).trim()), "the run ended");
  if (fake) expect((await live_text()).includes("completed"), "the end is not announced");
  if (fake) await page.locator(".json", { hasText: "receipt" }).waitFor();
});

await check("a run is cancelled, after a question", async () => {
  if (!shared.trigger) throw new Skip("no function has an event as its trigger");
  await visit(`#/runs/${await run_of(await send(shared.trigger, { long: true }))}`);
  await strips.first().waitFor();
  const button = page.locator(".acts").getByRole("button", { name: "Cancel" });
  await button.click();
  await page.keyboard.press("Escape");
  expect(await page.locator("#ask").evaluate(dialog => !dialog.open), "Escape does not close the question");
  await button.click();
  await page.getByRole("button", { name: "Cancel the run" }).click();
  await until(async () => (await page.locator("#part-head .badge").innerText()).includes("Cancelled"), "the run is cancelled");
  expect(await button.count() === 0, "it can be cancelled again");
});

await check("a run is run again, as another run", async () => {
  await visit(`#/runs/${shared.some_run}`);
  await page.getByRole("button", { name: "Rerun", exact: true }).click();
  await until(async () => !page.url().includes(shared.some_run) && /runs\/[0-9A-Z]{26}/.test(page.url()), "the new run opens");
  await strips.first().waitFor();
});

const panel_of = async name => {
  const strip = strips.filter({ hasText: name });
  await strip.waitFor();
  if (await strip.getAttribute("aria-expanded") !== "true") await strip.click();
  return page.getByRole("region", { name, exact: true });
};

await check("a wait says what it matches and what it got, and an invoked run is a link", async () => {
  only_fake();
  await visit("#/runs?status=completed&function=shop-charge");
  await rows.first().click();
  const wait = await panel_of("wait for the packing");
  expect((await wait.innerText()).includes("order/packed if async.data.order == event.data.order"), "the condition is not shown");
  expect((await wait.getByRole("group", { name: "Matched event" }).innerText()).includes("<b>Ada</b>"), "the event is not shown");
  const invoke = await panel_of("label");
  const href = await invoke.getByRole("link").getAttribute("href");
  await page.locator("#part-relatives a", { hasText: "Invoked" }).first().click();
  await until(async () => page.url().endsWith(href), "the child opens");
});

await check("a run links to the one that invoked it, and a rerun to its original and back", async () => {
  only_fake();
  await visit("#/runs?status=failed");
  await rows.first().click();
  const id = await rows.first().getAttribute("data-id");
  const { original_run_id: original = id } = await (await page.request.get(`${base}/api/runs/${id}`)).json();
  await page.locator("#part-relatives a", { hasText: "Invoked by" }).getByText("in step hand over").waitFor();
  expect((await page.locator("#part-logs").innerText()).includes("the gateway is slow <b>"), "its log lines are not shown");
  await page.getByRole("button", { name: "Rerun from the failed step" }).click();
  await page.locator("#part-relatives a", { hasText: "Rerun of" }).waitFor();
  expect(fake.asked.at(-1).text === '{"from_failed_step":true}', fake.asked.at(-1).text);
  await page.locator("#part-relatives a", { hasText: "Rerun of" }).click();
  await until(async () => page.url().includes(original), "the original opens");
  await page.locator("#part-relatives a", { hasText: "Rerun as" }).first().waitFor();
});

await check("a run is run again from a step, with another result or input, and from its start with other data", async () => {
  only_fake();
  const open = async () => {
    await visit("#/runs?status=completed&function=shop-charge");
    await rows.first().click();
    return panel_of("charge the card");
  };
  const asked = () => fake.asked.at(-1);
  let before = fake.asked.length;
  const moved = async () => {
    await until(async () => fake.asked.length > before, "the engine was asked");
    before = fake.asked.length;
    await page.locator("#part-head").waitFor();
  };
  let step = await open();
  await step.getByRole("button", { name: "Rerun from here" }).click();
  await moved();
  await until(async () => asked().step?.length === 40, "the step was named by its hash");
  step = await open();
  await step.getByRole("button", { name: "Edit and rerun" }).click();
  const text = page.locator("#edit-text");
  expect((await text.inputValue()).includes('"ok": true'), "the old result is not offered");
  await text.fill('{"paid": 18014398509481985');
  await page.locator("#edit-go").click();
  expect((await page.locator("#edit-wrong").innerText()).length > 5, "broken JSON is not refused");
  await text.fill('{"paid": 18014398509481985}');
  await shot("edit");
  await page.keyboard.press("Control+Enter");
  await moved();
  expect(asked().text.includes('"result":{"paid": 18014398509481985}'), `a number lost a digit: ${asked().text}`);
  step = await open();
  await step.getByRole("button", { name: "Edit and rerun" }).click();
  await page.getByLabel("Its input").check();
  await text.fill("{}");
  expect((await page.locator("#edit-wrong").innerText()).includes("array"), "arguments that are no array are not refused");
  await text.fill('["again"]');
  await page.locator("#edit-go").click();
  await moved();
  expect(asked().text.endsWith('"input":["again"]}'), asked().text);
  await open();
  await page.locator("#part-head").getByRole("button", { name: "Edit and rerun" }).click();
  expect((await text.inputValue()).includes('"currency": "EUR"'), "the event's data are not offered");
  await text.fill('{"order": 7}');
  await page.locator("#edit-go").click();
  await until(async () => requested.some(each => each.url().endsWith("/api/functions/shop-charge/invoke") && each.postData() === '{"data":{"order": 7}}'), "only this function runs with the data");
});

await check("an output is collapsed, copied and downloaded", async () => {
  only_fake();
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await visit("#/runs?status=completed&function=shop-charge");
  await rows.first().click();
  const output = page.getByRole("group", { name: "Output", exact: true });
  await output.waitFor();
  const all = output.locator("summary").first();
  expect(await output.getByText('"receipt"').isVisible(), "it is not open");
  await all.click();
  expect(!await output.getByText('"receipt"').isVisible(), "it does not close");
  await all.focus();
  await page.keyboard.press("Enter");
  expect(await output.getByText('"receipt"').isVisible(), "it does not open by keyboard");
  await page.getByRole("button", { name: "Copy Output" }).click();
  const copied = JSON.parse(await page.evaluate(() => navigator.clipboard.readText()));
  expect(copied.charged === true && copied.lines.length === 14, "the copy is another");
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download Output" }).click()]);
  expect(/^[0-9A-Z]{26}-output\.json$/.test(file.suggestedFilename()), file.suggestedFilename());
});

await check("the timeline of a running run moves", async () => {
  only_fake();
  await visit(`#/runs/${await run_of(await send("order/placed", { total: 1 }))}`);
  const first = page.locator(".fall button.strip .bar[data-s=completed]").first();
  await first.waitFor();
  const place = () => first.evaluate(bar => bar.style.width);
  const took = () => page.locator(".fall .whole .took").innerText();
  const [width, text] = [await place(), await took()];
  await until(async () => await took() !== text && await place() !== width, "the bars move");
});

await check("a real engine runs again from a step with another result, and links the runs", async () => {
  if (fake || !shared.trigger) throw new Skip("needs a real engine");
  const original = await run_of(await send(shared.trigger, {}));
  await visit(`#/runs/${original}`);
  const step = await panel_of("undress");
  await step.getByRole("group", { name: "Result" }).getByText("pyjamas").waitFor();
  await step.getByRole("button", { name: "Edit and rerun" }).click();
  await page.locator("#edit-text").fill('"nightgown"');
  await page.locator("#edit-go").click();
  await page.locator("#part-relatives a", { hasText: "Rerun of" }).waitFor();
  await (await panel_of("undress")).getByRole("group", { name: "Result" }).getByText("nightgown").waitFor();
  await page.locator("#part-relatives a", { hasText: "Rerun of" }).click();
  await until(async () => page.url().includes(original), "the original opens");
  await page.locator("#part-relatives a", { hasText: "Rerun as" }).first().waitFor();
});
