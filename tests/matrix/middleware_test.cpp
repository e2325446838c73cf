// Every kind of step with every middleware, under a harness and on the engine, which is replaced by another
// between the steps: the results stay the same, and every hook is called as docs/middleware.md says.

#include <array>
#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <inngest/embedded/detail/run_errors.hpp>
#include <inngest/testing.hpp>

#include "../catch.hpp"
#include "middleware_tables.hpp"
#include "support/eventually.hpp"

namespace {

using namespace middleware_tables;
using inngest::testing::harness;

const step_row& row_of(step_kind kind) {
  for (const step_row& row : all_steps()) {
    if (row.name == std::string_view(facts_of(kind).row)) return row;
  }
  throw std::runtime_error("no row");
}
bool has_body(const step_row& row) { return row.kind && facts_of(*row.kind).has_body; }
/// What its body throws is caught.
bool fails(const step_row& row) { return row.name == std::string_view("a failed step"); }

constexpr std::size_t kind_count =
    inngest::detail::count_enumerators<step_kind>(std::make_index_sequence<64>());

// ---- hosts ----------------------------------------------------------------------------------------------

/// How a run ended: its output, or its error.
struct ended_run {
  bool completed = false;
  std::string text{};
};

struct setting {
  int retries = 0;
  std::shared_ptr<visits> seen{};
  bool checks_determinism = true;
  /// Looks at what came of it.
  std::function<void(harness&, const made_functions&)> look{};
};

ended_run in_harness(const step_row& row, inngest::client_options options, const setting& how = {}) {
  const inngest::client app(std::move(options));
  const made_functions made = functions_of(app, row, how.retries, false, how.seen);
  harness t{app, made.all(), {.check_determinism = how.checks_determinism}};
  if (row.kind == step_kind::fetch)
    t.mock_step("s", [] { return inngest::fetch_response{.status_code = 200, .body = "page"}; });
  if (row.kind == step_kind::ai_infer) t.mock_step("s", [] { return json{{"answer", "modelled"}}; });
  auto run = t.send(ordered{{.name = "o"}});
  for (int i = 0; i < 20 && !run.ended() && !run.waiting_on().ends_with("s") && t.advance_to_next(); ++i) {
  }  // a failed attempt before the wait
  t.send(answered{{.name = "answer"}});
  t.send_signal("kinds/go", {{"name", "signalled"}, {"count", 1}});
  t.execute(run);
  INFO(run);
  CHECK(run.completed());
  if (how.look) how.look(t, made);
  if (!run.completed()) return {false, run.error()};
  return {true, run.output<std::string>()};
}

/// The process ends before the step, within it where it waits, and after it.
class engine_world {
 public:
  engine_world(const step_row& row, inngest::middleware_list middleware, std::shared_ptr<visits> seen = {},
               int retries = 0)
      : row_(row),
        app_(options_with(std::move(middleware))),
        made_(functions_of(app_, row, retries, true, std::move(seen))) {}

  ended_run play() { return begin() && come_to_step() && leave_step() ? end() : ended_run{}; }

 private:
  using engine = inngest::embedded::engine;

  bool begin() {
    engine first(app_, made_.all(), options());
    first.send(ordered{{.name = "o"}});
    return await_wait("gate 1");
  }
  bool come_to_step() {
    engine second(app_, made_.all(), options());
    second.send(first_gate{});
    return await_wait(waits_for_test() ? "s" : "gate 2");
  }
  bool leave_step() {
    if (!waits_for_test()) return true;
    engine third(app_, made_.all(), options());
    if (row_.kind == step_kind::wait_for_event)
      third.send(answered{{.name = "answer"}});
    else
      CHECK(third.signal("kinds/go", R"({"name":"signalled","count":1})"));
    return await_wait("gate 2");
  }
  ended_run end() {
    engine last(app_, made_.all(), options());
    last.send(second_gate{});
    CHECK(last.wait_until_idle(support::patience));
    const auto run = last.find_run(run_id());
    INFO(inngest::embedded::format_timeline(*run));
    CHECK(run->status == inngest::embedded::run_status::completed);
    if (run->status != inngest::embedded::run_status::completed) return {};
    return {true, run->output<std::string>()};
  }

  bool waits_for_test() const {
    return row_.kind == step_kind::wait_for_signal || row_.name == std::string_view("a wait in time");
  }

  inngest::embedded::engine_options options() const {
    const auto answer = [](const inngest::http::request& request) {
      const bool asks_model = request.url.ends_with("/model");
      return inngest::http::response{.status = 200, .body = asks_model ? R"({"answer":"modelled"})" : "page"};
    };
    return {.workers = 2,
            .store = store_,
            .retry_delay = [](int) { return 1ms; },
            .requests = std::make_shared<support::fake_transport>(answer)};
  }

  std::string run_id() const {
    for (const auto& run : store_->runs()) {
      if (run.function_id == "f") return run.id;
    }
    throw std::runtime_error("there is no run");
  }

  /// Until the run waits in the step, whatever middleware puts before its name. False when it never does.
  bool await_wait(std::string_view step) const {
    const auto deadline = std::chrono::steady_clock::now() + support::patience;
    std::optional<inngest::embedded::run> run;
    while (std::chrono::steady_clock::now() < deadline && !(run && run->ended())) {
      if (!store_->runs().empty()) run = store_->find_run(run_id())->run;
      for (const auto& entry : run ? run->timeline : std::vector<inngest::embedded::timeline_entry>()) {
        if (entry.what == inngest::embedded::progress::wait_started && entry.step.ends_with(step))
          return true;
      }
      std::this_thread::sleep_for(1ms);
    }
    FAIL_CHECK("the run never waits in step \"" << step << "\":\n"
                                                << (run ? inngest::embedded::format_timeline(*run) : ""));
    return false;
  }

  const step_row& row_;
  std::shared_ptr<inngest::embedded::memory_store> store_ =
      std::make_shared<inngest::embedded::memory_store>();
  inngest::client app_;
  made_functions made_;
};

// ---- hooks ----------------------------------------------------------------------------------------------

/// Counts its calls: those of the function "f", and of its step "s".
class recorder final : public inngest::middleware {
 public:
  using call = inngest::call_info;
  using step = inngest::step_info;

  struct counts {
    std::size_t requests = 0, inputs = 0, run_starts = 0, memoization_ends = 0, run_completes = 0,
                run_errors = 0;
    std::size_t step_inputs = 0, results = 0, step_starts = 0, step_handlers = 0, step_completes = 0,
                step_errors = 0;
    std::size_t sends = 0, changed_sends = 0;
  };

  counts get() const {
    const std::lock_guard lock(mutex_);
    return counts_;
  }
  std::vector<step_kind> kinds() const { return kinds_; }
  std::string input() const { return input_; }

  inngest::http::response wrap_request(const inngest::http::request&,
                                       inngest::next_call<inngest::http::response> next) override {
    count(&counts::requests);
    return next();
  }
  void transform_function_input(const call&, inngest::function_input&) override { count(&counts::inputs); }
  void on_run_start(const call& info) override { count_run(info, &counts::run_starts); }
  void on_memoization_end(const call&) override { count(&counts::memoization_ends); }
  void on_run_complete(const call& info, std::string_view) override {
    count_run(info, &counts::run_completes);
  }
  void on_run_error(const call& info, const inngest::failure_info&) override {
    count_run(info, &counts::run_errors);
  }
  void transform_step_input(const call& info, const step& at, inngest::step_input& changed) override {
    if (info.function_id == "f" && at.id == "s") input_ = changed.input;
    count_step(info, at, &counts::step_inputs);
  }
  std::string wrap_step(const call& info, const step& at, inngest::next_call<std::string> next) override {
    count_step(info, at, &counts::results);
    return next();
  }
  void on_step_start(const call& info, const step& at) override {
    count_step(info, at, &counts::step_starts);
  }
  std::string wrap_step_handler(const call& info, const step& at,
                                inngest::next_call<std::string> next) override {
    count_step(info, at, &counts::step_handlers);
    return next();
  }
  void on_step_complete(const call& info, const step& at, std::string_view) override {
    count_step(info, at, &counts::step_completes);
  }
  void on_step_error(const call& info, const step& at, const inngest::failure_info&) override {
    count_step(info, at, &counts::step_errors);
  }
  void transform_send_event(std::vector<inngest::any_event>&) override { count(&counts::changed_sends); }
  inngest::sent_events wrap_send_event(const std::vector<inngest::any_event>&,
                                       inngest::next_call<inngest::sent_events> next) override {
    count(&counts::sends);
    return next();
  }

 private:
  void count(std::size_t counts::*what) {
    const std::lock_guard lock(mutex_);
    ++(counts_.*what);
  }
  void count_run(const call& info, std::size_t counts::*what) {
    if (info.function_id == "f") count(what);
  }
  void count_step(const call& info, const step& at, std::size_t counts::*what) {
    if (info.function_id != "f" || at.id != "s") return;
    count(what);
    const std::lock_guard lock(mutex_);
    kinds_.push_back(at.kind);
  }

  mutable std::mutex mutex_;
  counts counts_;
  std::vector<step_kind> kinds_;
  std::string input_;
};

void check_counts(const step_row& row, const recorder& seen, const visits& visits, bool counts_sends) {
  const auto counts = seen.get();
  CHECK(counts.run_starts == 1);
  CHECK(counts.run_completes == 1);
  CHECK(counts.run_errors == 0);
  CHECK(counts.inputs == counts.requests);            // each call has one input,
  CHECK(counts.memoization_ends == counts.requests);  // and comes to what is new once
  if (counts_sends) {
    const std::size_t sends = row.kind == step_kind::send_event ? 1 : 0;
    CHECK(counts.sends == sends);
    CHECK(counts.changed_sends == sends);
  }
  if (!row.kind) return;
  const std::size_t bodies = has_body(row) ? 1 : 0;
  CHECK(counts.step_starts == bodies);
  CHECK(counts.step_handlers == bodies);
  CHECK(counts.step_completes == (fails(row) ? 0 : bodies));
  CHECK(counts.step_errors == (fails(row) ? bodies : 0));
  CHECK(visits.before > 0);
  CHECK(counts.step_inputs == visits.before);
  if (row.kind == step_kind::experiment)  // behind it is a step of its variant
    CHECK(counts.results >= visits.after);
  else
    CHECK(counts.results == (row.kind == step_kind::defer ? 0 : visits.after));
  for (const step_kind kind : seen.kinds()) CHECK(kind == *row.kind);
  CHECK(seen.input() == row.input);
}

/// The hooks that can throw while a run of the tables goes on.
enum class hook {
  request,
  function_input,
  run_start,
  function_handler,
  memoization_end,
  run_complete,
  step_input,
  result,
  step_start,
  step_handler,
  step_complete,
  step_error,
  changed_send,
  send,
};
constexpr std::array all_hooks{hook::request,         hook::function_input,
                               hook::run_start,       hook::function_handler,
                               hook::memoization_end, hook::run_complete,
                               hook::step_input,      hook::result,
                               hook::step_start,      hook::step_handler,
                               hook::step_complete,   hook::step_error,
                               hook::changed_send,    hook::send};

#pragma GCC diagnostic push
#pragma GCC diagnostic error "-Wswitch"

const char* name_of(hook which) {
  switch (which) {
    case hook::request:
      return "wrap_request";
    case hook::function_input:
      return "transform_function_input";
    case hook::run_start:
      return "on_run_start";
    case hook::function_handler:
      return "wrap_function_handler";
    case hook::memoization_end:
      return "on_memoization_end";
    case hook::run_complete:
      return "on_run_complete";
    case hook::step_input:
      return "transform_step_input";
    case hook::result:
      return "wrap_step";
    case hook::step_start:
      return "on_step_start";
    case hook::step_handler:
      return "wrap_step_handler";
    case hook::step_complete:
      return "on_step_complete";
    case hook::step_error:
      return "on_step_error";
    case hook::changed_send:
      return "transform_send_event";
    case hook::send:
      return "wrap_send_event";
  }
  return "";
}

/// Whether a run with the step comes to the hook, for the step where it is a step's.
bool comes_to(const step_row& row, hook which) {
  switch (which) {
    case hook::request:
    case hook::function_input:
    case hook::run_start:
    case hook::function_handler:
    case hook::memoization_end:
    case hook::run_complete:
      return true;
    case hook::step_input:
      return row.kind.has_value();
    case hook::result:
      return row.kind && row.kind != step_kind::defer;
    case hook::step_start:
    case hook::step_handler:
      return has_body(row);
    case hook::step_complete:
      return has_body(row) && !fails(row);
    case hook::step_error:
      return has_body(row) && fails(row);
    case hook::changed_send:
    case hook::send:
      return row.kind == step_kind::send_event;
  }
  return false;
}

#pragma GCC diagnostic pop

/// Throws the first time that it comes to its hook.
class throwing final : public inngest::middleware {
 public:
  using call = inngest::call_info;
  using step = inngest::step_info;

  explicit throwing(hook which) : which_(which) {}
  std::atomic<bool> has_thrown = false;

  inngest::http::response wrap_request(const inngest::http::request&,
                                       inngest::next_call<inngest::http::response> next) override {
    come_to(hook::request);
    return next();
  }
  void transform_function_input(const call&, inngest::function_input&) override {
    come_to(hook::function_input);
  }
  void on_run_start(const call&) override { come_to(hook::run_start); }
  std::string wrap_function_handler(const call&, inngest::next_call<std::string> next) override {
    come_to(hook::function_handler);
    return next();
  }
  void on_memoization_end(const call&) override { come_to(hook::memoization_end); }
  void on_run_complete(const call&, std::string_view) override { come_to(hook::run_complete); }
  void transform_step_input(const call&, const step& at, inngest::step_input&) override {
    come_to(hook::step_input, at);
  }
  std::string wrap_step(const call&, const step& at, inngest::next_call<std::string> next) override {
    come_to(hook::result, at);
    return next();
  }
  void on_step_start(const call&, const step& at) override { come_to(hook::step_start, at); }
  std::string wrap_step_handler(const call&, const step& at, inngest::next_call<std::string> next) override {
    come_to(hook::step_handler, at);
    return next();
  }
  void on_step_complete(const call&, const step& at, std::string_view) override {
    come_to(hook::step_complete, at);
  }
  void on_step_error(const call&, const step& at, const inngest::failure_info&) override {
    come_to(hook::step_error, at);
  }
  void transform_send_event(std::vector<inngest::any_event>&) override { come_to(hook::changed_send); }
  inngest::sent_events wrap_send_event(const std::vector<inngest::any_event>&,
                                       inngest::next_call<inngest::sent_events> next) override {
    come_to(hook::send);
    return next();
  }

 private:
  void come_to(hook at, const step& of) {
    if (of.id == "s") come_to(at);
  }
  void come_to(hook at) {
    if (at != which_ || has_thrown.exchange(true)) return;
    throw std::runtime_error(std::string(name_of(at)) + " throws");
  }

  hook which_;
};

/// Makes an 8 of each 7 that a step is given.
struct changing final : inngest::middleware {
  void transform_step_input(const inngest::call_info&, const inngest::step_info& step,
                            inngest::step_input& changed) override {
    if (step.id != "s") return;
    for (char& c : changed.input) c = c == '7' ? '8' : c;
  }
};

const std::string& plain_result(const step_row& row) {
  static std::map<std::string, std::string> known;
  auto found = known.find(row.name);
  if (found == known.end()) found = known.emplace(row.name, in_harness(row, options_with({})).text).first;
  return found->second;
}

}  // namespace

TEST_CASE("every kind of step has a row of its own", "[middleware][matrix]") {
  for (std::size_t i = 0; i < kind_count; ++i) {
    const auto kind = static_cast<step_kind>(i);
    INFO(to_string(kind));
    CHECK(row_of(kind).kind == kind);
  }
}

TEST_CASE("every kind of step gives the same with every middleware under a harness", "[middleware][matrix]") {
  std::size_t cases = 0;
  for (const step_row& row : all_steps()) {
    CHECK(plain_result(row).starts_with("<"));
    for (const auto& [name, middleware] : all_middleware()) {
      INFO(row.name << " with " << name << " under a harness");
      CHECK(in_harness(row, options_with(middleware())).text == plain_result(row));
      ++cases;
    }
  }
  CHECK(cases == 20 * 7);
}

TEST_CASE("every kind of step gives the same with every middleware on engines that follow each other",
          "[middleware][matrix]") {
  std::size_t cases = 0;
  for (const step_row& row : all_steps()) {
    for (const auto& [name, middleware] : all_middleware()) {
      INFO(row.name << " with " << name << " on engines");
      CHECK(engine_world(row, middleware()).play().text == plain_result(row));
      ++cases;
    }
  }
  CHECK(cases == 20 * 7);
}

TEST_CASE("every hook is called for every kind of step as often as documented", "[middleware][matrix]") {
  for (const step_row& row : all_steps()) {
    for (const bool checks_determinism : {false, true}) {
      INFO(row.name << " under a harness, gone through " << (checks_determinism ? "twice" : "once"));
      const auto hooks = std::make_shared<recorder>();
      const auto seen = std::make_shared<visits>();
      in_harness(row, options_with({hooks}), {.seen = seen, .checks_determinism = checks_determinism});
      check_counts(row, *hooks, *seen, true);
    }
    INFO(row.name << " on engines");
    const auto hooks = std::make_shared<recorder>();
    const auto seen = std::make_shared<visits>();
    engine_world(row, {hooks}, seen).play();
    check_counts(row, *hooks, *seen, false);
  }
}

TEST_CASE("a hook that throws once costs an attempt whatever the kind of step", "[middleware][matrix]") {
  std::size_t thrown = 0;
  for (const step_row& row : all_steps()) {
    for (const hook which : all_hooks) {
      INFO(row.name << " with a throwing " << name_of(which));
      const auto middleware = std::make_shared<throwing>(which);
      const auto out = in_harness(row, options_with({middleware}), {.retries = 3});
      CHECK(out.text == plain_result(row));
      CHECK(middleware->has_thrown == comes_to(row, which));
      thrown += middleware->has_thrown ? 1 : 0;
    }
  }
  CHECK(thrown == 20 * 6 + 17 + 16 + 3 * 9 + 2);
}

TEST_CASE("a hook that throws once on an engine costs an attempt", "[middleware][matrix]") {
  for (const step_row& row : all_steps()) {
    for (const hook which : all_hooks) {
      if (which == hook::changed_send || which == hook::send) continue;  // the test's own events come to it
      INFO(row.name << " with a throwing " << name_of(which) << " on engines");
      const auto middleware = std::make_shared<throwing>(which);
      CHECK(engine_world(row, {middleware}, {}, 3).play().text == plain_result(row));
      CHECK(middleware->has_thrown == comes_to(row, which));
    }
  }
}

TEST_CASE("what middleware makes of a step's input is what the step is given", "[middleware][matrix]") {
  for (const step_row& row : all_steps()) {
    INFO(row.name);
    const auto deferred = [&](harness& t, const made_functions& made) {
      const auto runs = t.runs_of(made.later);
      CHECK(runs.size() == (row.kind == step_kind::defer ? 1 : 0));
      if (!runs.empty()) CHECK(runs[0].output<int>() == 8);
    };
    const auto out = in_harness(row, options_with({std::make_shared<changing>()}), {.look = deferred});
    CHECK(out.text == (row.changed.empty() ? plain_result(row) : "<" + row.changed + ">"));
  }
}

TEST_CASE("metrics and traces tell of every kind of step whose body runs", "[middleware][matrix]") {
  for (const step_row& row : all_steps()) {
    if (!row.kind) continue;
    INFO(row.name);
    const std::string kind(to_string(*row.kind));
    std::size_t measured = 0, runs = 0, traced = 0;
    const auto metrics = inngest::metrics([&](const inngest::measurement& at) {
      if (at.labels.empty() || at.labels[0].value != "f") return;
      if (at.name == "inngest_runs_completed_total") ++runs;
      if (at.name == "inngest_steps_total" && at.labels[1].value == kind)
        measured += at.labels[2].value == (fails(row) ? "failed" : "completed") ? 1 : 0;
    });
    const auto traces = inngest::tracing([&](const inngest::span& span) {
      std::map<std::string, std::string> known(span.attributes.begin(), span.attributes.end());
      if (span.name == "inngest.step" && known["inngest.step.id"] == "s")
        traced += known["inngest.step.kind"] == kind ? 1 : 100;
    });
    in_harness(row, options_with({metrics, traces}));
    const std::size_t around = row.kind == step_kind::run && !fails(row) ? 2 : 0;
    CHECK(measured == (has_body(row) ? 1 : 0) + around);
    CHECK(traced == (has_body(row) ? 1 : 0));
    CHECK(runs == 1);
  }
}
