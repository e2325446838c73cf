#pragma once

#include <inngest/ai/detail/answers.hpp>
#include <inngest/config.hpp>

namespace inngest::inline INNGEST_ABI::ai::detail {

INNGEST_INLINE std::string text_of(const json& content, std::string_view type) {
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

INNGEST_INLINE void require_no_error(const std::optional<json>& error) {
  if (!error) return;
  const json* words = error->is_object() && error->contains("message") ? &error->at("message") : &*error;
  throw non_retriable_error("the model's provider answered with an error: " +
                            (words->is_string() ? words->get<std::string>() : encode(*error)));
}

}  // namespace inngest::inline INNGEST_ABI::ai::detail
