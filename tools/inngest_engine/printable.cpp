#include "printable.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <iterator>
#include <utility>

namespace terminal {
namespace {

struct character {
  std::uint32_t code = 0;
  std::size_t size = 1;  // bytes
  bool is_valid = false;
};

/// The first character of a non-empty text.
character first_of(std::string_view text) {
  const auto byte = [&](std::size_t at) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(text[at]));
  };
  const std::uint32_t first = byte(0);
  if (first < 0x80) return {first, 1, true};
  const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < size) return {first, 1, false};
  std::uint32_t code = first & (0xffu >> (size + 1));
  for (std::size_t at = 1; at < size; ++at) {
    if ((byte(at) & 0xc0) != 0x80) return {first, 1, false};
    code = code << 6 | (byte(at) & 0x3f);
  }
  const bool is_too_long = (size == 3 && code < 0x800) || (size == 4 && code < 0x10000);
  const bool is_valid = !is_too_long && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
  return is_valid ? character{code, size, true} : character{first, 1, false};
}

using range = std::pair<std::uint32_t, std::uint32_t>;

template <std::size_t Count>
bool is_in(std::uint32_t code, const range (&ranges)[Count]) {
  return std::any_of(std::begin(ranges), std::end(ranges),
                     [&](const range& unsafe) { return code >= unsafe.first && code <= unsafe.second; });
}

bool is_unsafe(std::uint32_t code) {
  static constexpr range unsafe[] = {{0, 0x1f},        {0x7f, 0x9f},      {0x61c, 0x61c},   {0x200b, 0x200b},
                                     {0x200e, 0x200f}, {0x2028, 0x202e},  {0x2060, 0x206f}, {0xfeff, 0xfeff},
                                     {0xfff9, 0xfffb}, {0xe0000, 0xe007f}};
  return is_in(code, unsafe);
}

std::size_t columns_of_character(std::uint32_t code) {
  static constexpr range none[] = {{0x300, 0x36f},   {0x483, 0x489},   {0x591, 0x5bd},   {0x610, 0x61a},
                                   {0x64b, 0x65f},   {0x900, 0x902},   {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff},
                                   {0x200c, 0x200d}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}};
  static constexpr range two[] = {
      {0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0x4dbf},  {0x4e00, 0xa4cf}, {0xac00, 0xd7a3},
      {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},  {0xffe0, 0xffe6}, {0x1f300, 0x1f64f},
      {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd}};
  return is_in(code, none) ? 0 : is_in(code, two) ? 2 : 1;
}

std::string formatted(const char* format, unsigned number) {
  char out[16];
  std::snprintf(out, sizeof out, format, number);
  return out;
}

std::string escape_of(const character& found) {
  if (!found.is_valid || found.code < 0x100) {
    if (found.is_valid && found.code == '\n') return "\\n";
    if (found.is_valid && found.code == '\t') return "\\t";
    if (found.is_valid && found.code == '\r') return "\\r";
    return formatted("\\x%02x", found.code);
  }
  return formatted("\\u{%x}", found.code);
}

/// The JSON escape, in UTF-16.
std::string json_escape_of(std::uint32_t code) {
  if (code < 0x10000) return formatted("\\u%04x", code);
  const std::uint32_t above = code - 0x10000;
  return formatted("\\u%04x", 0xd800 + (above >> 10)) + formatted("\\u%04x", 0xdc00 + (above & 0x3ff));
}

}  // namespace

std::string printable(std::string_view text, lines ends) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const character next = first_of(text);
    const bool is_kept_end = ends == lines::kept && next.is_valid && next.code == '\n';
    if (next.is_valid && (is_kept_end || !is_unsafe(next.code)))
      out += text.substr(0, next.size);
    else
      out += escape_of(next);
    text.remove_prefix(next.size);
  }
  return out;
}

std::string printable_json(const inngest::json& value) {
  const std::string text = value.dump(2, ' ', false, inngest::json::error_handler_t::replace);
  std::string out;
  out.reserve(text.size());
  for (std::string_view rest = text; !rest.empty();) {
    const character next = first_of(rest);
    if (next.code == '\n' ||
        !is_unsafe(next.code))  // control characters are already escaped; line ends are ours
      out += rest.substr(0, next.size);
    else
      out += json_escape_of(next.code);
    rest.remove_prefix(next.size);
  }
  return out;
}

std::size_t columns_of(std::string_view text) {
  std::size_t out = 0;
  while (!text.empty()) {
    const character next = first_of(text);
    out += columns_of_character(next.code);
    text.remove_prefix(next.size);
  }
  return out;
}

std::string shortened(std::string_view text, std::size_t columns) {
  if (columns_of(text) <= columns) return std::string(text);
  std::string out;
  std::size_t used = 0;
  while (!text.empty()) {
    const character next = first_of(text);
    used += columns_of_character(next.code);
    if (used + 1 > columns) break;
    out += text.substr(0, next.size);
    text.remove_prefix(next.size);
  }
  return columns == 0 ? "" : out + "…";
}

}  // namespace terminal
