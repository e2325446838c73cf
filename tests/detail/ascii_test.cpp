// The rules for ASCII characters.
#include <inngest/detail/ascii.hpp>

#include <cstddef>
#include <string>
#include <string_view>

#include "catch.hpp"

namespace {

using namespace std::string_view_literals;

constexpr auto all_digits = "0123456789"sv, small_letters = "abcdefghijklmnopqrstuvwxyz"sv,
               capital_letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"sv, spaces = " \t\n\v\f\r"sv;

constexpr bool has(std::string_view text, char c) { return text.find(c) != std::string_view::npos; }

}  // namespace

TEST_CASE("every byte is a digit, a letter, white space or nothing of them", "[text]") {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    INFO("byte " << byte);
    CHECK(inngest::detail::is_digit(c) == has(all_digits, c));
    CHECK(inngest::detail::is_lower_case(c) == has(small_letters, c));
    CHECK(inngest::detail::is_upper_case(c) == has(capital_letters, c));
    CHECK(inngest::detail::is_letter(c) == (has(small_letters, c) || has(capital_letters, c)));
    CHECK(inngest::detail::is_letter_or_digit(c) == (inngest::detail::is_letter(c) || has(all_digits, c)));
    CHECK(inngest::detail::is_space(c) == has(spaces, c));
    CHECK(inngest::detail::is_space(c) == has(inngest::detail::white_space, c));
  }
}

TEST_CASE("only letters of ASCII change their case", "[text]") {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    INFO("byte " << byte);
    const std::size_t of_small = small_letters.find(c), of_capital = capital_letters.find(c);
    CHECK(inngest::detail::to_lower(c) ==
          (of_capital == std::string_view::npos ? c : small_letters[of_capital]));
    CHECK(inngest::detail::to_upper(c) ==
          (of_small == std::string_view::npos ? c : capital_letters[of_small]));
  }
  CHECK(inngest::detail::lower_case("X-Inngest_Id: ÄÖÜ É 1") == "x-inngest_id: ÄÖÜ É 1");
  CHECK(inngest::detail::upper_case("x-inngest_id: äöü é 1") == "X-INNGEST_ID: äöü é 1");
  CHECK(inngest::detail::lower_case("A\0B"sv) == "a\0b"sv);
  CHECK(inngest::detail::lower_case("").empty());
}

TEST_CASE("words are equal in any case of their ASCII letters", "[text]") {
  using inngest::detail::same_word;
  CHECK(same_word("", ""));
  CHECK(same_word("Content-Type", "cONTENT-tYPE"));
  CHECK_FALSE(same_word("content", "content-type"));
  CHECK_FALSE(same_word("content-type", "content"));
  CHECK_FALSE(same_word("Ä", "ä"));
  CHECK_FALSE(same_word("@", "`"));  // as far apart as A and a
  CHECK_FALSE(same_word("[", "{"));
  static_assert(same_word("GET", "get"));
}

TEST_CASE("a text is blank if it has nothing but white space", "[text]") {
  using inngest::detail::is_blank;
  CHECK(is_blank(""));
  CHECK(is_blank(inngest::detail::white_space));
  CHECK(is_blank(std::string(1000, ' ')));
  CHECK_FALSE(is_blank(" \t\n a"));
  CHECK_FALSE(is_blank("a  "));
  CHECK_FALSE(is_blank("\0"sv));
  CHECK_FALSE(is_blank("\u00a0"));  // a no-break space
  static_assert(is_blank(" "));
}

TEST_CASE("a number without sign has only all_digits", "[text]") {
  using inngest::detail::has_only_digits;
  CHECK(has_only_digits("0"));
  CHECK(has_only_digits("0123456789"));
  CHECK_FALSE(has_only_digits(""));
  CHECK_FALSE(has_only_digits("-1"));
  CHECK_FALSE(has_only_digits("1 "));
  CHECK_FALSE(has_only_digits("1.5"));
  CHECK_FALSE(has_only_digits("\u0661"));  // an Arabic digit
}
