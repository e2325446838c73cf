#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/error.hpp>
#include <inngest/expression/expression_error.hpp>
#include <inngest/json/detail/parse_real.hpp>

// The tokens of CEL: identifiers, literals, operators.

namespace inngest::inline INNGEST_ABI::detail {

struct cel_token {
  enum class kind { end, identifier, quoted_name, integer, unsigned_integer, real, string, bytes, symbol };
  kind what = kind::end;
  std::size_t position = 0;
  std::string text{};  // an identifier, symbol or name in backticks; the value of a string or of bytes
  std::uint64_t number = 0;
  double real = 0;
};

/// Splits a text into tokens. \throws expression_error
class cel_lexer {
 public:
  /// `quotes_names`: field names may be in backticks.
  cel_lexer(std::string_view text, bool quotes_names);

  std::string_view text() const { return text_; }

  cel_token next();

 private:
  static constexpr std::size_t longest = 100'000;  // the limit of an Inngest server's parser

  static bool is_letter(char c) { return detail::is_letter(c) || c == '_'; }
  char peek(std::size_t ahead) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

  [[noreturn]] void fail(const std::string& problem, std::size_t position) const;

  /// The size in bytes of the UTF-8 character at the beginning of the text; 0 when it is invalid.
  static std::size_t character_size(std::string_view text);

  void skip_space();

  void read_symbol(cel_token& out);

  void read_quoted_name(cel_token& out);

  // ---- numbers --------------------------------------------------------------------------------------

  void read_number(cel_token& out);

  /// Returns false for a number that is too large; one that is too small becomes zero.
  static bool read_real(std::string_view digits, double& out);

  void finish_integer(cel_token& out, std::string_view digits, int base, std::size_t start);

  void refuse_letters_after_number() const;

  // ---- strings --------------------------------------------------------------------------------------

  /// Whether a string begins here, with its prefixes: b for bytes, then r for raw.
  bool starts_string() const;

  void read_string(cel_token& out);

  void read_escape(std::string& out, bool bytes);

  std::uint32_t digits(std::size_t count, int base, std::size_t start);

  /// Appends a byte of bytes, or a character of a string as UTF-8.
  static void append_code(std::string& out, std::uint32_t code, bool byte);

  std::string_view text_;
  bool quotes_names_;
  std::size_t at_ = 0;
};

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/expression/detail/impl/token.ipp>
#endif
