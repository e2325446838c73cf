#pragma once

#include <algorithm>
#include <cstddef>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/detail/keys.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE std::string trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(white_space);
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(white_space) + 1 - first));
}

INNGEST_INLINE bool has_control_characters(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
}

INNGEST_INLINE std::string checked_key(const std::string& name, std::string_view given, bool is_event_key) {
  std::string key = trimmed(given);
  const auto refuse = [&](const std::string& problem) { throw configuration_error(name + " " + problem); };
  for (std::size_t i = 0; i < key.size(); ++i) {
    const auto byte = static_cast<unsigned char>(key[i]);
    const std::string place = " at character " + std::to_string(i + 1) + " of " + std::to_string(key.size());
    if ((byte == ' ' && !is_event_key) || (byte >= '\t' && byte <= '\r'))
      refuse("contains white space," + place + ": was more than the key copied?");
    if (byte == '"' || byte == '\'') refuse("has a quote in it," + place + ": give the key without quotes");
    if (byte < ' ' || byte >= 0x7f) refuse("contains a character that is not valid in a key," + place);
  }
  constexpr std::string_view start = "signkey-";
  if (key.starts_with(start) && key.ends_with('-') && key.find('-', start.size()) == key.size() - 1)
    refuse("is empty after its prefix");
  return key;
}

}  // namespace inngest::inline INNGEST_ABI::detail
