#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <inngest/client.hpp>
#include <inngest/config.hpp>
#include <inngest/embedded/detail/retry.hpp>
#include <inngest/event.hpp>
#include <inngest/function.hpp>
#include <inngest/http.hpp>
#include <inngest/json.hpp>
#include <inngest/testing/recorded_run.hpp>
#include <inngest/testing/simulation.hpp>
#include <inngest/testing/test_run.hpp>

/// Tests functions with a virtual clock.
namespace inngest::inline INNGEST_ABI::testing {

/// Options of a harness.
struct harness_options {
  /// The virtual time at the start of a test. Default: 2026-01-01 00:00 UTC.
  timestamp start = std::chrono::sys_days(std::chrono::year(2026) / 1 / 1);
  /// If false, the first failure of a step or function is final.
  bool retries = true;
  /// Replays the function after each call, and fails the run if it reaches different steps. Also fails a run
  /// that ends although no step has asked for one of its results: a step has changed its id. If a step was
  /// removed on purpose, replay its runs with false.
  bool check_determinism = true;
  /// The virtual delay after the failure of the given attempt (0 is the first). Default: a server's delays,
  /// without their random part.
  std::function<duration_ms(int attempt)> retry_delay{};
};

/// Runs functions with a virtual clock, on the test's thread, for any test framework:
///
///     inngest::testing::harness t{app, {onboarding}};
///     t.mock_step("charge-card", [] { return Receipt{...}; });
///     auto run = t.send(SignedUp{{.userId = "u1"}});
///     REQUIRE(run.waiting_on() == "wait-for-activation");
///     t.advance(72h);
///     REQUIRE(run.output<Result>().status == "reminded");
///
/// Time moves only in advance(), advance_to_next() and execute(). Each call replays the function from its
/// start, as after a restart, and all results are converted to JSON and back. Events that functions send stay
/// in the harness: they start its functions, and sent() returns them. A harness replaces its client's
/// transport during its lifetime. What its runs did can be read afterwards, too.
class harness {
 public:
  /// Makes a harness with these functions.
  /// \throws configuration_error when the client already has an engine or a harness.
  harness(client app, const std::vector<any_function>& functions, harness_options options = {});

  // ---- before the run -----------------------------------------------------------------------------------

  /// Replaces a step's body, or the server's part of a step: an invoke, a fetch, a model's answer, a wait.
  /// The callable returns the step's result: for a wait, an event, its data, the data of a signal (null is a
  /// signal without data), or an empty optional or nothing for a timeout. A mock that is set later is used by
  /// the next attempt of a body or a request, and ends a sleep, wait or invoke that has begun: at the next
  /// call that runs functions or moves time, before anything else happens. An exception fails the attempt: a
  /// body or a request is retried, a wait or an invoke has failed.
  template <class Callable>
  void mock_step(const std::string& id, Callable body) {
    simulation_->replaced().replace(id, mocks::body_of(std::move(body)));
  }
  /// Makes the next `times` attempts of the step fail. After that, the step or its mock runs. It replaces an
  /// earlier call for the step, so 0 ends the failures. It takes effect when a mock does.
  void fail_step(const std::string& id, int times = 1, std::string message = "failed by the test");
  /// Stores a step's result in all runs that start from now on, whatever starts them, so that a test can
  /// start midway. A run need not reach the step. It replaces an earlier result of the step. For a wait the
  /// result is the event or its data, for a signal the data, as for mock_step. `index` selects one of several
  /// uses of the same id. If middleware changes the id, use the changed one.
  template <result_of_step Value>
  void preload_step(const std::string& id, const Value& result, std::size_t index = 0) {
    const std::string whole = index == 0 ? id : id + ":" + std::to_string(index);
    simulation_->replaced().preload(detail::sha1::of(whole), mocks::given(result, "preload_step"));
  }

  // ---- events -------------------------------------------------------------------------------------------

  /// Sends an event and executes everything that is due. Returns the run that it started; if it started
  /// several, the first: see test_run::started.
  test_run send(const any_event& event);
  /// Like send(), but returns all runs that the event started.
  std::vector<test_run> send_to_all(const any_event& event);
  /// Starts a run of the function, whatever its triggers, as an invoke does.
  /// \throws configuration_error when it is a singleton that is already running; also call() and replay().
  template <json_writable Data = json>
  test_run start(const any_function& function, const Data& data = json::object()) {
    return start_with(function, encode(data, "data"));
  }
  /// Sends a request to an endpoint and executes everything that is due. test_run::response() is what the
  /// client finally receives. The request contains what servers store of it: method, URL, body and
  /// content-type.
  test_run call(const any_function& endpoint, const http::request& request);
  /// Continues a recorded run: starts a run of the function with the recorded events and results. See
  /// read_recorded_run(). \throws configuration_error when there is no event.
  test_run replay(const any_function& function, const recorded_run& recorded);
  /// Sends a signal. Returns false when no run is waiting for it.
  template <json_writable Data = json>
  bool send_signal(const std::string& name, const Data& data = {}) {
    return send_signal_with(name, encode(data, "data"));
  }
  /// Cancels the run. Returns false when it has already ended.
  bool cancel(const test_run& run);

  // ---- time ---------------------------------------------------------------------------------------------

  /// The virtual time.
  timestamp now() const { return simulation_->now(); }
  /// Advances the clock by `time`. Everything that becomes due happens at its own time.
  void advance(duration_ms time) { simulation_->go_to(detail::add_saturated(simulation_->now(), time)); }
  /// Advances the clock to the next time at which something is due: a sleep, a timeout, a retry, a schedule.
  /// Returns false when nothing is pending.
  bool advance_to_next() { return simulation_->go_to_next((timestamp::max)()); }
  /// Advances the clock until the run has ended, by at most `longest` (366 days). Returns whether the run has
  /// ended.
  bool execute(const test_run& run, duration_ms longest = detail::a_year);

  // ---- after the run ------------------------------------------------------------------------------------

  /// All runs so far, oldest first.
  std::vector<test_run> runs() const;
  /// The runs of a function so far, oldest first.
  std::vector<test_run> runs_of(const any_function& function) const;
  /// The events of the type that functions have sent, oldest first, as a function would receive them: they
  /// pass the client's middleware::transform_function_input, which decrypts encrypted ones.
  /// \throws payload_error when an event does not fit the type.
  template <event_type Event>
  std::vector<Event> sent() const {
    std::vector<Event> out;
    for (const std::string& id : simulation_->sent()) {
      const auto event = simulation_->store().find_event(id);
      if (event && event->name == Event::name) {
        const detail::json_buffer text(simulation_->read_event(event->text));
        out.push_back(detail::read_event<Event>(text.text()));
      }
    }
    return out;
  }

 private:
  test_run start_with(const any_function& function, std::string data);
  bool send_signal_with(const std::string& name, const std::string& data);

  static simulation::options settings_of(harness_options options);

  std::vector<test_run> begin(const std::vector<embedded::run>& runs);

  std::shared_ptr<simulation> simulation_;
  std::shared_ptr<void> open_;  // closes the simulation, of which runs keep the results
};

}  // namespace inngest::inline INNGEST_ABI::testing

#if !defined(INNGEST_COMPILED)
#include <inngest/impl/testing.ipp>
#endif
