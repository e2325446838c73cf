import { spawn } from "node:child_process";
import { once } from "node:events";
import { base, browser, check, engine, expect, given, page, Skip } from "../harness.mjs";

await check("a guarded engine lets a browser in by its link, once", async () => {
  if (!engine) throw new Skip("needs an engine's program");
  const guarded = spawn(given.engine, ["guarded"], { stdio: ["pipe", "pipe", "inherit"] });
  const context = await browser.newContext();
  context.setDefaultTimeout(60000);
  try {
    const link = String((await once(guarded.stdout, "data"))[0]).trim();
    const { origin } = new URL(link);
    const visitor = await context.newPage();
    expect((await visitor.goto(`${origin}/`)).status() === 401, "the page is open to all");
    expect((await visitor.goto(link)).status() === 200, "the link does not work");
    await visitor.waitForURL(`${origin}/`);
    await visitor.locator("#link span").getByText("·").waitFor({ state: "attached" });
    const status = await visitor.evaluate(async () => (await fetch("/e/page", { method: "POST", body: JSON.stringify({ name: "a/b" }) })).status);
    expect(status === 200, "an event is not taken");
    expect((await visitor.goto(link)).status() === 401, "the link works twice");
    expect((await visitor.goto(`${origin}/`)).status() === 200, "the browser is no longer signed in");
    const other = await browser.newContext();
    expect((await (await other.newPage()).goto(`${origin}/`)).status() === 401, "another browser is signed in, too");
    await other.close();
  } finally {
    await context.close();
    guarded.kill();
  }
});

await check("a page of another origin is shown nothing and changes nothing", async () => {
  if (!engine) throw new Skip("needs an engine's program");
  const context = await browser.newContext();
  try {
    const stranger = await context.newPage();
    await stranger.route("http://stranger.example/", route => route.fulfill({ contentType: "text/html", body: "<!doctype html><title>stranger</title>" }));
    await stranger.goto("http://stranger.example/");
    const before = (await (await fetch(`${base}/api/events`)).json()).events.length;
    const read = await stranger.evaluate(async base => {
      const attempt = (path, options) => fetch(base + path, options).then(answer => answer.text(), () => "");
      await attempt("/e/x", { method: "POST", mode: "no-cors", body: JSON.stringify({ name: "stranger/sent" }) });
      await attempt("/fn/register", { method: "POST", mode: "no-cors", body: "{}" });
      await attempt("/e/x", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ name: "stranger/sent" }) });
      return attempt("/api/events");
    }, base);
    expect(read === "", "it has read the events");
    expect((await (await fetch(`${base}/api/events`)).json()).events.length === before, "it has sent an event");
    const shown = await stranger.evaluate(base => new Promise(done => {
      const frame = document.createElement("iframe");
      frame.onload = () => done(frame.contentDocument !== null || frame.contentWindow.length);
      frame.src = `${base}/`;
      document.body.append(frame);
    }), base);
    const inside = stranger.frames().find(frame => frame !== stranger.mainFrame());
    expect(!shown && !(await inside?.locator("#list-runs").count()), "the page is shown in a frame");
  } finally {
    await context.close();
  }
});
