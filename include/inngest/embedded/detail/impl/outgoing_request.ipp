#pragma once

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/embedded/detail/outgoing_request.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE std::string outgoing_text(const reported_operation& op) {
  return detail::json_object_text()
      .add("op", op.op)
      .add_raw("opts", op.options.empty() ? "{}" : op.options)
      .text();
}

}  // namespace inngest::inline INNGEST_ABI::embedded

namespace inngest::inline INNGEST_ABI::embedded::outgoing {

INNGEST_INLINE void authorize(http::request& request, const std::string& format, const std::string& key) {
  if (key.empty()) return;  // a model on this machine needs none
  if (format == "gemini")
    request.url +=
        (request.url.find('?') == std::string::npos ? "?key=" : "&key=") + http::percent_encoded(key);
  else if (format == "bedrock")
    request.headers.add("authorization", key);
  else if (format == "anthropic")
    request.headers.add("x-api-key", key);
  else
    request.headers.add("authorization", "Bearer " + key);
}

/// Whether a step may set a field. Others are ignored: they are about the connection, which is the engine's.
INNGEST_INLINE bool may_be_set(std::string_view name) {
  constexpr std::array<std::string_view, 4> others{"host", "te", "expect", "proxy-connection"};
  return !detail::is_framing_field(name) &&
         std::none_of(others.begin(), others.end(),
                      [&](std::string_view field) { return detail::same_word(field, name); });
}

}  // namespace inngest::inline INNGEST_ABI::embedded::outgoing

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE http::request outgoing_request(const std::string& text) {
  const json request = detail::parse_dom(text);
  const json& options = request.at("opts");
  const auto option = [&](const char* name) {
    const auto found = options.find(name);
    return found != options.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  http::request out{.method = "POST", .url = option("url")};
  if (const auto problem = detail::url_problem(out.url)) throw payload_error("url", *problem);
  if (outgoing::asks_model(request)) {
    out.headers.add("content-type", "application/json");
    outgoing::authorize(out, option("format"), option("auth_key"));
    const auto body = options.find("body");
    out.body = body == options.end() ? "{}" : body->dump();
  } else {
    if (!option("method").empty()) out.method = option("method");
    if (!detail::is_http_token(out.method))
      throw payload_error("method", "not a method of HTTP: \"" + out.method + "\"");
    out.body = option("body");
  }
  const json headers = options.value("headers", json());
  if (headers.is_object()) {
    for (const auto& [name, value] : headers.items()) {
      if (value.is_string() && outgoing::may_be_set(name)) out.headers.add(name, value.get<std::string>());
    }
  }
  if (const auto problem = detail::fields_problem(out.headers)) throw payload_error("headers", *problem);
  return out;
}

INNGEST_INLINE std::optional<run_error> outgoing_problem(const std::string& text,
                                                         const http::response& answer) {
  const bool is_model = outgoing::asks_model(detail::parse_dom(text));
  if (answer.status != 0 && (!is_model || answer.status < 300)) return std::nullopt;
  const std::string why =
      answer.status == 0 ? answer.body : "unsuccessful status code: " + std::to_string(answer.status);
  if (!is_model) return run_error{"GatewayError", "Error making gateway request: " + why};
  run_error out{"AIGatewayError", "Error making AI request: " + why};
  if (answer.status != 0) {  // the provider's explanation
    out.text = detail::json_object_text()
                   .add("name", out.name)
                   .add("message", out.message)
                   .add("stack", answer.body)
                   .text();
  }
  return out;
}

INNGEST_INLINE std::string outgoing_result(const std::string& text, const http::response& answer) {
  const json request = detail::parse_dom(text);
  if (outgoing::asks_model(request)) return encode(detail::parse_dom(answer.body));
  json headers = json::object();
  for (const auto& [name, value] : answer.headers) {
    if (name == final_url_field) continue;
    const auto [found, is_new] = headers.emplace(name, value);
    if (!is_new) *found = found->get<std::string>() + "," + value;
  }
  const auto final_url = answer.headers.find(final_url_field);
  const json out{{"url", final_url ? std::string(*final_url) : request.at("opts").value("url", "")},
                 {"headers", std::move(headers)},
                 {"body", answer.body},
                 {"status_code", answer.status}};
  return out.dump(-1, ' ', false, json::error_handler_t::replace);  // the body may be binary
}

}  // namespace inngest::inline INNGEST_ABI::embedded
