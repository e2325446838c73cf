// The view of events.

function draw_event(row, event) {
  patch(row, [ago(event.received_at), event.runs], () => [icon("bolt"),
    t(".name", event.name), t(".when", ago(event.received_at)), t(".under.mono", event.id),
    t(".under.end", event.runs.slice(0, 4).map(run => h("span.word", { "data-s": run.status, title: word(run.status) }, icon(run.status))),
      event.runs.length ? count(event.runs.length, "run") : "no run")]);
}

async function event_detail(id) {
  const event = await api(`/api/events/${encodeURIComponent(id)}`);
  return () => {
    const { runs } = event;
    parts("head", "runs", "json");
    patch($("part-head"), id, () => head(event.name, [stamp(event.received_at), copyable(id)],
      [!event.name.startsWith("inngest/") && button("Edit and send", () => compose(event.name, event.event.data)),
        !missing.has("resend") && button([icon("bolt"), "Resend"], pressed => resend(event, pressed.currentTarget), ".first")]));
    patch($("part-runs"), runs, () => section(runs.length ? count(runs.length, "run") : "Runs", runs.length
      ? t(".stack", runs.slice(0, 100).map(started_run), runs.length > 100 && t(".soft", `and ${number(runs.length - 100)} more`))
      : t("p.soft", "It started none.")));
    patch($("part-json"), event.event, () => section("Event", json(event.event, "Event", `${id}-event`)));
  };
}

const started_run = run => link({ view: "runs", id: run.id }, status_word(run.status), t("span.grow", run.function),
  run.ended_at && t("span.soft", took(time(run.ended_at) - time(run.queued_at))), t("span.mono.soft", run.id));

// The event goes in again, with its data and a new id.
async function resend(event, from) {
  from.disabled = true;
  try {
    const { ids } = await post(`/api/events/${encodeURIComponent(event.id)}/resend`, {});
    toast(`Sent ${event.name} again.`, link({ view: "events", id: ids[0] }, "See it"));
    look();
  } catch (error) {
    if (error.status === 404 && error.message.includes("has no POST")) missing.add("resend");
    complain(error);
  }
  from.disabled = missing.has("resend");
}

add_view("events", {
  title: "Events", one: "an event", draw: draw_event, detail: event_detail, none: "No events yet.",
  filters: ["search", "name", "where", "from", "until"], find: "Search events",
  load: ask => api(query("/api/events", { ...ask, ...Object.fromEntries(["search", "name", "where", "from", "until"].map(name => [name, route[name]])) })),
});
