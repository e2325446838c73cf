#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include <inngest/detail/json_text.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/http.hpp>
#include <inngest/json.hpp>

namespace inngest::embedded {

inline std::string words_of(const run_error& error) { return error.name + ": " + error.message; }

/// The error as JSON: as the app told it, or the engine's own.
inline std::string text_of(const run_error& error) {
  if (!error.text.empty()) return error.text;
  return detail::json_object_text().add("name", error.name).add("message", error.message).text();
}

/// The memo of a step that failed so.
inline std::string memo_of(const run_error& error) { return "{\"error\":" + text_of(error) + "}"; }

/// An error as an app reported it. One without a name is called "Error", as a server does: whoever reads it
/// finds a name and a message.
inline run_error read_error(std::string_view text) {
  json body = json::parse(text, nullptr, false);
  run_error out{.name = "Error"};
  if (!body.is_object()) return out;
  out.text = text;
  for (const auto& [key, value] : {std::pair("name", &out.name), std::pair("message", &out.message)}) {
    if (const auto found = body.find(key); found != body.end() && found->is_string()) {
      *value = found->get<std::string>();
      continue;
    }
    body[key] = *value;
    out.text = body.dump(-1, ' ', false, json::error_handler_t::replace);
  }
  return out;
}

inline run_error read_error(const http::response& answer) {
  run_error out = read_error(std::string_view(answer.body));
  if (out.message.empty()) {
    out.message = "the app answered with status " + std::to_string(answer.status);
    out.text.clear();
  }
  return out;
}

/// Enough of a text to recognize it by, cut between characters.
inline std::string shortened(const std::string& text) {
  constexpr std::size_t longest = 160;
  if (text.size() <= longest) return text;
  std::size_t end = longest;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "...";
}

}  // namespace inngest::embedded
