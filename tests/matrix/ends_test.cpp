// Every kind of end of a run, with everything that may be told of it: told once or not at all, with what
// happened.

#include <inngest/embedded/detail/scheduling/scheduler.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "../catch.hpp"
#include "options_driver.hpp"

namespace {

using namespace matrix;
using embedded::run_status;
using strings = std::vector<std::string>;

/// `odd` is not of its type where the payload is malformed.
struct payload {
  int n = 0;
  std::optional<int> odd{};
};
INNGEST_FIELDS(payload, n, odd)
using go = inngest::event<"ends/go", payload>;

// ---- the axes -------------------------------------------------------------------------------------------

enum class end_kind {
  completed,
  failed_by_handler,
  failed_by_step,
  failed_by_malformed_payload,
  failed_by_refused_operation,
  failed_by_lost_attempts,
  cancelled_by_hand,
  cancelled_by_event,
  cancelled_by_singleton,
  start_timeout,
  finish_timeout,
  function_gone,
  skipped,
};
constexpr std::size_t end_count = static_cast<std::size_t>(end_kind::skipped) + 1;

/// Who is told.
enum class listener_kind {
  on_failure,
  on_success,
  on_cancel,
  failed_event,
  finished_event,
  cancelled_event,
  waiting_step,
  deferred_function,
  invoking_step,
};
constexpr std::size_t listener_count = static_cast<std::size_t>(listener_kind::invoking_step) + 1;

#pragma GCC diagnostic push
#pragma GCC diagnostic error "-Wswitch"

const char* name_of(end_kind kind) {
  switch (kind) {
    case end_kind::completed:
      return "completed";
    case end_kind::failed_by_handler:
      return "failed by its handler";
    case end_kind::failed_by_step:
      return "failed by a step";
    case end_kind::failed_by_malformed_payload:
      return "failed by a payload of another type";
    case end_kind::failed_by_refused_operation:
      return "failed by an operation that is refused";
    case end_kind::failed_by_lost_attempts:
      return "failed by processes that ended";
    case end_kind::cancelled_by_hand:
      return "cancelled by hand";
    case end_kind::cancelled_by_event:
      return "cancelled by cancel_on";
    case end_kind::cancelled_by_singleton:
      return "cancelled by a singleton's next run";
    case end_kind::start_timeout:
      return "not started in time";
    case end_kind::finish_timeout:
      return "not finished in time";
    case end_kind::function_gone:
      return "its function is gone";
    case end_kind::skipped:
      return "skipped by a singleton";
  }
  return "";
}

const char* name_of(listener_kind kind) {
  switch (kind) {
    case listener_kind::on_failure:
      return "on_failure";
    case listener_kind::on_success:
      return "on_success";
    case listener_kind::on_cancel:
      return "on_cancel";
    case listener_kind::failed_event:
      return "a function of function.failed";
    case listener_kind::finished_event:
      return "a function of function.finished";
    case listener_kind::cancelled_event:
      return "a function of function.cancelled";
    case listener_kind::waiting_step:
      return "a step that waits for function.finished";
    case listener_kind::deferred_function:
      return "a deferred function";
    case listener_kind::invoking_step:
      return "the step that invoked it";
  }
  return "";
}

/// How the run ends; nothing when there is none.
std::optional<run_status> status_of(end_kind kind) {
  switch (kind) {
    case end_kind::completed:
      return run_status::completed;
    case end_kind::failed_by_handler:
    case end_kind::failed_by_step:
    case end_kind::failed_by_malformed_payload:
    case end_kind::failed_by_refused_operation:
    case end_kind::failed_by_lost_attempts:
    case end_kind::function_gone:
      return run_status::failed;
    case end_kind::cancelled_by_hand:
    case end_kind::cancelled_by_event:
    case end_kind::cancelled_by_singleton:
    case end_kind::start_timeout:
    case end_kind::finish_timeout:
      return run_status::cancelled;
    case end_kind::skipped:
      return std::nullopt;
  }
  return std::nullopt;
}

/// What the error says, in part.
std::string error_of(end_kind kind) {
  switch (kind) {
    case end_kind::failed_by_handler:
      return "std::runtime_error: the handler broke";
    case end_kind::failed_by_step:
      return "the step broke";
    case end_kind::failed_by_malformed_payload:
      return "data.odd";
    case end_kind::failed_by_refused_operation:
      return "signal wait already exists for another run";
    case end_kind::failed_by_lost_attempts:
      return "ProcessEnded: the process ended while the function ran";
    case end_kind::function_gone:
      return "app-f";
    case end_kind::cancelled_by_hand:
    case end_kind::cancelled_by_event:
    case end_kind::cancelled_by_singleton:
    case end_kind::start_timeout:
    case end_kind::finish_timeout:
      return "function cancelled";
    case end_kind::skipped:
      return "is a singleton that is already running";
    case end_kind::completed:
      return "";
  }
  return "";
}

/// Why the listener is not told of such an end; empty when it is.
std::string not_told(end_kind end, listener_kind listener) {
  const auto status = status_of(end);
  switch (listener) {
    case listener_kind::on_failure:
      if (end == end_kind::function_gone) return "it is gone with its function";
      return status == run_status::failed ? "" : "the run has not failed";
    case listener_kind::failed_event:
      return status == run_status::failed ? "" : "the run has not failed";
    case listener_kind::on_success:
      return status == run_status::completed ? "" : "the run has not completed";
    case listener_kind::on_cancel:
    case listener_kind::cancelled_event:
      return status == run_status::cancelled ? "" : "the run was not cancelled";
    case listener_kind::finished_event:
    case listener_kind::waiting_step:
      return status ? "" : "there is no run";
    case listener_kind::deferred_function:
      if (end == end_kind::start_timeout) return "the function has never been called";
      if (end == end_kind::failed_by_malformed_payload) return "the handler has never been called";
      if (end == end_kind::failed_by_lost_attempts) return "no call of the function came to its end";
      return status ? "" : "there is no run";
    case listener_kind::invoking_step:
      return "";
  }
  return "";
}

#pragma GCC diagnostic pop

// ---- the world ------------------------------------------------------------------------------------------

/// What a listener was told of a run.
struct notice {
  int n = 0;
  std::string run_id{};
  std::string status{};
  std::string error{};
  json result{};
};

inngest::function_options options_for(end_kind kind) {
  inngest::function_options out{.id = "f", .retries = 0};
  switch (kind) {
    case end_kind::failed_by_lost_attempts:
      out.retries = 1;
      break;
    case end_kind::cancelled_by_event:
      out.cancel_on = {{.event = "ends/stop", .match = "data.n"}};
      break;
    case end_kind::cancelled_by_singleton:
      out.singleton = inngest::singleton{.mode = inngest::singleton_mode::cancel};
      break;
    case end_kind::start_timeout:
      out.throttle = inngest::throttle{.limit = 1, .period = 6h};
      out.timeouts.start = 1h;
      break;
    case end_kind::finish_timeout:
      out.timeouts.finish = 1h;
      break;
    case end_kind::skipped:
      out.singleton = inngest::singleton{};
      break;
    default:
      break;
  }
  return out;
}

/// The run of the event with number 1 is the one that ends as is told. What others there are have other
/// numbers.
class world {
 public:
  world(store_kind store, end_kind end, listener_kind listener, bool restarts)
      : driver_(store), end_(end), listener_(listener), restarts_(restarts) {
    driver_.start(functions(true));
    if (end == end_kind::failed_by_refused_operation) begin("app-holder");
    if (listener == listener_kind::waiting_step) begin("app-listener");
    driver_.settle();
  }

  void play() {
    const bool needs_another = end_ == end_kind::skipped || end_ == end_kind::start_timeout;
    if (needs_another) {
      driver_.send(event(0));
      driver_.settle();
    }
    if (end_ == end_kind::failed_by_lost_attempts)
      lose_calls();
    else
      begin_run();
    bring_about_the_end();
    drive();
  }

  /// Everything until the end of the run, a restart there if the case has one, and all that comes then.
  void drive() {
    const timestamp end = driver_.now + 48h;
    bool has_ended = false;
    do {
      if (has_ended || !is_over()) continue;
      has_ended = true;
      if (!restarts_) continue;
      CHECK(notices.empty());  // none of them has begun
      driver_.restart();
    } while (driver_.go_on(end));
    CHECK(has_ended);
    CHECK(driver_.scheduler().is_idle());
  }

  std::optional<embedded::run> run() const {
    for (const embedded::run& run : driver_.runs_of("app-f")) {
      if (number_of(run.id) == 1) return run;
    }
    return std::nullopt;
  }

  /// The runs of the listener, if it is a function.
  std::size_t listening_runs() const {
    std::size_t out = 0;
    for (const char* slug : {"app-f-failure", "app-f-success", "app-f-cancel", "app-listener"})
      out += driver_.runs_of(slug).size();
    return out;
  }

  /// All runs, for people.
  std::string story() const {
    std::string out;
    for (const embedded::run& run : driver_.store().runs()) out += embedded::format_timeline(run);
    return out;
  }

  std::vector<notice> notices{};

 private:
  const inngest::client& app() const { return driver_.app(); }

  json data_of(int n) const {
    json out{{"n", n}};
    if (end_ == end_kind::failed_by_malformed_payload) out["odd"] = "text";
    return out;
  }
  json event(int n) const { return {{"name", "ends/go"}, {"data", data_of(n)}}; }

  void begin(const std::string& slug) {
    driver_.scheduler().start(slug, "{\"n\":1}", driver_.now);
    driver_.commit();
  }

  /// By its event, or by the function that invokes it.
  void send_first() {
    if (listener_ == listener_kind::invoking_step)
      begin("app-listener");
    else
      driver_.send(event(1));
  }
  void begin_run() {
    send_first();
    while (!is_over() && is_due()) driver_.go_on(driver_.now);
  }
  bool is_due() {
    const auto due = driver_.scheduler().next_due();
    return due && *due <= driver_.now;
  }

  /// Both attempts of it.
  void lose_calls() {
    send_first();
    for (int attempts = 0; attempts < 2;) {
      const auto call = driver_.take_any();
      REQUIRE(call);
      if (driver_.slug_of(*call) != "app-f") {
        driver_.answer(*call);
        continue;
      }
      ++attempts;
      driver_.restart();
    }
  }

  void bring_about_the_end() {
    if (end_ == end_kind::cancelled_by_hand) {
      CHECK(driver_.scheduler().cancel(run()->id, driver_.now));
      driver_.commit();
    }
    if (end_ == end_kind::cancelled_by_event) driver_.send({{"name", "ends/stop"}, {"data", {{"n", 1}}}});
    if (end_ == end_kind::cancelled_by_singleton) driver_.send(event(2));
    if (end_ == end_kind::function_gone) driver_.start(functions(false));
  }

  bool is_over() const {
    if (end_ != end_kind::skipped) {
      const auto found = run();
      return found && found->ended();
    }
    if (listener_ != listener_kind::invoking_step) return true;
    const auto parents = driver_.runs_of("app-listener");
    return !parents.empty() && driver_.store().memos_of(parents.front().id).size() == 1;
  }

  int number_of(const std::string& run_id) const {
    return json::parse(driver_.store().find_run(run_id)->events.front().text).at("data").at("n").get<int>();
  }

  // ---- functions ------------------------------------------------------------------------------------------

  std::vector<inngest::any_function> functions(bool with_f) {
    std::vector<inngest::any_function> out{app().create_function(
        {.id = "holder"}, inngest::on<inngest::event<"ends/none", json>>(), [](auto& ctx) {
          ctx.step.template wait_for_signal<json>("wait", {.signal = "taken", .timeout = 10h});
        })};
    if (with_f) out.push_back(make_f());
    if (listener_ != listener_kind::on_failure && listener_ != listener_kind::on_success &&
        listener_ != listener_kind::on_cancel)
      out.push_back(make_listener());
    return out;
  }

  json body(inngest::context<go>& ctx) {
    if (listener_ == listener_kind::deferred_function)
      ctx.defer("later", inngest::deferred_function<json>("app", {.id = "listener"}, {}, {}),
                {{"n", ctx.event.data.n}});
    if (end_ == end_kind::failed_by_refused_operation)
      ctx.step.wait_for_signal<json>("refused", {.signal = "taken", .timeout = 1h});
    if (end_ == end_kind::failed_by_handler) throw std::runtime_error("the handler broke");
    if (end_ == end_kind::failed_by_step)
      ctx.step.run("step", [] { throw inngest::non_retriable_error("the step broke"); });
    ctx.step.sleep("hours", 5h);
    return {{"total", 7}};
  }

  /// Of the ended run's event, whether it fits its type or not.
  static int number_in(const auto& ctx) { return ctx.event.to_json().at("data").at("n").template get<int>(); }

  inngest::any_function make_f() {
    const auto options = options_for(end_);
    const auto trigger = inngest::on<go>();
    const auto handler = [this](inngest::context<go>& ctx) { return body(ctx); };
    if (listener_ == listener_kind::on_failure) {
      return app().create_function(options, trigger, handler,
                                   inngest::on_failure([this](inngest::failure_context<go>& ctx) {
                                     note(ctx, {.n = number_in(ctx),
                                                .run_id = ctx.ended_run_id,
                                                .status = "Failed",
                                                .error = ctx.error.name + ": " + ctx.error.message});
                                   }));
    }
    if (listener_ == listener_kind::on_success) {
      return app().create_function(options, trigger, handler,
                                   inngest::on_success([this](inngest::success_context<json, go>& ctx) {
                                     note(ctx, {.n = number_in(ctx),
                                                .run_id = ctx.ended_run_id,
                                                .status = "Completed",
                                                .result = ctx.output});
                                   }));
    }
    if (listener_ == listener_kind::on_cancel) {
      return app().create_function(
          options, trigger, handler, inngest::on_cancel([this](inngest::cancel_context<go>& ctx) {
            note(ctx, {.n = number_in(ctx), .run_id = ctx.ended_run_id, .status = "Cancelled"});
          }));
    }
    return app().create_function(options, trigger, handler);
  }

  inngest::any_function make_listener() {
    using any = inngest::event<"inngest/*", json>;
    const auto of_event = [&](const std::string& event) {
      return app().create_function(
          {.id = "listener"},
          inngest::trigger<any>{{{.event = event, .expression = "event.data.function_id == 'app-f'"}}},
          [this](inngest::context<any>& ctx) { note(ctx, read_notice(ctx.event.data)); });
    };
    switch (listener_) {
      case listener_kind::failed_event:
        return of_event("inngest/function.failed");
      case listener_kind::cancelled_event:
        return of_event("inngest/function.cancelled");
      case listener_kind::waiting_step:
        return make_waiting();
      case listener_kind::deferred_function:
        return app().create_deferred_function<json>({.id = "listener"},
                                                    [this](inngest::context<inngest::deferred<json>>& ctx) {
                                                      note(ctx, {.n = ctx.event.data.at("n").get<int>()});
                                                    });
      case listener_kind::invoking_step:
        return make_invoking();
      default:
        return of_event("inngest/function.finished");
    }
  }

  inngest::any_function make_waiting() {
    using finished = inngest::event<"inngest/function.finished", json>;
    return app().create_function(
        {.id = "listener"}, inngest::on<inngest::event<"ends/none", json>>(), [this](auto& ctx) {
          const auto event = ctx.step.template wait_for_event<finished>(
              "wait", {.timeout = 40h,
                       .expression = "async.data.function_id == 'app-f' && async.data.event.data.n == 1"});
          if (event) note(ctx, read_notice(event->data));
        });
  }

  inngest::any_function make_invoking() {
    return app().create_function(
        {.id = "listener"}, inngest::on<inngest::event<"ends/none", json>>(), [this](auto& ctx) {
          notice seen{.n = 1};
          try {
            seen.result = ctx.step.invoke(
                "call", inngest::function_ref<inngest::event<"ends/go", json>, json>{"app", "f"}, data_of(1));
          } catch (const inngest::step_error& error) {
            seen.error = error.name() + ": " + error.what();
          }
          note(ctx, seen);
        });
  }

  static notice read_notice(const json& data) {
    notice out{.n = data.at("event").at("data").at("n").get<int>(),
               .run_id = data.at("run_id").get<std::string>(),
               .status = data.at("_inngest").at("status").get<std::string>(),
               .result = data.value("result", json())};
    if (data.contains("error"))
      out.error =
          data["error"].at("name").get<std::string>() + ": " + data["error"].at("message").get<std::string>();
    CHECK(data.at("function_id") == "app-f");
    CHECK(data.at("events") == json::array({data.at("event")}));
    return out;
  }

  template <class Context>
  void note(Context& ctx, const notice& seen) {
    ctx.step.run("note", [&] { notices.push_back(seen); });
  }

  driver driver_;
  end_kind end_;
  listener_kind listener_;
  bool restarts_;
};

// ---- cases ----------------------------------------------------------------------------------------------

bool has_status(listener_kind listener) {
  return listener != listener_kind::deferred_function && listener != listener_kind::invoking_step;
}
bool has_error(listener_kind listener) {
  return listener == listener_kind::on_failure || listener == listener_kind::failed_event ||
         listener == listener_kind::finished_event || listener == listener_kind::waiting_step ||
         listener == listener_kind::invoking_step;
}
bool has_result(listener_kind listener) {
  return listener == listener_kind::on_success || listener == listener_kind::finished_event ||
         listener == listener_kind::waiting_step || listener == listener_kind::invoking_step;
}

void play(store_kind store, end_kind end, listener_kind listener, bool restarts) {
  world w(store, end, listener, restarts);
  w.play();
  const auto run = w.run();
  const auto status = status_of(end);
  CHECK(run.has_value() == status.has_value());
  if (run.has_value() != status.has_value()) return;
  if (run) CHECK(run->status == *status);

  std::vector<notice> seen;
  for (const notice& each : w.notices) {
    if (each.n == 1) seen.push_back(each);
  }
  if (!not_told(end, listener).empty()) {
    CHECK(seen.empty());
    CHECK(w.listening_runs() == w.notices.size() + (listener == listener_kind::waiting_step ? 1 : 0));
    return;
  }
  INFO(w.story());
  CHECK(seen.size() == 1);
  if (seen.size() != 1) return;
  CHECK(w.listening_runs() == w.notices.size());
  const notice& told = seen[0];
  const bool has_failed = end == end_kind::skipped || status == run_status::failed ||
                          (status == run_status::cancelled && listener == listener_kind::invoking_step);
  if (has_status(listener)) {
    CHECK(told.run_id == run->id);
    const std::string expected = status == run_status::completed   ? "Completed"
                                 : status == run_status::cancelled ? "Cancelled"
                                                                   : "Failed";
    CHECK(told.status == expected);
  }
  if (has_error(listener)) {
    INFO(told.error);
    CHECK(told.error.empty() != has_failed);
    if (has_failed) CHECK(told.error.find(error_of(end)) != std::string::npos);
  }
  if (has_result(listener) && status != run_status::failed)  // else it is the app's answer, if there is one
    CHECK(told.result == (status == run_status::completed ? json{{"total", 7}} : json()));
}

}  // namespace

TEST_CASE("every end of a run is told to everybody concerned exactly once", "[matrix][ends]") {
  std::size_t told = 0, not_concerned = 0;
  for (const store_kind store : all_stores) {
    for (std::size_t i = 0; i < end_count; ++i) {
      for (std::size_t j = 0; j < listener_count; ++j) {
        const auto end = static_cast<end_kind>(i);
        const auto listener = static_cast<listener_kind>(j);
        (not_told(end, listener).empty() ? told : not_concerned) += 1;
        for (const bool restarts : {false, true}) {
          INFO(name_of(end) << " / " << name_of(listener) << " / "
                            << (restarts ? "restart before it is told" : "no restart") << " / "
                            << name_of(store) << " / " << not_told(end, listener));
          try {
            play(store, end, listener, restarts);
          } catch (const std::exception& error) {
            FAIL_CHECK("threw " << error.what());
          }
        }
      }
    }
  }
  CHECK(told == 2 * 68);
  CHECK(told + not_concerned == 2 * end_count * listener_count);
}
