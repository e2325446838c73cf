// Tries the engine's web page in a browser, as a person would: see harness.mjs for its arguments.

import { base, browser, check, engine, expect, fake, given, problems, requested, shared } from "./harness.mjs";

// One after another, in one window. The first one finds what the others need.
const subjects = ["runs", "find", "run", "events", "functions", "apps", "frame", "accessible", "hostile", "guard"];
const wanted = given.only?.split(",") ?? subjects;
for (const subject of subjects.filter(each => wanted.includes(each))) await import(`./checks/${subject}.mjs`);

await check("nothing was asked of anyone else, and the console has no errors", async () => {
  const others = requested.map(each => each.url()).filter(url => !url.startsWith(base) && !/^(data|about):/.test(url));
  expect(others.length === 0, others.join("\n"));
  expect(problems.length === 0, problems.join("\n"));
});

await browser.close();
engine?.kill();
fake?.close();
console.log(shared.failed ? `${shared.failed} failed` : "all is well");
process.exit(shared.failed ? 1 : 0);
