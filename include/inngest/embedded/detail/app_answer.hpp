#pragma once

#include <cstddef>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/detail/received_json.hpp>
#include <inngest/embedded/detail/reported_operation.hpp>
#include <inngest/embedded/detail/run_errors.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/http.hpp>
#include <inngest/protocol/headers.hpp>

namespace inngest::embedded {

/// What an app's answer to a call says. Everything in it was checked: taking it cannot fail because of its
/// bytes.
struct app_answer {
  enum class kind {
    completed,   ///< the function returned: `output`
    operations,  ///< it reported `operations`
    failed,      ///< the attempt failed: `error`
  };
  kind what = kind::failed;
  std::string output{};  // JSON
  std::vector<reported_operation> operations{};
  run_error error{};
  bool may_retry = true;

  static app_answer failure(run_error error, bool may_retry = true) {
    return {.what = kind::failed, .error = std::move(error), .may_retry = may_retry};
  }
};

/// The largest answer, in bytes, as an Inngest server takes it.
inline constexpr std::size_t max_answer_size = 8 * 1024 * 1024;

/// Judges an answer as an Inngest server does. What is not of the protocol is a failed attempt: the app may
/// be restarting, or a proxy may have answered in its place. `elsewhere` is whether it came over HTTP.
inline app_answer read_app_answer(const http::response& answer, bool elsewhere) {
  const bool may_retry = answer.headers.find(protocol::header::no_retry) != "true";
  const bool succeeded = answer.status >= 200 && answer.status < 300;
  if (!succeeded) return app_answer::failure(read_error(answer), may_retry);
  if (elsewhere && !answer.headers.find(protocol::header::sdk))
    return app_answer::failure({"Error", "The response did not come from an Inngest SDK: status " +
                                             std::to_string(answer.status) + " without the header " +
                                             protocol::header::sdk});
  if (elsewhere && answer.body.size() > max_answer_size)
    return app_answer::failure({"output_too_large",
                                "Your function's response body exceeds the maximum size "
                                "limit of " +
                                    std::to_string(max_answer_size) + " bytes"},
                               false);
  if (answer.status != 206)
    return {.what = app_answer::kind::completed, .output = received_json_or_string(answer.body)};
  try {
    app_answer out{.what = app_answer::kind::operations, .may_retry = may_retry};
    out.operations = read_operations(answer.body);
    return out;
  } catch (const std::exception& problem) {
    return app_answer::failure({"protocol error", problem.what()});
  }
}

}  // namespace inngest::embedded
