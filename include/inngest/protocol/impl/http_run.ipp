#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <map>
#include <span>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/detail/base64.hpp>
#include <inngest/detail/utf8.hpp>
#include <inngest/error.hpp>
#include <inngest/json.hpp>
#include <inngest/json/detail/codec.hpp>
#include <inngest/json/detail/text.hpp>
#include <inngest/protocol/api.hpp>
#include <inngest/protocol/headers.hpp>
#include <inngest/protocol/http_run.hpp>

namespace inngest::inline INNGEST_ABI::protocol {

namespace http_run {

/// A header field that tells how to read a stored body, followed by the names of the header fields that the
/// endpoint has set. A server adds others when it sends a stored response.
inline constexpr const char* marker = "x-inngest-result";

INNGEST_INLINE std::string to_base64(const std::string& bytes) {
  return detail::to_base64(std::span(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()));
}

/// The origin of an absolute URL; empty for a path.
INNGEST_INLINE std::string origin_of(const std::string& url) {
  const std::size_t scheme = url.find("://");
  return scheme == std::string::npos ? std::string() : url.substr(0, url.find_first_of("/?#", scheme + 3));
}

INNGEST_INLINE std::string query_of(const std::string& url) {
  const std::size_t mark = url.find('?');
  if (mark == std::string::npos) return {};
  return url.substr(mark + 1, url.find('#', mark) - mark - 1);
}

INNGEST_INLINE std::string text_of(const detail::json_buffer& object, std::string_view name) {
  const std::string_view found = detail::find_member(object, name);
  return found.empty() || found == "null" ? std::string() : decode<std::string>(found, std::string(name));
}

/// Writes a stored response, in which every field has one value.
INNGEST_INLINE void write(std::string& out, int status, const std::map<std::string, std::string>& fields,
                          std::string_view how, std::string_view body) {
  detail::json_object_text headers;
  std::string marked(how);
  for (const auto& [name, value] : fields) {
    headers.add(name, value);
    marked += " " + name;
  }
  headers.add(marker, marked);
  out += "{\"status\":" + std::to_string(status) + ",\"headers\":" + headers.text() + ",\"body\":";
  detail::write_quoted(out, body);
  out += '}';
}

/// Restores what the marker describes.
INNGEST_INLINE std::optional<http_result> restore(http::response stored) {
  const auto found = stored.headers.find(marker);
  if (!found) return std::nullopt;
  const std::string text(*found);
  std::string_view rest = text;
  const auto next = [&] {
    const std::string_view word = rest.substr(0, rest.find(' '));
    rest.remove_prefix((std::min)(word.size() + 1, rest.size()));
    return word;
  };
  const std::string_view how = next();
  http_result out{.is_sealed = how == "sealed"};
  out.response.status = stored.status;
  out.response.body = std::move(stored.body);
  if (how == "base64") {
    auto bytes = detail::from_base64(out.response.body);
    if (!bytes) return std::nullopt;
    out.response.body = *std::move(bytes);
  }
  while (!rest.empty()) {
    const std::string name(next());
    if (const auto value = stored.headers.find(name)) out.response.headers.add(name, std::string(*value));
  }
  return out;
}

}  // namespace http_run

INNGEST_INLINE std::string write_http_data(const http_event& event) {
  const http::request& request = event.request;
  detail::json_object_text out;
  out.add("domain", http_run::origin_of(request.url)).add("method", request.method);
  out.add("path", request.path()).add("fn", event.function).add("ip", event.ip);
  out.add("content_type", request.headers.find(header::content_type).value_or(""));
  out.add("query_params", http_run::query_of(request.url));
  return out.add("body", http_run::to_base64(request.body)).text();
}

INNGEST_INLINE std::string write_http_event(const http_event& event, std::int64_t milliseconds) {
  return detail::json_object_text()
      .add("name", http_event_name)
      .add_raw("data", write_http_data(event))
      .add("ts", milliseconds)
      .text();
}

INNGEST_INLINE http_event read_http_event(std::string_view event) {
  const detail::json_buffer whole{std::string(event)};
  const std::string_view found = detail::find_member(whole, "data");
  if (found.empty()) throw payload_error("data", "missing");
  const detail::json_buffer data{std::string(found)};
  http_event out{.ip = http_run::text_of(data, "ip"), .function = http_run::text_of(data, "fn")};
  const std::string method = http_run::text_of(data, "method");
  if (!method.empty()) out.request.method = method;
  const std::string path = http_run::text_of(data, "path");
  out.request.url = http_run::text_of(data, "domain") + (path.empty() ? "/" : path);
  if (const std::string query = http_run::text_of(data, "query_params"); !query.empty())
    out.request.url += "?" + query;
  if (std::string type = http_run::text_of(data, "content_type"); !type.empty())
    out.request.headers.add(header::content_type, std::move(type));
  std::string body = http_run::text_of(data, "body");
  auto bytes = detail::from_base64(body);
  out.request.body = bytes ? *std::move(bytes) : std::move(body);
  return out;
}

INNGEST_INLINE void write_http_result(std::string& out, const http::response& response) {
  std::map<std::string, std::string> fields;
  for (const auto& [name, value] : response.headers) fields[detail::lower_case(name)] = value;
  const bool is_text = detail::is_utf8(response.body);
  http_run::write(out, response.status, fields, is_text ? "plain" : "base64",
                  is_text ? response.body : http_run::to_base64(response.body));
}

INNGEST_INLINE bool is_http_result(std::string_view text) { return text.starts_with("{\"status\":"); }

INNGEST_INLINE std::string sealed_http_result(int status, std::string_view text) {
  std::string out;
  http_run::write(out, status, {{header::content_type, "application/json"}}, "sealed", text);
  return out;
}

INNGEST_INLINE std::optional<http_result> read_http_result(std::string_view text) {
  try {
    const detail::json_buffer whole{std::string(text)};
    const std::string_view status = detail::find_member(whole, "status");
    if (status.empty()) return std::nullopt;
    http::response stored{.status = decode<int>(status, "status")};
    if (stored.status < 100 || stored.status > 999) return std::nullopt;
    if (const std::string_view headers = detail::find_member(whole, "headers"); !headers.empty()) {
      for (auto& [name, value] : decode<std::map<std::string, std::string>>(headers, "headers"))
        stored.headers.add(name, value);
    }
    stored.body = http_run::text_of(whole, "body");
    if (stored.headers.find(http_run::marker)) return http_run::restore(std::move(stored));
    return http_result{.response = std::move(stored)};  // from another SDK
  } catch (const payload_error&) {
    return std::nullopt;
  }
}

INNGEST_INLINE std::optional<http_result> read_http_result(http::response answer) {
  return http_run::restore(std::move(answer));
}

INNGEST_INLINE http::request begin_run_request(std::string_view run_id, std::string_view event, int retries,
                                               std::string_view operations) {
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  return json_request("/v1/checkpoint", detail::json_object_text()
                                            .add("run_id", run_id)
                                            .add_raw("event", event)
                                            .add_raw("steps", operations)
                                            .add("ts", std::int64_t{now.time_since_epoch().count()})
                                            .add("request_version", 2)
                                            .add("retries", retries)
                                            .text());
}

INNGEST_INLINE begun_run_ids read_begun_run(std::string_view answer) {
  const detail::json_buffer whole{std::string(answer)};
  const detail::json_buffer data{std::string(detail::find_member(whole, "data"))};
  return {.function = http_run::text_of(data, "fn_id"),
          .app = http_run::text_of(data, "app_id"),
          .token = http_run::text_of(data, "token")};
}

INNGEST_INLINE http::request report_request(std::string_view run_id, const begun_run_ids& ids,
                                            std::string_view operations) {
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  return json_request("/v1/checkpoint/" + http::percent_encoded(run_id) + "/steps",
                      detail::json_object_text()
                          .add("run_id", run_id)
                          .add("fn_id", ids.function)
                          .add("app_id", ids.app)
                          .add_raw("steps", operations)
                          .add("ts", std::int64_t{now.time_since_epoch().count()})
                          .text());
}

INNGEST_INLINE http::request run_output_request(std::string_view run_id, std::string_view token) {
  return {.method = "GET",
          .url = "/v1/http/runs/" + http::percent_encoded(run_id) +
                 "/output?token=" + http::percent_encoded(token)};
}

}  // namespace inngest::inline INNGEST_ABI::protocol
