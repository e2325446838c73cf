#pragma once

#include <inngest/config.hpp>
#include <inngest/embedded/detail/run_errors.hpp>

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

INNGEST_INLINE run_error read_error(const http::response& answer) {
  run_error out = read_error(std::string_view(answer.body));
  if (out.message.empty()) {
    out.message = "the app answered with status " + std::to_string(answer.status);
    out.text.clear();
  }
  return out;
}

INNGEST_INLINE std::string shortened(const std::string& text) {
  constexpr std::size_t longest = 160;
  if (text.size() <= longest) return text;
  std::size_t end = longest;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "...";
}

}  // namespace inngest::inline INNGEST_ABI::embedded
