#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/testing.hpp>

#include "catch.hpp"
#include "matrix/step_kinds_functions.hpp"
#include "matrix/step_kinds_hosts.hpp"

// Every kind of step, on every host, with every disturbance: one case each, generated from the tables.

namespace {

using namespace step_kinds;
using inngest::embedded::progress;
using inngest::embedded::run_status;

/// The harness as a host. It has one thread and its own clock; a process that is restarted is another harness
/// that goes on with the results which the first one had.
class harness_host_of_case final : public host {
 public:
  harness_host_of_case(world& at, const step_row& row, make_functions functions)
      : at_(at), row_(row), functions_(std::move(functions)) {
    start();
  }

  std::string begin(const inngest::any_event& event) override {
    const auto run = harness_->send(event);
    runs_.emplace(run.id(), begun{run, event.text()});
    return run.id();
  }
  void send(const inngest::any_event& event) override { harness_->send(event); }
  void signal(const std::string& name, const json& data) override { harness_->send_signal(name, data); }
  bool cancel(const std::string& run) override { return harness_->cancel(of(run)); }
  void pass_time(std::chrono::milliseconds time) override { harness_->advance(time); }
  void kill() override {}

  void restart() override {
    const auto earlier = std::move(harness_);
    start();
    for (auto& [id, begun] : runs_) {
      inngest::testing::recorded_run recorded{.events = {begun.event}};
      for (const auto& each : begun.run.operations()) {
        if (each.kind == inngest::embedded::operation_kind::step_completed)
          recorded.results.emplace_back(each.id,
                                        "{\"data\":" + (each.data.empty() ? "null" : each.data) + "}");
      }
      begun.run = harness_->replay(function_of(begun.run), recorded);
    }
  }

  outcome look_at(const std::string& id) override {
    const auto& run = of(id);
    outcome out{.status = run.status(), .error = run.error(), .timeline = run.timeline()};
    if (run.completed()) out.output = json(run.output<json>()).dump();
    return out;
  }
  int count(const std::string& run, progress what) override {
    const std::string timeline = of(run).timeline(), words(to_string(what));
    int out = 0;
    for (std::size_t at = 0; (at = timeline.find(words, at)) != std::string::npos; ++at) ++out;
    return out;
  }
  bool waits_until(const std::function<bool()>& condition) override {
    while (!condition()) {
      if (!harness_->advance_to_next()) return condition();
    }
    return true;
  }
  bool becomes_idle() override {
    while (harness_->advance_to_next()) {
    }
    return true;
  }
  std::string leftovers() override {
    std::string out;
    for (const auto& run : harness_->runs()) {
      if (!run.ended()) out += run.function_id() + " has not ended ";
    }
    return harness_->advance_to_next() ? out + "something is still to come" : out;
  }

 private:
  void start() {
    harness_.reset();
    client_.emplace(quiet("app"));
    all_ = functions_(*client_);
    harness_ = std::make_unique<inngest::testing::harness>(
        *client_, all_,
        inngest::testing::harness_options{
            .start = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now()),
            .retry_delay = [](int) { return 100h; }});
    if (row_.kind == step_kind::fetch)
      harness_->mock_step("s", [this] {
        at_.visit();
        return inngest::fetch_response{.status_code = 200, .body = "page"};
      });
    if (row_.kind == step_kind::ai_infer)
      harness_->mock_step("s", [this] {
        at_.visit();
        return json::parse(R"({"choices":[{"message":{"role":"assistant","content":"hello"}}]})");
      });
  }
  const inngest::testing::test_run& of(const std::string& id) const { return runs_.at(id).run; }
  const inngest::any_function& function_of(const inngest::testing::test_run& run) const {
    for (const auto& each : all_) {
      if (each.id() == run.function_id()) return each;
    }
    throw std::logic_error("no function has the id");
  }

  struct begun {
    inngest::testing::test_run run;
    std::string event;
  };

  world& at_;
  const step_row& row_;
  const make_functions functions_;
  std::optional<inngest::client> client_{};
  std::vector<inngest::any_function> all_{};
  std::unique_ptr<inngest::testing::harness> harness_{};
  std::map<std::string, begun> runs_{};
};

/// One case, from begin to end.
class trial {
 public:
  trial(const step_row& row, const host_row& where, disturbance what, website& site)
      : row_(row), shares_thread_(where.name == harness_host), at_(what, where.name == harness_host, site) {
    at_.takes_messages_itself = where.name != http_host;
    const auto make = [this](const inngest::client& app) { return functions_of(app, row_, at_); };
    host_ = where.name == harness_host ? std::make_unique<harness_host_of_case>(at_, row_, make)
                                       : where.make(at_, make);
  }

  void perform() {
    at_.site.slow_down(at_.is(disturbance::step_timed_out));
    if (row_.kind == step_kind::send_signal) waiter_ = begin_waiter();
    run_ = host_->begin(go{{.text = "go"}});
    disturb();
    at_.site.slow_down(false);
    at_.release();
    if (row_.under_way == stage::in_code && at_.holds() && !shares_thread_)
      CHECK(comes([&] { return at_.ended("s") == 1; }));                  // nobody ends a body but itself
    if (!waiter_.empty() && at_.ended("s") == 0) host_->cancel(waiter_);  // nobody sent it the signal
    CHECK(host_->becomes_idle());
    const outcome end = host_->look_at(run_);
    INFO(end.timeline);
    INFO(end.error);
    check_end(end);
    check_bodies();
    CHECK(host_->leftovers() == "");
  }

 private:
  std::string begin_waiter() {
    std::string out = host_->begin(wait_wanted{{.text = "wait"}});
    REQUIRE(host_->waits_until([&] { return host_->count(out, progress::wait_started) == 1; }));
    return out;
  }

  bool is_under_way() {
    if (row_.under_way == stage::asleep) return host_->count(run_, progress::sleep_started) > 0;
    if (row_.under_way != stage::in_code) return host_->count(run_, progress::wait_started) > 0;
    return at_.begun("s") > 0 && (shares_thread_ || others_completed());
  }

  /// Results that are to outlive the process are in its store.
  bool others_completed() { return host_->count(run_, progress::step_completed) > row_.others; }

  void go_on() {
    at_.release();
    if (row_.under_way == stage::asleep && at_.holds()) host_->pass_time(world::long_time * 2);
    if (row_.under_way == stage::waiting_for_event) host_->send(answered{{.text = "answer"}});
    if (row_.under_way == stage::waiting_for_signal)
      host_->signal("matrix/signal", json{{"text", "signalled"}});
  }

  bool ends() {
    return host_->waits_until([&] {
      const run_status status = host_->look_at(run_).status;
      return status != run_status::queued && status != run_status::running;
    });
  }

  void disturb() {
    // of others the result or the failure comes by itself
    if (!at_.fails_for_good()) REQUIRE(host_->waits_until([&] { return is_under_way() || is_by_request(); }));
    switch (at_.what) {
      case disturbance::none:
      case disturbance::failing_once:
        if (row_.under_way != stage::asleep) go_on();
        break;
      case disturbance::restarted:
        host_->restart();
        go_on();
        break;
      case disturbance::killed:
        host_->kill();
        go_on();
        break;
      case disturbance::restarted_before_retry:
        REQUIRE(host_->waits_until([&] { return is_retry_pending(); }));
        host_->restart();
        host_->pass_time(world::long_time + 1h);
        break;
      case disturbance::cancelled:
        CHECK(host_->cancel(run_));
        break;
      case disturbance::run_timed_out:
        host_->pass_time(2h);
        break;
      case disturbance::step_timed_out:
        if (row_.kind == step_kind::invoke || row_.under_way != stage::in_code) host_->pass_time(2h);
        break;
      case disturbance::failing_and_caught:
      case disturbance::failing:
        break;
    }
    CHECK(ends());
  }

  /// A request whose answer is late is under way elsewhere.
  bool is_by_request() const { return row_.needs == need::website && at_.is(disturbance::step_timed_out); }

  bool is_retry_pending() {
    if (row_.needs == need::website) return at_.begun("s") == 1;
    return host_->count(run_, progress::step_retried) > 0 || row_.kind == step_kind::invoke;
  }

  /// The harness gives an error of its own for a mock in the place of a server's step.
  std::string error() const {
    return shares_thread_ && row_.needs == need::website ? "Error" : std::string(row_.error);
  }

  std::string expected_output() const {
    if (at_.is(disturbance::failing_and_caught)) return "\"" + caught(error()) + "\"";
    return std::string(at_.is(disturbance::step_timed_out) ? row_.late : row_.result);
  }

  bool is_cut_short() const { return at_.is(disturbance::cancelled) || at_.is(disturbance::run_timed_out); }

  void check_end(const outcome& end) {
    if (is_cut_short()) {
      CHECK(end.status == run_status::cancelled);
    } else if (at_.is(disturbance::failing)) {
      CHECK(end.status == run_status::failed);
      CHECK(end.error != "");
    } else {
      CHECK(end.status == run_status::completed);
      CHECK(end.output == expected_output());
    }
    CHECK(at_.ended("on_cancel") == (is_cut_short() ? 1 : 0));
    CHECK(at_.ended("on_failure") == (at_.is(disturbance::failing) ? 1 : 0));
    CHECK(at_.ended("on_success") == (is_cut_short() || at_.is(disturbance::failing) ? 0 : 1));
    CHECK(at_.ended("after") == (is_cut_short() || at_.is(disturbance::failing) ? 0 : 1));
  }

  void check_bodies() {
    for (const auto& [name, times] : at_.all_ended()) {
      INFO("how often the body of " << name << " has completed");
      CHECK(times == 1);
    }
    CHECK(at_.ended("before") == 1);
    if (at_.is(disturbance::none) && row_.under_way == stage::in_code) CHECK(at_.begun("s") == 1);
    if (row_.kind == step_kind::defer) CHECK(at_.ended("deferred") == 1);
    const bool was_sent = at_.ended("s") == 1;
    if (row_.kind == step_kind::send_event) CHECK(at_.ended("told") == (was_sent ? 1 : 0));
    if (row_.kind == step_kind::send_signal) CHECK(at_.ended("a signal") == (was_sent ? 1 : 0));
  }

  const step_row& row_;
  const bool shares_thread_;
  world at_;
  std::unique_ptr<host> host_{};
  std::string run_{}, waiter_{};
};

/// Tries all of a host's cases.
void try_all(const host_row& where) {
  website site;
  for (const step_row& row : rows) {
    for (const auto& [what, words] : disturbances) {
      if (!reason_against(row.name, where.name, what).empty()) continue;
      const std::string name = case_name(row.name, where.name, what);
      DYNAMIC_SECTION(name) {
        INFO(name);
        trial(row, where, what, site).perform();
      }
    }
  }
}

const std::vector<host_row>& hosts() {
  static const std::vector<host_row> all = [] {
    auto out = engine_hosts();
    out.push_back({harness_host, {}});
    return out;
  }();
  return all;
}

}  // namespace

// A case of each host that is named here, so that they can run side by side; the last looks for others.

TEST_CASE("every kind of step with every disturbance in memory", "[matrix][steps]") {
  try_all(hosts().at(0));
}
TEST_CASE("every kind of step with every disturbance on SQLite", "[matrix][steps]") {
  try_all(hosts().at(1));
}
TEST_CASE("every kind of step with every disturbance in an app over HTTP", "[matrix][steps]") {
  try_all(*std::find_if(hosts().begin(), hosts().end(), [](auto& each) { return each.name == http_host; }));
}
TEST_CASE("every kind of step with every disturbance in the harness", "[matrix][steps]") {
  try_all(hosts().back());
}
TEST_CASE("every kind of step with every disturbance on every other store", "[matrix][steps]") {
  REQUIRE(hosts().size() >= 4);
  for (std::size_t i = 2; i + 2 < hosts().size(); ++i) try_all(hosts()[i]);
}

TEST_CASE("every combination of step and host and disturbance is tried or has a reason", "[matrix][steps]") {
  std::size_t tried = 0, left = 0;
  std::map<std::string_view, std::size_t> reasons;
  for (const host_row& host : hosts()) {
    for (const step_row& row : rows) {
      for (const auto& [what, words] : disturbances) {
        const std::string_view reason = reason_against(row.name, host.name, what);
        ++(reason.empty() ? tried : left);
        if (!reason.empty()) ++reasons[reason];
      }
    }
  }
  CHECK(tried + left == hosts().size() * rows.size() * disturbances.size());
  // these numbers change with the tables, and nothing else may change them
  CHECK(tried == 875);
  CHECK(left == 125);
  for (const left_out& each : all_left_out()) {
    INFO(each.step << " " << each.host << ": " << each.reason);
    CHECK(each.reason.size() > 10);
    CHECK_FALSE(each.what.empty());
    CHECK((each.host == recorded_host || reasons.contains(each.reason)));
    const auto is_named = [&](const auto& table, std::string_view name) {
      return name.empty() ||
             std::any_of(table.begin(), table.end(), [&](auto& row) { return row.name == name; });
    };
    CHECK(is_named(rows, each.step));
    CHECK((each.host == recorded_host || is_named(hosts(), each.host)));
  }
}
