#pragma once

#include <optional>
#include <string>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/reported_operation.hpp>
#include <inngest/embedded/detail/run_errors.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/http.hpp>
#include <inngest/json.hpp>
#include <inngest/json/detail/dom.hpp>
#include <inngest/json/detail/text.hpp>
#include <inngest/protocol/step_kinds.hpp>

// The HTTP requests that the engine makes for steps: step.fetch ("Gateway") and step.ai.infer ("AIGateway").

namespace inngest::inline INNGEST_ABI::embedded {

/// What a job keeps of the operation until its request is made.
std::string outgoing_text(const reported_operation& op);

namespace outgoing {

inline bool asks_model(const json& kept) { return kept.at("op") != to_string(protocol::opcode::gateway); }

/// Where a key goes is the format's.
void authorize(http::request& request, const std::string& format, const std::string& key);

}  // namespace outgoing

/// The request that was asked for. \throws payload_error for options that make none.
http::request outgoing_request(const std::string& text);

/// An answer's stand-in when there is none: its status is 0 and its body says why.
inline http::response no_answer(const std::string& why) { return {.status = 0, .body = why}; }

/// Why the answer is no result; nothing when it is one. To a fetch any status is.
std::optional<run_error> outgoing_problem(const std::string& text, const http::response& answer);

/// The step's result, as JSON.
std::string outgoing_result(const std::string& text, const http::response& answer);

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/outgoing_request.ipp>
#endif
