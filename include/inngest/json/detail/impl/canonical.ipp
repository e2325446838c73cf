#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <system_error>
#include <type_traits>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/json/detail/canonical.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE void write_canonical_number(std::string& out, double value) {
  if (value == 0) {  // also -0
    out += '0';
    return;
  }
  char text[32];
  const char* const end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr;
  const char* at = text;
  if (*at == '-') out += *at++;
  std::string digits;
  for (; *at != 'e'; ++at) {
    if (*at != '.') digits += *at;
  }
  int exponent = 0;
  std::from_chars(at + (at[1] == '+' ? 2 : 1), end, exponent);

  const int count = static_cast<int>(digits.size());
  const int point = exponent + 1;  // number of digits before the decimal point
  const auto zeros = [&out](int number) { out.append(static_cast<std::size_t>(number), '0'); };
  if (count <= point && point <= 21) {
    out += digits;
    zeros(point - count);
  } else if (0 < point && point <= 21) {
    out.append(digits, 0, static_cast<std::size_t>(point)) += '.';
    out.append(digits, static_cast<std::size_t>(point));
  } else if (-6 < point && point <= 0) {
    out += "0.";
    zeros(-point);
    out += digits;
  } else {
    out += digits[0];
    if (count > 1) out.append(1, '.').append(digits, 1);
    out.append(exponent < 0 ? "e-" : "e+").append(std::to_string(std::abs(exponent)));
  }
}

INNGEST_INLINE std::size_t find_special(std::string_view text, std::size_t at) {
  constexpr std::uint64_t ones = 0x0101010101010101;
  const auto equal = [](std::uint64_t bytes, unsigned char c) {
    const std::uint64_t zero_where_equal = bytes ^ (ones * c);
    return (zero_where_equal - ones) & ~zero_where_equal;
  };
  for (; at + 8 <= text.size(); at += 8) {  // eight bytes at once; false hits are checked below
    std::uint64_t bytes;
    std::memcpy(&bytes, text.data() + at, sizeof bytes);
    const std::uint64_t control = (bytes - ones * 0x20) & ~bytes;
    if (((equal(bytes, '"') | equal(bytes, '\\') | control) & (ones << 7)) != 0) break;
  }
  for (; at < text.size(); ++at) {
    if (text[at] == '"' || text[at] == '\\' || static_cast<unsigned char>(text[at]) < 0x20) break;
  }
  return at;
}

INNGEST_INLINE bool utf16_less(std::string_view a, std::string_view b) {
  const auto [x, y] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  if (y == b.end()) return false;
  if (x == a.end()) return true;
  // Characters beyond U+FFFF (from byte F0 on) are surrogates in UTF-16: before U+E000 (from byte EE on).
  const auto rank = [](char c) {
    const int byte = static_cast<unsigned char>(c);
    return byte < 0xEE ? byte : byte < 0xF0 ? byte + 5 : byte - 2;
  };
  return rank(*x) < rank(*y);
}

INNGEST_INLINE void append_utf8(std::string& out, std::uint32_t code_point) {
  const auto add = [&out](std::uint32_t byte) { out += static_cast<char>(static_cast<unsigned char>(byte)); };
  if (code_point < 0x80) {
    add(code_point);
  } else if (code_point < 0x800) {
    add(0xC0 | code_point >> 6);
    add(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    add(0xE0 | code_point >> 12);
    add(0x80 | (code_point >> 6 & 0x3F));
    add(0x80 | (code_point & 0x3F));
  } else {
    add(0xF0 | code_point >> 18);
    add(0x80 | (code_point >> 12 & 0x3F));
    add(0x80 | (code_point >> 6 & 0x3F));
    add(0x80 | (code_point & 0x3F));
  }
}

INNGEST_INLINE int utf16_unit(std::string_view text, std::size_t at) {
  if (at > text.size() || text.size() - at < 4) return -1;
  int out = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const int digit = hex_digit(text[at + i]);
    if (digit < 0) return -1;
    out = out * 16 + digit;
  }
  return out;
}

INNGEST_INLINE bool unescape(std::string& out, std::string_view text) {
  constexpr std::string_view letters = "\"\\/bfnrt";
  constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
  bool valid = true;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    const char letter = ++i < text.size() ? text[i] : '\0';
    if (letter != 'u') {
      const std::size_t found = letters.find(letter);
      if (found == std::string_view::npos)
        valid = false;
      else
        out += meanings[found];
      continue;
    }
    const int first = utf16_unit(text, i + 1);
    if (first < 0) {
      valid = false;
      continue;
    }
    i += 4;
    auto code_point = static_cast<std::uint32_t>(first);
    if (first >= 0xD800 && first <= 0xDFFF) {
      const bool is_high = first <= 0xDBFF && text.substr(i + 1).starts_with("\\u");
      const int second = is_high ? utf16_unit(text, i + 3) : -1;
      if (second >= 0xDC00 && second <= 0xDFFF) {
        code_point = 0x10000 + (code_point - 0xD800) * 0x400 + (static_cast<std::uint32_t>(second) - 0xDC00);
        i += 6;
      } else {
        valid = false;
      }
    }
    append_utf8(out, code_point);
  }
  return valid;
}

INNGEST_INLINE std::string canonical_writer::run() {
  if (text_.size() > (std::numeric_limits<std::uint32_t>::max)()) fail("more than 4 GB");
  if (!is_utf8(text_)) fail_at({}, "not valid JSON: not UTF-8");
  skip_space();
  const std::size_t first = at_;
  scan_value(0);
  skip_space();
  if (at_ != text_.size()) fail("not valid JSON: there is more text after the value");
  at_ = first;
  out_.reserve(text_.size());
  write_value();
  return std::move(out_);
}

INNGEST_INLINE void canonical_writer::fail(const char* problem) const {
  fail_at({}, std::string(problem) + ", at byte " + std::to_string(at_));
}

INNGEST_INLINE void canonical_writer::skip_space() {
  while (peek() == ' ' || peek() == '\n' || peek() == '\r' || peek() == '\t') ++at_;
}

INNGEST_INLINE bool canonical_writer::take(char wanted) {
  if (peek() != wanted) return false;
  ++at_;
  return true;
}

INNGEST_INLINE void canonical_writer::scan_value(std::size_t depth) {
  switch (peek()) {
    case '{':
      return scan_object(depth + 1);
    case '[':
      return scan_array(depth + 1);
    case '"':
      scan_string();
      return;
    default:
      for (const std::string_view literal : {"true", "false", "null"}) {
        if (!text_.substr(at_).starts_with(literal)) continue;
        at_ += literal.size();
        return;
      }
      scan_number();
  }
}

INNGEST_INLINE void canonical_writer::check_depth(std::size_t depth) const {
  if (depth > INNGEST_MAX_JSON_DEPTH) fail_too_deep({});
}

INNGEST_INLINE void canonical_writer::scan_array(std::size_t depth) {
  check_depth(depth);
  ++at_;
  skip_space();
  if (take(']')) return;
  do {
    skip_space();
    scan_value(depth);
    skip_space();
  } while (take(','));
  if (!take(']')) fail("not valid JSON: expected , or ]");
}

INNGEST_INLINE void canonical_writer::scan_object(std::size_t depth) {
  check_depth(depth);
  const std::size_t begin = at_++;
  skip_space();
  if (take('}')) return;
  const std::size_t index = objects_.size();
  objects_.push_back({static_cast<std::uint32_t>(begin), 0, 0, 0});
  const auto first = static_cast<std::ptrdiff_t>(open_.size());
  do {
    skip_space();
    const std::string_view name = scan_name();
    skip_space();
    if (!take(':')) fail("not valid JSON: expected :");
    skip_space();
    open_.push_back({name, static_cast<std::uint32_t>(at_)});
    scan_value(depth);
    skip_space();
  } while (take(','));
  if (!take('}')) fail("not valid JSON: expected , or }");
  sort_members(open_.begin() + first);
  objects_[index].end = static_cast<std::uint32_t>(at_);
  objects_[index].first = static_cast<std::uint32_t>(members_.size());
  objects_[index].count = static_cast<std::uint32_t>(open_.end() - (open_.begin() + first));
  members_.insert(members_.end(), open_.begin() + first, open_.end());
  open_.erase(open_.begin() + first, open_.end());
}

INNGEST_INLINE void canonical_writer::sort_members(std::vector<member>::iterator first) {
  const auto before = [](const member& a, const member& b) { return utf16_less(a.name, b.name); };
  if (!std::is_sorted(first, open_.end(), before)) std::sort(first, open_.end(), before);
  const auto same = [](const member& a, const member& b) { return a.name == b.name; };
  if (std::adjacent_find(first, open_.end(), same) != open_.end())
    fail("an object has two members with the same name");
}

INNGEST_INLINE std::string_view canonical_writer::scan_name() {
  if (peek() != '"') fail("not valid JSON: expected a member's name");
  const std::string_view raw = scan_string();
  if (raw.find('\\') == std::string_view::npos) return raw;
  return names_.emplace_back(scratch_);
}

INNGEST_INLINE std::string_view canonical_writer::scan_string() {
  const std::size_t begin = ++at_;
  bool escaped = false;
  for (;;) {
    at_ = find_special(text_, at_);
    if (at_ == text_.size()) fail("not valid JSON: a string has no end");
    if (text_[at_] == '"') break;
    if (text_[at_] != '\\') fail("not valid JSON: a control character in a string");
    escaped = true;
    at_ = (std::min)(at_ + 2, text_.size());
  }
  const std::string_view raw = text_.substr(begin, at_ - begin);
  if (escaped) {
    scratch_.clear();
    if (!unescape(scratch_, raw))
      fail("not valid JSON: a string has an invalid escape or half a surrogate pair");
  }
  ++at_;
  return raw;
}

INNGEST_INLINE void canonical_writer::scan_digits() {
  if (!is_digit(peek())) fail("not valid JSON");
  while (is_digit(peek())) ++at_;
}

INNGEST_INLINE std::string_view canonical_writer::scan_number() {
  const std::size_t begin = at_;
  take('-');
  if (!take('0')) scan_digits();
  if (take('.')) scan_digits();
  if (take('e') || take('E')) {
    if (!take('+')) take('-');
    scan_digits();
  }
  return text_.substr(begin, at_ - begin);
}

INNGEST_INLINE void canonical_writer::write_value() {
  switch (peek()) {
    case '{':
      return write_object();
    case '[':
      return write_array();
    case '"':
      return write_string();
    case 't':
    case 'f':
    case 'n': {
      const std::size_t size = peek() == 'f' ? 5 : 4;
      out_ += text_.substr(at_, size);
      at_ += size;
      return;
    }
    default:
      write_number();
  }
}

INNGEST_INLINE void canonical_writer::write_array() {
  ++at_;
  out_ += '[';
  skip_space();
  bool is_first = true;
  if (peek() != ']') {
    do {
      if (!is_first) out_ += ',';
      is_first = false;
      skip_space();
      write_value();
      skip_space();
    } while (take(','));
  }
  ++at_;
  out_ += ']';
}

INNGEST_INLINE void canonical_writer::write_object() {
  const auto before = [](const object& candidate, std::size_t begin) { return candidate.begin < begin; };
  const auto found = std::lower_bound(objects_.begin(), objects_.end(), at_, before);
  if (found == objects_.end() || found->begin != at_) {  // it is empty
    at_ = text_.find('}', at_) + 1;
    out_ += "{}";
    return;
  }
  const object self = *found;
  out_ += '{';
  for (std::uint32_t i = 0; i < self.count; ++i) {
    const member& current = members_[self.first + i];
    if (i > 0) out_ += ',';
    write_text(current.name);
    out_ += ':';
    at_ = current.value;
    write_value();
  }
  at_ = self.end;
  out_ += '}';
}

INNGEST_INLINE void canonical_writer::write_string() {
  const std::string_view raw = scan_string();
  if (raw.find('\\') == std::string_view::npos) {  // nothing needs an escape
    out_.append(1, '"').append(raw) += '"';
  } else {
    write_text(scratch_);
  }
}

INNGEST_INLINE void canonical_writer::write_text(std::string_view text) {
  out_ += '"';
  for (std::size_t at = 0;; ++at) {
    const std::size_t special = find_special(text, at);
    out_.append(text, at, special - at);
    at = special;
    if (at == text.size()) break;
    constexpr std::string_view meanings = "\"\\\b\f\n\r\t";
    constexpr std::string_view letters = "\"\\bfnrt";
    const std::size_t found = meanings.find(text[at]);
    if (found != std::string_view::npos) {
      out_ += '\\';
      out_ += letters[found];
    } else {
      const std::uint8_t byte[] = {0, static_cast<std::uint8_t>(text[at])};
      append_hex(out_ += "\\u", byte);
    }
  }
  out_ += '"';
}

INNGEST_INLINE void canonical_writer::write_number() {
  const std::string_view token = scan_number();
  double value = 0;
  const auto problem = parse_real(token, value).ec;
  if (problem == std::errc::result_out_of_range && is_tiny(token))
    value = 0;
  else if (problem != std::errc{} || !std::isfinite(value))
    fail("a number is out of range");
  write_canonical_number(out_, value);
}

INNGEST_INLINE bool canonical_writer::is_tiny(std::string_view token) {
  const std::size_t mark = (std::min)(token.find_first_of("eE"), token.size());
  const std::string_view digits = token.substr(0, mark);
  const std::size_t first = digits.find_first_of("123456789");
  if (first == std::string_view::npos) return true;
  const auto point = static_cast<std::int64_t>((std::min)(digits.find('.'), digits.size()));
  const std::int64_t magnitude = point - static_cast<std::int64_t>(first);  // of its first digit
  bool is_negative = false;
  std::int64_t exponent = 0;
  for (const char c : token.substr(mark)) {
    if (c == '-') is_negative = true;
    if (is_digit(c)) exponent = std::min<std::int64_t>(exponent * 10 + (c - '0'), 1'000'000'000'000);
  }
  return magnitude + (is_negative ? -exponent : exponent) < 0;
}

}  // namespace inngest::inline INNGEST_ABI::detail
