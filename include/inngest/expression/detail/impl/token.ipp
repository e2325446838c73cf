#pragma once

#include <charconv>
#include <system_error>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/detail/hex.hpp>
#include <inngest/expression/detail/token.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE cel_lexer::cel_lexer(std::string_view text, bool quotes_names)
    : text_(text), quotes_names_(quotes_names) {
  std::size_t characters = 0;
  for (std::size_t at = 0; at < text_.size(); ++characters) {
    const std::size_t size = character_size(text_.substr(at));
    if (size == 0) fail("the text is not UTF-8", at);
    at += size;
  }
  if (characters > longest)
    fail("the expression has more than " + std::to_string(longest) + " characters", text_.size());
}

INNGEST_INLINE cel_token cel_lexer::next() {
  skip_space();
  cel_token out{.position = at_};
  if (at_ == text_.size()) return out;
  const char c = text_[at_];
  if (starts_string()) {
    read_string(out);
  } else if (c == '`' && quotes_names_) {
    read_quoted_name(out);
  } else if (is_letter(c)) {
    while (at_ < text_.size() && (is_letter(text_[at_]) || is_digit(text_[at_]))) out.text += text_[at_++];
    out.what = cel_token::kind::identifier;
  } else if (is_digit(c) || (c == '.' && is_digit(peek(1)))) {
    read_number(out);
  } else {
    read_symbol(out);
  }
  return out;
}

INNGEST_INLINE void cel_lexer::fail(const std::string& problem, std::size_t position) const {
  throw expression_error(problem, text_, position);
}

INNGEST_INLINE std::size_t cel_lexer::character_size(std::string_view text) {
  const auto byte = [text](std::size_t i) -> unsigned {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t size = first >= 0xC2 && first < 0xE0   ? 2
                           : first >= 0xE0 && first < 0xF0 ? 3
                           : first >= 0xF0 && first < 0xF5 ? 4
                                                           : 0;
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  const bool longer_than_needed = (first == 0xE0 && byte(1) < 0xA0) || (first == 0xF0 && byte(1) < 0x90);
  const bool no_character = (first == 0xED && byte(1) >= 0xA0) || (first == 0xF4 && byte(1) >= 0x90);
  return longer_than_needed || no_character ? 0 : size;
}

INNGEST_INLINE void cel_lexer::skip_space() {
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f') {
      ++at_;
    } else if (c == '/' && peek(1) == '/') {
      while (at_ < text_.size() && text_[at_] != '\n') ++at_;
    } else {
      return;
    }
  }
}

INNGEST_INLINE void cel_lexer::read_symbol(cel_token& out) {
  constexpr std::string_view two[] = {"==", "!=", "<=", ">=", "&&", "||"};
  constexpr std::string_view single = "<>!+-*/%?:.,()[]{}";
  const std::string_view rest = text_.substr(at_);
  for (const std::string_view sign : two) {
    if (rest.starts_with(sign)) out.text = sign;
  }
  if (out.text.empty() && single.find(rest.front()) != std::string_view::npos) out.text = rest.substr(0, 1);
  if (out.text.empty()) {
    const std::string found(rest.substr(0, character_size(rest)));
    if (found == "=" || found == "&" || found == "|") fail("\"" + found + "\" must be doubled", at_);
    if (found == "`") fail("a server accepts no names in backticks: write [\"a-b\"] for the field a-b", at_);
    if (static_cast<unsigned char>(found[0]) < ' ') fail("unexpected control character", at_);
    fail("unexpected character \"" + found + "\"", at_);
  }
  at_ += out.text.size();
  out.what = cel_token::kind::symbol;
}

INNGEST_INLINE void cel_lexer::read_quoted_name(cel_token& out) {
  constexpr std::string_view others = "_.-/ ";
  while (is_letter(peek(1)) || is_digit(peek(1)) || others.find(peek(1)) != others.npos)
    out.text += text_[++at_];
  if (peek(1) != '`' || out.text.empty()) fail("a name in backticks ends here", at_ + 1);
  at_ += 2;
  out.what = cel_token::kind::quoted_name;
}

INNGEST_INLINE void cel_lexer::read_number(cel_token& out) {
  const std::size_t start = at_;
  const bool hex = peek(0) == '0' && peek(1) == 'x';
  if (hex) {
    at_ += 2;
    const std::size_t digits = at_;
    while (hex_digit(peek(0)) >= 0) ++at_;
    if (at_ == digits) fail("hex digits are missing", at_);
    return finish_integer(out, text_.substr(digits, at_ - digits), 16, start);
  }
  while (is_digit(peek(0))) ++at_;
  bool real = false;
  if (peek(0) == '.' && is_digit(peek(1))) {
    real = true;
    ++at_;
    while (is_digit(peek(0))) ++at_;
  }
  if (peek(0) == 'e' || peek(0) == 'E') {
    real = true;
    ++at_;
    if (peek(0) == '+' || peek(0) == '-') ++at_;
    if (!is_digit(peek(0))) fail("the exponent's digits are missing", at_);
    while (is_digit(peek(0))) ++at_;
  }
  const std::string_view digits = text_.substr(start, at_ - start);
  if (!real) return finish_integer(out, digits, 10, start);
  out.what = cel_token::kind::real;
  if (!read_real(digits, out.real)) fail("the number is out of range", start);
  refuse_letters_after_number();
}

INNGEST_INLINE bool cel_lexer::read_real(std::string_view digits, double& out) {
  if (parse_real(digits, out).ec == std::errc{}) return true;
  out = 0;
  const bool is_tiny = digits.find("e-") != digits.npos || digits.find("E-") != digits.npos;
  return is_tiny ||
         (digits.find_first_of("eE") == digits.npos && digits.find_first_not_of('0') == digits.find('.'));
}

INNGEST_INLINE void cel_lexer::finish_integer(cel_token& out, std::string_view digits, int base,
                                              std::size_t start) {
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), out.number, base);
  if (problem != std::errc{}) fail("the number is out of range", start);
  const bool is_unsigned = peek(0) == 'u' || peek(0) == 'U';
  if (is_unsigned) ++at_;
  out.what = is_unsigned ? cel_token::kind::unsigned_integer : cel_token::kind::integer;
  refuse_letters_after_number();
}

INNGEST_INLINE void cel_lexer::refuse_letters_after_number() const {
  const bool in = peek(0) == 'i' && peek(1) == 'n' && !is_letter(peek(2)) && !is_digit(peek(2));
  if (is_letter(peek(0)) && !in)
    fail("a number can't be followed by \"" + std::string(1, peek(0)) + "\"", at_);
}

INNGEST_INLINE bool cel_lexer::starts_string() const {
  std::size_t ahead = peek(0) == 'b' || peek(0) == 'B' ? 1 : 0;
  if (peek(ahead) == 'r' || peek(ahead) == 'R') ++ahead;
  return peek(ahead) == '"' || peek(ahead) == '\'';
}

INNGEST_INLINE void cel_lexer::read_string(cel_token& out) {
  const bool bytes = peek(0) == 'b' || peek(0) == 'B';
  if (bytes) ++at_;
  const bool raw = peek(0) == 'r' || peek(0) == 'R';
  if (raw) ++at_;
  out.what = bytes ? cel_token::kind::bytes : cel_token::kind::string;
  const char quote = text_[at_];
  const bool triple = peek(1) == quote && peek(2) == quote;
  const std::string end(triple ? 3 : 1, quote);
  at_ += end.size();
  while (!text_.substr(at_).starts_with(end)) {
    if (at_ == text_.size()) fail("the string is not closed", out.position);
    const char c = text_[at_];
    if (!triple && (c == '\n' || c == '\r')) fail("the string is not closed on its line", out.position);
    if (c == '\\' && !raw) {
      read_escape(out.text, bytes);
    } else {
      ++at_;
      if (c == '\r' && peek(0) == '\n') continue;  // every line ends with \n in the value
      out.text += c == '\r' ? '\n' : c;
    }
  }
  at_ += end.size();
}

INNGEST_INLINE void cel_lexer::read_escape(std::string& out, bool bytes) {
  const std::size_t start = at_++;
  const char c = at_ < text_.size() ? text_[at_++] : '\0';
  constexpr std::string_view names = "abfnrtv\\?\"'`";
  constexpr std::string_view values = "\a\b\f\n\r\t\v\\?\"'`";
  const std::size_t simple = c == '\0' ? std::string_view::npos : names.find(c);
  if (simple != std::string_view::npos) {
    out += values[simple];
  } else if (c == 'x' || c == 'X') {
    append_code(out, digits(2, 16, start), bytes);
  } else if (c >= '0' && c <= '3') {
    --at_;
    append_code(out, digits(3, 8, start), bytes);
  } else if ((c == 'u' || c == 'U') && !bytes) {
    const std::uint32_t code = digits(c == 'u' ? 4 : 8, 16, start);
    if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) fail("no such character", start);
    append_code(out, code, false);
  } else {
    fail("unknown escape in a string", start);
  }
}

INNGEST_INLINE std::uint32_t cel_lexer::digits(std::size_t count, int base, std::size_t start) {
  std::uint32_t value = 0;
  const std::string_view all = text_.substr(at_, count);
  const auto [end, problem] = std::from_chars(all.data(), all.data() + all.size(), value, base);
  if (all.size() < count || problem != std::errc{} || end != all.data() + count)
    fail("an escape lacks digits", start);
  at_ += count;
  return value;
}

INNGEST_INLINE void cel_lexer::append_code(std::string& out, std::uint32_t code, bool byte) {
  const auto add = [&out](std::uint32_t value) {
    out += static_cast<char>(static_cast<unsigned char>(value));
  };
  if (byte || code < 0x80) {
    add(code);
  } else if (code < 0x800) {
    add(0xC0 | code >> 6);
    add(0x80 | (code & 63));
  } else if (code < 0x10000) {
    add(0xE0 | code >> 12);
    add(0x80 | (code >> 6 & 63));
    add(0x80 | (code & 63));
  } else {
    add(0xF0 | code >> 18);
    add(0x80 | (code >> 12 & 63));
    add(0x80 | (code >> 6 & 63));
    add(0x80 | (code & 63));
  }
}

}  // namespace inngest::inline INNGEST_ABI::detail
