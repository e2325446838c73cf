#pragma once

#include <inngest/config.hpp>
#include <inngest/expression/detail/pattern.hpp>

#ifdef INNGEST_WITH_RE2
#include <re2/re2.h>
#else
#include <inngest/expression/detail/regex.hpp>
#endif

namespace inngest::inline INNGEST_ABI::detail {

#ifdef INNGEST_WITH_RE2

INNGEST_INLINE pattern_result search_pattern(std::string_view pattern, std::string_view text,
                                             function_ref<bool(std::size_t steps)> spend) {
  RE2::Options options;
  options.set_log_errors(false);
  const RE2 program(re2::StringPiece(pattern.data(), pattern.size()), options);
  if (!program.ok()) return pattern_result::not_a_pattern;
  const auto steps = static_cast<std::size_t>(program.ProgramSize());
  if (!spend((text.size() + 16) * steps / 16)) return pattern_result::too_long;
  const bool is_found = RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), program);
  return is_found ? pattern_result::found : pattern_result::not_found;
}

#else

INNGEST_INLINE pattern_result search_pattern(std::string_view pattern, std::string_view text,
                                             function_ref<bool(std::size_t steps)> spend) {
  const auto program = regex_parser(pattern).parse();
  if (!program) return pattern_result::not_a_pattern;
  std::size_t steps = 0;
  for (const regex_step& step : *program) steps += 1 + step.characters.ranges.size() / 4;
  if (!spend((text.size() + 16) * steps / 16)) return pattern_result::too_long;
  return regex_search(*program, text).run() ? pattern_result::found : pattern_result::not_found;
}

#endif

}  // namespace inngest::inline INNGEST_ABI::detail
