#pragma once

#include <algorithm>
#include <string>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/expression/detail/regex.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE std::pair<char32_t, std::size_t> character_at(std::string_view text, std::size_t at) {
  constexpr char32_t no_character = 0xFFFD;
  const auto first = static_cast<unsigned char>(text[at]);
  if (first < 0x80) return {first, 1};
  const std::size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 1;
  if (size == 1 || at + size > text.size()) return {no_character, 1};
  char32_t out = first & (0xFFU >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    const auto next = static_cast<unsigned char>(text[at + i]);
    if ((next & 0xC0) != 0x80) return {no_character, 1};
    out = out << 6 | (next & 63U);
  }
  return {out, size};
}

INNGEST_INLINE bool is_word_character(char32_t c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

INNGEST_INLINE bool regex_characters::has(char32_t c) const {
  const auto holds = [c](const auto& range) { return range.first <= c && c <= range.second; };
  return std::any_of(ranges.begin(), ranges.end(), holds) != negated;
}

INNGEST_INLINE void regex_characters::add(const regex_characters& others) {
  if (!others.negated) {
    ranges.insert(ranges.end(), others.ranges.begin(), others.ranges.end());
    return;
  }
  std::vector<std::pair<char32_t, char32_t>> sorted = others.ranges;
  std::sort(sorted.begin(), sorted.end());
  char32_t next = 0;
  for (const auto& [first, last] : sorted) {
    if (first > next) ranges.emplace_back(next, first - 1);
    next = std::max<char32_t>(next, last + 1);
  }
  ranges.emplace_back(next, 0x10FFFF);
}

INNGEST_INLINE void regex_characters::add_other_case() {
  const std::size_t count = ranges.size();
  for (std::size_t i = 0; i < count; ++i) {
    const auto range = ranges[i];
    const auto shift = [&](char32_t low, char32_t high, auto moved) {
      const char32_t from = (std::max)(range.first, low), to = (std::min)(range.second, high);
      if (from <= to) ranges.emplace_back(moved(from), moved(to));
    };
    shift('a', 'z', [](char32_t c) { return c - 32; });
    shift('A', 'Z', [](char32_t c) { return c + 32; });
  }
}

INNGEST_INLINE std::optional<regex_program> regex_parser::parse() {
  regex_program out = alternatives();
  if (at_ < pattern_.size()) failed_ = true;  // an extra parenthesis
  return failed_ ? std::nullopt : std::optional(std::move(out));
}

INNGEST_INLINE bool regex_parser::take(std::string_view text) {
  if (!looks_at(text)) return false;
  at_ += text.size();
  return true;
}

INNGEST_INLINE char32_t regex_parser::take_character() {
  if (is_at_end()) return fail();
  const auto [character, size] = character_at(pattern_, at_);
  at_ += size;
  return character;
}

INNGEST_INLINE char32_t regex_parser::fail() {
  failed_ = true;
  return 0;
}

INNGEST_INLINE std::optional<int> regex_parser::take_number() {
  int out = 0;
  const std::size_t begin = at_;
  for (; at_ < pattern_.size() && is_digit(pattern_[at_]); ++at_)
    out = (std::min)(out * 10 + (pattern_[at_] - '0'), max_repetitions + 1);
  return at_ > begin ? std::optional(out) : std::nullopt;
}

INNGEST_INLINE regex_step regex_parser::split(std::ptrdiff_t first, std::ptrdiff_t second) {
  return {.what = kind::split, .first = first, .second = second};
}

INNGEST_INLINE std::ptrdiff_t regex_parser::size_of(const regex_program& program) {
  return static_cast<std::ptrdiff_t>(program.size());
}

INNGEST_INLINE void regex_parser::append(regex_program& program, regex_program more) {
  if (program.size() + more.size() > largest) {
    fail();
  } else if (program.empty()) {
    program = std::move(more);
  } else {
    program.insert(program.end(), more.begin(), more.end());
  }
}

INNGEST_INLINE regex_program regex_parser::optional(const regex_program& part) {
  regex_program out{split(1, size_of(part) + 1)};
  append(out, part);
  return out;
}

INNGEST_INLINE regex_program regex_parser::any_times(const regex_program& part) {
  regex_program out = optional(part);
  out.front().second = size_of(part) + 2;
  out.push_back({.what = kind::jump, .first = -size_of(part) - 1});
  return out;
}

INNGEST_INLINE regex_program regex_parser::alternatives() {
  if (++depth_ > deepest) fail();
  std::vector<regex_program> all{sequence()};
  while (take("|")) all.push_back(sequence());
  --depth_;
  std::ptrdiff_t end = 2 * static_cast<std::ptrdiff_t>(all.size() - 1);
  for (const regex_program& program : all) end += size_of(program);
  regex_program out;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const bool is_last = i + 1 == all.size();
    if (!is_last) out.push_back(split(1, size_of(all[i]) + 2));
    append(out, std::move(all[i]));
    if (!is_last) out.push_back({.what = kind::jump, .first = end - size_of(out)});
  }
  return out;
}

INNGEST_INLINE regex_program regex_parser::sequence() {
  regex_program out;
  std::optional<regex_program> last;  // what a quantifier would repeat
  bool is_repeated = false;
  const auto next = [&](regex_program part) {
    if (last) append(out, std::move(*last));
    last = std::move(part);
    is_repeated = false;
  };
  while (!is_at_end() && !looks_at("|") && !looks_at(")")) {
    if (const auto count = repetition()) {
      if (!last || is_repeated) return fail(), regex_program{};
      last = repeated(*last, *count);
      is_repeated = true;
    } else if (take_flags_alone()) {
      is_repeated = false;
    } else if (take("\\Q")) {
      while (!is_at_end() && !take("\\E")) next({{.characters = with_flags(one(take_character()))}});
    } else {
      next(atom());
    }
  }
  if (last) append(out, std::move(*last));
  return out;
}

INNGEST_INLINE regex_program regex_parser::repeated(const regex_program& part, std::pair<int, int> count) {
  const auto [least, most] = count;
  if (least > max_repetitions || most > max_repetitions || (most >= 0 && most < least)) fail();
  regex_program out;
  for (int i = 0; i < least && !failed_; ++i) append(out, part);
  if (most < 0 && least == 0) return any_times(part);
  if (most < 0) out.push_back(split(-size_of(part), 1));
  for (int i = least; i < most && !failed_; ++i) append(out, optional(part));
  return out;
}

INNGEST_INLINE std::optional<std::pair<int, int>> regex_parser::repetition() {
  const auto count = take_count();
  if (count) take("?");  // lazy or greedy only affects captures, which are not needed
  return count;
}

INNGEST_INLINE std::optional<std::pair<int, int>> regex_parser::take_count() {
  if (take("*")) return std::pair(0, -1);
  if (take("+")) return std::pair(1, -1);
  if (take("?")) return std::pair(0, 1);
  const std::size_t begin = at_;
  if (take("{")) {
    if (const auto least = take_number()) {
      if (take("}")) return std::pair(*least, *least);
      if (take(",}")) return std::pair(*least, -1);
      if (take(",")) {
        const auto most = take_number();
        if (most && take("}")) return std::pair(*least, *most);
      }
    }
    at_ = begin;  // the brace is an ordinary character
  }
  return std::nullopt;
}

INNGEST_INLINE regex_program regex_parser::atom() {
  if (take("(")) return group();
  if (take("^")) return {{.what = flags_.lines ? kind::line_begin : kind::text_begin}};
  if (take("$")) return {{.what = flags_.lines ? kind::line_end : kind::text_end}};
  if (take("\\A")) return {{.what = kind::text_begin}};
  if (take("\\z")) return {{.what = kind::text_end}};
  if (take("\\b")) return {{.what = kind::word_edge}};
  if (take("\\B")) return {{.what = kind::no_word_edge}};
  if (take(".")) {
    regex_characters all{.negated = true};
    if (!flags_.dot_is_all) all.ranges.emplace_back('\n', '\n');
    return {{.characters = std::move(all)}};
  }
  if (take("[")) return {{.characters = with_flags(brackets())}};
  if (take("\\")) return {{.characters = with_flags(escaped())}};
  return {{.characters = with_flags(one(take_character()))}};
}

INNGEST_INLINE regex_program regex_parser::group() {
  const flags outer = flags_;
  if (take("?")) {
    if (take("P<") || take("<")) {
      const std::size_t name = at_;
      while (!is_at_end() && is_word_character(static_cast<unsigned char>(pattern_[at_]))) ++at_;
      if (at_ == name || !take(">")) fail();
    } else {
      take_flags();
    }
  }
  regex_program out = alternatives();
  if (!take(")")) fail();
  flags_ = outer;
  return out;
}

/// Reads flags of the enclosing group, such as "(?i)".
INNGEST_INLINE bool regex_parser::take_flags_alone() {
  if (!looks_at("(?") || looks_at("(?P<") || looks_at("(?<")) return false;
  const std::size_t begin = at_;
  const flags before = flags_;
  at_ += 2;
  if (!take_flags()) return true;
  at_ = begin;  // a group with its own flags
  flags_ = before;
  return false;
}

INNGEST_INLINE bool regex_parser::take_flags() {
  bool value = true;
  bool needs_flag = false;  // after the minus
  while (!is_at_end()) {
    switch (const char c = pattern_[at_++]) {
      case 'i':
        flags_.ignores_case = value;
        break;
      case 'm':
        flags_.lines = value;
        break;
      case 's':
        flags_.dot_is_all = value;
        break;
      case 'U':
        break;  // lazy quantifiers do not change whether the pattern matches
      case '-':
        if (!value) fail();
        value = false;
        needs_flag = true;
        continue;
      default:
        if (needs_flag || (c != ')' && c != ':')) fail();
        return c == ':';
    }
    needs_flag = false;
  }
  fail();
  return false;
}

INNGEST_INLINE regex_characters regex_parser::with_flags(regex_characters out) const {
  if (flags_.ignores_case) out.add_other_case();
  return out;
}

INNGEST_INLINE std::optional<regex_characters> regex_parser::known_class(char name) {
  switch (name) {
    case 'd':
    case 'D':
      return regex_characters{.ranges = {{'0', '9'}}, .negated = name == 'D'};
    case 's':
    case 'S':
      return regex_characters{.ranges = {{'\t', '\n'}, {'\f', '\r'}, {' ', ' '}}, .negated = name == 'S'};
    case 'w':
    case 'W':
      return regex_characters{.ranges = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}},
                              .negated = name == 'W'};
    default:
      return std::nullopt;
  }
}

INNGEST_INLINE regex_characters regex_parser::escaped() {
  if (is_at_end()) fail();
  if (failed_) return {};
  if (auto known = known_class(pattern_[at_])) {
    ++at_;
    return std::move(*known);
  }
  return one(escaped_character());
}

INNGEST_INLINE char32_t regex_parser::escaped_character() {
  if (is_at_end()) return fail();
  constexpr std::string_view names = "afnrtv", values = "\a\f\n\r\t\v";
  const char c = pattern_[at_];
  if (const std::size_t simple = names.find(c); simple != names.npos) {
    ++at_;
    return static_cast<unsigned char>(values[simple]);
  }
  if (take("x{")) return digits(16, 8, "}");
  if (take("x")) return digits(16, 2, "");
  const bool octal = c >= '0' && c <= '7';
  const bool two = at_ + 1 < pattern_.size() && pattern_[at_ + 1] >= '0' && pattern_[at_ + 1] <= '7';
  if (octal && (c == '0' || two)) return digits(8, 3, "");
  const auto byte = static_cast<unsigned char>(c);
  if (byte >= 0x80 || (is_word_character(byte) && c != '_')) return fail();  // an unknown escape
  return take_character();
}

INNGEST_INLINE char32_t regex_parser::digits(unsigned base, std::size_t most, std::string_view end) {
  char32_t out = 0;
  std::size_t count = 0;
  for (; count < most && !is_at_end(); ++count, ++at_) {
    const char c = pattern_[at_];
    const unsigned value = c >= '0' && c <= '9'   ? static_cast<unsigned>(c - '0')
                           : c >= 'a' && c <= 'f' ? static_cast<unsigned>(c - 'a') + 10
                           : c >= 'A' && c <= 'F' ? static_cast<unsigned>(c - 'A') + 10
                                                  : base;
    if (value >= base) break;
    out = std::min<char32_t>(out * base + value, 0x110000);
  }
  const bool enough = base == 8 || (end.empty() ? count == most : count > 0);
  return enough && out <= 0x10FFFF && take(end) ? out : fail();
}

INNGEST_INLINE regex_characters regex_parser::brackets() {
  regex_characters out;
  out.negated = take("^");
  for (bool first = true; first || !looks_at("]"); first = false) {
    if (is_at_end()) {
      fail();
      return out;
    }
    if (take("[:")) {
      out.add(named_class());
      continue;
    }
    const bool is_escape = take("\\");
    if (is_escape && !is_at_end()) {
      if (const auto known = known_class(pattern_[at_])) {
        ++at_;
        out.add(*known);
        continue;
      }
    }
    const char32_t low = is_escape ? escaped_character() : take_character();
    const bool is_range = looks_at("-") && !looks_at("-]");
    if (is_range) take("-");
    const char32_t high = !is_range ? low : take("\\") ? escaped_character() : take_character();
    if (high < low) fail();
    out.ranges.emplace_back(low, high);
  }
  take("]");
  return out;
}

INNGEST_INLINE regex_characters regex_parser::named_class() {
  struct named {
    std::string_view name;
    std::vector<std::pair<char32_t, char32_t>> ranges;
  };
  static const std::vector<named> all = {{"alnum", {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}}},
                                         {"alpha", {{'A', 'Z'}, {'a', 'z'}}},
                                         {"ascii", {{0, 0x7F}}},
                                         {"blank", {{'\t', '\t'}, {' ', ' '}}},
                                         {"cntrl", {{0, 0x1F}, {0x7F, 0x7F}}},
                                         {"digit", {{'0', '9'}}},
                                         {"graph", {{'!', '~'}}},
                                         {"lower", {{'a', 'z'}}},
                                         {"print", {{' ', '~'}}},
                                         {"punct", {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}}},
                                         {"space", {{'\t', '\r'}, {' ', ' '}}},
                                         {"upper", {{'A', 'Z'}}},
                                         {"word", {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}},
                                         {"xdigit", {{'0', '9'}, {'A', 'F'}, {'a', 'f'}}}};
  const bool negated = take("^");
  for (const named& known : all) {
    if (!take(std::string(known.name) + ":]")) continue;
    return {.ranges = known.ranges, .negated = negated};
  }
  fail();
  return {};
}

INNGEST_INLINE regex_search::regex_search(const regex_program& program, std::string_view text)
    : program_(program), text_(text), reached_(program.size() + 1) {}

INNGEST_INLINE bool regex_search::run() {
  std::vector<std::size_t> now, next;
  for (std::size_t at = 0;;) {
    ++round_;
    std::swap(now, next);
    next.clear();
    current_.clear();
    for (const std::size_t step : now) {
      if (reach(step, at)) return true;
    }
    if (reach(0, at)) return true;  // a match may begin anywhere
    if (at == text_.size()) return false;
    const auto [character, size] = character_at(text_, at);
    for (const std::size_t step : current_) {
      if (program_[step].characters.has(character)) next.push_back(step + 1);
    }
    at += size;
  }
}

INNGEST_INLINE bool regex_search::reach(std::size_t step, std::size_t at) {
  pending_.assign(1, step);
  while (!pending_.empty()) {
    const std::size_t here = pending_.back();
    pending_.pop_back();
    if (std::exchange(reached_[here], round_) == round_) continue;
    if (here == program_.size()) return true;
    const regex_step& instruction = program_[here];
    if (instruction.what == kind::characters) {
      current_.push_back(here);
    } else if (instruction.what == kind::split || instruction.what == kind::jump) {
      pending_.push_back(moved(here, instruction.first));
      if (instruction.what == kind::split) pending_.push_back(moved(here, instruction.second));
    } else if (holds(instruction.what, at)) {
      pending_.push_back(here + 1);
    }
  }
  return false;
}

INNGEST_INLINE std::size_t regex_search::moved(std::size_t from, std::ptrdiff_t by) {
  return static_cast<std::size_t>(static_cast<std::ptrdiff_t>(from) + by);
}

INNGEST_INLINE bool regex_search::holds(kind what, std::size_t at) const {
  const auto is_word = [this](std::size_t i) {
    return i < text_.size() && is_word_character(static_cast<unsigned char>(text_[i]));
  };
  const bool is_edge = (at > 0 && is_word(at - 1)) != is_word(at);
  switch (what) {
    case kind::text_begin:
      return at == 0;
    case kind::text_end:
      return at == text_.size();
    case kind::line_begin:
      return at == 0 || text_[at - 1] == '\n';
    case kind::line_end:
      return at == text_.size() || text_[at] == '\n';
    case kind::word_edge:
      return is_edge;
    default:
      return !is_edge;
  }
}

}  // namespace inngest::inline INNGEST_ABI::detail
