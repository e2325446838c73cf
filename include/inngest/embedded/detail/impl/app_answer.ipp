#pragma once

#include <exception>
#include <string_view>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/app_answer.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE app_answer app_answer::failure(run_error error, bool may_retry) {
  return {.what = kind::failed, .error = std::move(error), .may_retry = may_retry};
}

/// A function that has ended. Output that is no JSON is text.
INNGEST_INLINE app_answer completed_with(std::string_view output) {
  if (detail::nesting_depth(output) > max_received_depth && detail::is_json(output)) {
    return app_answer::failure({"output_too_deep", "Your function's output is nested deeper than " +
                                                       std::to_string(max_received_depth) + " levels"},
                               false);
  }
  return {.what = app_answer::kind::completed, .output = received_json_or_string(output)};
}

INNGEST_INLINE app_answer read_app_answer(const http::response& answer, bool elsewhere) {
  const bool may_retry = answer.headers.find(protocol::header::no_retry) != "true";
  const bool succeeded = answer.status >= 200 && answer.status < 300;
  if (!succeeded) return {.error = read_error(answer), .problem = problem_of(answer), .may_retry = may_retry};
  if (elsewhere && !answer.headers.find(protocol::header::sdk))
    return app_answer::failure({"Error", "The response did not come from an Inngest SDK"});
  if (elsewhere && answer.body.size() > max_answer_size)
    return app_answer::failure({"output_too_large",
                                "Your function's response body exceeds the maximum size "
                                "limit of " +
                                    std::to_string(max_answer_size) + " bytes"},
                               false);
  if (answer.status != 206) return completed_with(answer.body);
  try {
    app_answer out{.what = app_answer::kind::operations, .may_retry = may_retry};
    out.operations = read_operations(answer.body);
    return out;
  } catch (const std::exception& problem) {
    return app_answer::failure({"protocol error", problem.what()});
  }
}

}  // namespace inngest::inline INNGEST_ABI::embedded
