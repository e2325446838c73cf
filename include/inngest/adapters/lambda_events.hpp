#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/adapters/detail/lambda_members.hpp>
#include <inngest/config.hpp>
#include <inngest/detail/base64.hpp>
#include <inngest/detail/utf8.hpp>
#include <inngest/error.hpp>
#include <inngest/http.hpp>
#include <inngest/http/detail/status.hpp>
#include <inngest/json/detail/text.hpp>
#include <inngest/protocol/headers.hpp>

// The HTTP events of AWS Lambda as requests, and responses in the forms that their sources expect.

namespace inngest::inline INNGEST_ABI::lambda {

/// The maximum size of a response in bytes that Lambda passes on; it rejects larger ones.
inline constexpr std::size_t max_response_size = 6'291'556;
/// The maximum size of a response in bytes that an Application Load Balancer accepts.
inline constexpr std::size_t max_balancer_response_size = 1024 * 1024;

/// The sources of HTTP events. Their events and responses have different forms.
enum class event_source {
  gateway_v1,     ///< API Gateway's REST APIs, and HTTP APIs with payload format 1.0
  gateway_v2,     ///< API Gateway's HTTP APIs with payload format 2.0, and function URLs
  load_balancer,  ///< Application Load Balancers
};

/// An HTTP event of Lambda.
struct http_event {
  /// Where it comes from.
  event_source source = event_source::gateway_v2;
  /// Whether the response must list all values of a header field, as the event did.
  bool lists_values = false;
  /// The request that it contains.
  http::request request{};
};

namespace detail {

/// Groups fields of the same name, in the order of their first occurrence.
inline std::vector<std::pair<std::string, std::vector<std::string>>> grouped(const http::headers& headers) {
  std::vector<std::pair<std::string, std::vector<std::string>>> out;
  for (const auto& field : headers) {
    const auto known =
        std::find_if(out.begin(), out.end(), [&](const auto& group) { return group.first == field.first; });
    if (known != out.end())
      known->second.push_back(field.second);
    else
      out.push_back({field.first, {field.second}});
  }
  return out;
}

/// A JSON array of texts.
inline std::string listed(const std::vector<std::string>& values) {
  std::string out;
  for (const std::string& value : values) {
    out += out.empty() ? '[' : ',';
    inngest::detail::write_quoted(out, inngest::detail::to_printable(value));
  }
  return out + ']';
}

inline std::string listed_headers(const http::headers& headers) {
  inngest::detail::json_object_text out;
  for (const auto& [name, values] : grouped(headers)) out.add_raw(name, listed(values));
  return out.text();
}

/// Cookies can't be joined: a browser reads them as one. Format 2.0 has a list of its own for them.
inline std::string joined_headers(const http::headers& headers, bool with_cookies) {
  inngest::detail::json_object_text out;
  for (const auto& [name, values] : grouped(headers)) {
    if (!with_cookies && name == "set-cookie") continue;
    std::string joined;
    for (const std::string& value : values) joined += (joined.empty() ? "" : ", ") + value;
    out.add(name, joined);
  }
  return out.text();
}

inline std::string write(const http_event& event, const http::response& answer, bool as_base64) {
  inngest::detail::json_object_text out;
  out.add("statusCode", answer.status);
  if (event.source == event_source::load_balancer)
    out.add("statusDescription",
            std::to_string(answer.status) + ' ' + std::string(inngest::detail::reason_phrase(answer.status)));
  if (event.lists_values)
    out.add_raw("multiValueHeaders", listed_headers(answer.headers));
  else
    out.add_raw("headers", joined_headers(answer.headers, event.source != event_source::gateway_v2));
  if (event.source == event_source::gateway_v2) {
    for (const auto& [name, values] : grouped(answer.headers))
      if (name == "set-cookie") out.add_raw("cookies", listed(values));
  }
  out.add("isBase64Encoded", as_base64);
  if (!as_base64) return out.add("body", answer.body).text();
  const std::span bytes(reinterpret_cast<const std::uint8_t*>(answer.body.data()), answer.body.size());
  return out.add("body", inngest::detail::to_base64(bytes)).text();
}

}  // namespace detail

/// Reads an event. Its path and query are those that the client sent: encoded, and including the stage of API
/// Gateway.
/// \throws payload_error when it is not JSON, or not an HTTP event.
inline http_event read_event(std::string_view event_json) {
  detail::event_members event = detail::read_members(event_json);
  if (event.method.empty() || detail::path_of(event).empty()) {
    throw payload_error({},
                        "not an HTTP event of API Gateway, a function URL or a load balancer: it has no "
                        "method or no path");
  }
  http_event out{.lists_values = event.lists_values};
  if (event.is_from_balancer) out.source = event_source::load_balancer;
  if (!event.is_from_balancer && !event.is_format_2) out.source = event_source::gateway_v1;
  if (event.is_format_2) out.lists_values = false;  // this format has no lists
  const std::string query = detail::query_of(event);
  out.request.method = event.method;
  out.request.url = detail::path_of(event) + (query.empty() ? "" : "?" + query);
  out.request.body = detail::body_of(event);
  for (auto& [name, value] : event.headers) out.request.headers.add(std::move(name), std::move(value));
  std::string cookies;
  for (const std::string& cookie : event.cookies) cookies += (cookies.empty() ? "" : "; ") + cookie;
  if (!cookies.empty() && !out.request.headers.find("cookie")) out.request.headers.add("cookie", cookies);
  return out;
}

/// Writes a response in the form that the event's source expects. If it is larger than Lambda or the load
/// balancer accepts, it becomes an error that is not retried, because it would be rejected each time.
inline std::string write_response(const http_event& event, const http::response& answer) {
  const std::size_t limit =
      event.source == event_source::load_balancer ? max_balancer_response_size : max_response_size;
  // API Gateway's REST APIs decode Base64 only if configured to.
  const bool decodes = event.source != event_source::gateway_v1;
  const bool is_text = inngest::detail::is_utf8(answer.body);
  std::string out = detail::write(event, answer, decodes && !is_text);
  // Escapes may double the size of JSON within JSON; Base64 adds a third.
  if (out.size() > limit && decodes && is_text) out = detail::write(event, answer, true);
  if (out.size() <= limit) return out;
  http::response refusal{.status = 500};
  for (const auto& [name, value] : answer.headers) {
    if (name != protocol::header::no_retry && name != protocol::header::signature)
      refusal.headers.add(name, value);
  }
  refusal.headers.add(protocol::header::no_retry, "true");
  refusal.body = inngest::detail::json_object_text()
                     .add("name", "inngest::too_large")
                     .add("message", "the answer has " + std::to_string(out.size()) +
                                         " bytes, and AWS passes on at most " + std::to_string(limit) +
                                         ": return less from steps, or store large results elsewhere")
                     .text();
  return detail::write(event, refusal, false);
}

}  // namespace inngest::inline INNGEST_ABI::lambda
