#pragma once

#include <inngest/config.hpp>
#include <inngest/expression/expression_error.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE text_place::text_place(std::string_view text, std::size_t at) : position(at) {
  for (const char c : text.substr(0, at)) {
    if (c == '\n') {
      ++line;
      column = 1;
    } else if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) {  // not a continuation byte
      ++column;
    }
  }
}

}  // namespace inngest::inline INNGEST_ABI::detail

namespace inngest::inline INNGEST_ABI {

INNGEST_INLINE expression_error::expression_error(const std::string& problem, std::string_view text,
                                                  std::size_t position)
    : expression_error(problem, detail::text_place(text, position), text.find('\n') != text.npos) {}

INNGEST_INLINE expression_error::expression_error(const std::string& problem, const detail::text_place& place,
                                                  bool has_lines)
    : error(error_code::expression,
            problem + (has_lines ? ", at line " + std::to_string(place.line) + "," : ", at") + " column " +
                std::to_string(place.column)),
      place_(place) {}

}  // namespace inngest::inline INNGEST_ABI
