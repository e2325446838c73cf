#pragma once

#include <utility>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/run_errors.hpp>
#include <inngest/protocol/headers.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE std::string text_of(const run_error& error) {
  const auto complete = [&](json told) {
    const auto has = [&](const char* key) { return told.contains(key) && told[key].is_string(); };
    if (!told.is_object() || (has("name") && has("message"))) return error.text;
    if (!has("name")) told["name"] = error.name;
    if (!has("message")) told["message"] = error.message;
    return told.dump(-1, ' ', false, json::error_handler_t::replace);
  };
  if (!error.text.empty()) return complete(json::parse(error.text, nullptr, false));
  return detail::json_object_text().add("name", error.name).add("message", error.message).text();
}

INNGEST_INLINE std::string short_text_of(const run_error& error) {
  constexpr std::size_t longest = 8192;
  std::string whole = text_of(error);
  if (whole.size() <= longest) return whole;
  const json told = json::parse(whole, nullptr, false);
  json out{{"name", shortened(error.name, 200)}, {"message", shortened(error.message, 2000)}};
  if (told.is_object() && told.contains("stack") && told["stack"].is_string())
    out["stack"] = shortened(told["stack"].get_ref<const std::string&>(), longest / 2);
  return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

INNGEST_INLINE run_error read_error(std::string_view text) {
  const json body = detail::has_overlooked_bytes(text) ? json() : json::parse(text, nullptr, false);
  const auto member = [&](const char* key, const char* otherwise) {
    const bool found = body.is_object() && body.contains(key) && body[key].is_string();
    return found ? body[key].get<std::string>() : std::string(otherwise);
  };
  return {.name = member("name", "Error"),
          .message = member("message", ""),
          .text = body.is_object() ? std::string(text) : std::string()};
}

INNGEST_INLINE std::string standard_text_of(const run_error& error, const std::string& problem) {
  const json whole = json::parse(text_of(error), nullptr, false);
  json out{
      {"error", problem.empty() ? error.message : problem}, {"name", error.name}, {"message", error.message}};
  for (const char* key : {"error", "name", "message", "stack"}) {
    const bool has =
        whole.is_object() && whole.contains(key) && whole[key].is_string() && !whole[key].empty();
    if (has && !whole[key].get_ref<const std::string&>().empty()) out[key] = whole[key];
  }
  if (whole.is_object() && whole.contains("cause")) out["cause"] = whole["cause"];
  return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

INNGEST_INLINE std::string problem_of(const http::response& answer) {
  if (answer.status == 0) return {};
  if (answer.headers.find(protocol::header::no_retry) == "true") return "NonRetriableError";
  return "invalid status code: " + std::to_string(answer.status);
}

/// The error of an answer that does not come from an SDK.
INNGEST_INLINE run_error upstream_error(const http::response& answer) {
  constexpr std::size_t longest = 8192;
  run_error out{"Server returned a fatal error",
                "Your server returned HTTP " + std::to_string(answer.status) + " before the SDK responded."};
  std::string stack =
      "A proxy or load balancer in front of the app may have answered, or the app could not respond.";
  if (!answer.body.empty()) {
    const std::string type(answer.headers.find("content-type").value_or("unknown content-type"));
    stack += "\n\nThe response (" + type + "):\n" + answer.body.substr(0, longest);
    if (answer.body.size() > longest) stack += "\n... (truncated)";
  }
  const json text{{"error", out.message}, {"name", out.name}, {"message", out.message}, {"stack", stack}};
  out.text = text.dump(-1, ' ', false, json::error_handler_t::replace);  // the body may be cut or binary
  return out;
}

INNGEST_INLINE std::string refused_signature(const http::response& answer) {
  if (answer.status != 401) return {};
  std::string said = read_error(std::string_view(answer.body)).message;
  const bool is_of_sdk = answer.headers.find(protocol::header::sdk).has_value();
  if (said.empty() && !is_of_sdk) return {};
  if (said.empty()) said = detail::to_printable(shortened(answer.body));
  return "the app refused the call with HTTP 401" + (said.empty() ? said : " (" + said + ")") +
         ": its signing key is not the engine's, or only one of them has a key";
}

INNGEST_INLINE run_error read_error(const http::response& answer) {
  if (answer.status == 0) return {"Error", answer.body};
  if (std::string refusal = refused_signature(answer); !refusal.empty()) return {"Error", std::move(refusal)};
  if (!answer.headers.find(protocol::header::sdk)) return upstream_error(answer);
  run_error out = read_error(std::string_view(answer.body));
  if (!out.message.empty()) return out;
  const bool is_text = out.text.empty() && answer.body.find_first_not_of(" \t\r\n") != std::string::npos;
  out.message = is_text ? detail::to_printable(answer.body) : problem_of(answer);
  return out;
}

INNGEST_INLINE std::string shortened(std::string_view text, std::size_t longest) {
  if (text.size() <= longest) return std::string(text);
  std::size_t end = longest;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "...";
}

}  // namespace inngest::inline INNGEST_ABI::embedded
