#pragma once

#include <inngest/config.hpp>
#include <inngest/options/detail/option_limits.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE std::string option_range::text_of(long long value) const {
  if (unit != "s") return std::to_string(value);
  const auto in = [&](long long size, const char* name) { return std::to_string(value / size) + name; };
  if (value >= 86'400 && value % 86'400 == 0) return in(86'400, value == 86'400 ? " day" : " days");
  if (value >= 3'600 && value % 3'600 == 0) return in(3'600, value == 3'600 ? " hour" : " hours");
  if (value >= 60 && value % 60 == 0) return in(60, value == 60 ? " minute" : " minutes");
  return in(1, " s");
}

}  // namespace inngest::inline INNGEST_ABI::detail
