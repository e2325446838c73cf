#pragma once

#include <optional>
#include <string>

#include <inngest/config.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/http.hpp>
#include <inngest/json.hpp>

// The JSON of bulk cancellations in version 1 of a server's REST API.

namespace inngest::inline INNGEST_ABI::embedded::cancellation_api {

/// A request to cancel many runs.
struct wanted {
  std::string app_id{};
  std::string function_id{};
  bulk_cancellation cancellation{};  // without its function
};

/// Reads a request. \throws payload_error with a server's message
wanted read(const std::string& body);

/// A bulk cancellation of a function of the app.
json described(const bulk_cancellation& cancellation, const std::string& app_id);

/// Converts a cancellation to the text that the engine's store holds, and back; `nullopt` for any other text.
std::string text_of(const bulk_cancellation& cancellation);
std::optional<bulk_cancellation> from_text(const std::string& text);

http::response answer(const json& data);
http::response refusal(int status, const std::string& problem);

}  // namespace inngest::inline INNGEST_ABI::embedded::cancellation_api

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/cancellation_api.ipp>
#endif
