#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <inngest/error.hpp>

namespace inngest {

namespace detail {

/// A place in a text: the bytes before it, and its line and column, in characters from 1.
struct text_place {
  std::size_t position = 0;
  std::size_t line = 1;
  std::size_t column = 1;

  text_place(std::string_view text, std::size_t at) : position(at) {
    for (const char c : text.substr(0, at)) {
      if (c == '\n') {
        ++line;
        column = 1;
      } else if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) {  // not the rest of a character
        ++column;
      }
    }
  }
};

}  // namespace detail

/// A CEL expression that a server would reject, and the place of the mistake, with which `what()` ends.
class expression_error : public error {
 public:
  expression_error(const std::string& problem, std::string_view text, std::size_t position)
      : expression_error(problem, detail::text_place(text, position), text.find('\n') != text.npos) {}
  /// The place, in bytes from the start.
  std::size_t position() const noexcept { return place_.position; }
  /// The line of the place, from 1.
  std::size_t line() const noexcept { return place_.line; }
  /// Its column, in characters from 1.
  std::size_t column() const noexcept { return place_.column; }

 private:
  expression_error(const std::string& problem, const detail::text_place& place, bool has_lines)
      : error(error_code::expression,
              problem + (has_lines ? ", at line " + std::to_string(place.line) + "," : ", at") + " column " +
                  std::to_string(place.column)),
        place_(place) {}

  detail::text_place place_;
};

}  // namespace inngest
