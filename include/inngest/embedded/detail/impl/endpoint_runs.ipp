#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/detail/crypto.hpp>
#include <inngest/detail/hex.hpp>
#include <inngest/embedded/detail/endpoint_runs.hpp>
#include <inngest/embedded/detail/path_parts.hpp>
#include <inngest/embedded/detail/received_json.hpp>
#include <inngest/json/detail/text.hpp>
#include <inngest/protocol/headers.hpp>
#include <inngest/protocol/http_run.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

namespace endpoint {

/// The parts of the path after one of the two prefixes that SDKs use; `nullopt` for other paths.
INNGEST_INLINE std::optional<std::vector<std::string>> rest_of(const std::string& path) {
  const std::vector<std::string> parts = detail::path_parts(path);
  for (const std::vector<std::string>& prefix :
       {std::vector<std::string>{"v1", "checkpoint"}, std::vector<std::string>{"v1", "http", "runs"}}) {
    if (parts.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), parts.begin()))
      return std::vector(parts.begin() + static_cast<std::ptrdiff_t>(prefix.size()), parts.end());
  }
  return std::nullopt;
}

INNGEST_INLINE bool is_ulid(std::string_view text) {
  return text.size() == 26 && std::all_of(text.begin(), text.end(), [](char c) {
           return detail::is_digit(c) || detail::is_upper_case(c);
         });
}

/// SDKs expect the ids of functions and apps to be UUIDs, and send them back. This one encodes a number.
INNGEST_INLINE std::string uuid_of(std::uint64_t number) {
  std::array<std::uint8_t, 8> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[7 - i] = static_cast<std::uint8_t>(number >> (8 * i));
  const std::string hex = detail::to_hex(bytes);
  return "00000000-0000-4000-" + ("8" + hex.substr(1, 3)) + "-" + hex.substr(4);
}

INNGEST_INLINE std::uint64_t number_of(const std::string& uuid) {
  if (uuid.size() != 36) return 0;
  const std::string hex = "0" + uuid.substr(20, 3) + uuid.substr(24);
  std::uint64_t out = 0;
  std::from_chars(hex.data(), hex.data() + hex.size(), out, 16);
  return out;
}

/// The registration of a remote endpoint.
INNGEST_INLINE std::string definition_of(const begun_run_request& begun, const std::string& slug) {
  using detail::json_object_text;
  const std::string runtime =
      json_object_text().add("type", "endpoint").add("url", begun.domain + begun.path).text();
  const std::string step = json_object_text()
                               .add("id", "step")
                               .add("name", begun.function)
                               .add_raw("runtime", runtime)
                               .add_raw("retries", json_object_text().add("attempts", begun.retries).text())
                               .text();
  return json_object_text()
      .add("id", slug)
      .add("name", begun.function)
      .add_raw("triggers", "[]")
      .add_raw("steps", json_object_text().add_raw("step", step).text())
      .text();
}

INNGEST_INLINE http::response answer_of(int status, std::string body) {
  return {.status = status, .headers = {{"content-type", "application/json"}}, .body = std::move(body)};
}

INNGEST_INLINE http::response refusal(int status, const std::string& problem) {
  return answer_of(status, detail::json_object_text().add("error", problem).add("status", status).text());
}

INNGEST_INLINE std::int64_t seconds_of(timestamp now) {
  return std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
}

INNGEST_INLINE std::chrono::milliseconds max_wait(const http::request& request) {
  const std::string_view text = request.headers.find(protocol::header::max_wait).value_or("");
  std::uint32_t out = 0;
  const auto [stop, problem] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (text.empty() || problem != std::errc{} || stop != text.data() + text.size())
    return (std::chrono::milliseconds::max)();
  return std::chrono::milliseconds(out);
}

/// A stored response in the form in which it is sent, with the header field by which its app recognizes it.
INNGEST_INLINE std::optional<http::response> sent(std::string_view stored) {
  if (!protocol::read_http_result(stored)) return std::nullopt;
  const json read = detail::parse_dom(stored);
  http::response out{.status = read.at("status").get<int>(), .body = read.value("body", "")};
  const json headers = read.value("headers", json::object());
  for (const auto& [name, value] : headers.items()) out.headers.add(name, value.get<std::string>());
  return out;
}

}  // namespace endpoint

INNGEST_INLINE bool is_endpoint_route(const http::request& request) {
  const auto rest = endpoint::rest_of(request.path());
  if (!rest) return false;
  if (rest->empty()) return request.method == "POST";
  if (rest->size() != 2) return false;
  return (request.method == "POST" && rest->back() == "steps") || is_response_route(request);
}

INNGEST_INLINE bool is_response_route(const http::request& request) {
  const auto rest = endpoint::rest_of(request.path());
  return rest && rest->size() == 2 && rest->back() == "output" &&
         (request.method == "GET" || request.method == "HEAD");
}

INNGEST_INLINE begun_run_request read_begun_run_request(const std::string& body) {
  const detail::json_buffer whole(body);
  begun_run_request out{.run_id = detail::find_text(body, "run_id")};
  if (!endpoint::is_ulid(out.run_id)) throw payload_error("run_id", "not a ULID");
  const std::string event(detail::find_member(whole, "event"));
  const detail::json_buffer event_buffer(event);
  const std::string data(detail::find_member(event_buffer, "data"));
  check_received_json(data, detail::json_path("event"));
  const auto text = [&](const char* name, bool is_required) {
    std::string found = detail::find_text(data, name);
    if (is_required && found.empty()) throw payload_error(std::string("event.data.") + name, "missing");
    return found;
  };
  out.domain = text("domain", true);
  out.path = text("path", true);
  if (!out.path.starts_with('/')) throw payload_error("event.data.path", "does not begin with /");
  out.function = text("fn", false);
  if (out.function.empty()) out.function = text("method", true) + " " + out.path;
  out.event.name = detail::find_text(event, "name");
  if (!detail::valid_event_name(out.event.name)) out.event.name = protocol::http_event_name;
  out.event.data = data;
  out.operations = detail::find_member(whole, "steps");
  if (out.operations.empty() || out.operations == "null") out.operations = "[]";
  read_operations(out.operations);
  const std::string_view retries = detail::find_member(whole, "retries");
  if (!retries.empty() && retries != "null") out.retries = decode<int>(retries, "retries");
  out.retries = out.retries < 0 ? 4 : (std::min)(out.retries, 20);
  return out;
}

INNGEST_INLINE std::string response_token(std::string_view secret, std::string_view run_id,
                                          std::int64_t expires) {
  const std::string end = std::to_string(expires);
  return end + "." + detail::to_hex(detail::hmac_sha256(secret, run_id, end));
}

INNGEST_INLINE bool is_response_token(std::string_view token, std::string_view secret,
                                      std::string_view run_id, std::int64_t now) {
  std::int64_t expires = 0;
  const std::string_view end = token.substr(0, token.find('.'));
  const auto [stop, problem] = std::from_chars(end.data(), end.data() + end.size(), expires);
  if (problem != std::errc{} || stop != end.data() + end.size() || expires < now) return false;
  return detail::equal_in_constant_time(token, response_token(secret, run_id, expires));
}

}  // namespace inngest::inline INNGEST_ABI::embedded
