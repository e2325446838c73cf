#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include <inngest/config.hpp>

// The rules for ASCII characters. They do not depend on the locale, and leave bytes beyond ASCII as they are.

namespace inngest::inline INNGEST_ABI::detail {

/// What is_space() accepts, for searching.
inline constexpr std::string_view white_space = " \t\r\n\v\f";

constexpr bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

constexpr bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

constexpr bool is_upper_case(char c) { return c >= 'A' && c <= 'Z'; }

constexpr bool is_lower_case(char c) { return c >= 'a' && c <= 'z'; }

constexpr bool is_letter(char c) { return is_lower_case(c) || is_upper_case(c); }

constexpr bool is_letter_or_digit(char c) { return is_letter(c) || is_digit(c); }

/// The small letter of a capital one; other characters stay.
constexpr char to_lower(char c) { return is_upper_case(c) ? static_cast<char>(c + ('a' - 'A')) : c; }

/// The capital letter of a small one; other characters stay.
constexpr char to_upper(char c) { return is_lower_case(c) ? static_cast<char>(c + ('A' - 'a')) : c; }

/// The text with small letters only.
inline std::string lower_case(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), to_lower);
  return out;
}

/// The text with capital letters only.
inline std::string upper_case(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), to_upper);
  return out;
}

/// The text with spaces instead of line breaks and other control characters, which could forge another line.
inline std::string on_one_line(std::string_view text) {
  std::string out(text);
  std::replace_if(out.begin(), out.end(), is_control, ' ');
  return out;
}

/// Whether the texts are equal, ignoring the case of letters.
constexpr bool same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return x == y || to_lower(x) == to_lower(y); });
}

/// Whether the text is empty or white space. Asked for every replayed step, so it has a lambda: GCC would
/// call is_space() through a pointer for each character.
constexpr bool is_blank(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return is_space(c); });
}

/// Whether the text is one digit or more, and nothing else.
constexpr bool has_only_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return is_digit(c); });
}

}  // namespace inngest::inline INNGEST_ABI::detail
