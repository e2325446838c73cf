#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/base64.hpp>
#include <inngest/error.hpp>
#include <inngest/http.hpp>
#include <inngest/json/detail/document.hpp>

// Reads the JSON of Lambda's HTTP events.

namespace inngest::inline INNGEST_ABI::lambda::detail {

using inngest::detail::json_path;
using inngest::detail::json_type;
using inngest::detail::json_value;
using inngest::detail::take;

using fields = std::vector<std::pair<std::string, std::string>>;

/// The members of an event that are used, unchanged.
struct event_members {
  std::string method{};     // httpMethod, or requestContext.http.method
  std::string path{};       // as the event says
  std::string raw_path{};   // rawPath: only in format 2.0
  std::string full_path{};  // requestContext.path: with the stage, as the client sent it
  std::string raw_query{};
  std::vector<std::string> cookies{};  // only in format 2.0, whose headers have none
  fields headers{};
  fields query{};
  std::string body{};
  bool is_format_2 = false;
  bool is_base64 = false;
  bool is_from_balancer = false;
  bool lists_values = false;
};

/// Reads a text; null is read as empty.
inline std::string read_text(json_value& value, const json_path& at) {
  if (inngest::detail::is_null(value, at)) return {};
  inngest::detail::expect(value, json_type::string, at, "text");
  return std::string(take(value.get_string(), at));
}

inline bool read_flag(json_value& value, const json_path& at) {
  if (inngest::detail::is_null(value, at)) return false;
  inngest::detail::expect(value, json_type::boolean, at, "true or false");
  return take(value.get_bool(), at);
}

/// Adds the members of an object whose values are texts, or lists of texts.
inline void read_fields(json_value& value, const json_path& at, fields& out) {
  if (inngest::detail::is_null(value, at)) return;
  inngest::detail::expect(value, json_type::object, at, "object");
  for (auto item : inngest::detail::members_of(value, at)) {
    auto field = take(item, at);
    const std::string name(field.key);
    const json_path here(at, name);
    if (inngest::detail::type_of(field.value, here) != json_type::array) {
      out.emplace_back(name, read_text(field.value, here));
      continue;
    }
    for (auto element : inngest::detail::elements_of(field.value, here)) {
      auto text = take(element, here);
      out.emplace_back(name, read_text(text, here));
    }
  }
}

inline std::vector<std::string> read_texts(json_value& value, const json_path& at) {
  std::vector<std::string> out;
  if (inngest::detail::is_null(value, at)) return out;
  for (auto element : inngest::detail::elements_of(value, at)) {
    auto text = take(element, at);
    out.push_back(read_text(text, at));
  }
  return out;
}

/// Reads the fields, unless the event also lists all values of each field and they were already read.
inline void read_single_fields(json_value& value, const json_path& at, fields& out) {
  fields single;
  read_fields(value, at, single);
  if (out.empty()) out = std::move(single);
}

/// Reads lists of values, which replace the single values that API Gateway also sends.
inline bool read_listed_fields(json_value& value, const json_path& at, fields& out) {
  fields listed;
  read_fields(value, at, listed);
  if (listed.empty()) return false;
  out = std::move(listed);
  return true;
}

inline void read_http_context(json_value& value, const json_path& at, event_members& out) {
  if (inngest::detail::is_null(value, at)) return;
  for (auto item : inngest::detail::members_of(value, at)) {
    auto field = take(item, at);
    if (field.key == "method") out.method = read_text(field.value, json_path(at, "method"));
  }
}

inline void read_context(json_value& value, const json_path& at, event_members& out) {
  if (inngest::detail::is_null(value, at)) return;
  for (auto item : inngest::detail::members_of(value, at)) {
    auto field = take(item, at);
    if (field.key == "elb") out.is_from_balancer = true;
    if (field.key == "path") out.full_path = read_text(field.value, json_path(at, "path"));
    if (field.key == "http") read_http_context(field.value, json_path(at, "http"), out);
  }
}

inline void read_member(std::string_view name, json_value& value, event_members& out) {
  const json_path at(name);
  if (name == "httpMethod") out.method = read_text(value, at);
  if (name == "path") out.path = read_text(value, at);
  if (name == "rawPath") {
    out.raw_path = read_text(value, at);
    out.is_format_2 = true;
  }
  if (name == "rawQueryString") out.raw_query = read_text(value, at);
  if (name == "cookies") out.cookies = read_texts(value, at);
  if (name == "headers") read_single_fields(value, at, out.headers);
  if (name == "multiValueHeaders" && read_listed_fields(value, at, out.headers)) out.lists_values = true;
  if (name == "queryStringParameters") read_single_fields(value, at, out.query);
  if (name == "multiValueQueryStringParameters") read_listed_fields(value, at, out.query);
  if (name == "requestContext") read_context(value, at, out);
  if (name == "body") out.body = read_text(value, at);
  if (name == "isBase64Encoded") out.is_base64 = read_flag(value, at);
}

inline event_members read_members(std::string_view event_json) {
  const inngest::detail::json_buffer buffer{std::string(event_json)};
  inngest::detail::json_document document(buffer.text());
  event_members out;
  for (auto item : document.object()) {
    auto field = take(item, json_path());
    const std::string name(field.key);
    read_member(name, field.value, out);
  }
  document.expect_end();
  return out;
}

/// API Gateway decodes parameters; load balancers pass them on as sent.
inline std::string query_of(const event_members& event) {
  if (event.is_format_2) return event.raw_query;
  std::string out;
  for (const auto& [name, value] : event.query) {
    if (!out.empty()) out += '&';
    out += event.is_from_balancer ? name + '=' + value
                                  : http::percent_encoded(name) + '=' + http::percent_encoded(value);
  }
  return out;
}

inline const std::string& path_of(const event_members& event) {
  if (event.is_format_2) return event.raw_path;
  return event.full_path.empty() ? event.path : event.full_path;
}

inline std::string body_of(event_members& event) {
  if (!event.is_base64) return std::move(event.body);
  auto decoded = inngest::detail::from_base64(event.body);
  if (!decoded) throw payload_error("body", "not base64, though isBase64Encoded says so");
  return std::move(*decoded);
}

}  // namespace inngest::inline INNGEST_ABI::lambda::detail
