#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/error.hpp>
#include <inngest/http.hpp>
#include <inngest/json/detail/text.hpp>

// Requests to a server's API other than events and registrations, and the answers to them.

namespace inngest::inline INNGEST_ABI::protocol {

/// The error message in an answer.
std::string refusal(const http::response& answer);

/// \throws unauthorized, request_rejected when the answer is an error.
void expect_success(const http::response& answer, const std::string& what);

http::request json_request(std::string path, std::string body);

http::request signal_request(std::string_view signal, std::string_view data);

/// The id of the run that the signal woke; nullopt when no run is waiting for it.
std::optional<std::string> read_signal_answer(const http::response& answer);

http::request publish_request(std::string_view channel, std::string_view topic, std::string_view run_id,
                              std::string data);

}  // namespace inngest::inline INNGEST_ABI::protocol

#if !defined(INNGEST_COMPILED)
#include <inngest/protocol/impl/api.ipp>
#endif
