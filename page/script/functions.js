// The view of functions.

let functions = [];
async function load_functions() {
  functions = (await api("/api/functions")).functions;
  patch($("only"), functions.map(item => [item.id, item.name]), () =>
    [h("option", { value: "" }, "All functions"), functions.map(item => h("option", { value: item.id }, item.name || item.id))].flat());
  $("only").value = route.function;
}

// How functions do, by their ids: a few requests at a time, for the rows in sight, and not again for half a minute.
const told_stats = new Map();
const wanted_stats = [];
let asking_for_stats = 0;
const is_recent = known => known && Date.now() - known.at < 30000;

function ask_for_stats() {
  while (asking_for_stats < 3 && wanted_stats.length) {
    const id = wanted_stats.shift();
    ++asking_for_stats;
    api(`/api/functions/${encodeURIComponent(id)}/stats`).catch(() => null).then(stats => {
      told_stats.set(id, { at: Date.now(), stats });
      --asking_for_stats;
      ask_for_stats();
      if (route.view === "functions") list().render();
    });
  }
}

function stats_of(id) {
  const known = told_stats.get(id);
  if (!is_recent(known) && !wanted_stats.includes(id)) {
    told_stats.set(id, { at: Date.now(), stats: known?.stats });
    wanted_stats.push(id);
    ask_for_stats();
  }
  return told_stats.get(id).stats;
}

const percent = share => `${share > 0 && share < 0.001 ? "<0.1" : (100 * share).toFixed(share < 0.1 && share > 0 ? 1 : 0)} %`;
const rate = stats => stats.per_minute >= 1 ? `${number(Math.round(10 * stats.per_minute) / 10)} a minute`
  : stats.per_minute * 60 >= 1 ? `${number(Math.round(600 * stats.per_minute) / 10)} an hour` : `${number(Math.round(14400 * stats.per_minute) / 10)} a day`;

function draw_function(row, item) {
  const day = stats_of(item.id)?.day;
  const paused = is_paused({ function: item.id }) || is_paused({ app: item.app });
  const failing = day?.error_share > 0;
  const figures = day?.runs ? [rate(day), failing && t("span.word", `${percent(day.error_share)} failed`)] : [day && "no runs today"];
  const triggers = item.triggers.map(each => each.event ?? each.cron).join(", ") || "when invoked";
  if (failing) row.dataset.s = "failed";
  else delete row.dataset.s;
  patch(row, [item.name, triggers, day, paused], () => [icon(paused ? "paused" : "code"), t(".name", item.name || item.id, t("span", triggers)), t(".when", paused ? "Paused" : item.app),
    t(".under.mono", item.id), t(".under.end", figures)]);
}

function stats_table({ hour, day }) {
  const row = (name, stats) => [name, number(stats.runs), stats.runs ? rate(stats) : "–",
    stats.error_share === null ? "–" : h("span.word", { "data-s": stats.error_share > 0 ? "failed" : "" }, percent(stats.error_share)),
    stats.p50_ms === null ? "–" : took(stats.p50_ms), stats.p95_ms === null ? "–" : took(stats.p95_ms)];
  return [table([h("span.unseen", {}, "Span"), "Runs", "Rate", "Failed", h("span", { title: "Half of the runs take at most this long" }, "p50"), h("span", { title: "95 of 100 runs take at most this long" }, "p95")], [row("Last hour", hour), row("Last day", day)]),
    (hour.is_sample || day.is_sample) && t("p.soft", "There were more runs: these are the figures of the newest 5,000.")];
}

// A schedule's next times, and what can be done with it.
function schedule_row(item, trigger, schedule) {
  const target = { function: item.id, cron: trigger.cron };
  const paused = is_paused(target) || schedule?.paused;
  return h("", {}, t("span.key-name", "Schedule"),
    t("span.grow", t("span.mono", trigger.cron), paused && t("span.soft", " paused"),
      schedule?.next?.length > 0 && t(".soft", `Next${schedule.time_zone ? `, in ${schedule.time_zone}` : ""}: `, schedule.next.map((at, i) => [i > 0 && ", ", stamp(at)]))),
    schedule && button("Run now", event => run_schedule(item, trigger.cron, event), ".small"),
    schedule && button("Backfill", () => backfill(item, trigger.cron), ".small"),
    schedule && pause_button(target, ".small"));
}

function event_row(trigger) {
  return h("", {}, t("span.key-name", "Event"), t("span.grow.mono", trigger.event, trigger.expression && t(".soft", `if ${trigger.expression}`)),
    button("Send", () => compose(trigger.event), ".small"));
}

// The figures for the details, which are drawn anew with each change of the engine: not again for five seconds.
async function fresh_stats(id) {
  const known = told_stats.get(id);
  if (known?.stats && Date.now() - known.at < 5000) return known.stats;
  const stats = await if_there(`/api/functions/${encodeURIComponent(id)}/stats`);
  told_stats.set(id, { at: Date.now(), stats });
  return stats;
}

async function function_detail(id) {
  if (!functions.length) await load_functions();
  const item = functions.find(each => each.id === id);
  if (!item) throw failure("No function has this id.", 404);
  const has_schedule = item.triggers.some(each => each.cron);
  const [stats, schedules] = await Promise.all([fresh_stats(id), has_schedule ? if_there("/api/schedules") : null]);
  const own = (schedules?.schedules ?? []).filter(each => each.function === id);
  return () => {
    const options = Object.entries(item.options ?? {});
    parts("head", "stats", "triggers", "options");
    const runs = link({ view: "runs", function: id }, "See its runs");
    runs.className = "button";
    patch($("part-head"), [item.name, item.app, pauses], () => head(item.name || id,
      [pause_badge({ function: id }) ?? pause_badge({ app: item.app }, "Its app is paused"), link({ view: "apps", id: item.app }, item.app), copyable(id)],
      [runs, pause_button({ function: id }), button("Invoke", () => invoke(item), ".first")]));
    patch($("part-stats"), stats, () => stats && section("How it does", stats_table(stats)));
    patch($("part-triggers"), [item.triggers, own, pauses], () => section("Triggers", item.triggers.length
      ? t(".stack", item.triggers.map(each => each.cron ? schedule_row(item, each, own.find(known => known.cron === each.cron)) : event_row(each)))
      : t("p.soft", "None: other functions invoke it.")));
    patch($("part-options"), options, () => section("Options", options.length ? t(".stack", options.map(([name, value]) => h("", {},
      t("span.key-name", name), t("code.grow", JSON.stringify(value))))) : t("p.soft", "All as by default.")));
  };
}

add_view("functions", {
  title: "Functions", one: "a function", draw: draw_function, detail: function_detail, filters: ["search"], find: "Search functions",
  none: "No functions yet. They appear when an app registers them.",
  async load() {
    await Promise.all([load_functions(), load_pauses()]);
    const text = route.search.toLowerCase();
    return { functions: functions.filter(item => JSON.stringify([item.id, item.name, item.app, item.triggers]).toLowerCase().includes(text)), next: null };
  },
});
views.functions.list.whole = true;
