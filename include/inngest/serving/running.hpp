#pragma once

#include <cstddef>
#include <string>

#include <inngest/config.hpp>
#include <inngest/context.hpp>
#include <inngest/execution/replay.hpp>
#include <inngest/protocol/call_request.hpp>
#include <inngest/protocol/error_info.hpp>
#include <inngest/serving/served_app.hpp>

// Runs a function's handler for a call. In strict mode, also checks that the handler is deterministic.

namespace inngest::inline INNGEST_ABI::serving {

/// Runs the handler as far as the call allows.
execution::outcome run_handler(const served_app& app, const served_function& served,
                               const protocol::call_request& call,
                               const execution::replay_options& replay_options);
/// Like the other overload, with these services instead of the app's.
execution::outcome run_handler(const served_app& app, const served_function& served,
                               const protocol::call_request& call,
                               const execution::replay_options& replay_options,
                               const execution::host_services& services);

protocol::failure not_deterministic(const std::string& function_id, std::size_t step_number,
                                    const std::string& first, const std::string& second);

/// Calls the handler again without running any step, and fails the call when the handler reaches different
/// steps. If the call was stopped, for example after its only step, the steps are compared up to that point.
void check_determinism(const served_app& app, const served_function& served,
                       const protocol::call_request& call, execution::replay_options replay_options,
                       execution::outcome& outcome);

}  // namespace inngest::inline INNGEST_ABI::serving

#if !defined(INNGEST_COMPILED)
#include <inngest/serving/impl/running.ipp>
#endif
