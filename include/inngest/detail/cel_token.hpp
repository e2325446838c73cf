#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <inngest/error.hpp>

// The words of CEL: identifiers, literals, operators.

namespace inngest {

/// A CEL expression that no server would take, and where. `what()` ends with the place.
class expression_error : public error {
 public:
  expression_error(const std::string& problem, std::size_t position)
      : error(error_code::expression, problem + ", at character " + std::to_string(position + 1)),
        position_(position) {}
  /// Bytes before the place.
  std::size_t position() const noexcept { return position_; }

 private:
  std::size_t position_;
};

namespace detail {

struct cel_token {
  enum class kind { end, identifier, integer, unsigned_integer, real, string, bytes, symbol };
  kind what = kind::end;
  std::size_t position = 0;
  std::string text{};  // of an identifier or symbol; the value of a string or of bytes
  std::uint64_t number = 0;
  double real = 0;
};

/// Takes a text apart. \throws expression_error
class cel_lexer {
 public:
  explicit cel_lexer(std::string_view text) : text_(text) {}

  cel_token next() {
    skip_space();
    cel_token out{.position = at_};
    if (at_ == text_.size()) return out;
    const char c = text_[at_];
    if (starts_string()) {
      read_string(out);
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

 private:
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
  char peek(std::size_t ahead) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

  [[noreturn]] static void fail(const std::string& problem, std::size_t position) {
    throw expression_error(problem, position);
  }

  void skip_space() {
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

  void read_symbol(cel_token& out) {
    constexpr std::string_view two[] = {"==", "!=", "<=", ">=", "&&", "||"};
    constexpr std::string_view one = "<>!+-*/%?:.,()[]{}";
    const std::string_view rest = text_.substr(at_);
    for (const std::string_view each : two) {
      if (rest.starts_with(each)) out.text = each;
    }
    if (out.text.empty() && one.find(rest.front()) != std::string_view::npos) out.text = rest.substr(0, 1);
    if (out.text.empty()) {
      const bool half = rest.front() == '=' || rest.front() == '&' || rest.front() == '|';
      fail(half ? "\"" + std::string(1, rest.front()) + "\" must be doubled"
                : "unexpected character \"" + std::string(1, rest.front()) + "\"",
           at_);
    }
    at_ += out.text.size();
    out.what = cel_token::kind::symbol;
  }

  // ---- numbers --------------------------------------------------------------------------------------

  void read_number(cel_token& out) {
    const std::size_t start = at_;
    const bool hex = peek(0) == '0' && (peek(1) == 'x' || peek(1) == 'X');
    if (hex) {
      at_ += 2;
      const std::size_t digits = at_;
      while (is_hex(peek(0))) ++at_;
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
    const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), out.real);
    if (problem != std::errc{}) fail("the number is out of range", start);
    refuse_letters_after_number();
  }

  void finish_integer(cel_token& out, std::string_view digits, int base, std::size_t start) {
    const auto [end, problem] =
        std::from_chars(digits.data(), digits.data() + digits.size(), out.number, base);
    if (problem != std::errc{}) fail("the number is out of range", start);
    const bool is_unsigned = peek(0) == 'u' || peek(0) == 'U';
    if (is_unsigned) ++at_;
    out.what = is_unsigned ? cel_token::kind::unsigned_integer : cel_token::kind::integer;
    refuse_letters_after_number();
  }

  void refuse_letters_after_number() const {
    if (is_letter(peek(0))) fail("a number can't be followed by \"" + std::string(1, peek(0)) + "\"", at_);
  }

  static bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

  // ---- strings --------------------------------------------------------------------------------------

  /// Whether a string begins here, with its prefixes: b for bytes, r for raw.
  bool starts_string() const {
    std::size_t ahead = 0;
    while (ahead < 2 &&
           (peek(ahead) == 'r' || peek(ahead) == 'R' || peek(ahead) == 'b' || peek(ahead) == 'B'))
      ++ahead;
    return peek(ahead) == '"' || peek(ahead) == '\'';
  }

  void read_string(cel_token& out) {
    bool raw = false, bytes = false;
    for (; peek(0) != '"' && peek(0) != '\''; ++at_) {
      bool& prefix = peek(0) == 'r' || peek(0) == 'R' ? raw : bytes;
      if (std::exchange(prefix, true)) fail("a string's prefix is there twice", at_);
    }
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
        if (c == '\\' && raw && at_ + 1 < text_.size()) out.text += text_[at_++];
        out.text += text_[at_++];
      }
    }
    at_ += end.size();
  }

  void read_escape(std::string& out, bool bytes) {
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

  std::uint32_t digits(std::size_t count, int base, std::size_t start) {
    std::uint32_t value = 0;
    const std::string_view all = text_.substr(at_, count);
    const auto [end, problem] = std::from_chars(all.data(), all.data() + all.size(), value, base);
    if (all.size() < count || problem != std::errc{} || end != all.data() + count)
      fail("an escape lacks digits", start);
    at_ += count;
    return value;
  }

  /// A byte of bytes, or a character of a string, as UTF-8.
  static void append_code(std::string& out, std::uint32_t code, bool byte) {
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

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace detail
}  // namespace inngest
