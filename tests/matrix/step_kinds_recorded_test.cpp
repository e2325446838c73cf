#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/detail/reported_operation.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "embedded/scheduler_driver.hpp"
#include "matrix/step_kinds.hpp"
#include "wire/recording.hpp"

// The engine's scheduler in the real server's place: it is given the answers that an app of the TypeScript
// SDK gave to the real server, and has to make the calls that the real server made.

namespace {

using namespace std::chrono_literals;
using namespace step_kinds;
using inngest::json;
using inngest::embedded::job;
using inngest::embedded::progress;
using inngest::embedded::run_status;
using scheduler_testing::driver;

// ---- which recording has which step ---------------------------------------------------------------------

struct recording_row {
  std::string_view step;
  /// Of the step as it should be.
  std::string_view scenario;
  /// Of one that fails once, whose own time is up, that fails and is caught, and that fails. Empty: none.
  std::string_view once{}, late{}, caught{}, failing{};
};

constexpr auto recordings = std::to_array<recording_row>({
    {"step.run", "long-steps", "step-retry", "", "step-fail-caught", "step-fail-uncaught"},
    {"step.run with arguments", "many-steps"},
    {"step.start", "parallel-noopt"},
    {"a repeated id", "many-steps"},
    {"group.parallel", "parallel"},
    {"group.race", "race"},
    {"step.sleep", "steps"},
    {"step.sleep_until", "sleep-until"},
    {"step.wait_for_event", "wait-match", "", "wait-timeout"},
    {"step.wait_for_signal", "signal"},
    {"step.send_event", "send"},
    {"step.send_signal", "signal"},
    {"step.invoke", "invoke", "", "invoke-timeout", "invoke-fail"},
    {"step.fetch", "fetch", "", "", "fetch-fail"},
    {"step.ai.infer", "infer"},
    {"step.ai.wrap with arguments", "ai-wrap"},
});

constexpr std::string_view not_late = "no step of the kind was recorded whose own time was up";
constexpr std::string_view not_caught = "no failure of the kind was recorded that was caught";

const recording_row* recording_of(std::string_view step) {
  for (const recording_row& each : recordings) {
    if (each.step == step) return &each;
  }
  return nullptr;
}

/// Why a combination is not tried here; empty when it is.
std::string_view reason_here(std::string_view step, disturbance what) {
  // a retry of a sleep's or a wait's call is a case here
  const bool is_only_here = what == disturbance::restarted_before_retry;
  const std::string_view reason = reason_against(step, recorded_host, what);
  const recording_row* row = recording_of(step);
  if (!row) return reason;
  if (what == disturbance::step_timed_out && row->late.empty()) return reason.empty() ? not_late : reason;
  if (what == disturbance::failing_and_caught && row->caught.empty()) return not_caught;
  return is_only_here ? std::string_view() : reason;
}

// ---- the road -------------------------------------------------------------------------------------------

/// A run of a recorded app, call by call.
class road {
 public:
  road(const std::string& folder, std::string_view scenario, disturbance what) : what_(what) {
    for (json& call : traffic::calls(folder, std::string(scenario))) {
      if (call.at("method") == "POST" && call.at("query").contains("fnId"))
        calls_.push_back({std::move(call)});
    }
    REQUIRE_FALSE(calls_.empty());
    leave_out_doubles();
    const json event = first_request().at("event");
    driver_.now = inngest::timestamp(std::chrono::milliseconds(event.at("ts").get<std::int64_t>()));
    json functions = traffic::recorded_functions(48, "http://127.0.0.1:1/");
    for (json& each : functions) {
      if (is(disturbance::run_timed_out) && each.at("id") == main()) each["timeouts"] = {{"finish", "1h"}};
    }
    const inngest::embedded::app_record app{.id = "cap", .text = json{{"functions", functions}}.dump()};
    driver_->register_app(app, read_registration(app), driver_.now);
    driver_.keep();
    send(event);
    const auto runs = driver_.store().runs();
    REQUIRE(runs.size() == 1);
    run_ = runs.front().id;
  }

  void travel() {
    for (int steps = 0; !has_arrived(); ++steps) {
      REQUIRE(steps < 200);
      if (taken_.empty()) {
        if (is(disturbance::restarted)) driver_.restart();
        take_all();
      }
      if (taken_.empty())
        wait();
      else
        answer_next();
    }
  }

  void check_arrival() {
    const auto run = driver_.store().find_run(run_).value().run;
    INFO(format_timeline(driver_.store().find_run(run_)->run));
    if (is_cut_short()) {
      CHECK(run.status == run_status::cancelled);
    } else if (fails_at_once_) {
      CHECK(run.status == run_status::failed);
    } else {
      check_output(run);
      for (const recorded& each : calls_) {
        INFO("the real server made this call: " << each.call.at("query") << " " << each.call.at("request"));
        CHECK(each.used);
      }
    }
    drain();
    const auto left = driver_.left();
    CHECK(left.runs.empty());
    CHECK(left.jobs.empty());
    CHECK(left.waits.empty());
    CHECK(left.memos.empty());
  }

 private:
  struct recorded {
    json call{};
    bool used = false;
    bool disturbed = false;
  };

  bool is(disturbance other) const { return what_ == other; }
  bool is_cut_short() const { return is(disturbance::cancelled) || is(disturbance::run_timed_out); }
  json first_request() const { return json::parse(calls_.front().call.at("request").get<std::string>()); }
  std::string main() const { return calls_.front().call.at("query").at("fnId"); }

  /// The real server may look at a run twice at once, when two of its steps end together.
  void leave_out_doubles() {
    const auto key = [](const recorded& each) {
      const json request = json::parse(each.call.at("request").get<std::string>());
      return json{each.call.at("query"), request.at("steps"), request.at("event"),
                  request.at("ctx").at("attempt"), each.call.at("answer").at("body")};
    };
    std::set<std::string> known;
    std::erase_if(calls_, [&](const recorded& each) { return !known.insert(key(each).dump()).second; });
  }

  bool has_arrived() {
    if (is_cut_short() || fails_at_once_) return driver_.store().find_run(run_)->run.ended();
    for (const recorded& each : calls_) {
      if (!each.used) return false;
    }
    return true;
  }

  void send(const json& event) {
    json sent{{"name", event.at("name")}, {"data", event.value("data", json::object())}};
    for (const char* key : {"id", "ts"}) {
      if (event.contains(key) && std::string_view(key) == "id") sent[key] = event[key];
    }
    driver_.send(sent);
  }

  /// What others do of their own: a child that sleeps on, functions that nobody waits for.
  void drain() {
    for (const taken& each : taken_) driver_.answer(each.what, 200, "null");
    for (int i = 0; i < 200; ++i) {
      if (auto call = driver_.take()) {
        driver_.answer(*call, 200, "null");
        continue;
      }
      const auto due = driver_->next_due();
      if (!due) return;
      driver_.now = std::max(driver_.now, *due);
    }
  }

  /// All that is due is called at once, as a server does.
  void take_all() {
    while (auto call = driver_.take()) {
      json request = call->what == job::kind::request ? json() : driver_.request_of(*call);
      taken_.push_back({*call, std::move(request)});
    }
  }

  /// Another process: what was under way is lost.
  void restart() {
    taken_.clear();
    driver_.restart();
  }

  // ---- calls --------------------------------------------------------------------------------------------

  /// The recorded call that is made now.
  recorded* match(const job& call, const json& request) {
    const auto run = driver_.store().find_run(call.run_id).value().run;
    const std::string step = call.step ? inngest::detail::to_hex(*call.step) : "step";
    for (recorded& each : calls_) {
      if (each.used) continue;
      const json& query = each.call.at("query");
      if (query.at("fnId") != run.function_slug || query.at("stepId") != step) continue;
      const json theirs = json::parse(each.call.at("request").get<std::string>());
      const auto payload = [](const json& all) {
        return all.at("event").at("name") == "cap/sunk" ? all.at("event").at("data") : json();
      };
      if (payload(theirs) != payload(request)) continue;
      if (same_results(request.at("steps"), theirs.at("steps"))) return &each;
      // when it is retried its siblings may have ended
      const bool is_late = call.step && call.attempt > 0;
      if (is_late && has_results(request.at("steps"), theirs.at("steps"))) return &each;
      const bool is_decided = query.at("fnId") == "cap-race" && !request.at("steps").empty();
      if (is_decided && each.call.at("answer").at("status") == 200) return &each;
    }
    return nullptr;
  }

  /// The engine goes through a run again when a step has ended, though others of its group sleep or are to be
  /// retried: the real server waits for them. A race's app then gives its end at once, as a handler that does
  /// not wait for losers; others report again what is missing.
  std::optional<json> early_answer(const job& call, const json& request) {
    if (call.step) return std::nullopt;
    const std::string slug = driver_.store().find_run(call.run_id).value().run.function_slug;
    for (recorded& each : calls_) {
      if (each.call.at("query").at("fnId") != slug || each.call.at("query").at("stepId") != "step") continue;
      const json& answer = each.call.at("answer");
      if (each.used && answer.at("status") == 206) {
        json missing = json::array();
        for (const json& op : answer.at("body")) {
          const bool is_of_group = op.at("op") == "StepPlanned" || op.at("op") == "Sleep";
          if (is_of_group && !request.at("steps").contains(op.at("id").get<std::string>()))
            missing.push_back(op);
        }
        if (!missing.empty() && slug != "cap-race") return std::optional(std::move(missing));
      }
    }
    return std::nullopt;
  }

  static bool same_results(const json& ours, const json& theirs) {
    return ours.size() == theirs.size() && has_results(ours, theirs);
  }
  static bool has_results(const json& ours, const json& theirs) {
    for (const auto& [step, memo] : theirs.items()) {
      if (!ours.contains(step) || !same_result(ours.at(step), memo)) return false;
    }
    return true;
  }

  /// An event has an id and a time of its own; the words of an error are each server's.
  static bool same_result(const json& ours, const json& theirs) {
    if (theirs.is_object() && theirs.contains("name") && theirs.contains("data"))
      return ours.value("name", json()) == theirs["name"] && ours.value("data", json()) == theirs["data"];
    if (theirs.is_object() && theirs.contains("error"))
      return ours.contains("error") && ours["error"].value("name", "") == theirs["error"].value("name", "");
    return ours == theirs;
  }

  /// Of several calls the one that was answered first.
  void answer_next() {
    recorded* found = nullptr;
    std::size_t which = 0;
    for (std::size_t i = 0; i < taken_.size(); ++i) {
      if (taken_[i].what.what == job::kind::request) {
        found = nullptr;
        which = i;
        break;
      }
      recorded* const other = match(taken_[i].what, taken_[i].request);
      if (other && (!found || other < found)) {
        found = other;
        which = i;
      }
    }
    const taken next = std::move(taken_[which]);
    taken_.erase(taken_.begin() + static_cast<std::ptrdiff_t>(which));
    if (next.what.what == job::kind::request) return answer_request(next.what);
    INFO(format_timeline(driver_.store().find_run(next.what.run_id)->run));
    INFO("the engine calls step " << (next.what.step ? inngest::detail::to_hex(*next.what.step) : "step")
                                  << " with " << next.request.dump());
    if (!found) {
      const auto early = early_answer(next.what, next.request);
      REQUIRE(early);
      return driver_.answer(next.what, 206, early->dump(), {{"x-inngest-req-version", "2"}});
    }
    if (!disturb(next.what, *found, next.request)) give(next.what, *found);
  }

  void give(const job& call, recorded& with) {
    for (const json& sent : with.call.value("sent", json::array())) {
      const std::string path = sent.at("path");
      if (path.starts_with("/e/")) {
        for (const json& each : sent.at("body")) send(each);
      } else if (path == "/v1/signals") {
        driver_->signal(sent.at("body").at("signal"), sent.at("body").at("data").dump(), driver_.now);
        driver_.keep();
      } else if (path.starts_with("/v1/checkpoint/")) {
        const auto saved = inngest::embedded::read_operations(sent.at("body").at("steps").dump());
        CHECK(driver_->checkpoint(call.run_id, call.id, saved, driver_.now));
        driver_.keep();
      }
    }
    with.used = true;
    const json& theirs = with.call.at("answer");
    inngest::http::headers headers;
    for (const auto& [name, value] : theirs.items()) {
      if (name != "status" && name != "body" && value.is_string())
        headers.add(name, value.get<std::string>());
    }
    driver_.answer(call, theirs.at("status"), theirs.at("body").dump(), headers);
  }

  /// A step's HTTP request is answered with what the real server got.
  void answer_request(const job& call) {
    const std::string step = inngest::detail::to_hex(call.step.value());
    const json memo = later_memo(step);
    if (memo.is_object() && memo.contains("error"))
      return driver_->finish(call, inngest::embedded::no_answer("nobody is there"), driver_.now),
             driver_.keep();
    if (is(disturbance::failing_once) && call.attempt == 0)
      return driver_->finish(call, inngest::embedded::no_answer("nobody is there"), driver_.now),
             driver_.keep();
    inngest::http::response out{.status = 200};
    const json& data = memo.at("data");
    if (data.contains("status_code")) {
      out.status = data["status_code"];
      out.body = data.at("body");
      for (const auto& [name, value] : data.at("headers").items())
        out.headers.add(name, value.get<std::string>());
    } else {
      out.body = data.dump();
    }
    driver_->finish(call, std::move(out), driver_.now);
    driver_.keep();
  }

  /// What a later recorded call has as the step's result.
  json later_memo(const std::string& step) const {
    for (const recorded& each : calls_) {
      const json theirs = json::parse(each.call.at("request").get<std::string>());
      if (!each.used && theirs.at("steps").contains(step)) return theirs.at("steps").at(step);
    }
    return json();
  }

  // ---- disturbances -------------------------------------------------------------------------------------

  /// True when the call got no answer, or another one.
  bool disturb(const job& call, recorded& at, const json& request) {
    const bool is_main = call.run_id == run_;
    const bool may_fail = request.at("ctx").at("max_attempts").get<int>() > call.attempt + 1;
    const bool is_first = !std::exchange(at.disturbed, true);
    switch (what_) {
      case disturbance::none:
      case disturbance::restarted:
      case disturbance::step_timed_out:
      case disturbance::failing_and_caught:
        return false;
      case disturbance::killed:  // its attempt is lost, and the call is made again
        if (!may_fail || !is_first) return false;
        restart();
        return true;
      case disturbance::failing_once:
      case disturbance::restarted_before_retry:
        if (!may_fail || !is_first || has_own_failure()) return false;
        driver_.answer(call, 500, R"({"name":"Error","message":"for once"})");
        if (is(disturbance::restarted_before_retry)) restart();
        return true;
      case disturbance::cancelled:
        if (!is_main) return false;
        CHECK(driver_->cancel(run_, driver_.now));
        driver_.keep();
        driver_.answer(call, at.call.at("answer").at("status"), at.call.at("answer").at("body").dump());
        return true;
      case disturbance::run_timed_out:
        if (!is_main) return false;
        driver_.advance(2h);
        driver_.take();
        driver_.answer(call, at.call.at("answer").at("status"), at.call.at("answer").at("body").dump());
        return true;
      case disturbance::failing:
        if (!is_main || has_own_failure()) return false;
        fails_at_once_ = true;
        driver_.answer(call, 400, R"({"name":"Error","message":"for good"})",
                       {{"x-inngest-no-retry", "true"}});
        return true;
    }
    return false;
  }

  /// Whether the recording itself is of a failure.
  bool has_own_failure() const {
    return std::any_of(calls_.begin(), calls_.end(), [](const recorded& each) {
      const json& answer = each.call.at("answer");
      return answer.at("status").get<int>() >= 400 ||
             answer.at("body").dump().find("StepError") != std::string::npos;
    });
  }

  // ---- what comes from outside --------------------------------------------------------------------------

  /// Nothing is due: the event comes that a run got then, or time passes.
  void wait() {
    const auto left = driver_.left();
    for (const auto& each : left.waits) {
      const json memo = later_memo(inngest::detail::to_hex(each.step));
      if (!memo.is_object() || each.event_name.empty()) continue;
      return send(memo);
    }
    for (const recorded& each : calls_) {  // what starts another of the recorded runs
      const json theirs = json::parse(each.call.at("request").get<std::string>());
      const std::string name = theirs.at("event").at("name");
      const bool is_own = name.starts_with("inngest/") || name == "cap/sunk";
      if (each.used || is_own || !theirs.at("steps").empty() || !begun_.insert(name).second) continue;
      if (name == first_request().at("event").at("name").get<std::string>()) continue;
      return send(theirs.at("event"));
    }
    const auto due = driver_->next_due();
    REQUIRE(due);
    driver_.now = std::max(driver_.now, *due);
  }

  // ---- the end ------------------------------------------------------------------------------------------

  void check_output(const inngest::embedded::run& run) {
    const recorded* last = nullptr;
    for (const recorded& each : calls_) {
      if (each.call.at("query").at("fnId") == main()) last = &each;
    }
    const json& theirs = last->call.at("answer");
    if (theirs.at("status").get<int>() >= 400) {
      CHECK(run.status == run_status::failed);
      return;
    }
    REQUIRE(run.status == run_status::completed);
    const bool is_complete = theirs.at("status") == 206;
    CHECK(json::parse(run.output_text) ==
          (is_complete ? theirs.at("body").back().at("data") : theirs.at("body")));
  }

  struct taken {
    job what{};
    json request{};
  };

  const disturbance what_;
  driver driver_{};
  std::vector<taken> taken_{};
  std::vector<recorded> calls_{};
  std::string run_{};
  std::set<std::string> begun_{};
  bool fails_at_once_ = false;
};

std::string_view scenario_of(const recording_row& row, disturbance what) {
  if (what == disturbance::step_timed_out) return row.late;
  if (what == disturbance::failing_and_caught) return row.caught;
  if (what == disturbance::failing && !row.failing.empty()) return row.failing;
  if (what == disturbance::failing_once && !row.once.empty()) return row.once;
  return row.scenario;
}

}  // namespace

TEST_CASE("every recorded kind of step with every disturbance goes the way of the real server",
          "[matrix][steps][wire]") {
  for (const std::string folder : {"nock", "ck"}) {
    for (const recording_row& row : recordings) {
      for (const auto& [what, words] : disturbances) {
        if (!reason_here(row.step, what).empty()) continue;
        const std::string name = case_name(row.step, recorded_host, what) + " (" + folder + "/" +
                                 std::string(scenario_of(row, what)) + ")";
        DYNAMIC_SECTION(name) {
          INFO(name);
          road run(folder, scenario_of(row, what), what);
          run.travel();
          run.check_arrival();
        }
      }
    }
  }
}

TEST_CASE("every kind of step is recorded or has a reason", "[matrix][steps][wire]") {
  std::size_t tried = 0, left = 0;
  for (const step_row& row : rows) {
    for (const auto& [what, words] : disturbances) {
      INFO(case_name(row.name, recorded_host, what));
      const std::string_view reason = reason_here(row.name, what);
      CHECK((recording_of(row.name) || !reason.empty()));
      ++(reason.empty() ? tried : left);
    }
  }
  CHECK(tried + left == rows.size() * disturbances.size());
  CHECK(tried == 133);
  CHECK(left == 117);
}
