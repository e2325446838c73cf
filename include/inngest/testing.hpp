#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <inngest/client.hpp>
#include <inngest/embedded/detail/retry.hpp>
#include <inngest/event.hpp>
#include <inngest/function.hpp>
#include <inngest/json.hpp>
#include <inngest/testing/recorded_run.hpp>
#include <inngest/testing/simulation.hpp>
#include <inngest/testing/test_run.hpp>

namespace inngest::testing {

/// Options of a harness.
struct harness_options {
  /// The time at which a test begins.
  timestamp start = std::chrono::sys_days(std::chrono::year(2026) / 1 / 1);
  /// Without retries the first failure of a step or function counts.
  bool retries = true;
  /// Goes through the function twice at every call, and fails the run where it comes to other steps.
  bool check_determinism = true;
  /// How long after the given attempt (0 is the first) the next one starts. Default: a server's times,
  /// without their chance. None of it is real time.
  std::function<duration_ms(int attempt)> retry_delay{};
};

/// Runs functions under a clock of its own, on the test's thread, with any test framework:
///
///     inngest::testing::harness t{app, {onboarding}};
///     t.mock_step("charge-card", [] { return Receipt{...}; });
///     auto run = t.send(SignedUp{{.userId = "u1"}});
///     REQUIRE(run.waiting_on() == "wait-for-activation");
///     t.advance(72h);
///     REQUIRE(run.output<Result>().status == "reminded");
///
/// Time moves in advance(), advance_to_next() and execute() and nowhere else. Each call goes through the
/// function from its start, as after a restart, and all results make the way through JSON. What the functions
/// send stays here: it starts functions of the harness, and can be looked at. While a harness lives it takes
/// over the HTTP of its client.
class harness {
 public:
  harness(client app, const std::vector<any_function>& functions, harness_options options = {})
      : simulation_(
            std::make_shared<simulation>(std::move(app), functions, settings_of(std::move(options)))) {}

  // ---- before the run -----------------------------------------------------------------------------------

  /// Puts a callable in the place of a step's body, or of a step that a server does: an invoke, a fetch, a
  /// model's answer, a wait. What it returns is the step's result, and what it throws fails the step.
  template <class Callable>
  void mock_step(const std::string& id, Callable body) {
    simulation_->replaced().replace(id, mocks::body_of(std::move(body)));
  }
  /// Makes the step's next attempts fail. Afterwards it runs, or its mock does.
  void fail_step(const std::string& id, int times = 1, std::string message = "failed by the test") {
    simulation_->replaced().fail(id, times, std::move(message));
  }
  /// Gives the step of runs that begin from now on a result: a test can begin in the middle. `index` is of an
  /// id that is used again.
  template <json_writable Value>
  void preload_step(const std::string& id, const Value& result, std::size_t index = 0) {
    const std::string whole = index == 0 ? id : id + ":" + std::to_string(index);
    preloads_.emplace_back(detail::sha1::of(whole), "{\"data\":" + encode(result, "preload_step") + "}");
  }

  // ---- events -------------------------------------------------------------------------------------------

  /// Sends an event and does all that is due. Gives the run that it started, of several the first.
  test_run send(const any_event& event) {
    const auto runs = send_to_all(event);
    return runs.empty() ? test_run(simulation_, "") : runs.front();
  }
  /// The same, and gives all runs that it started.
  std::vector<test_run> send_to_all(const any_event& event) {
    const auto ids = simulation_->send(event);
    return begin(simulation_->runs_of(ids.at(0)));
  }
  /// Starts a run of the function, whatever its triggers, as an invoke does.
  test_run start(const any_function& function, const json& data = json::object()) {
    const std::string id = simulation_->start(function, encode(data, "data"));
    return begin({*simulation_->find_run(id)}).front();
  }
  /// Begins a run of the function where a recorded one was: with its events, and the results that it had. See
  /// read_recorded_run().
  test_run replay(const any_function& function, const recorded_run& recorded) {
    const std::string id = simulation_->begin(function, recorded.events);
    for (const auto& [step, memo] : recorded.results) simulation_->preload(id, step, memo);
    return begin({*simulation_->find_run(id)}).front();
  }
  /// Ends the wait for a signal. False when no run waits for it.
  bool send_signal(const std::string& name, const json& data = json()) {
    const bool received = simulation_->signal(name, encode(data, "data")).has_value();
    simulation_->settle();
    return received;
  }
  /// Cancels the run. False when it has ended.
  bool cancel(const test_run& run) {
    const bool done = simulation_->cancel(run.id());
    simulation_->settle();
    return done;
  }

  // ---- time ---------------------------------------------------------------------------------------------

  timestamp now() const { return simulation_->now(); }
  /// Lets time pass; everything that falls due happens at its time.
  void advance(duration_ms time) { simulation_->go_to(detail::add_saturated(simulation_->now(), time)); }
  /// Goes to the time at which something happens next: a sleep, a timeout, a retry, a schedule. False when
  /// nothing will.
  bool advance_to_next() { return simulation_->go_to_next(timestamp::max()); }
  /// Lets time pass until the run has ended, but no longer than that. False when it has not.
  bool execute(const test_run& run, duration_ms longest = std::chrono::hours(24 * 366)) {
    const timestamp end = detail::add_saturated(now(), longest);
    while (!run.ended() && simulation_->go_to_next(end)) {
    }
    return run.ended();
  }

  // ---- what came of it ----------------------------------------------------------------------------------

  /// All runs so far, oldest first.
  std::vector<test_run> runs() const {
    std::vector<test_run> out;
    for (const auto& each : simulation_->store().runs()) out.emplace_back(simulation_, each.id);
    return out;
  }
  /// The runs of a function so far, oldest first.
  std::vector<test_run> runs_of(const any_function& function) const {
    std::vector<test_run> out;
    for (const auto& each : simulation_->store().runs()) {
      if (each.function_slug == function.slug()) out.emplace_back(simulation_, each.id);
    }
    return out;
  }
  /// The events of a type that the functions have sent, oldest first.
  /// \throws payload_error when one does not fit its type.
  template <event_type Event>
  std::vector<Event> sent() const {
    std::vector<Event> out;
    for (const std::string& id : simulation_->sent()) {
      const auto event = simulation_->store().find_event(id);
      if (event && event->name == Event::name) {
        const detail::json_buffer text(event->text);
        out.push_back(detail::read_event<Event>(text.text()));
      }
    }
    return out;
  }

 private:
  static simulation::options settings_of(harness_options options) {
    if (!options.retry_delay) options.retry_delay = embedded::least_retry_delay;
    return {.start = options.start,
            .retries = options.retries,
            .check_determinism = options.check_determinism,
            .retry_delay = std::move(options.retry_delay)};
  }

  std::vector<test_run> begin(const std::vector<embedded::run>& runs) {
    std::vector<test_run> out;
    for (const auto& each : runs) {
      for (const auto& [step, memo] : preloads_) simulation_->preload(each.id, step, memo);
      out.emplace_back(simulation_, each.id);
    }
    simulation_->settle();
    return out;
  }

  std::shared_ptr<simulation> simulation_;
  std::vector<std::pair<step_hash, std::string>> preloads_;
};

}  // namespace inngest::testing
