#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/error.hpp>
#include <inngest/execution/checkpoints.hpp>
#include <inngest/http.hpp>
#include <inngest/json/detail/text.hpp>
#include <inngest/options.hpp>
#include <inngest/protocol/api.hpp>
#include <inngest/protocol/call_request.hpp>
#include <inngest/protocol/operation.hpp>
#include <inngest/serving/served_app.hpp>

// Checkpointing: step results are saved on the server while the function continues.

namespace inngest::inline INNGEST_ABI::serving {

/// Saves the step results of a call while its function continues.
using save_results = std::function<execution::checkpoints::saved(const std::vector<protocol::operation>&)>;

template <class Clock>
std::int64_t milliseconds_now() {
  const auto now = std::chrono::floor<std::chrono::milliseconds>(Clock::now());
  return now.time_since_epoch().count();
}

/// Sends results to the server, with up to four retries. After a failure, no call saves results for a minute.
execution::checkpoints::saved save_with_server(const served_app& app, const protocol::call_request& call,
                                               std::int64_t started,
                                               const std::vector<protocol::operation>& operations);

/// The options of the function or client; where they set no time limit, the app's.
checkpointing checkpointing_of(const served_app& app, const any_function& function);

/// Checkpoints saved by a server; nullopt when the server does not support them or the options disable them.
std::optional<execution::checkpoints> checkpoints_with_server(const served_app& app,
                                                              const any_function& function,
                                                              const protocol::call_request& call);

/// Checkpoints saved by this process through `save`.
std::optional<execution::checkpoints> checkpoints_in_process(const served_app& app,
                                                             const any_function& function,
                                                             const protocol::call_request& call,
                                                             const save_results& save);

}  // namespace inngest::inline INNGEST_ABI::serving

#if !defined(INNGEST_COMPILED)
#include <inngest/serving/impl/checkpoints.ipp>
#endif
