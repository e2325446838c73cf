#pragma once

#include <string>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/http.hpp>

namespace inngest::inline INNGEST_ABI::detail {

/// \throws payload_error for a blank channel or topic; configuration_error when there is no topic.
void check_topics(const std::string& channel, const std::vector<std::string>& topics);

/// POST /v1/realtime/token.
http::request token_request(const std::string& channel, const std::vector<std::string>& topics);

/// The token in an answer.
/// \throws unauthorized, request_rejected, protocol_error.
std::string read_token(const http::response& answer, const std::string& channel);

/// Adds the hash of a signing key, unless there is none.
void add_key(http::request& request, const std::string& key);

/// \throws unauthorized, request_rejected or protocol_error for an answer that is not a stream of events.
[[noreturn]] void refuse_subscription(const http::response& answer);

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/realtime/detail/impl/requests.ipp>
#endif
