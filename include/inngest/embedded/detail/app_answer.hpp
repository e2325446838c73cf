#pragma once

#include <cstddef>
#include <string>
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

/// An app's answer to a call. It was validated completely, so processing it never fails because of its bytes.
struct app_answer {
  enum class kind {
    completed,   ///< the function returned `output`
    operations,  ///< the function reported `operations`
    failed,      ///< the attempt failed with `error`
  };
  kind what = kind::failed;
  std::string output{};  // JSON
  std::vector<reported_operation> operations{};
  run_error error{};
  /// The problem with the answer, in a server's words; empty when `error` describes it completely.
  std::string problem{};
  bool may_retry = true;

  static app_answer failure(run_error error, bool may_retry = true);
};

/// The maximum size of an answer in bytes; the same as an Inngest server's.
inline constexpr std::size_t max_answer_size = 8 * 1024 * 1024;

/// Interprets an answer like an Inngest server. An answer that violates the protocol is a failed attempt: the
/// app may be restarting, or a proxy may have answered. `elsewhere` is whether the answer came over HTTP.
app_answer read_app_answer(const http::response& answer, bool elsewhere);

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/app_answer.ipp>
#endif
