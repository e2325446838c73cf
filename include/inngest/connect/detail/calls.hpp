#pragma once

#include <string>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/connect/detail/messages.hpp>
#include <inngest/error.hpp>
#include <inngest/http.hpp>
#include <inngest/json/detail/document.hpp>
#include <inngest/json/detail/text.hpp>
#include <inngest/protocol/headers.hpp>

// Converts a gateway's request to the HTTP request that `serve` would receive, and the answer to a reply.

namespace inngest::inline INNGEST_ABI::connect::detail {

/// Adds the trace headers of a call. A gateway sends the trace as a JSON object.
inline void add_trace(http::headers& to, const std::string& context) {
  if (context.empty()) return;
  try {
    for (const char* name : {protocol::header::traceparent, protocol::header::tracestate}) {
      std::string value = inngest::detail::find_text(context, name);
      if (!value.empty()) to.add(name, std::move(value));
    }
  } catch (const payload_error&) {  // a call does not fail because of its trace
  }
}

inline http::request call_of(executor_request request) {
  http::request out{.method = "POST",
                    .url = "/api/inngest?fnId=" + http::percent_encoded(request.function_slug) +
                           "&stepId=" + http::percent_encoded(request.step_id.value_or("step"))};
  out.headers.add(protocol::header::content_type, "application/json");
  add_trace(out.headers, request.user_trace_ctx);
  out.body = std::move(request.request_payload);
  return out;
}

inline sdk_response reply_of(http::response answer) {
  sdk_response out;
  out.status = answer.status == 200   ? response_status::done
               : answer.status == 206 ? response_status::not_completed
                                      : response_status::error;
  out.no_retry = answer.headers.find(protocol::header::no_retry) == "true";
  if (const auto after = answer.headers.find(protocol::header::retry_after)) out.retry_after = *after;
  out.request_version = 2;  // protocol::execution_version
  out.body = std::move(answer.body);
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::connect::detail
