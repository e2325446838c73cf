// What is shown follows the engine: it says when something changed, and only then the view is fetched again.

let looking = null;
const look = () => looking ??= look_once().finally(() => { looking = null; });
async function look_once() {
  last_look = Date.now();
  const state = await api("/api/state").catch(() => null);
  connected(state);
  if (!state) sequence = -1;
  if (!state || state.sequence === sequence) return;
  if (sequence === -1) await find_features();
  if (state.sequence < sequence) Object.values(views).forEach(each => each.list.clear());
  sequence = state.sequence;
  counts = state.counts;
  total = Object.values(counts).reduce((sum, n) => sum + n, 0);
  draw_chips();
  if (!functions.length) load_functions().catch(() => {});
  if (!started) return;
  draw_filters();
  draw_picks();
  load_chart();
  await list().refresh().catch(() => {});
  if (route.id && !(run && !live(run))) await show_detail();
}

// Nothing is drawn anew under a pressed pointer: the click would be lost.
let pressed = false;
onpointerdown = () => { pressed = true; };
onpointerup = onpointercancel = () => { setTimeout(() => { pressed = false; }); };

// The engine sends its sequence with each change. Where that stream is missing or refused, the page asks each second.
// A hidden page closes it, because a browser has few connections to a server.
let stream = null;
let told = -1;            // the last sequence that came
let last_look = 0;
let stream_again = 0;     // when to try again

function follow() {
  if (document.hidden || stream || Date.now() < stream_again) return;
  stream = new EventSource("/api/live");
  stream.onmessage = event => {
    told = JSON.parse(event.data).sequence;
    if (Date.now() - last_look > 300) catch_up();
  };
  stream.onerror = () => {
    if (stream?.readyState !== EventSource.CLOSED) return look();
    unfollow();
    stream_again = Date.now() + 30000;
  };
}

function unfollow() {
  stream?.close();
  stream = null;
}

function catch_up() {
  if (!document.hidden && !pressed && told !== sequence) look();
}

function poll() {
  follow();
  const is_followed = stream?.readyState === EventSource.OPEN && sequence !== -1;
  if (document.hidden || pressed) return;
  if (works.some(goes_on)) load_works();
  if (is_followed && Date.now() - last_look < 10000) catch_up();
  else if (Date.now() - last_look >= 1000) look();
}

document.onvisibilitychange = () => {
  if (document.hidden) return unfollow();
  poll();
  look();
};
onpagehide = unfollow;

// Times go on, and a running run's timeline moves.
let ticks_until_rows = 0;
setInterval(() => {
  if (document.hidden || pressed) return;
  if (run && live(run)) draw_live();
  ticks_until_rows = (ticks_until_rows + 1) % 4;
  if (!ticks_until_rows) list().render();
}, 250);
