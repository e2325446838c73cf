#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/error.hpp>

namespace inngest::inline INNGEST_ABI {

namespace detail {

/// A position in a text: in bytes from the start, and as line and column, in characters from 1.
struct text_place {
  std::size_t position = 0;
  std::size_t line = 1;
  std::size_t column = 1;

  text_place(std::string_view text, std::size_t at);
};

}  // namespace detail

/// A CEL expression that a server would reject. `what()` ends with the position of the error.
class expression_error : public error {
 public:
  /// The message contains the problem and the location of `position` in the text.
  expression_error(const std::string& problem, std::string_view text, std::size_t position);
  /// The position of the error, in bytes from the start.
  std::size_t position() const noexcept { return place_.position; }
  /// The line of the error, from 1.
  std::size_t line() const noexcept { return place_.line; }
  /// The column of the error, in characters from 1.
  std::size_t column() const noexcept { return place_.column; }

 private:
  expression_error(const std::string& problem, const detail::text_place& place, bool has_lines);

  detail::text_place place_;
};

}  // namespace inngest::inline INNGEST_ABI

#if !defined(INNGEST_COMPILED)
#include <inngest/expression/impl/expression_error.ipp>
#endif
