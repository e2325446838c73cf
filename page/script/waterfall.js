// The waterfall: a run's steps as bars over time.

let squeeze = true;
let first_step = 0;
const opened = new Set(); // the steps whose details are open
const step_page = 100;

// A step as bars: in the queue, each attempt, until the next one; or one for a sleep or a wait.
function bars_of(step, end) {
  const idle = /sleep/.test(step.kind) ? "sleeping" : /wait|invoke|signal/.test(step.kind) ? "waiting" : "running";
  const bars = [];
  let at = time(step.queued_at);
  if (step.is_kept) return [{ s: step.status, from: at, to: at }];
  for (const each of step.attempts) {
    const from = time(each.started_at);
    const to = each.ended_at ? time(each.ended_at) : end;
    if (from > at) bars.push({ s: bars.length ? "retrying" : "queued", from: at, to: from });
    bars.push({ s: each.ended_at ? each.status : "running", from, to });
    at = to;
  }
  if (bars.length && (step.ended_at || step.status === "running")) return bars;
  const own = { failed: "failed", timed_out: "timed_out", planned: "queued" }[step.status];
  return [...bars, { s: bars.length ? "retrying" : own ?? idle, from: at, to: Math.max(at, step.ended_at ? time(step.ended_at) : end) }];
}

// Maps times to 0..100. Stretches in which nothing runs can be squeezed, or a week of sleep would hide all the rest.
function scale(bars, from, end) {
  const points = [...new Set([from, end, ...bars.flatMap(bar => [bar.from, bar.to])])].filter(at => at >= from && at <= end).sort((a, b) => a - b);
  const busy = bars.filter(bar => ["running", "completed", "failed"].includes(bar.s)).sort((a, b) => a.from - b.from);
  const spans = [];
  let reached = 0;
  let next = 0;
  for (let i = 1; i < points.length; ++i) {
    while (busy[next]?.from <= points[i - 1]) reached = Math.max(reached, busy[next++].to);
    const idle = reached < points[i];
    if (spans.at(-1)?.idle === idle) spans.at(-1).to = points[i];
    else spans.push({ from: points[i - 1], to: points[i], idle });
  }
  const active = spans.reduce((sum, span) => sum + (span.idle ? 0 : span.to - span.from), 0);
  const most = 0.8 * active / spans.filter(span => span.idle).length;
  let sum = 0;
  for (const span of spans) {
    span.tight = span.idle && active > 0 && span.to - span.from > 2 * most;
    span.start = sum;
    span.size = span.tight && squeeze ? most : span.to - span.from;
    sum += span.size;
  }
  const at = moment => {
    let low = 0;
    let high = spans.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (spans[middle].from <= moment) low = middle;
      else high = middle - 1;
    }
    const span = spans[low];
    return 100 * (span.start + Math.min(1, Math.max(0, (moment - span.from) / (span.to - span.from))) * span.size) / sum;
  };
  return { at, from, end, tight: spans.filter(span => span.tight) };
}

function ticks({ at, from, end, tight }) {
  const unit = [864e5, 36e5, 6e4, 1e3, 1].find(size => (end - from) / size >= 2) ?? 1;
  const power = 10 ** Math.floor(Math.log10((end - from) / unit / 2));
  const step = unit * power * ([1, 2, 5].find(size => size * power * unit >= (end - from) / 6) ?? 10);
  const even = Array.from({ length: Math.floor((end - from) / step) }, (_, i) => from + (i + 1) * step);
  const out = [[from, 0]];
  for (const each of squeeze && tight.length ? tight.flatMap(span => [span.from, span.to]) : even)
    if (at(each) - out.at(-1)[1] >= 12 && at(each) < 88) out.push([each, at(each)]);
  return [...out, [end, 100]];
}

function draw_track(track, bars, fit) {
  track.replaceChildren(...bars.slice(-60).map(bar => {
    const from = fit.at(bar.from);
    return place(h("i.bar", { "data-s": bar.s, title: `${word(bar.s)}, ${took(bar.to - bar.from)}` }), from, fit.at(bar.to) - from);
  }));
}

function draw_fall() {
  const part = $("part-fall");
  if (!part.firstChild) {
    const behind = kind => h(`.strip.${kind}`, { "aria-hidden": true }, t("i"), h(".track"));
    part.append(t("section", h(".heading"), h(".fall", { role: "group", "aria-label": "Steps", onkeydown: fall_key }, behind("grid"), behind("axis"), fall_item()), h(".legend")));
  }
  const [heading, fall, legend] = part.firstChild.children;
  const [grid, axis, whole] = fall.children;
  const { steps } = run;
  const now = run.ended_at ? time(run.ended_at) : Date.now();
  const invoked = new Map((run.children ?? []).map(each => [each.step, each]));
  const from = time(run.queued_at);
  const started = run.started_at ? time(run.started_at) : now;
  const all = steps.map(step => bars_of(step, now));
  const total_bars = [{ s: "queued", from, to: started }, { s: run.status, from: started, to: now }];
  const fit = scale(steps.length ? all.flat() : total_bars, from, Math.max(from + 1, now, ...all.map(bars => bars.at(-1).to)));
  patch(heading, [steps.length, first_step, squeeze, fit.tight.length > 0], () => [t("h3", count(steps.length, "step")), ...pager(steps.length),
    fit.tight.length > 0 && h("button.button.small", { "aria-pressed": squeeze, title: "Narrow the times when nothing runs",
      onclick: () => { squeeze = !squeeze; draw_fall(); } }, "Squeeze waits")]);
  const marks = ticks(fit);
  const tight = squeeze ? fit.tight : [];
  grid.lastChild.replaceChildren(...tight.map(span => place(h("em"), fit.at(span.from), fit.at(span.to) - fit.at(span.from))),
    ...marks.slice(1, -1).map(([, x]) => place(h("u"), x)));
  axis.lastChild.replaceChildren(...marks.map(([each, x]) => place(t("span", each > from ? took(each - from) : "0"), x)));
  const used = new Set([...total_bars, ...all.flat()].map(bar => bar.s));
  patch(legend, [...used], () => [...used].map(s => t("span", t(".sign", h("i.bar", { "data-s": s })), word(s))));
  draw_item(whole, { id: "", name: "Run", kind: "", status: run.status, queued_at: run.queued_at, ended_at: run.ended_at, attempts: run.attempts ?? [] }, total_bars, fit);
  const page = steps.slice(first_step, first_step + step_page);
  while (fall.children.length > page.length + 3) fall.lastChild.remove();
  page.forEach((step, i) => draw_item(fall.children[i + 3] ?? fall.appendChild(fall_item()),
    step.kind === "invoke" ? { ...step, child: invoked.get(step.name) } : step, all[first_step + i], fit));
}

function pager(all) {
  if (all <= step_page) return [];
  const to = (text, by) => h("button.button.small", { disabled: first_step + by < 0 || first_step + by >= all ? "" : undefined,
    onclick: () => { first_step += by; draw_fall(); } }, text);
  return [t("span.soft", `${first_step + 1}–${Math.min(all, first_step + step_page)}`), to("Previous", -step_page), to("Next", step_page)];
}

// A step's bars, and its details below when they are open.
function fall_item() {
  const item = t("", h("button.strip", { onclick: () => {
    if (!opened.delete(item.step)) opened.add(item.step);
    draw_fall();
  } }, h(".label"), h(".track", { "aria-hidden": "true" }), h(".took")), h(""));
  return item;
}

function draw_item(item, step, bars, fit) {
  const [strip, panel] = item.children;
  const [label, track, time_taken] = strip.children;
  const tries = step.attempts.length;
  const text = took(lasted(step, step.queued_at));
  const name = step.name || step.id;
  item.step = step.id;
  item.classList.toggle("whole", !step.id);
  strip.ariaExpanded = opened.has(step.id);
  label.dataset.s = step.status;
  patch(label, [name, step.kind, step.status, tries], () => [icon(step.status), h("b", { title: name }, name), t("small", step.is_kept ? "kept" : tries > 1 ? `${step.kind} ×${tries}` : step.kind), t("span.unseen", `, ${word(step.status)}, `)]);
  draw_track(track, bars, fit);
  time_taken.textContent = text;
  patch(panel, opened.has(step.id) && [step, features.bulk], () => opened.has(step.id) && step_panel(step));
}

function fall_key(event) {
  const rows = [...event.currentTarget.querySelectorAll("button.strip")];
  const at = rows.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
  if (at < 0 || to === undefined) return;
  event.preventDefault();
  rows[to]?.focus();
}
