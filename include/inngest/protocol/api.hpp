#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/error.hpp>
#include <inngest/http.hpp>
#include <inngest/json/detail/text.hpp>

// Requests to a server's API other than events and registrations, and its answers.

namespace inngest::inline INNGEST_ABI::protocol {

/// The message of an answer that refuses a request.
std::string refusal(const http::response& answer);

/// \throws unauthorized, request_rejected when the answer is an error.
void expect_success(const http::response& answer, const std::string& what);

http::request json_request(std::string path, std::string body);

http::request signal_request(std::string_view signal, std::string_view data);

/// The id of the run that the signal woke; nullopt when no run waits for it.
std::optional<std::string> read_signal_answer(const http::response& answer);

http::request publish_request(std::string_view channel, std::string_view topic, std::string_view run_id,
                              std::string data);

/// Metadata of an operation: `scope` is "run" or "step", `change` "merge", "set", "delete" or
/// "add".
std::string metadata_object(std::string_view scope, std::string_view kind, std::string_view change,
                            std::string_view values);

http::request metadata_request(std::string_view run_id, std::string_view step_id,
                               const std::string& metadata);

/// A score's values. \throws configuration_error for an invalid name or value.
std::string score_values(std::string_view name, double value);

}  // namespace inngest::inline INNGEST_ABI::protocol

#if !defined(INNGEST_COMPILED)
#include <inngest/protocol/impl/api.ipp>
#endif
