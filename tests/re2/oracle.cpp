// The library's own search for patterns beside RE2, whose syntax it has: compiled with INNGEST_WITH_RE2, so
// that search_pattern() is RE2's. Patterns and texts are random, of the characters that mean something.

#include <cstddef>
#include <cstdint>
#include <iostream>
#include <random>
#include <string>
#include <string_view>

#include <inngest/expression/detail/pattern.hpp>
#include <inngest/expression/detail/regex.hpp>

#include "../catch.hpp"
#include "../support/test_seed.hpp"

namespace {

using inngest::detail::pattern_result;

pattern_result by_ours(const std::string& pattern, const std::string& text) {
  const auto program = inngest::detail::regex_parser(pattern).parse();
  if (!program) return pattern_result::not_a_pattern;
  const bool is_found = inngest::detail::regex_search(*program, text).run();
  return is_found ? pattern_result::found : pattern_result::not_found;
}

pattern_result by_re2(const std::string& pattern, const std::string& text) {
  return inngest::detail::search_pattern(pattern, text, [](std::size_t) { return true; });
}

/// A text of pieces, up to a number.
std::string some_of(std::initializer_list<std::string_view> pieces, int most, std::mt19937& random) {
  std::string out;
  for (int i = static_cast<int>(random() % static_cast<unsigned>(most + 1)); i > 0; --i)
    out += pieces.begin()[random() % pieces.size()];
  return out;
}

}  // namespace

TEST_CASE("patterns are found where RE2 finds them", "[expression][regex]") {
  const std::uint64_t seed = support::test_seed();
  INFO("INNGEST_TEST_SEED=" << seed);
  std::mt19937 random(static_cast<std::mt19937::result_type>(seed));
  int patterns = 0;
  for (int i = 0; i < 200'000; ++i) {
    const std::string pattern = some_of({"a",           "b",
                                         "A",           "ä",
                                         "(",           ")",
                                         "(?:",         "(?i)",
                                         "(?s:",        "(?m)",
                                         "(?P<n>",      "|",
                                         "*",           "+",
                                         "?",           "*?",
                                         "{2}",         "{1,3}",
                                         "{,2}",        "{0,}",
                                         "[ab]",        "[^a]",
                                         "[a-c",        "]",
                                         "[[:alpha:]]", "[[:^digit:]]",
                                         "\\d",         "\\D",
                                         "\\w",         "\\s",
                                         "\\b",         "\\B",
                                         "^",           "$",
                                         "\\A",         "\\z",
                                         ".",           "\\.",
                                         "\\n",         "\\x61",
                                         "\\x{e4}",     "\\Qa.b\\E",
                                         "\\",          "1",
                                         " ",           "\n",
                                         "_",           "-"},
                                        7, random);
    const std::string text =
        some_of({"a", "b", "A", "ä", "Ä", "1", " ", "\n", "_", ".", "-", "c"}, 6, random);
    CAPTURE(pattern, text);
    // RE2 looks at bytes for \B, which servers don't, and it folds the case of all letters.
    const bool has_more_letters = (pattern + text).find('\xc3') != std::string::npos;
    if (has_more_letters &&
        (pattern.find("\\B") != std::string::npos || pattern.find("i)") != std::string::npos))
      continue;
    const pattern_result expected = by_re2(pattern, text);
    if (expected != pattern_result::not_a_pattern) ++patterns;
    if (by_ours(pattern, text) != expected) CHECK(by_ours(pattern, text) == expected);
  }
  CHECK(patterns > 20'000);
}

TEST_CASE("RE2 is asked only when the search may be paid for", "[expression][regex]") {
  using inngest::detail::search_pattern;
  std::size_t cost = 0;
  const auto refuse = [&](std::size_t steps) {
    cost = steps;
    return false;
  };
  CHECK(search_pattern("a+", "aaa", refuse) == pattern_result::too_long);
  CHECK(cost > 0);
  CHECK(search_pattern("(", "a", refuse) == pattern_result::not_a_pattern);
}

TEST_CASE("with RE2 patterns have Unicode classes", "[expression][regex]") {
  CHECK(by_re2("^\\p{Greek}+$", "αβγ") == pattern_result::found);
  CHECK(by_re2("^\\p{Greek}+$", "abc") == pattern_result::not_found);
}
