#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <inngest/error.hpp>
#include <inngest/json.hpp>

// Reading what several providers' answers have in common.

namespace inngest::ai::detail {

/// The text of a message: text itself, or that of its parts of the given type.
inline std::string text_of(const json& content, std::string_view type) {
  if (content.is_string()) return content.get<std::string>();
  std::string out;
  if (!content.is_array()) return out;
  for (const json& part : content) {
    if (part.is_object() && part.value("type", json()) == type && part.contains("text") &&
        part["text"].is_string())
      out += part["text"].get_ref<const std::string&>();
  }
  return out;
}

/// Some endpoints answer with status 200 and an error in the body.
inline void require_no_error(const std::optional<json>& error) {
  if (!error) return;
  const json* words = error->is_object() && error->contains("message") ? &error->at("message") : &*error;
  throw non_retriable_error("the model's provider answered with an error: " +
                            (words->is_string() ? words->get<std::string>() : encode(*error)));
}

}  // namespace inngest::ai::detail
