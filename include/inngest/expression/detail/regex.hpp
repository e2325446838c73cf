#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/config.hpp>

// Regular expressions with the syntax of RE2: https://github.com/google/re2/wiki/Syntax. Unlike std::regex,
// the time is at most proportional to the length of the text times the length of the pattern.

namespace inngest::inline INNGEST_ABI::detail {

/// The UTF-8 character at a position, and its size. An invalid byte counts as one character.
std::pair<char32_t, std::size_t> character_at(std::string_view text, std::size_t at);

bool is_word_character(char32_t c);

/// A set of characters, as ranges.
struct regex_characters {
  std::vector<std::pair<char32_t, char32_t>> ranges{};
  bool negated = false;

  bool has(char32_t c) const;
  void add(const regex_characters& others);
  void add_other_case();
};

/// ASCII letters only.

/// An instruction of a compiled pattern. Targets are relative, so that copying a part repeats it.
struct regex_step {
  enum class kind {
    characters,
    split,  // continues at both targets
    jump,   // continues at the first target
    text_begin,
    text_end,
    line_begin,
    line_end,
    word_edge,
    no_word_edge
  };
  kind what = kind::characters;
  std::ptrdiff_t first = 1, second = 1;
  regex_characters characters{};
};
using regex_program = std::vector<regex_step>;

/// Compiles a pattern. Returns nullopt for an invalid pattern, and for unsupported Unicode classes (\p).
class regex_parser {
 public:
  explicit regex_parser(std::string_view pattern) : pattern_(pattern) {}

  std::optional<regex_program> parse();

 private:
  using kind = regex_step::kind;
  static constexpr std::size_t largest = 10'000;  // steps
  static constexpr int max_repetitions = 1000;    // as in RE2
  static constexpr int deepest = 250;

  struct flags {
    bool ignores_case = false, lines = false, dot_is_all = false;
  };

  // ---- reading ------------------------------------------------------------------------------------------

  bool is_at_end() const { return failed_ || at_ >= pattern_.size(); }
  bool looks_at(std::string_view text) const { return !failed_ && pattern_.substr(at_).starts_with(text); }
  bool take(std::string_view text);
  char32_t take_character();
  char32_t fail();
  std::optional<int> take_number();

  // ---- programs -----------------------------------------------------------------------------------------

  static regex_step split(std::ptrdiff_t first, std::ptrdiff_t second);
  static std::ptrdiff_t size_of(const regex_program& program);
  void append(regex_program& program, regex_program more);
  regex_program optional(const regex_program& part);
  regex_program any_times(const regex_program& part);

  // ---- rules, from the weakest to the strongest binding -------------------------------------------------

  regex_program alternatives();

  regex_program sequence();

  regex_program repeated(const regex_program& part, std::pair<int, int> count);

  /// Reads the minimum and maximum number of repetitions; -1 is unlimited. nullopt when there is no
  /// quantifier.
  std::optional<std::pair<int, int>> repetition();
  std::optional<std::pair<int, int>> take_count();

  regex_program atom();

  regex_program group();

  bool take_flags_alone();

  /// Reads flags such as "i)" or "i-s:". Returns false when the group ends with them.
  bool take_flags();

  // ---- characters ---------------------------------------------------------------------------------------

  static regex_characters one(char32_t c) { return {.ranges = {{c, c}}}; }

  regex_characters with_flags(regex_characters out) const;

  /// The characters of \d, \w and \s; nullopt for other letters.
  static std::optional<regex_characters> known_class(char name);

  /// Reads the part after a backslash.
  regex_characters escaped();

  char32_t escaped_character();

  /// Reads a code point: up to `most` digits, then `end`. Hexadecimal digits without an end must be exactly
  /// `most`.
  char32_t digits(unsigned base, std::size_t most, std::string_view end);

  regex_characters brackets();

  /// Reads "alpha:]" of [[:alpha:]].
  regex_characters named_class();

  std::string_view pattern_;
  std::size_t at_ = 0;
  flags flags_{};  // valid until their group ends
  int depth_ = 0;
  bool failed_ = false;
};

/// Searches for a pattern in a text by following all alternatives at the same time.
class regex_search {
 public:
  regex_search(const regex_program& program, std::string_view text);

  bool run();

 private:
  using kind = regex_step::kind;

  /// Follows an instruction to those that match a character. Returns true when the end is among them.
  bool reach(std::size_t step, std::size_t at);

  static std::size_t moved(std::size_t from, std::ptrdiff_t by);

  bool holds(kind what, std::size_t at) const;

  const regex_program& program_;
  std::string_view text_;
  std::vector<std::size_t> reached_;  // the last round in which the instruction was reached
  std::vector<std::size_t> current_, pending_;
  std::size_t round_ = 0;
};

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/expression/detail/impl/regex.ipp>
#endif
