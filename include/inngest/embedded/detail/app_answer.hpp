#pragma once

#include <cstddef>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/detail/received_json.hpp>
#include <inngest/embedded/detail/reported_operation.hpp>
#include <inngest/embedded/detail/run_errors.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/http.hpp>
#include <inngest/protocol/headers.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

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

  static app_answer failure(run_error error, bool may_retry = true);
};

/// The largest answer, in bytes, as an Inngest server takes it.
inline constexpr std::size_t max_answer_size = 8 * 1024 * 1024;

/// Judges an answer as an Inngest server does. What is not of the protocol is a failed attempt: the app may
/// be restarting, or a proxy may have answered in its place. `elsewhere` is whether it came over HTTP.
app_answer read_app_answer(const http::response& answer, bool elsewhere);

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/app_answer.ipp>
#endif
