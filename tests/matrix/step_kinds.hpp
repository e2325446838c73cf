#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <inngest/detail/enumeration.hpp>
#include <inngest/middleware.hpp>

#if __has_include("all_stores.hpp")
#include "all_stores.hpp"  // made by CMake: every include/inngest/embedded/*_store.hpp
#else
#include <inngest/embedded/memory_store.hpp>
#include <inngest/embedded/sqlite_store.hpp>
#define INNGEST_TEST_STORES(of) of(memory_store) of(sqlite_store)
#endif

// The tables of the matrix: every kind of step, on every host, with every disturbance. A combination is
// tried, or has a reason why it is not. A kind, a store or a disturbance without a row does not compile.

namespace step_kinds {

using inngest::step_kind;

/// What happens to a run while the step is under way.
enum class disturbance {
  none,
  restarted,
  restarted_before_retry,
  killed,
  cancelled,
  run_timed_out,
  step_timed_out,
  failing_once,
  failing_and_caught,
  failing,
};

}  // namespace step_kinds

namespace inngest::detail {

template <>
inline constexpr auto enumerators<step_kinds::disturbance> =
    std::to_array<enumerator<step_kinds::disturbance>>({
        {step_kinds::disturbance::none, "undisturbed"},
        {step_kinds::disturbance::restarted, "process restarted in between"},
        {step_kinds::disturbance::restarted_before_retry, "process restarted before its retry"},
        {step_kinds::disturbance::killed, "process killed in between"},
        {step_kinds::disturbance::cancelled, "cancelled"},
        {step_kinds::disturbance::run_timed_out, "run timed out"},
        {step_kinds::disturbance::step_timed_out, "step timed out"},
        {step_kinds::disturbance::failing_once, "failing once"},
        {step_kinds::disturbance::failing_and_caught, "failing for good and caught"},
        {step_kinds::disturbance::failing, "failing for good"},
    });
static_assert(has_full_table<step_kinds::disturbance>(), "a disturbance has no name");

}  // namespace inngest::detail

namespace step_kinds {

inline constexpr auto& disturbances = inngest::detail::enumerators<disturbance>;

/// Where a step is while it is under way.
enum class stage {
  in_code,  ///< of this process: a body, a request, an invoked function
  asleep,
  waiting_for_event,
  waiting_for_signal,
};

/// What a step needs of others.
enum class need {
  nothing,
  website,   ///< step.fetch: the engine asks it
  messages,  ///< the routes of the server that take messages and metadata
};

/// A way to write a step.
struct step_row {
  std::string_view name;
  step_kind kind;
  stage under_way;
  /// The handler's result, as JSON.
  std::string_view result;
  /// The name of the error that the handler catches when it fails for good.
  std::string_view error;
  /// The result when the step's own time is up.
  std::string_view late{};
  need needs = need::nothing;
  /// How many other steps complete while it is under way.
  int others = 0;
};

inline constexpr std::string_view options_error = "inngest::step_options_error";
inline constexpr std::string_view body_error = "std::runtime_error";
inline constexpr std::string_view too_late = R"("caught inngest::deadline_exceeded")";

inline constexpr auto rows = std::to_array<step_row>({
    {"step.run", step_kind::run, stage::in_code, "\"s\"", body_error, too_late},
    {"step.run with arguments", step_kind::run, stage::in_code, "\"7 apples\"", body_error, too_late},
    {"step.start", step_kind::run, stage::in_code, "\"a+s\"", body_error, too_late, need::nothing, 1},
    {"a repeated id", step_kind::run, stage::in_code, "\"a+b+s\"", body_error, too_late, need::nothing, 2},
    {"group.parallel", step_kind::run, stage::in_code, "\"a+s+slept\"", body_error, too_late, need::nothing,
     1},
    {"group.parallel over a range", step_kind::run, stage::in_code, "\"a+b+s+\"", body_error, too_late,
     need::nothing, 2},
    {"group.race", step_kind::run, stage::in_code, "\"s\"", body_error, too_late},
    {"a race in a parallel group", step_kind::run, stage::in_code, "\"s+b+c\"", body_error, too_late,
     need::nothing, 2},
    {"group.experiment", step_kind::experiment, stage::in_code, "\"new: s\"", body_error, too_late,
     need::nothing, 1},
    {"step.sleep", step_kind::sleep, stage::asleep, "\"slept\"", options_error},
    {"step.sleep_until", step_kind::sleep, stage::asleep, "\"slept\"", options_error, "", need::nothing, 1},
    {"step.wait_for_event", step_kind::wait_for_event, stage::waiting_for_event, "\"answer\"", options_error,
     "\"nothing\""},
    {"step.wait_for_signal", step_kind::wait_for_signal, stage::waiting_for_signal, "\"signalled\"",
     options_error, "\"nothing\""},
    {"step.send_event", step_kind::send_event, stage::in_code, "\"1 sent\"", body_error},
    {"step.send_signal", step_kind::send_signal, stage::in_code, "\"woke a run\"", body_error},
    {"step.publish", step_kind::publish, stage::in_code, "\"published\"", body_error, "", need::messages},
    {"step.score", step_kind::run, stage::in_code, "\"scored\"", body_error, "", need::messages},
    {"step.set_metadata", step_kind::run, stage::in_code, "\"noted\"", body_error, "", need::messages},
    {"step.invoke", step_kind::invoke, stage::in_code, "\"from the child\"", body_error,
     R"("caught InngestInvokeTimeoutError")"},
    {"step.invoke by ids", step_kind::invoke, stage::in_code, "\"from the child\"", body_error,
     R"("caught InngestInvokeTimeoutError")"},
    {"step.fetch", step_kind::fetch, stage::in_code, "\"200 page\"", "GatewayError",
     R"("caught GatewayError")", need::website},
    {"step.ai.infer", step_kind::ai_infer, stage::in_code, "\"hello\"", "AIGatewayError",
     R"("caught AIGatewayError")", need::website},
    {"step.ai.wrap", step_kind::ai_wrap, stage::in_code, "\"s\"", body_error, too_late},
    {"step.ai.wrap with arguments", step_kind::ai_wrap, stage::in_code, "\"7 apples\"", body_error, too_late},
    {"ctx.defer", step_kind::defer, stage::in_code, "\"s\"", body_error, too_late},
});

consteval bool has_row_of_every_kind() {
  for (const auto& [kind, name] : inngest::detail::enumerators<step_kind>) {
    bool found = false;
    for (const step_row& row : rows) found = found || row.kind == kind;
    if (!found) return false;
  }
  return inngest::detail::has_full_table<step_kind>();
}
static_assert(has_row_of_every_kind(), "a step kind has no row in the matrix");

/// A store's row: its name in the matrix, whether a copy of it can be taken as a killed process leaves it,
/// and how it is opened. A store without one does not compile: see step_kinds_hosts.hpp.
template <class Store>
struct store_row;

/// Whose answers are recorded: see step_kinds_recorded_test.cpp.
inline constexpr std::string_view harness_host = "the harness";
inline constexpr std::string_view http_host = "an app over HTTP";
inline constexpr std::string_view recorded_host = "a recorded app of the TypeScript SDK";

// ---- what is not tried ----------------------------------------------------------------------------------

/// Combinations that make no sense. What is empty stands for all.
struct left_out {
  std::string_view step{};
  std::string_view host{};
  std::vector<disturbance> what{};
  std::string_view reason{};
};

inline const std::vector<left_out>& all_left_out() {
  using enum disturbance;
  static const std::vector<disturbance> every = [] {
    std::vector<disturbance> out;
    for (const auto& [what, name] : disturbances) out.push_back(what);
    return out;
  }();
  constexpr std::string_view same_on_the_wire = "on the wire it is as another row's step";
  constexpr std::string_view not_recorded = "the recorded app has no step of the kind";
  static const std::vector<left_out> all{
      {"step.sleep", "", {step_timed_out}, "the end of a sleep is its result"},
      {"step.sleep_until", "", {step_timed_out}, "the end of a sleep is its result"},
      {"step.send_event", "", {step_timed_out}, "its time is that of the client's request"},
      {"step.send_signal", "", {step_timed_out}, "its time is that of the client's request"},
      {"step.publish", "", {step_timed_out}, "its time is that of the client's request"},
      {"step.score", "", {step_timed_out}, "its time is that of the client's request"},
      {"step.set_metadata", "", {step_timed_out}, "its time is that of the client's request"},
      {"step.sleep", "", {restarted_before_retry}, "a sleep is not retried"},
      {"step.sleep_until", "", {restarted_before_retry}, "a sleep is not retried"},
      {"step.wait_for_event", "", {restarted_before_retry}, "a wait is not retried"},
      {"step.wait_for_signal", "", {restarted_before_retry}, "a wait is not retried"},
      {"", "memory", {killed}, "what is in memory ends with its process"},
      {"", harness_host, {killed}, "a harness ends with its test"},
      {"",
       harness_host,
       {restarted_before_retry},
       "a harness is under way while a retry is pending: see restarted"},
      {"step.fetch",
       harness_host,
       {restarted, cancelled, run_timed_out, step_timed_out, failing_once},
       "a mock stands for the answer after all attempts, and comes at once"},
      {"step.ai.infer",
       harness_host,
       {restarted, cancelled, run_timed_out, step_timed_out, failing_once},
       "a mock stands for the answer after all attempts, and comes at once"},
      {"group.parallel over a range", recorded_host, every, same_on_the_wire},
      {"step.invoke by ids", recorded_host, every, same_on_the_wire},
      {"step.ai.wrap", recorded_host, every, same_on_the_wire},
      {"a race in a parallel group", recorded_host, every, not_recorded},
      {"group.experiment", recorded_host, every, not_recorded},
      {"step.publish", recorded_host, every, not_recorded},
      {"step.score", recorded_host, every, not_recorded},
      {"step.set_metadata", recorded_host, every, not_recorded},
      {"ctx.defer", recorded_host, every, not_recorded},
  };
  return all;
}

/// Why the combination is not tried; empty when it is.
inline std::string_view reason_against(std::string_view step, std::string_view host, disturbance what) {
  for (const left_out& each : all_left_out()) {
    const bool same_step = each.step.empty() || each.step == step;
    const bool same_host = each.host.empty() || each.host == host;
    bool same_disturbance = false;
    for (const disturbance other : each.what) same_disturbance = same_disturbance || other == what;
    if (same_step && same_host && same_disturbance) return each.reason;
  }
  return {};
}

/// Such as "step.invoke on SQLite, process restarted in between".
inline std::string case_name(std::string_view step, std::string_view host, disturbance what) {
  return std::string(step) + " on " + std::string(host) + ", " + std::string(inngest::detail::name_of(what));
}

}  // namespace step_kinds
