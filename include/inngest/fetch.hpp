#pragma once

#include <map>
#include <string>

#include <inngest/json.hpp>

namespace inngest {

/// An HTTP request that the server makes for a step: the app need not run, nor wait, meanwhile.
struct fetch_request {
  std::string url;
  std::string method = "GET";
  std::map<std::string, std::string> headers{};
  std::string body{};
};

/// What came of it. Any status is an answer.
struct fetch_response {
  int status_code = 0;
  std::map<std::string, std::string> headers{};
  std::string body{};
  /// Where the answer came from, after redirects.
  std::string url{};

  /// The body's JSON. \throws payload_error when it does not fit.
  template <json_convertible T = inngest::json>
  T json() const {
    return decode<T>(body, "body");
  }
};
INNGEST_FIELDS(fetch_response, status_code, headers, body, url)
INNGEST_DEFAULTS(fetch_response, headers, body, url)

}  // namespace inngest
