#include <inngest/expression/evaluation.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "matrix/step_kinds_functions.hpp"
#include "matrix/step_kinds_harness.hpp"
#include "matrix/step_kinds_hosts.hpp"

// Every kind of step, on every host, with every disturbance: one case each, generated from the tables.

namespace {

using namespace step_kinds;
using inngest::embedded::progress;
using inngest::embedded::run_status;

/// One case, from begin to end.
class trial {
 public:
  trial(const step_row& row, const host_row& where, disturbance what, website& site)
      : row_(row), shares_thread_(where.name == harness_host), at_(what, where.name == harness_host, site) {
    const auto make = [this](const inngest::client& app) { return functions_of(app, row_, at_); };
    host_ = where.name == harness_host
                ? std::make_unique<harness_engine>(at_, make, row_.kind == step_kind::fetch ? "s" : "",
                                                   row_.kind == step_kind::ai_infer ? "s" : "")
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
      return status == run_status::completed || status == run_status::failed ||
             status == run_status::cancelled;
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

  std::string error() const { return std::string(row_.error); }

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
