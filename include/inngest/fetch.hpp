#pragma once

#include <map>
#include <string>

#include <inngest/config.hpp>
#include <inngest/json.hpp>

namespace inngest::inline INNGEST_ABI {

/// An HTTP request that the server makes for a step. The app does not wait for it and need not keep running.
struct fetch_request {
  /// An absolute URL. Encode what comes from elsewhere, for example with http::percent_encoded: a URL with
  /// spaces, line ends or other control characters is refused, and the run fails, because it could become
  /// another request.
  std::string url;
  /// The HTTP method.
  std::string method = "GET";
  /// Header names and values. "host" and fields of the connection, such as "content-length", are ignored.
  /// A run whose fetch has a name that is no token of HTTP fails.
  std::map<std::string, std::string> headers{};
  /// The request's body.
  std::string body{};
};

/// The response to a fetch_request. Any status is a response, not an error.
struct fetch_response {
  /// The HTTP status.
  int status_code = 0;
  /// Header names and values.
  std::map<std::string, std::string> headers{};
  /// The response's body, as text: bytes that are not UTF-8 become U+FFFD.
  std::string body{};
  /// The final URL, after at most ten redirects.
  std::string url{};

  /// The body, read as JSON. \throws payload_error when it does not fit the type.
  template <json_convertible T = inngest::json>
  T json() const {
    return decode<T>(body, "body");
  }
};
INNGEST_FIELDS(fetch_response, status_code, headers, body, url)
INNGEST_DEFAULTS(fetch_response, headers, body, url)

}  // namespace inngest::inline INNGEST_ABI
