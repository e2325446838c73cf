#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/http.hpp>
#include <inngest/protocol/operation.hpp>

// Runs that begin with a request to an endpoint: the event that describes the request, the stored response,
// and the requests with which an app begins such a run on a server.

namespace inngest::inline INNGEST_ABI::protocol {

/// The name of the event. When a server continues the run, it forwards only requests of this event.
inline constexpr const char* http_event_name = "inngest/http.request";

/// What a server stores of the request that began a run.
struct http_event {
  /// Method, URL with origin and query, body, and of the header fields only content-type.
  http::request request{};
  /// The client's address as reported by a proxy or the framework; may be empty.
  std::string ip{};
  /// The endpoint's id; empty for one that is identified by its method and path.
  std::string function{};
};

/// The event's `data`. The body is written as base64, because servers decode it.
std::string write_http_data(const http_event& event);

/// The whole event.
std::string write_http_event(const http_event& event, std::int64_t milliseconds);

/// Reads an event. A body that is not base64 is read as plain text, because some SDKs send plain text.
/// \throws payload_error when the text is not a JSON object or has members of wrong types.
http_event read_http_event(std::string_view event);

/// Appends the response in the form in which servers store it: `{"status":..,"headers":{..},"body":".."}`. Of
/// several fields with the same name, only the last is stored. A body that is not UTF-8 is written as base64.
void write_http_result(std::string& out, const http::response& response);

/// Whether the text is a response as written by write_http_result, and not one that middleware has changed.
bool is_http_result(std::string_view text);

/// A stored response that contains a text made by middleware from the original one, for example by
/// encryption.
std::string sealed_http_result(int status, std::string_view text);

/// A stored response that was read.
struct http_result {
  http::response response{};
  /// Whether the body is a text that middleware made from a stored response.
  bool is_sealed = false;
};

/// Reads a stored response; `nullopt` for any other text.
std::optional<http_result> read_http_result(std::string_view text);

/// Reads a stored response from a server's answer; `nullopt` when the answer is not a stored response.
std::optional<http_result> read_http_result(http::response answer);

/// Registers a run that the app has begun with a server, together with the operations so far.
http::request begin_run_request(std::string_view run_id, std::string_view event, int retries,
                                std::string_view operations);

/// The server's ids for a run that an app has begun.
struct begun_run_ids {
  std::string function{};
  std::string app{};
  /// Grants access to the run's response. Only the client may know it.
  std::string token{};
};

/// Reads the answer to begin_run_request(). \throws payload_error
begun_run_ids read_begun_run(std::string_view answer);

/// Reports further operations of a run that the app has begun.
http::request report_request(std::string_view run_id, const begun_run_ids& ids, std::string_view operations);

/// Requests the response of a run.
http::request run_output_request(std::string_view run_id, std::string_view token);

}  // namespace inngest::inline INNGEST_ABI::protocol

#if !defined(INNGEST_COMPILED)
#include <inngest/protocol/impl/http_run.ipp>
#endif
