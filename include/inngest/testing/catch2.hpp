#pragma once

// Matchers of runs for Catch2 version 2 or 3. A failed assertion prints the run's timeline.

#if __has_include(<catch2/matchers/catch_matchers.hpp>)
#include <catch2/matchers/catch_matchers.hpp>
#else
#include <catch2/catch.hpp>
#endif

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/testing/test_run.hpp>

namespace inngest::inline INNGEST_ABI::testing {

#if __has_include(<catch2/matchers/catch_matchers.hpp>)
/// Catch2's base class of matchers.
using run_matcher_base = Catch::Matchers::MatcherBase<test_run>;
#else
/// Catch2's base class of matchers.
using run_matcher_base = Catch::MatcherBase<test_run>;
#endif

/// A matcher of runs. Made by the functions below, which combine with `&&`, `||` and `!`.
class run_matcher final : public run_matcher_base {
 public:
  /// Matches runs for which the function returns true.
  run_matcher(std::string description, std::function<bool(const test_run&)> matches)
      : description_(std::move(description)), matches_(std::move(matches)) {}

  /// Whether the run was started and matches.
  bool match(const test_run& run) const override { return run.started() && matches_(run); }
  /// The description in Catch2's messages.
  std::string describe() const override { return description_; }

 private:
  std::string description_;
  std::function<bool(const test_run&)> matches_;
};

/// The run has completed: `REQUIRE_THAT(run, completed());`
inline run_matcher completed() {
  return {"has completed", [](const test_run& run) { return run.completed(); }};
}
/// The run was cancelled.
inline run_matcher cancelled() {
  return {"was cancelled", [](const test_run& run) { return run.cancelled(); }};
}
/// The run has failed, and its "name: message" contains the text.
inline run_matcher failed_with(const std::string& text) {
  return {"has failed with \"" + text + "\"", [text](const test_run& run) {
            return run.failed() && run.error().find(text) != std::string::npos;
          }};
}
/// The run sleeps or waits at the step, or waits for the step's retry. It may wait at other steps, too.
inline run_matcher waits_on(const std::string& step) {
  return {"waits on \"" + step + "\"", [step](const test_run& run) { return run.waits_on(step); }};
}
/// The run has reached exactly these steps so far, in this order.
inline run_matcher reached_steps(std::vector<std::string> steps) {
  std::string words = "has reached";
  for (const std::string& step : steps) words += " \"" + step + "\"";
  return {words, [steps = std::move(steps)](const test_run& run) { return run.steps() == steps; }};
}

}  // namespace inngest::inline INNGEST_ABI::testing
