#pragma once

// Matchers of runs for Catch2, version 2 or 3. A run that doesn't match is shown with its timeline.

#if __has_include(<catch2/matchers/catch_matchers.hpp>)
#include <catch2/matchers/catch_matchers.hpp>
#else
#include <catch2/catch.hpp>
#endif

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <inngest/testing/test_run.hpp>

namespace inngest::testing {

#if __has_include(<catch2/matchers/catch_matchers.hpp>)
using run_matcher_base = Catch::Matchers::MatcherBase<test_run>;
#else
using run_matcher_base = Catch::MatcherBase<test_run>;
#endif

/// Use the functions below; they combine with &&, || and !.
class run_matcher final : public run_matcher_base {
 public:
  run_matcher(std::string description, std::function<bool(const test_run&)> matches)
      : description_(std::move(description)), matches_(std::move(matches)) {}

  bool match(const test_run& run) const override { return run.started() && matches_(run); }
  std::string describe() const override { return description_; }

 private:
  std::string description_;
  std::function<bool(const test_run&)> matches_;
};

/// `REQUIRE_THAT(run, completed());`
inline run_matcher completed() {
  return {"has completed", [](const test_run& run) { return run.completed(); }};
}
inline run_matcher cancelled() {
  return {"was cancelled", [](const test_run& run) { return run.cancelled(); }};
}
/// Has failed, with an error whose "name: message" has the text in it.
inline run_matcher failed_with(const std::string& text) {
  return {"has failed with \"" + text + "\"", [text](const test_run& run) {
            return run.failed() && run.error().find(text) != std::string::npos;
          }};
}
/// Sleeps or waits at the step, or is to be retried there.
inline run_matcher waits_on(const std::string& step) {
  return {"waits on \"" + step + "\"", [step](const test_run& run) { return run.waiting_on() == step; }};
}
/// Has come to these steps and no others so far, in this order.
inline run_matcher came_to(std::vector<std::string> steps) {
  std::string words = "came to";
  for (const std::string& each : steps) words += " \"" + each + "\"";
  return {words, [steps = std::move(steps)](const test_run& run) { return run.steps() == steps; }};
}

}  // namespace inngest::testing
