// Numbers, times and statuses as people read them.

const time = text => Date.parse(text);
const live = run => !["completed", "failed", "cancelled", "skipped"].includes(run.status);
const statuses = ["queued", "running", "waiting", "sleeping", "paused", "completed", "failed", "cancelled", "skipped"];
const counted_always = ["queued", "running", "completed", "failed", "cancelled"];
const word = text => text ? (text[0].toUpperCase() + text.slice(1)).replaceAll("_", " ") : "";
const number = n => n.toLocaleString("en");
const count = (n, one, many = one + "s") => `${number(n)} ${n === 1 ? one : many}`;

function took(ms) {
  if (ms < 1000) return ms > 0 && ms < 1 ? "<1 ms" : `${Math.round(ms)} ms`;
  const s = ms / 1000;
  if (s < 60) return `${s.toFixed(s < 10 ? 2 : 1)} s`;
  const [big, unit, small, part] = [[86400, "d", 3600, "h"], [3600, "h", 60, "m"], [60, "m", 1, "s"]].find(each => s >= each[0]);
  const rest = Math.floor(s % big / small);
  return `${Math.floor(s / big)} ${unit}` + (rest ? ` ${rest} ${part}` : "");
}

function ago(text) {
  const s = (Date.now() - time(text)) / 1000;
  if (s < 5) return "now";
  const [unit, name] = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]].find(each => s >= each[0]);
  return `${Math.floor(s / unit)} ${name} ago`;
}

// In the reader's time zone; the title has it in UTC.
function stamp(text, date = true) {
  if (!text) return "–";
  const at = new Date(text);
  const local = new Date(at - at.getTimezoneOffset() * 60000).toISOString();
  return h("time", { datetime: text, title: text }, local.slice(date ? 0 : 11, 23).replace("T", " "));
}

const lasted = (each, from = each.started_at) => from ? (each.ended_at ? time(each.ended_at) : Date.now()) - time(from) : undefined;

// Whole numbers beyond 2^53 stay as they were written, where the browser can.
const exact = (key, value, context) =>
  Number.isInteger(value) && !Number.isSafeInteger(value) && context?.source && JSON.rawJSON ? JSON.rawJSON(context.source) : value;
const pretty = value => JSON.stringify(value, null, 2);
