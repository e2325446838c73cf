// Runs over time by status, above the list. A span is selected by dragging, or with the keyboard.

const bar_kinds = ["completed", "failed", "cancelled", "other"];
const chart = { buckets: [], from: 0, until: 0, cursor: null, anchor: null, drawn_at: 0 };

async function load_chart() {
  if (route.view !== "runs" || !features.histogram) return draw_chart();
  const asked = JSON.stringify(chosen());
  if (chart.loading || (chart.asked === asked && chart.seen === sequence) || Date.now() - chart.drawn_at < 1000 && chart.asked === asked) return;
  chart.loading = true;
  try {
    const got = await api(query("/api/runs/histogram", { ...chosen(), buckets: 60 }));
    Object.assign(chart, { asked, seen: sequence, drawn_at: Date.now(), buckets: got.buckets, from: time(got.from), until: time(got.until), counted_from: got.counted_from });
    if (chart.cursor >= got.buckets.length) chart.cursor = chart.anchor = null;
  } catch { /* The list says what is wrong. */ }
  chart.loading = false;
  draw_chart();
}

const sum_of = bucket => bar_kinds.reduce((sum, kind) => sum + (bucket[kind] ?? 0), 0);
const clock_time = at => new Date(at).toLocaleString("sv").slice(0, 19);
const bucket_end = at => chart.buckets[at + 1] ? time(chart.buckets[at + 1].at) : chart.until;

function bucket_words(from, to) {
  const some = chart.buckets.slice(from, to + 1);
  const parts = bar_kinds.map(kind => [kind, some.reduce((sum, bucket) => sum + (bucket[kind] ?? 0), 0)]).filter(([, n]) => n);
  return `${clock_time(chart.buckets[from].at)} to ${clock_time(bucket_end(to)).slice(11)}: ${parts.map(([kind, n]) => `${number(n)} ${kind}`).join(", ") || "no runs"}`;
}

// One path a status: sixty buckets of four statuses would be many elements.
function draw_chart() {
  const box = $("chart");
  const { buckets } = chart;
  box.hidden = route.view !== "runs" || !features.histogram || !buckets.length;
  if (box.hidden) return;
  const most = Math.max(1, ...buckets.map(sum_of));
  const width = 600 / buckets.length;
  const paths = Object.fromEntries(bar_kinds.map(kind => [kind, ""]));
  buckets.forEach((bucket, at) => {
    let top = 40;
    for (const kind of bar_kinds) {
      const n = bucket[kind] ?? 0;
      if (!n) continue;
      const height = Math.max(1.5, 38 * n / most);
      top -= height;
      paths[kind] += `M${(at * width + 0.5).toFixed(1)} ${top.toFixed(1)}h${(width - 1).toFixed(1)}v${height.toFixed(1)}h-${(width - 1).toFixed(1)}z`;
    }
  });
  for (const kind of bar_kinds) $("chart-" + kind).setAttribute("d", paths[kind]);
  const [from, to] = [chart.anchor ?? chart.cursor, chart.cursor].sort((a, b) => a - b);
  const mark = $("chart-mark");
  mark.setAttribute("x", (from ?? 0) * width);
  mark.setAttribute("width", chart.cursor === null ? 0 : (to - from + 1) * width);
  const slider = $("chart-bars");
  slider.setAttribute("aria-valuemin", 0);
  slider.setAttribute("aria-valuemax", buckets.length - 1);
  slider.setAttribute("aria-valuenow", chart.cursor ?? 0);
  slider.setAttribute("aria-valuetext", bucket_words(from ?? 0, to ?? 0));
  const total_shown = buckets.reduce((sum, bucket) => sum + sum_of(bucket), 0);
  patch($("chart-words"), [chart.cursor, chart.anchor, chart.from, chart.until, total_shown, chart.counted_from], () => chart.cursor === null
    ? [t("span", clock_time(chart.from).slice(5, 16)), t("span", count(total_shown, "run"), chart.counted_from && ` since ${clock_time(chart.counted_from).slice(5, 16)}`), t("span", clock_time(chart.until).slice(5, 16))]
    : [t("span", bucket_words(from, to))]);
}

function select_span() {
  if (chart.cursor === null) return;
  const [from, to] = [chart.anchor ?? chart.cursor, chart.cursor].sort((a, b) => a - b);
  const span = { from: new Date(chart.buckets[from].at).toISOString(), until: new Date(bucket_end(to)).toISOString() };
  chart.cursor = chart.anchor = null;
  change({ ...span, id: "" });
}

const bucket_under = event => {
  const box = $("chart-bars").getBoundingClientRect();
  return Math.max(0, Math.min(chart.buckets.length - 1, Math.floor((event.clientX - box.left) / box.width * chart.buckets.length)));
};
$("chart-bars").onpointerdown = event => {
  chart.anchor = chart.cursor = bucket_under(event);
  chart.dragging = true;
  $("chart-bars").setPointerCapture(event.pointerId);
  draw_chart();
};
$("chart-bars").onpointermove = event => {
  chart.cursor = bucket_under(event);
  if (!chart.dragging) chart.anchor = null;
  draw_chart();
};
$("chart-bars").onpointerup = () => {
  if (!chart.dragging) return;
  chart.dragging = false;
  select_span();
};
$("chart-bars").onpointerleave = $("chart-bars").onblur = $("chart-bars").onpointercancel = () => {
  if (chart.cursor === null) return;
  chart.cursor = chart.anchor = null;
  chart.dragging = false;
  draw_chart();
};
$("chart-bars").onkeydown = event => {
  const end = chart.buckets.length - 1;
  const at = chart.cursor ?? end + (event.key === "ArrowLeft" ? 1 : 0);
  const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: end }[event.key];
  if (to !== undefined) {
    if (event.shiftKey) chart.anchor ??= chart.cursor;
    else chart.anchor = null;
    chart.cursor = Math.max(0, Math.min(end, to));
    draw_chart();
  }
  else if (event.key === "Enter" || event.key === " ") select_span();
  else return;
  event.preventDefault();
  event.stopPropagation();
};
