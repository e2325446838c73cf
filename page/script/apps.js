// The view of apps.

const sdk_names = { cpp: "C++", js: "TypeScript", go: "Go", py: "Python", inngest: "Python" };
const sdk_of = app => [sdk_names[app.sdk] ?? app.sdk, app.sdk_version].filter(Boolean).join(" ");
const is_here = app => app.url === "this process";

function draw_app(row, app) {
  const bad = Boolean(app.last_error);
  const paused = is_paused({ app: app.app });
  row.dataset.s = bad ? "failed" : "";
  const heard = is_here(app) ? "here" : app.last_contact ? ago(app.last_contact) : "";
  patch(row, [{ ...app, seen: 0 }, heard, paused], () => [icon(bad ? "failed" : paused ? "paused" : "app"), t(".name", app.app, t("span", sdk_of(app))), t(".when", paused ? "Paused" : heard),
    t(".under", app.url || "not registered"), t(".under.end", bad ? t("span.word", "Error") : count(app.functions.length, "function"))]);
}

// An app's id and its place are one of a kind; nearly always the id is alone.
async function load_apps() {
  const { apps } = await api("/api/apps");
  const seen = new Set();
  for (const app of apps) {
    app.app = app.id;
    if (seen.has(app.id)) app.id = `${app.id} at ${app.url}`;
    seen.add(app.id);
  }
  return apps;
}

async function app_detail(id) {
  const [apps] = await Promise.all([load_apps(), functions.length ? null : load_functions()]);
  const app = apps.find(each => each.id === id);
  if (!app) throw failure("The engine has no such app.", 404);
  return () => {
    const moment = text => text ? [stamp(text), t(".soft", ago(text))] : "–";
    const name_of = slug => functions.find(each => each.id === slug)?.name || slug;
    parts("head", "facts", "error", "functions");
    patch($("part-head"), [app.app, pauses], () => head(app.app, [pause_badge({ app: app.app }), copyable(app.app)], app.functions.length > 0 && pause_button({ app: app.app })));
    patch($("part-facts"), [app, app.last_contact && ago(app.last_contact)], () => h("dl.facts", {},
      fact("Where", app.url === "connect" ? `connected: ${count(app.workers, "worker")}` : app.url ? app.url : "not registered"),
      fact("SDK", sdk_of(app) || "–"), app.version && fact("Version of the app", app.version),
      fact(is_here(app) ? "Started" : "Registered", moment(app.registered_at)),
      !is_here(app) && fact("Last contact", app.last_contact ? moment(app.last_contact) : "none since the engine started")));
    patch($("part-error"), [app.last_error, app.last_error_at], () => app.last_error &&
      section("Last error", t(".error", t("strong", stamp(app.last_error_at)), t("p", app.last_error))));
    patch($("part-functions"), [app.functions, functions], () => section(count(app.functions.length, "function"), app.functions.length
      ? t(".stack", app.functions.map(slug => link({ view: "functions", id: slug }, t("span.grow", name_of(slug)), t("span.mono.soft", slug))))
      : t("p.soft", "It has none.")));
  };
}

add_view("apps", {
  title: "Apps", one: "an app", draw: draw_app, detail: app_detail, filters: ["search"], find: "Search apps",
  none: "No apps yet. They appear when they register.",
  async load() {
    const [apps] = await Promise.all([load_apps(), load_pauses()]);
    const text = route.search.toLowerCase();
    return { apps: apps.filter(app => JSON.stringify([app.app, app.url, app.functions, app.last_error]).toLowerCase().includes(text)), next: null };
  },
});
views.apps.list.whole = true;
