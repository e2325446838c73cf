// Every option of a function, with every kind of trigger, with a restart at every stage, on every store: what
// the option does is there, and would be missed if the option were ignored.

#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/detail/scheduling/scheduler.hpp>

#include <algorithm>
#include <array>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "../catch.hpp"
#include "options_driver.hpp"

namespace {

using namespace matrix;
using embedded::run_status;
using inngest::function_options;
using strings = std::vector<std::string>;
using numbers = std::vector<int>;

// ---- the axes -------------------------------------------------------------------------------------------

enum class trigger_kind {
  event,
  expression,
  pattern,
  several,
  future,
  cron,
  cron_with_jitter,
  invoke,
  failed,
  finished,
  cancelled,
  deferred,
  by_hand,
  rerun,
};
constexpr std::size_t trigger_count = static_cast<std::size_t>(trigger_kind::rerun) + 1;

enum class restart_kind {
  none,
  before_dispatch,  ///< the event is stored, and has started nothing
  before_begin,     ///< the run is made, or its time is set
  under_way,
  after_end,
};
constexpr std::size_t restart_count = static_cast<std::size_t>(restart_kind::after_end) + 1;

#pragma GCC diagnostic push
#pragma GCC diagnostic error "-Wswitch"

const char* name_of(restart_kind kind) {
  switch (kind) {
    case restart_kind::none:
      return "no restart";
    case restart_kind::before_dispatch:
      return "restart between the event and its runs";
    case restart_kind::before_begin:
      return "restart before the run begins";
    case restart_kind::under_way:
      return "restart under way";
    case restart_kind::after_end:
      return "restart after the end";
  }
  return "";
}

/// How runs are started, and how expressions see what they are started with: a number and a user.
struct trigger_row {
  trigger_kind kind{};
  const char* name = "";
  std::vector<inngest::trigger_definition> definitions{};
  std::string number = "event.data.n";   // a key of its own for each event
  std::string same = "event.data.user";  // a key that all events share
  std::string priority = "event.data.n == 3 ? 600 : 0";
  std::string match = "data.n";  // the number's path

  bool is_cron() const { return kind == trigger_kind::cron || kind == trigger_kind::cron_with_jitter; }
  bool has_event() const {
    return kind == trigger_kind::event || kind == trigger_kind::expression || kind == trigger_kind::pattern ||
           kind == trigger_kind::several || kind == trigger_kind::future;
  }
  bool is_of_an_end() const {
    return kind == trigger_kind::failed || kind == trigger_kind::finished || kind == trigger_kind::cancelled;
  }
  bool needs_parents() const {
    return is_of_an_end() || kind == trigger_kind::invoke || kind == trigger_kind::deferred;
  }
};

trigger_row make_trigger(trigger_kind kind) {
  const std::string of_parent = "event.data.function_id == 'app-parent'";
  const auto of_end = [&](const char* name, const char* event) {
    return trigger_row{.kind = kind,
                       .name = name,
                       .definitions = {{.event = event, .expression = of_parent}},
                       .number = "event.data.event.data.n",
                       .same = "event.data.event.data.user",
                       .priority = "event.data.event.data.n == 3 ? 600 : 0",
                       .match = "data.event.data.n"};
  };
  const auto of_cron = [&](const char* name, std::optional<inngest::duration_s> jitter) {
    return trigger_row{.kind = kind,
                       .name = name,
                       .definitions = {{.jitter = jitter}},  // see world::definitions()
                       .number = "event.data.scheduledAt",
                       .same = "event.data.cron",
                       .priority = "event.data.scheduledAt.contains('T00:03:') ? 600 : 0",
                       .match = "data.scheduledAt"};
  };
  switch (kind) {
    case trigger_kind::event:
      return {.kind = kind, .name = "an event", .definitions = {{.event = "m/go"}}};
    case trigger_kind::expression:
      return {.kind = kind,
              .name = "an event with an expression",
              .definitions = {{.event = "m/go", .expression = "event.data.wanted == true"}}};
    case trigger_kind::pattern:
      return {.kind = kind, .name = "a pattern of events", .definitions = {{.event = "m/*"}}};
    case trigger_kind::several:  // a pattern and an event that both fit start one run
      return {.kind = kind,
              .name = "several triggers",
              .definitions = {{.event = "m/odd"}, {.event = "m/even"}, {.event = "m/*"}}};
    case trigger_kind::future:
      return {.kind = kind, .name = "an event of the future", .definitions = {{.event = "m/go"}}};
    case trigger_kind::cron:
      return of_cron("a schedule", std::nullopt);
    case trigger_kind::cron_with_jitter:
      return of_cron("a schedule with jitter", 20s);
    case trigger_kind::invoke:
      return {.kind = kind, .name = "another function that invokes it", .definitions = {{.event = "m/none"}}};
    case trigger_kind::failed:
      return of_end("function.failed", "inngest/function.failed");
    case trigger_kind::finished:
      return of_end("function.finished", "inngest/function.finished");
    case trigger_kind::cancelled:
      return of_end("function.cancelled", "inngest/function.cancelled");
    case trigger_kind::deferred:
      return {.kind = kind, .name = "another function that defers it"};
    case trigger_kind::by_hand:
      return {.kind = kind, .name = "engine.start", .definitions = {{.event = "m/none"}}};
    case trigger_kind::rerun:
      return {.kind = kind, .name = "a rerun", .definitions = {{.event = "m/go"}}};
  }
  return {};
}

#pragma GCC diagnostic pop

const std::vector<trigger_row>& all_triggers() {
  static const std::vector<trigger_row> all = [] {
    std::vector<trigger_row> out;
    for (std::size_t i = 0; i < trigger_count; ++i) out.push_back(make_trigger(static_cast<trigger_kind>(i)));
    return out;
  }();
  return all;
}

// ---- the world ------------------------------------------------------------------------------------------

using any_event = inngest::event<"m/*", json>;
using context = inngest::context<any_event>;
using released = inngest::event<"parent/release", json>;
class world;
using body_type = std::function<json(context&, world&)>;

json quick(context&, world&) { return "done"; }
json hours(context& ctx, world&) {
  ctx.step.sleep("hours", 5h);
  return "done";
}
json two_steps(context& ctx, world&) {
  const int a = ctx.step.run("a", [] { return 1; });
  return ctx.step.run("b", [a] { return a + 1; });
}

/// The function, those that start it, and what is seen of its runs.
class world {
 public:
  static constexpr int parents = 4;

  world(store_kind store, const trigger_row& chosen, restart_kind restart, function_options options,
        body_type body, numbers ticks, const std::vector<inngest::concurrency_limit>& shared_limits)
      : trigger(chosen),
        driver_(store),
        restart_(restart),
        slug_("app-" + options.id),
        body_(std::move(body)),
        ticks_(std::move(ticks)) {
    driver_.on_call = [this](const taken_call& call) { calls += driver_.slug_of(call) == slug_ ? 1 : 0; };
    driver_.on_save = [this](const taken_call& call, std::size_t results) {
      if (driver_.slug_of(call) == slug_) saves.push_back(results);
    };
    if (trigger.kind == trigger_kind::rerun) make_earlier_runs(options.id);
    function_options of_other{.id = "other"};
    if (shared_limits.size() == 1) of_other.concurrency = {shared_limits[0]};
    std::vector<inngest::any_function> functions{
        make_function(std::move(options), definitions()), make_parent(),
        app().create_function(of_other, inngest::on<inngest::event<"other/none", json>>(), [](auto&) {})};
    driver_.start(functions);
    if (trigger.needs_parents()) begin_parents();
    driver_.go_to(midnight() - 30s);
    calls = 0;
    saves.clear();
  }

  // ---- what a case does -----------------------------------------------------------------------------------

  /// Starts the function, or tries to, and gives the number that its event has.
  int fire() {
    const int n = trigger.is_cron() ? next_tick() : ++last_;
    fired.push_back(n);
    if (trigger.needs_parents())
      release_parent(n);
    else if (trigger.is_cron())
      ;
    else if (trigger.kind == trigger_kind::by_hand)
      driver_.scheduler().start(slug_, data_of(n).dump(), driver_.now);
    else if (trigger.kind == trigger_kind::rerun)
      driver_.scheduler().rerun(*driver_.store().find_run(earlier_.at(n)), driver_.now);
    else
      send(n);
    driver_.commit();
    point(restart_kind::before_begin);
    if (trigger.kind == trigger_kind::future) driver_.pump_until(driver_.now + 1min);
    if (trigger.is_cron()) driver_.pump_until(midnight() + std::chrono::minutes(n) + 20s);
    return n;
  }

  /// The process ends here if the case is about that.
  void point(restart_kind kind) {
    if (kind != restart_) return;
    came_to_restart = true;
    held_.clear();
    driver_.restart();
  }

  /// All of it has ended. A repeated event starts nothing.
  void end_of_first_part() {
    point(restart_kind::after_end);
    if (!trigger.has_event() || ran.empty()) return;
    const std::size_t before = runs().size();
    send_event(ran.back());
    settle();
    advance(2min);
    expect(runs().size() == before, "the same event again starts no run");
  }

  /// Goes to the time at which schedules tick again.
  void go_to_next_ticks() {
    settle();
    ticks_begin_ += 8h;
    driver_.go_to(ticks_begin_ - 30s);
  }

  /// The next call of the function. Those of others are made on the way.
  std::optional<taken_call> take() {
    if (!held_.empty()) {
      taken_call out = std::move(held_.front());
      held_.erase(held_.begin());
      return out;
    }
    while (auto next = driver_.take_any()) {
      if (driver_.slug_of(*next) == slug_) return next;
      driver_.answer(*next);
    }
    return std::nullopt;
  }
  bool is_lost(const std::optional<taken_call>& call) const { return call && driver_.is_lost(*call); }
  void answer(const std::optional<taken_call>& call) {
    if (call) driver_.answer(*call);
  }
  int number_of(const std::optional<taken_call>& call) { return call ? number_of_run(call->job.run_id) : 0; }
  void settle() {
    while (auto next = take()) answer(next);
  }
  void advance(std::chrono::milliseconds time) {
    settle();
    driver_.advance(time);
  }
  void send_stop(int n) {
    json data = {{"n", n}, {"event", {{"data", {{"n", n}}}}}};
    if (trigger.is_cron()) data["scheduledAt"] = inngest::to_text(midnight() + std::chrono::minutes(n));
    driver_.send({{"name", "stop/now"}, {"data", data}});
    settle();
  }
  /// Starts the other function and takes its call.
  std::optional<taken_call> take_other() {
    driver_.scheduler().start("app-other", "{}", driver_.now);
    driver_.commit();
    while (auto next = driver_.take_any()) {
      if (driver_.slug_of(*next) == "app-other") return next;
      held_.push_back(*next);
    }
    return std::nullopt;
  }

  // ---- what a case sees -----------------------------------------------------------------------------------

  void expect(bool holds, const std::string& what) {
    if (!holds) failures.push_back("expected: " + what + "; " + state());
  }

  std::vector<embedded::run> runs() const {
    std::vector<embedded::run> out;
    for (embedded::run& run : driver_.runs_of(slug_)) {
      if (!is_earlier_.contains(run.id)) out.push_back(std::move(run));
    }
    return out;
  }
  /// The status of the last run for the number; nothing when there is none.
  std::optional<run_status> status(int n) const {
    std::optional<run_status> out;
    for (const embedded::run& run : runs()) {
      if (number_of_run(run.id) == n) out = run.status;
    }
    return out;
  }
  bool is_active(int n) const {
    const auto now = status(n);
    constexpr run_status ends[] = {run_status::completed, run_status::failed, run_status::cancelled,
                                   run_status::skipped};
    return now && std::find(std::begin(ends), std::end(ends), *now) == std::end(ends);
  }
  /// Whether the last run for the number has the tag "who".
  bool is_tagged(int n) const {
    bool out = false;
    for (const embedded::run& run : runs()) {
      if (number_of_run(run.id) != n) continue;
      out = std::any_of(run.tags.begin(), run.tags.end(),
                        [](const embedded::run_tag& tag) { return tag.name == "who" && !tag.value.empty(); });
    }
    return out;
  }
  bool has_run(int n) const { return std::find(ran.begin(), ran.end(), n) != ran.end(); }
  /// What the step that invoked the function failed with.
  std::string problem_of_parent(int n) const {
    for (const embedded::run& run : driver_.runs_of("app-parent")) {
      if (run.id == parents_.at(n)) return run.output_text;
    }
    return "";
  }
  const embedded::function_definition* definition() {
    return driver_.scheduler().functions().find(slug_).get();
  }
  std::string state() const {
    std::string out = "ran:";
    for (int n : ran) out += " " + std::to_string(n);
    out += "; runs:";
    for (const embedded::run& run : runs())
      out += " " + std::to_string(number_of_run(run.id)) + "=" + std::string(to_string(run.status));
    return out + "; calls: " + std::to_string(calls);
  }

  const trigger_row& trigger;
  strings failures;
  numbers fired;
  numbers ran;                     // by the number of its first event
  std::vector<std::size_t> sizes;  // how many events those runs had
  std::vector<std::size_t> saves;  // how many results were saved at once
  int calls = 0;
  bool came_to_restart = false;

 private:
  static timestamp midnight() { return std::chrono::sys_days(std::chrono::year(2026) / 3 / 1); }
  const inngest::client& app() const { return driver_.app(); }

  std::vector<inngest::trigger_definition> definitions() const {
    if (trigger.is_cron()) {  // ticks at midnight, and every eight hours later
      std::string minutes;
      for (int tick : ticks_) minutes += (minutes.empty() ? "" : ",") + std::to_string(tick);
      return {{.cron = minutes + " 0,8,16 1 3 *", .jitter = trigger.definitions.front().jitter}};
    }
    if (trigger.kind != trigger_kind::deferred) return trigger.definitions;
    return {{.event = "inngest/deferred.schedule",
             .expression = "event.data._inngest.fn_slug == '" + slug_ + "'"}};
  }

  inngest::any_function make_function(function_options options,
                                      std::vector<inngest::trigger_definition> triggers) {
    return app().create_function(std::move(options), inngest::trigger<any_event>{std::move(triggers)},
                                 [this](context& ctx) -> json {
                                   if (is_preparing_) return "earlier";
                                   if (known_.insert(ctx.run_id).second) {
                                     ran.push_back(number_of_event(json::parse(ctx.events.text(0))));
                                     sizes.push_back(ctx.events.size());
                                   }
                                   return body_(ctx, *this);
                                 });
  }

  inngest::any_function make_parent() {
    using begun = inngest::event<"parent/none", json>;
    return app().create_function(
        {.id = "parent", .retries = 0}, inngest::on<begun>(), [this](inngest::context<begun>& ctx) -> json {
          ctx.step.wait_for_event<released>("wait", {.timeout = 100h, .match = "data.n"});
          const json& data = ctx.event.data;
          const std::string id = slug_.substr(4);
          if (trigger.kind == trigger_kind::failed) throw inngest::non_retriable_error("fails");
          if (trigger.kind == trigger_kind::deferred)
            ctx.defer("later", inngest::deferred_function<json>("app", {.id = id}, {}, {}), data);
          if (trigger.kind != trigger_kind::invoke) return "parent";
          try {
            return ctx.step.invoke("call", inngest::function_ref<any_event, json>{"app", id}, data);
          } catch (const inngest::step_error& error) {
            return error.what();
          }
        });
  }

  /// Runs of the function from before it had its options.
  void make_earlier_runs(const std::string& id) {
    is_preparing_ = true;
    driver_.start({make_function({.id = id}, {{.event = "m/go"}})});
    for (int n = 1; n <= parents; ++n) {
      driver_.send({{"name", "m/go"}, {"data", data_of(n)}});
      driver_.settle();
      const std::string run_id = driver_.runs_of(slug_).back().id;
      earlier_[n] = run_id;
      is_earlier_.insert(run_id);
    }
    is_preparing_ = false;
  }

  /// Long before the function's runs, so that their calls are made first.
  void begin_parents() {
    for (int n = 1; n <= parents; ++n)
      parents_[n] = driver_.scheduler().start("app-parent", data_of(n).dump(), driver_.now);
    driver_.commit();
    driver_.settle();
  }

  void release_parent(int n) {
    if (trigger.kind == trigger_kind::cancelled) {
      driver_.scheduler().cancel(parents_.at(n), driver_.now);
      return;
    }
    driver_.send({{"name", "parent/release"}, {"data", {{"n", n}}}});
    while (auto next = driver_.take_any()) {
      const bool is_parents = driver_.slug_of(*next) == "app-parent";
      if (is_parents) return driver_.answer(*next);
      held_.push_back(*next);
    }
    failures.push_back("the parent was not called");
  }

  static json data_of(int n) { return {{"n", n}, {"user", "u"}}; }

  json event_of(int n) const {
    json out{{"name", "m/go"}, {"id", "event-" + std::to_string(n)}, {"data", data_of(n)}};
    if (trigger.kind == trigger_kind::several) out["name"] = n % 2 ? "m/odd" : "m/even";
    if (trigger.kind == trigger_kind::pattern) out["name"] = "m/go." + std::to_string(n);
    if (trigger.kind == trigger_kind::expression) out["data"]["wanted"] = true;
    if (trigger.kind == trigger_kind::future) {
      const timestamp due = driver_.now + 1min;
      out["ts"] = due.time_since_epoch().count();
    }
    return out;
  }

  /// Another that the trigger's expression turns away goes before it.
  void send(int n) {
    if (trigger.kind == trigger_kind::expression)
      driver_.send({{"name", "m/go"}, {"data", {{"n", -n}, {"user", "u"}, {"wanted", false}}}});
    sent_[n] = event_of(n);
    send_event(n);
  }
  void send_event(int n) {
    if (restart_ != restart_kind::before_dispatch) {
      driver_.send(sent_.at(n));
      return;
    }
    came_to_restart = true;
    held_.clear();
    driver_.send_and_restart(sent_.at(n));
  }

  int next_tick() {
    for (int tick : ticks_) {
      const timestamp at = ticks_begin_ + std::chrono::minutes(tick);
      if (at > driver_.now) return static_cast<int>((at - midnight()) / 1min);
    }
    throw std::runtime_error("the row needs more ticks");
  }

  int number_of_event(const json& event) const {
    const json& data = event.at("data");
    if (trigger.is_cron()) {
      const auto at = inngest::parse_timestamp(data.at("scheduledAt").get<std::string>());
      return static_cast<int>(std::chrono::floor<std::chrono::minutes>(*at - midnight()).count());
    }
    return trigger.is_of_an_end() ? data.at("event").at("data").at("n").get<int>() : data.at("n").get<int>();
  }
  int number_of_run(const std::string& run_id) const {
    const auto found = driver_.store().find_run(run_id);
    return found ? number_of_event(json::parse(found->events.front().text)) : 0;
  }

  driver driver_;
  restart_kind restart_;
  std::string slug_;
  body_type body_;
  numbers ticks_;  // minutes of schedules
  bool is_preparing_ = false;
  timestamp ticks_begin_ = midnight();
  int last_ = 0;
  std::vector<taken_call> held_;
  std::map<int, json> sent_;
  std::set<std::string> known_;  // runs whose body was seen
  std::map<int, std::string> earlier_;
  std::set<std::string> is_earlier_;
  std::map<int, std::string> parents_;
};

// ---- the options ----------------------------------------------------------------------------------------

using setter = std::function<void(function_options&, const trigger_row&)>;
/// Why an option does nothing with a trigger; empty when it does.
using exemption = std::function<std::string(const trigger_row&)>;

struct option_row {
  const char* member = "";  // as all_members() names it
  const char* name = "";    // the case
  setter set{};
  body_type body = quick;
  std::function<void(world&)> probe{};
  /// The minutes at which a schedule ticks.
  numbers ticks = {1, 2};
  /// The options as they are for an engine that ignores this one.
  setter ignored = [](function_options&, const trigger_row&) {};
  exemption exempt = [](const trigger_row&) { return std::string(); };
};

/// Every member of every option. A new one does not compile here, and then needs a row.
strings all_members() {
  const function_options options{.id = "f"};
  [[maybe_unused]] const auto& [id, name, retries, concurrency, throttle, rate_limit, debounce, batch,
                                singleton, priority, idempotency, tags, cancel_on, timeouts, checkpointing,
                                middleware, dependencies] = options;
  const inngest::concurrency_limit a_limit;
  [[maybe_unused]] const auto& [limit, key, scope] = a_limit;
  const inngest::throttle a_throttle;
  [[maybe_unused]] const auto& [throttle_limit, throttle_period, throttle_key, burst] = a_throttle;
  const inngest::rate_limit a_rate;
  [[maybe_unused]] const auto& [rate_limit_limit, rate_period, rate_key] = a_rate;
  const inngest::debounce a_debounce;
  [[maybe_unused]] const auto& [debounce_period, debounce_key, debounce_timeout] = a_debounce;
  const inngest::batch a_batch;
  [[maybe_unused]] const auto& [max_size, batch_timeout, batch_key, condition] = a_batch;
  const inngest::singleton a_singleton;
  [[maybe_unused]] const auto& [mode, singleton_key] = a_singleton;
  const inngest::cancel_on a_cancel;
  [[maybe_unused]] const auto& [event, expression, match, cancel_timeout] = a_cancel;
  const inngest::timeouts a_timeouts;
  [[maybe_unused]] const auto& [start, finish] = a_timeouts;
  const inngest::checkpointing a_checkpointing;
  [[maybe_unused]] const auto& [enabled, buffered_steps, max_interval, max_runtime] = a_checkpointing;
  return {"id",
          "name",
          "retries",
          "concurrency.limit",
          "concurrency.key",
          "concurrency.scope",
          "throttle.limit",
          "throttle.period",
          "throttle.key",
          "throttle.burst",
          "rate_limit.limit",
          "rate_limit.period",
          "rate_limit.key",
          "debounce.period",
          "debounce.key",
          "debounce.timeout",
          "batch.max_size",
          "batch.timeout",
          "batch.key",
          "batch.condition",
          "singleton.mode",
          "singleton.key",
          "priority",
          "idempotency",
          "tags",
          "cancel_on.event",
          "cancel_on.expression",
          "cancel_on.match",
          "cancel_on.timeout",
          "timeouts.start",
          "timeouts.finish",
          "checkpointing.enabled",
          "checkpointing.buffered_steps",
          "checkpointing.max_interval",
          "checkpointing.max_runtime",
          "middleware",
          "dependencies"};
}

/// A later run is as any other.
void finish_with_another(world& w, std::chrono::milliseconds time = 7h) {
  w.end_of_first_part();
  w.go_to_next_ticks();
  const int n = w.fire();
  w.settle();
  w.advance(time);
  const bool begins = !w.ran.empty() && w.ran.back() >= n;  // of a debounce it may be a later one
  w.expect(begins, "a run begins hours later");
}

void two_begin_at_once(world& w) {
  const int a = w.fire();
  const int b = w.fire();
  w.settle();
  w.expect(w.has_run(a) && w.has_run(b), "both begin at once");
}

/// One call after the other.
void probe_one_call_at_once(world& w) {
  const int a = w.fire();
  const int b = w.fire();
  auto call = w.take();
  w.expect(call.has_value(), "the first is called");
  w.expect(!w.take(), "no second call while the first is under way");
  w.point(restart_kind::under_way);
  if (w.is_lost(call)) {
    call = w.take();
    w.expect(call && !w.take(), "one call in the next process, too");
  }
  w.answer(call);
  const auto next = w.take();
  w.expect(next && !w.take(), "the second call follows the first");
  w.answer(next);
  w.settle();
  w.expect(w.ran.size() == 2 && w.has_run(a) && w.has_run(b), "both ran");
  finish_with_another(w);
}

void probe_two_calls_at_once(world& w) {
  w.fire();
  w.fire();
  auto a = w.take();
  auto b = w.take();
  w.expect(a && b, "both are called at once");
  w.point(restart_kind::under_way);
  if (w.is_lost(a)) {
    a = w.take();
    b = w.take();
    w.expect(a && b, "both are called at once in the next process, too");
  }
  w.answer(a);
  w.answer(b);
  w.settle();
  w.expect(w.ran.size() == 2, "both ran");
  finish_with_another(w);
}

void probe_shared_limit(world& w) {
  const int a = w.fire();
  const auto other = w.take_other();
  auto own = w.take();
  w.expect(!(other && own), "not both functions' calls at once");
  w.point(restart_kind::under_way);
  w.answer(own);
  w.answer(other);
  w.settle();
  w.expect(w.ran == numbers{a}, "it ran");
  finish_with_another(w);
}

/// The second waits for its turn: six hours after the first.
void probe_second_waits(world& w, std::size_t at_once = 1) {
  numbers first;
  while (first.size() < at_once) first.push_back(w.fire());
  const int b = w.fire();
  w.settle();
  w.expect(w.ran == first, "it begins as often as the limit says");
  w.point(restart_kind::under_way);
  w.settle();
  w.expect(w.is_active(b), "the next waits");
  w.advance(5h);
  w.expect(w.ran == first, "the next waits for hours");
  w.advance(70min);
  w.expect(w.has_run(b), "the next begins after the period");
  finish_with_another(w, 7h);
}

void probe_both_begin(world& w) {
  const int a = w.fire();
  w.settle();
  w.point(restart_kind::under_way);
  const int b = w.fire();
  w.settle();
  w.expect(w.ran == numbers{a, b}, "both begin");
  w.advance(6h);
  w.expect(w.status(a) == run_status::completed && w.status(b) == run_status::completed, "both complete");
  finish_with_another(w);
}

void probe_second_is_dropped(world& w) {
  const int a = w.fire();
  w.settle();
  w.point(restart_kind::under_way);
  const int b = w.fire();
  w.settle();
  w.expect(w.ran == numbers{a}, "the second begins no run");
  w.expect(!w.is_active(b), "nothing is left of the second");
  if (w.trigger.kind == trigger_kind::invoke) {
    const std::string problem = w.problem_of_parent(b);
    const bool says =
        problem.find("rate limited") != std::string::npos || problem.find("singleton") != std::string::npos;
    w.expect(says, "the step that invoked it fails and says why, not: " + problem);
  }
  w.advance(5h + 10min);
  w.expect(w.status(a) == run_status::completed, "the first completes");
}

std::string is_asked_for(const trigger_row& trigger) {
  if (trigger.kind == trigger_kind::by_hand) return "who starts a run by hand means that run";
  if (trigger.kind == trigger_kind::rerun) return "a server does not limit the rate of reruns either";
  return "";
}
std::string is_not_debounced(const trigger_row& trigger) {
  if (trigger.kind == trigger_kind::invoke) return "an invoked function is not debounced: docs/embedding.md";
  if (trigger.kind == trigger_kind::by_hand) return "who starts a run by hand means that run, now";
  if (trigger.kind == trigger_kind::rerun) return "who runs something again means that run, now";
  return "";
}
std::string is_not_batched(const trigger_row& trigger) {
  if (trigger.kind == trigger_kind::invoke) return "an invoked function is not batched: docs/embedding.md";
  if (trigger.is_cron()) return "a server does not batch what a schedule starts";
  return is_not_debounced(trigger);
}

/// Tells that it was called.
struct counting final : inngest::middleware {
  explicit counting(std::shared_ptr<int> starts) : count(std::move(starts)) {}
  void on_run_start(const inngest::call_info&) override { ++*count; }
  std::shared_ptr<int> count;
};

const std::shared_ptr<int>& starts_seen() {
  static const auto count = std::make_shared<int>();
  return count;
}

int given_number = 42;

std::vector<option_row> make_rows();
const std::vector<option_row>& all_rows() {
  static const std::vector<option_row> all = make_rows();
  return all;
}

std::vector<option_row> make_rows() {
  using o = function_options;
  using t = trigger_row;
  std::vector<option_row> rows;

  rows.push_back({.member = "id",
                  .name = "id names the function",
                  .set = [](o& f, const t&) { f.id = "renamed"; },
                  .probe =
                      [](world& w) {
                        const int n = w.fire();
                        w.settle();
                        w.point(restart_kind::under_way);
                        const auto runs = w.runs();
                        w.expect(runs.size() == 1 && runs[0].function_id == "renamed", "its run names it");
                        w.advance(6h);
                        w.expect(w.status(n) == run_status::completed, "it completes");
                        finish_with_another(w);
                      }});
  rows.back().body = hours;
  rows.back().ticks = {1};
  rows.push_back({.member = "name",
                  .name = "name is what people see",
                  .set = [](o& f, const t&) { f.name = "Shown to people"; },
                  .body = hours,
                  .probe =
                      [](world& w) {
                        w.fire();
                        w.settle();
                        w.point(restart_kind::under_way);
                        w.expect(w.definition() && w.definition()->name == "Shown to people",
                                 "its name is shown");
                        w.advance(6h);
                        finish_with_another(w);
                      }});
  rows.back().ticks = {1};
  rows.push_back({.member = "retries",
                  .name = "retries 1 makes two attempts",
                  .set = [](o& f, const t&) { f.retries = 1; },
                  .body = [](context&, world&) -> json { throw std::runtime_error("fails"); },
                  .probe =
                      [](world& w) {
                        const int n = w.fire();
                        w.answer(w.take());
                        w.expect(w.calls == 1 && w.is_active(n), "the first attempt is not the last");
                        w.point(restart_kind::under_way);
                        w.advance(1h);
                        w.expect(w.calls == 2 && w.status(n) == run_status::failed,
                                 "it fails after the second");
                        finish_with_another(w);
                      }});
  rows.back().ticks = {1};

  const auto no_key = [](o& f, const t&) { f.concurrency = 1; };
  rows.push_back({.member = "concurrency.limit",
                  .name = "concurrency 1",
                  .set = no_key,
                  .probe = probe_one_call_at_once});
  rows.push_back({.member = "concurrency.key",
                  .name = "concurrency 1 for a key that is the same",
                  .set = [](o& f, const t& at) { f.concurrency = {{.limit = 1, .key = at.same}}; },
                  .probe = probe_one_call_at_once});
  rows.push_back({.member = "concurrency.key",
                  .name = "concurrency 1 for a key that differs",
                  .set = [](o& f, const t& at) { f.concurrency = {{.limit = 1, .key = at.number}}; },
                  .probe = probe_two_calls_at_once,
                  .ignored = no_key});
  for (const auto scope : {inngest::concurrency_scope::environment, inngest::concurrency_scope::account}) {
    const bool is_account = scope == inngest::concurrency_scope::account;
    rows.push_back(
        {.member = "concurrency.scope",
         .name = is_account ? "concurrency 1 in the account" : "concurrency 1 in the environment",
         .set = [scope](o& f,
                        const t&) { f.concurrency = {{.limit = 1, .key = "'shared'", .scope = scope}}; },
         .probe = probe_shared_limit,
         .ticks = {1},
         .ignored = [](o& f, const t&) { f.concurrency = {{.limit = 1, .key = "'shared'"}}; }});
  }

  const auto throttled = [](o& f, const t&) { f.throttle = inngest::throttle{.limit = 1, .period = 6h}; };
  rows.push_back({.member = "throttle.limit",
                  .name = "throttle of one in six hours",
                  .set = throttled,
                  .probe = [](world& w) { probe_second_waits(w); }});
  rows.push_back(
      {.member = "throttle.period",
       .name = "throttle of six hours, not of one",
       .set = throttled,
       .probe = [](world& w) { probe_second_waits(w); },
       .ignored = [](o& f, const t&) { f.throttle = inngest::throttle{.limit = 1, .period = 1h}; }});
  rows.push_back(
      {.member = "throttle.burst",
       .name = "throttle with a burst of one more",
       .set = [](o& f, const t&) { f.throttle = inngest::throttle{.limit = 1, .period = 6h, .burst = 1}; },
       .probe = [](world& w) { probe_second_waits(w, 2); },
       .ignored = throttled});
  rows.back().ticks = {1, 2, 3};
  rows.push_back(
      {.member = "throttle.key",
       .name = "throttle for a key that is the same",
       .set = [](o& f,
                 const t& at) { f.throttle = inngest::throttle{.limit = 1, .period = 6h, .key = at.same}; },
       .probe = [](world& w) { probe_second_waits(w); }});
  rows.push_back(
      {.member = "throttle.key",
       .name = "throttle for a key that differs",
       .set = [](o& f,
                 const t& at) { f.throttle = inngest::throttle{.limit = 1, .period = 6h, .key = at.number}; },
       .body = hours,
       .probe = probe_both_begin,
       .ignored = throttled});

  const auto rated = [](o& f, const t&) { f.rate_limit = inngest::rate_limit{.limit = 1, .period = 6h}; };
  const auto probe_rate = [](world& w) {
    probe_second_is_dropped(w);
    const numbers before = w.ran;
    if (!w.trigger.is_cron()) {  // it does not tick then
      w.fire();
      w.settle();
      w.expect(w.ran == before, "five hours later it begins no run either");
    }
    finish_with_another(w);
  };
  rows.push_back({.member = "rate_limit.limit",
                  .name = "rate limit of one in six hours",
                  .set = rated,
                  .body = hours,
                  .probe = probe_rate,
                  .exempt = is_asked_for});
  rows.push_back(
      {.member = "rate_limit.period",
       .name = "rate limit of six hours, not of twenty",
       .set = rated,
       .body = hours,
       .probe = probe_rate,
       .ignored = [](o& f, const t&) { f.rate_limit = inngest::rate_limit{.limit = 1, .period = 20h}; },
       .exempt = is_asked_for});
  rows.push_back({.member = "rate_limit.key",
                  .name = "rate limit for a key that is the same",
                  .set =
                      [](o& f, const t& at) {
                        f.rate_limit = inngest::rate_limit{.limit = 1, .period = 6h, .key = at.same};
                      },
                  .body = hours,
                  .probe = probe_rate,
                  .exempt = is_asked_for});
  rows.push_back({.member = "rate_limit.key",
                  .name = "rate limit for a key that differs",
                  .set =
                      [](o& f, const t& at) {
                        f.rate_limit = inngest::rate_limit{.limit = 1, .period = 6h, .key = at.number};
                      },
                  .body = hours,
                  .probe = probe_both_begin,
                  .ignored = rated,
                  .exempt = is_asked_for});

  const auto debounced = [](o& f, const t&) { f.debounce = inngest::debounce{.period = 20min}; };
  const auto probe_debounce = [](world& w) {
    w.fire();
    w.settle();
    const int b = w.fire();
    w.settle();
    w.expect(w.ran.empty(), "nothing begins while events come");
    w.advance(18min);
    w.expect(w.ran.empty(), "nothing begins before the period is over");
    w.advance(3min);
    w.expect(w.ran == numbers{b}, "one run with the last event");
    w.point(restart_kind::under_way);
    w.advance(5h + 10min);
    w.expect(w.runs().size() == 1 && w.runs()[0].status == run_status::completed, "that completes");
    finish_with_another(w);
  };
  rows.push_back({.member = "debounce.period",
                  .name = "debounce",
                  .set = debounced,
                  .body = hours,
                  .probe = probe_debounce,
                  .exempt = is_not_debounced});
  rows.push_back(
      {.member = "debounce.key",
       .name = "debounce for a key that is the same",
       .set = [](o& f, const t& at) { f.debounce = inngest::debounce{.period = 20min, .key = at.same}; },
       .body = hours,
       .probe = probe_debounce,
       .exempt = is_not_debounced});
  rows.push_back(
      {.member = "debounce.key",
       .name = "debounce for a key that differs",
       .set = [](o& f, const t& at) { f.debounce = inngest::debounce{.period = 20min, .key = at.number}; },
       .body = hours,
       .probe =
           [](world& w) {
             const int a = w.fire();
             const int b = w.fire();
             w.settle();
             w.expect(w.ran.empty(), "nothing begins at once");
             w.advance(21min);
             w.expect(w.has_run(a) && w.has_run(b), "each begins for itself");
             w.point(restart_kind::under_way);
             w.advance(5h + 30min);
             w.expect(w.status(a) == run_status::completed, "the first completes");
             finish_with_another(w);
           },
       .ignored = debounced,
       .exempt = is_not_debounced});
  rows.push_back(
      {.member = "debounce.timeout",
       .name = "debounce with a timeout",
       .set = [](o& f, const t&) { f.debounce = inngest::debounce{.period = 20min, .timeout = 23min}; },
       .body = hours,
       .probe =
           [](world& w) {
             w.fire();
             w.advance(7min);
             const int b = w.fire();
             w.settle();
             w.expect(w.ran.empty(), "nothing begins while events come");
             w.advance(16min);
             w.expect(w.ran == numbers{b}, "it begins at the timeout");
             w.point(restart_kind::under_way);
             w.advance(5h + 10min);
             finish_with_another(w);
           },
       .ignored = debounced,
       .exempt = is_not_debounced});
  rows.back().ticks = {1, 9};

  const auto probe_batch_of_two = [](world& w) {
    const int a = w.fire();
    w.settle();
    w.expect(w.ran.empty(), "one event is not enough");
    w.fire();
    w.settle();
    w.expect(w.ran == numbers{a} && w.sizes == std::vector<std::size_t>{2}, "one run with both events");
    w.point(restart_kind::under_way);
    w.advance(5h + 10min);
    w.expect(w.status(a) == run_status::completed && w.runs().size() == 1, "it completes");
    finish_with_another(w);
  };
  const auto batch_of_two = [](o& f, const t&) { f.batch = inngest::batch{.max_size = 2, .timeout = 5min}; };
  rows.push_back({.member = "batch.max_size",
                  .name = "batch of two",
                  .set = batch_of_two,
                  .body = hours,
                  .probe = probe_batch_of_two,
                  .ignored = [](o& f, const t&) { f.batch = inngest::batch{.max_size = 9, .timeout = 5min}; },
                  .exempt = is_not_batched});
  rows.push_back(
      {.member = "batch.timeout",
       .name = "batch that is not full in five minutes",
       .set = batch_of_two,
       .body = hours,
       .probe =
           [](world& w) {
             const int a = w.fire();
             w.settle();
             w.advance(3min);
             w.expect(w.ran.empty(), "nothing begins before");
             w.advance(2min + 30s);
             w.expect(w.ran == numbers{a} && w.sizes == std::vector<std::size_t>{1}, "it begins");
             w.point(restart_kind::under_way);
             w.advance(5h + 10min);
             w.expect(w.status(a) == run_status::completed, "it completes");
             finish_with_another(w);
           },
       .ignored = [](o& f, const t&) { f.batch = inngest::batch{.max_size = 2, .timeout = 10min}; },
       .exempt = is_not_batched});
  rows.back().ticks = {1};
  rows.push_back(
      {.member = "batch.key",
       .name = "batch for a key that is the same",
       .set = [](o& f,
                 const t& at) { f.batch = inngest::batch{.max_size = 2, .timeout = 5min, .key = at.same}; },
       .body = hours,
       .probe = probe_batch_of_two,
       .exempt = is_not_batched});
  rows.push_back(
      {.member = "batch.key",
       .name = "batch for a key that differs",
       .set = [](o& f,
                 const t& at) { f.batch = inngest::batch{.max_size = 2, .timeout = 5min, .key = at.number}; },
       .body = hours,
       .probe =
           [](world& w) {
             const int a = w.fire();
             const int b = w.fire();
             w.settle();
             w.expect(w.ran.empty(), "neither begins at once");
             w.advance(6min);
             w.expect(w.has_run(a) && w.has_run(b), "each begins for itself");
             w.point(restart_kind::under_way);
             w.advance(5h + 10min);
             w.expect(w.status(b) == run_status::completed, "they complete");
             finish_with_another(w);
           },
       .ignored = batch_of_two,
       .exempt = is_not_batched});
  rows.push_back({.member = "batch.condition",
                  .name = "batch whose condition does not hold",
                  .set =
                      [](o& f, const t& at) {
                        f.batch = inngest::batch{
                            .max_size = 2, .timeout = 5min, .condition = at.number + " == 'never'"};
                      },
                  .body = hours,
                  .probe = probe_both_begin,
                  .ignored = batch_of_two,
                  .exempt = is_not_batched});

  rows.push_back({.member = "singleton.mode",
                  .name = "singleton that skips",
                  .set = [](o& f, const t&) { f.singleton = inngest::singleton{}; },
                  .body = hours,
                  .probe =
                      [](world& w) {
                        probe_second_is_dropped(w);
                        finish_with_another(w);
                      }});
  const auto probe_cancels_first = [](world& w) {
    const int a = w.fire();
    w.settle();
    w.point(restart_kind::under_way);
    const int b = w.fire();
    w.settle();
    w.expect(w.status(a) == run_status::cancelled, "the second cancels the first");
    w.advance(5h + 10min);
    w.expect(w.status(b) == run_status::completed && w.ran == numbers{a, b}, "the second completes");
    finish_with_another(w);
  };
  rows.push_back(
      {.member = "singleton.mode",
       .name = "singleton that cancels",
       .set = [](o& f,
                 const t&) { f.singleton = inngest::singleton{.mode = inngest::singleton_mode::cancel}; },
       .body = hours,
       .probe = probe_cancels_first,
       .ignored = [](o& f, const t&) { f.singleton = inngest::singleton{}; }});
  rows.push_back({.member = "singleton.key",
                  .name = "singleton for a key that is the same",
                  .set = [](o& f, const t& at) { f.singleton = inngest::singleton{.key = at.same}; },
                  .body = hours,
                  .probe =
                      [](world& w) {
                        probe_second_is_dropped(w);
                        finish_with_another(w);
                      }});
  rows.push_back({.member = "singleton.key",
                  .name = "singleton for a key that differs",
                  .set = [](o& f, const t& at) { f.singleton = inngest::singleton{.key = at.number}; },
                  .body = hours,
                  .probe = probe_both_begin,
                  .ignored = [](o& f, const t&) { f.singleton = inngest::singleton{}; }});

  rows.push_back({.member = "priority",
                  .name = "priority puts the third before the second",
                  .set =
                      [](o& f, const t& at) {
                        f.concurrency = 1;
                        f.priority = at.priority;
                      },
                  .probe =
                      [](world& w) {
                        w.fire();
                        auto first = w.take();
                        w.fire();
                        w.fire();
                        w.expect(w.ran.empty(), "the first call goes on");
                        w.point(restart_kind::under_way);
                        w.answer(first);
                        w.settle();
                        const auto at = [&](int n) { return std::find(w.ran.begin(), w.ran.end(), n); };
                        w.expect(w.ran.size() == 3 && at(3) < at(2), "the third is before the second");
                        finish_with_another(w);
                      },
                  .ignored = no_key});
  rows.back().ticks = {1, 2, 3};

  rows.push_back({.member = "idempotency",
                  .name = "idempotency with a value that is the same",
                  .set = [](o& f, const t& at) { f.idempotency = at.same; },
                  .body = hours,
                  .probe =
                      [](world& w) {
                        probe_second_is_dropped(w);
                        w.end_of_first_part();
                        w.go_to_next_ticks();
                        w.fire();
                        w.settle();
                        w.expect(w.ran.size() == 1, "hours later it begins no run either");
                      },
                  .exempt = is_asked_for});
  rows.push_back({.member = "idempotency",
                  .name = "idempotency with a value that differs",
                  .set = [](o& f, const t& at) { f.idempotency = at.number; },
                  .body = hours,
                  .probe = probe_both_begin,
                  .ignored = [](o& f, const t& at) { f.idempotency = at.same; },
                  .exempt = is_asked_for});

  rows.push_back({.member = "tags",
                  .name = "a tag by expression",
                  .set = [](o& f, const t& at) { f.tags = {{.name = "who", .value = at.same}}; },
                  .probe =
                      [](world& w) {
                        const int a = w.fire();
                        w.settle();
                        w.point(restart_kind::under_way);
                        w.expect(w.is_tagged(a), "the run has its tag");
                        finish_with_another(w);
                      }});

  const auto cancels_any = [](o& f, const t&) { f.cancel_on = {{.event = "stop/now"}}; };
  const auto probe_cancels_one = [](world& w) {
    const int a = w.fire();
    const int b = w.fire();
    w.settle();
    w.point(restart_kind::under_way);
    w.send_stop(b);
    w.expect(w.is_active(a) && w.status(b) == run_status::cancelled, "it cancels the second only");
    w.advance(5h + 10min);
    w.expect(w.status(a) == run_status::completed, "the first completes");
    finish_with_another(w);
  };
  rows.push_back({.member = "cancel_on.event",
                  .name = "cancel_on an event",
                  .set = cancels_any,
                  .body = hours,
                  .probe = [](world& w) {
                    const int a = w.fire();
                    const int b = w.fire();
                    w.settle();
                    w.point(restart_kind::under_way);
                    w.send_stop(a);
                    w.expect(w.status(a) == run_status::cancelled && w.status(b) == run_status::cancelled,
                             "it cancels both");
                    finish_with_another(w);
                  }});
  rows.push_back({.member = "cancel_on.expression",
                  .name = "cancel_on an event with an expression",
                  .set =
                      [](o& f, const t& at) {
                        const std::string later = "async" + at.number.substr(5);
                        f.cancel_on = {{.event = "stop/now", .expression = later + " == " + at.number}};
                      },
                  .body = hours,
                  .probe = probe_cancels_one,
                  .ignored = cancels_any});
  rows.push_back({.member = "cancel_on.match",
                  .name = "cancel_on an event with the same field",
                  .set = [](o& f, const t& at) { f.cancel_on = {{.event = "stop/now", .match = at.match}}; },
                  .body = hours,
                  .probe = probe_cancels_one,
                  .ignored = cancels_any});
  rows.push_back({.member = "cancel_on.timeout",
                  .name = "cancel_on an event within an hour",
                  .set = [](o& f, const t&) { f.cancel_on = {{.event = "stop/now", .timeout = 1h}}; },
                  .body = hours,
                  .probe =
                      [](world& w) {
                        const int a = w.fire();
                        w.settle();
                        w.advance(70min);
                        w.point(restart_kind::under_way);
                        w.send_stop(a);
                        w.expect(w.is_active(a), "after an hour it is too late");
                        w.advance(5h);
                        w.expect(w.status(a) == run_status::completed, "it completes");
                        finish_with_another(w);
                      },
                  .ignored = cancels_any});
  rows.back().ticks = {1};

  rows.push_back({.member = "timeouts.start",
                  .name = "timeouts.start of an hour",
                  .set =
                      [](o& f, const t&) {
                        f.throttle = inngest::throttle{.limit = 1, .period = 6h};
                        f.timeouts.start = 1h;
                      },
                  .body = hours,
                  .probe =
                      [](world& w) {
                        const int a = w.fire();
                        const int b = w.fire();
                        w.settle();
                        w.advance(50min);
                        w.expect(w.status(b) == run_status::queued, "the second waits");
                        w.point(restart_kind::under_way);
                        w.advance(20min);
                        w.expect(w.status(b) == run_status::cancelled, "it has waited for too long");
                        w.advance(5h);
                        w.expect(w.status(a) == run_status::completed, "the first completes");
                        w.end_of_first_part();
                        w.expect(w.ran == numbers{a}, "the second never begins");
                      },
                  .ignored = throttled});
  rows.push_back({.member = "timeouts.finish",
                  .name = "timeouts.finish of an hour",
                  .set = [](o& f, const t&) { f.timeouts.finish = 1h; },
                  .body = hours,
                  .probe =
                      [](world& w) {
                        const int a = w.fire();
                        w.settle();
                        w.advance(50min);
                        w.expect(w.is_active(a), "it is on its way");
                        w.point(restart_kind::under_way);
                        w.advance(20min);
                        w.expect(w.status(a) == run_status::cancelled, "it took too long");
                        finish_with_another(w);
                      }});
  rows.back().ticks = {1};

  const auto probe_calls = [](int calls, std::vector<std::size_t> saves) {
    return [calls, saves](world& w) {
      const int n = w.fire();
      w.answer(w.take());
      w.point(restart_kind::under_way);
      w.settle();
      w.expect(w.status(n) == run_status::completed, "it completes");
      w.expect(w.calls == calls, "it takes " + std::to_string(calls) + " calls");
      w.expect(w.saves == saves, "results are saved " + std::to_string(saves.size()) + " times");
      finish_with_another(w);
    };
  };
  rows.push_back({.member = "checkpointing.enabled",
                  .name = "checkpointing that is off",
                  .set = [](o& f, const t&) { f.checkpointing = inngest::checkpointing{.enabled = false}; },
                  .body = two_steps,
                  .probe = probe_calls(3, {})});
  rows.back().ticks = {1};
  rows.push_back(
      {.member = "checkpointing.buffered_steps",
       .name = "checkpointing of two steps at once",
       .set = [](o& f, const t&) { f.checkpointing = inngest::checkpointing{.buffered_steps = 2}; },
       .body = two_steps,
       .probe = probe_calls(1, {2})});
  rows.back().ticks = {1};
  rows.push_back(
      {.member = "checkpointing.max_interval",
       .name = "checkpointing of a hundred steps at once or at any time",
       .set =
           [](o& f, const t&) {
             f.checkpointing = inngest::checkpointing{.buffered_steps = 100, .max_interval = 0ms};
           },
       .body = two_steps,
       .probe = probe_calls(1, {1, 1}),
       .ignored = [](o& f, const t&) { f.checkpointing = inngest::checkpointing{.buffered_steps = 100}; }});
  rows.back().ticks = {1};
  rows.push_back({.member = "checkpointing.max_runtime",
                  .name = "checkpointing with calls of a millisecond",
                  .set = [](o& f, const t&) { f.checkpointing = inngest::checkpointing{.max_runtime = 1ms}; },
                  .body =
                      [](context& ctx, world&) {
                        const auto slow = [] {
                          const auto end = std::chrono::steady_clock::now() + 1ms;
                          while (std::chrono::steady_clock::now() <= end) {
                          }
                          return 1;
                        };
                        const int a = ctx.step.run("a", slow);
                        return json(a + ctx.step.run("b", slow));
                      },
                  .probe =
                      [](world& w) {
                        const int n = w.fire();
                        w.answer(w.take());
                        w.point(restart_kind::under_way);
                        w.settle();
                        w.expect(w.status(n) == run_status::completed, "it completes");
                        w.expect(w.calls > 1, "it takes several calls");
                        finish_with_another(w);
                      }});
  rows.back().ticks = {1};

  rows.push_back({.member = "middleware",
                  .name = "middleware is told of the run",
                  .set = [](o& f, const t&) { f.middleware = {std::make_shared<counting>(starts_seen())}; },
                  .body = hours,
                  .probe =
                      [](world& w) {
                        *starts_seen() = 0;
                        w.fire();
                        w.settle();
                        w.expect(*starts_seen() == 1, "it is told of the run's start, once");
                        w.point(restart_kind::under_way);
                        w.advance(6h);
                        w.expect(*starts_seen() == 1, "and not again");
                        finish_with_another(w);
                        w.expect(*starts_seen() == 2, "it is told of the next");
                      }});
  rows.back().ticks = {1};
  rows.push_back({.member = "dependencies",
                  .name = "dependencies are given to the handler",
                  .set = [](o& f, const t&) { f.dependencies = {inngest::provide(given_number)}; },
                  .body =
                      [](context& ctx, world&) {
                        ctx.step.sleep("rest", 1min);
                        return json(ctx.get<int>());
                      },
                  .probe =
                      [](world& w) {
                        const int n = w.fire();
                        w.settle();
                        w.point(restart_kind::under_way);
                        w.advance(2min);
                        w.expect(w.status(n) == run_status::completed, "the handler has it");
                        const auto runs = w.runs();
                        w.expect(!runs.empty() && runs[0].output_text == "42", "it is the value");
                        finish_with_another(w);
                      }});
  rows.back().ticks = {1};
  return rows;
}

// ---- cases ----------------------------------------------------------------------------------------------

/// Why a case makes no sense; empty when it does.
std::string left_out(const trigger_row& trigger, restart_kind restart) {
  if (restart != restart_kind::before_dispatch || trigger.has_event()) return "";
  if (trigger.is_cron()) return "a schedule makes its run and its event in one change";
  if (trigger.kind == trigger_kind::by_hand || trigger.kind == trigger_kind::rerun) return "no event is sent";
  return "the run is made in the change in which the other run ends, or invokes it";
}

struct outcome {
  strings failures{};
  bool came_to_restart = false;
};

outcome play(const option_row& row, const trigger_row& trigger, restart_kind restart, store_kind store,
             const setter& set) {
  outcome out;
  try {
    function_options options{.id = "f"};
    set(options, trigger);
    const auto limits = options.concurrency.limits();
    const bool is_exempt = !row.exempt(trigger).empty();
    const bool shares = std::string_view(row.member) == "concurrency.scope";
    world w(store, trigger, restart, std::move(options), is_exempt ? quick : row.body,
            is_exempt ? numbers{1, 2} : row.ticks,
            shares ? limits : std::vector<inngest::concurrency_limit>());
    if (is_exempt) {
      two_begin_at_once(w);
      w.point(restart_kind::under_way);
      finish_with_another(w);
    } else {
      row.probe(w);
    }
    out = {w.failures, w.came_to_restart};
  } catch (const std::exception& error) {
    out.failures.push_back(std::string("threw ") + error.what());
  }
  return out;
}

/// Which cases are played.
using selection = std::function<bool(std::size_t row, std::size_t trigger, restart_kind)>;

/// Plays the chosen cases on a store and reports those that fail; gives how many there were.
std::size_t play_all(store_kind store, const selection& is_chosen) {
  std::size_t played = 0, senseless = 0, others = 0;
  const auto& rows = all_rows();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t j = 0; j < trigger_count; ++j) {
      const trigger_row& trigger = all_triggers()[j];
      for (std::size_t k = 0; k < restart_count; ++k) {
        const auto restart = static_cast<restart_kind>(k);
        if (!left_out(trigger, restart).empty()) {
          ++senseless;
          continue;
        }
        if (!is_chosen(i, j, restart)) {
          ++others;
          continue;
        }
        ++played;
        const outcome out = play(rows[i], trigger, restart, store, rows[i].set);
        INFO(rows[i].name << " / " << trigger.name << " / " << name_of(restart) << " / " << name_of(store));
        for (const std::string& failure : out.failures) FAIL_CHECK(failure);
        if (restart != restart_kind::none && !out.came_to_restart)
          FAIL_CHECK("the case has no restart in it");
      }
    }
  }
  CHECK(played + senseless + others == rows.size() * trigger_count * restart_count);
  CHECK(senseless == rows.size() * 9);  // of the 14 kinds of triggers five send events
  return played;
}

bool all_cases(std::size_t, std::size_t, restart_kind) { return true; }

/// All of them take long there.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define INNGEST_TEST_IS_SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define INNGEST_TEST_IS_SANITIZED
#endif
#endif
#ifdef INNGEST_TEST_IS_SANITIZED
constexpr bool is_sanitized = true;
#undef INNGEST_TEST_IS_SANITIZED
#else
constexpr bool is_sanitized = false;
#endif

/// Every option with every trigger, with one of the restarts: with every option and with every trigger it is
/// each of them in turn. Without a restart nothing is read from a store.
bool pairs(std::size_t row, std::size_t trigger, restart_kind restart) {
  const std::size_t turn = (row + trigger) % (restart_count - 1) + 1;
  const auto chosen = static_cast<restart_kind>(turn);
  const bool makes_sense = left_out(all_triggers()[trigger], chosen).empty();
  return restart == (makes_sense ? chosen : restart_kind::before_begin);
}

}  // namespace

TEST_CASE("every option holds with every trigger and every restart in memory", "[matrix][options]") {
  if (!is_sanitized) {
    CHECK(play_all(store_kind::memory, all_cases) == all_rows().size() * (trigger_count * restart_count - 9));
    return;
  }
  const auto chosen = [](std::size_t row, std::size_t trigger, restart_kind restart) {
    return restart == restart_kind::none || pairs(row, trigger, restart);
  };
  CHECK(play_all(store_kind::memory, chosen) == all_rows().size() * trigger_count * 2);
}

TEST_CASE("every option holds with every trigger and a restart on SQLite", "[matrix][options]") {
  CHECK(play_all(store_kind::sqlite, pairs) == all_rows().size() * trigger_count);
}

TEST_CASE("every option holds with every trigger and every restart on SQLite", "[.][long][matrix][options]") {
  play_all(store_kind::sqlite, all_cases);
}

TEST_CASE("every case notices when its option is ignored", "[matrix][options]") {
  std::size_t noticed = 0, exempt = 0;
  for (const option_row& row : all_rows()) {
    for (const trigger_row& trigger : all_triggers()) {
      if (!row.exempt(trigger).empty()) {
        ++exempt;
        continue;
      }
      INFO(row.name << " / " << trigger.name);
      const outcome out = play(row, trigger, restart_kind::none, store_kind::memory, row.ignored);
      if (out.failures.empty())
        FAIL_CHECK("it passes without the option");
      else
        ++noticed;
    }
  }
  CHECK(noticed + exempt == all_rows().size() * trigger_count);
  CHECK(exempt == 4 * 2 + 4 * 3 + 5 * 5 + 2 * 2);
}

TEST_CASE("every member of the options has a row", "[matrix][options]") {
  std::set<std::string> rows;
  for (const option_row& row : all_rows()) rows.insert(row.member);
  for (const std::string& member : all_members()) {
    INFO(member);
    CHECK(rows.erase(member) == 1);
  }
  CHECK(rows.empty());
}

TEST_CASE("two schedules of a function that tick at the same time start one run", "[matrix][options]") {
  for (const store_kind store : all_stores) {
    INFO(name_of(store));
    driver d(store);
    auto f = d.app().create_function(
        {.id = "f"}, inngest::any_of(inngest::cron("* * * * *"), inngest::cron("*/2 * * * *")), [](auto&) {});
    d.start({f});
    d.advance(1min);
    d.restart();
    d.advance(1min);
    CHECK(d.runs_of("app-f").size() == 2);
    d.restart();
    d.advance(1min);
    CHECK(d.runs_of("app-f").size() == 3);
  }
}

TEST_CASE("a function in the process that says nothing of checkpointing does as its client says",
          "[matrix][options]") {
  const auto calls_of = [](std::optional<inngest::checkpointing> chosen) {
    auto options = support::quiet_options();
    options.checkpointing = {.enabled = false};
    driver d(store_kind::memory, options);
    int calls = 0;
    d.on_call = [&](const taken_call&) { ++calls; };
    auto f = d.app().create_function({.id = "f", .checkpointing = chosen}, inngest::cron("* * * * *"),
                                     [](auto& ctx) {
                                       ctx.step.run("a", [] {});
                                       ctx.step.run("b", [] {});
                                     });
    d.start({f});
    d.advance(1min);
    return calls;
  };
  CHECK(calls_of(std::nullopt) == 3);
  CHECK(calls_of(inngest::checkpointing{}) == 1);
}

TEST_CASE("an event of the future starts its run then whatever time the run has to start in",
          "[matrix][options]") {
  for (const store_kind store : all_stores) {
    for (const bool restarts : {false, true}) {
      INFO(name_of(store) << (restarts ? ", restart" : ""));
      driver d(store);
      auto f = d.app().create_function({.id = "f", .timeouts = {.start = 1h}},
                                       inngest::on<inngest::event<"options/go", json>>(), [](auto&) {});
      d.start({f});
      d.send({{"name", "options/go"}, {"ts", (d.now + 5h).time_since_epoch().count()}});
      d.advance(2h);
      if (restarts) d.restart();
      d.advance(4h);
      REQUIRE(d.runs_of("app-f").size() == 1);
      CHECK(d.runs_of("app-f")[0].status == embedded::run_status::completed);
    }
  }
}

TEST_CASE("an id given to events of two debounces starts their function once", "[matrix][options]") {
  for (const store_kind store : all_stores) {
    for (const bool restarts : {false, true}) {
      INFO(name_of(store) << (restarts ? ", restart" : ""));
      driver d(store);
      auto f = d.app().create_function(
          {.id = "f", .debounce = inngest::debounce{.period = 20min, .key = "event.data.k"}},
          inngest::on<inngest::event<"options/go", json>>(), [](auto&) {});
      d.start({f});
      for (const char* key : {"a", "b"})
        d.send({{"name", "options/go"}, {"id", "same"}, {"data", {{"k", key}}}});
      if (restarts) d.restart();
      d.advance(1h);
      std::vector<embedded::run_status> seen;
      for (const embedded::run& run : d.runs_of("app-f")) seen.push_back(run.status);
      CHECK(seen == std::vector{embedded::run_status::completed, embedded::run_status::skipped});
    }
  }
}
