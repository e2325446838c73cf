#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/execution/call_stop.hpp>
#include <inngest/execution/hooks.hpp>
#include <inngest/http.hpp>
#include <inngest/protocol/error_info.hpp>
#include <inngest/serving/served_app.hpp>

// Responses of endpoints that were not available when their clients requested them.

namespace inngest::inline INNGEST_ABI::serving {

namespace endpoints {

http::response message(int status, const std::string& text);

/// A redirect that is followed with GET. It may contain a client's token, so it must not be cached.
http::response see_other(const std::string& location);

/// Whether the text is a ULID, which servers and SDKs use as run id.
bool is_run_id(std::string_view text);

}  // namespace endpoints

/// Waits for the response of a run, and returns it. After `wait`, or soon after the call was asked to stop,
/// redirects the client to the same URL.
/// `hooks` decode the response, for example decrypt it.
http::response answer_pending(const served_app& app, const execution::hooks& hooks, const std::string& run_id,
                              const std::string& token, const std::string& target,
                              std::chrono::milliseconds wait, const execution::call_stop& stop);

/// The response for a handler's failure.
http::response failure_response(const protocol::failure& failure);

}  // namespace inngest::inline INNGEST_ABI::serving

#if !defined(INNGEST_COMPILED)
#include <inngest/serving/impl/pending_responses.ipp>
#endif
