#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <utility>
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

// Saving results of steps with the server while the function goes on (checkpointing).

namespace inngest::inline INNGEST_ABI::serving {

/// Saves the results of a call's steps while its function goes on.
using save_results = std::function<execution::checkpoints::saved(const std::vector<protocol::operation>&)>;

template <class Clock>
std::int64_t milliseconds_now() {
  const auto now = std::chrono::floor<std::chrono::milliseconds>(Clock::now());
  return now.time_since_epoch().count();
}

/// Sends results to the server, with four more attempts at most. After a failure no call saves results for a
/// minute.
execution::checkpoints::saved save_with_server(const served_app& app, const protocol::call_request& call,
                                               std::int64_t started,
                                               const std::vector<protocol::operation>& operations);

/// Checkpoints of a call by a server; none when it or the options do not provide for them.
std::optional<execution::checkpoints> checkpoints_with_server(const served_app& app,
                                                              const any_function& function,
                                                              const protocol::call_request& call);

/// Checkpoints of a call by this process, which `save` keeps.
std::optional<execution::checkpoints> checkpoints_in_process(const served_app& app,
                                                             const any_function& function,
                                                             const protocol::call_request& call,
                                                             const save_results& save);

}  // namespace inngest::inline INNGEST_ABI::serving

#if !defined(INNGEST_COMPILED)
#include <inngest/serving/impl/checkpoints.ipp>
#endif
