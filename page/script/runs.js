// The view of runs.

function draw_run(row, run) {
  row.dataset.s = run.status;
  const ms = lasted(run);
  const text = ms === undefined ? "" : took(ms);
  const { picking, picked } = views.runs.list;
  const mark = picking ? (picked.has(run.id) ? "checked" : "unchecked") : run.status;
  patch(row, [run.status, ago(run.queued_at), text, mark, run.tags], () => [icon(mark),
    h(".name", { title: `${run.function_name || run.function} ${run.event_name}` }, run.function_name || run.function, t("span", run.event_name)), t(".when", ago(run.queued_at)),
    h(".under.mono", { title: run.id }, tags_of(run).length ? tags_of(run).join(" ") : run.id), t(".under.end", t("span.word", word(run.status)), text)]);
}

add_view("runs", {
  title: "Runs", one: "a run", draw: draw_run, detail: id => run_detail(id), find: "Search by id or event", picks: true,
  filters: ["status", "function", "app", "event", "event_id", "error", "tag", "key", "where", "from", "until", "repeated", "by", "search"],
  load: ask => api(query("/api/runs", { ...ask, ...chosen() })),
  none: "No runs yet.",
  key(key) {
    if (key === "f" && !$("add-filter").hidden) edit_filter();
    else if (key === "b" && features.bulk) open_bulk();
    else if (key === "x" && views.runs.list.active) views.runs.list.pick_active();
    else if (key === "v") $("saved-open").click();
    else if (key === "r" && run) rerun(run.id);
    else if (key === "c" && run && live(run)) cancel(run.id);
    else return false;
    return true;
  },
});
