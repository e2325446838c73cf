#pragma once

#include <chrono>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/options.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE std::string problem_of(const checkpointing& options) {
  using std::chrono::milliseconds;
  if (options.buffered_steps < 1) {
    return "checkpointing.buffered_steps must be at least 1, not " + std::to_string(options.buffered_steps);
  }
  constexpr milliseconds none{}, longest = std::chrono::seconds(max_period);
  if (options.max_runtime && (*options.max_runtime <= none || *options.max_runtime > longest))
    return "checkpointing.max_runtime must be more than zero, up to 100 years";
  if (options.max_interval && (*options.max_interval < none || *options.max_interval > longest))
    return "checkpointing.max_interval must not be negative, nor more than 100 years";
  return {};
}

INNGEST_INLINE std::string matching_expression(const std::string& expression, const event_match& match) {
  if (match.empty()) return expression;
  const std::string same = "event." + match.of_event() + " == async." + match.of_async();
  return expression.empty() ? same : "(" + expression + ") && " + same;
}

INNGEST_INLINE std::string problem_of_tag_name(std::string_view name) {
  const std::string shown = "the name of a tag, \"" + std::string(name) + "\", ";
  if (is_blank(name)) return "a tag needs a name";
  if (name.size() > max_tag_name_size)
    return shown + "has more than " + std::to_string(max_tag_name_size) + " bytes";
  if (name.find(':') != std::string_view::npos)
    return shown + "has a colon: filters have the form name:value";
  return {};
}

}  // namespace inngest::inline INNGEST_ABI::detail
