#pragma once

#include <optional>
#include <string>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/reported_operation.hpp>
#include <inngest/embedded/detail/run_errors.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/http.hpp>
#include <inngest/http/detail/fields.hpp>
#include <inngest/http/detail/request_line.hpp>
#include <inngest/json.hpp>
#include <inngest/json/detail/dom.hpp>
#include <inngest/json/detail/text.hpp>
#include <inngest/protocol/step_kinds.hpp>

// The HTTP requests that the engine makes for steps: step.fetch ("Gateway") and step.ai.infer ("AIGateway").

namespace inngest::inline INNGEST_ABI::embedded {

/// The JSON text with which a job describes its request.
std::string outgoing_text(const reported_operation& op);

namespace outgoing {

inline bool asks_model(const json& request) {
  return request.at("op") != to_string(protocol::opcode::gateway);
}

/// Adds the API key where the API's format requires it.
void authorize(http::request& request, const std::string& format, const std::string& key);

}  // namespace outgoing

/// Builds the HTTP request. \throws payload_error for invalid options, such as a URL with a line end.
http::request outgoing_request(const std::string& text);

/// The field in which an answer has the URL that it came from, if the request was redirected. No server can
/// send a field of this name.
inline constexpr const char* final_url_field = ":url";

/// Represents a missing answer: its status is 0, and its body contains the reason.
inline http::response no_answer(const std::string& why) { return {.status = 0, .body = why}; }

/// Why the answer is a failure; `nullopt` when it is a result. A fetch accepts every status.
std::optional<run_error> outgoing_problem(const std::string& text, const http::response& answer);

/// The step's result, as JSON.
std::string outgoing_result(const std::string& text, const http::response& answer);

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/outgoing_request.ipp>
#endif
