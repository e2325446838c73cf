#pragma once

#include <charconv>
#include <cstdint>
#include <system_error>

#include <inngest/config.hpp>
#include <inngest/time/duration.hpp>

namespace inngest::inline INNGEST_ABI {

INNGEST_INLINE std::string to_text(duration_ms duration) {
  if (duration < std::chrono::milliseconds::zero()) {
    throw configuration_error("a duration must not be negative: " + std::to_string(duration.count()) + " ms");
  }
  if (duration == std::chrono::milliseconds::zero()) return "0s";
  const std::chrono::hh_mm_ss<std::chrono::milliseconds> parts(duration);
  std::string out;
  const auto append = [&out](std::int64_t count, std::string_view unit) {
    if (count == 0) return;
    out += std::to_string(count);
    out += unit;
  };
  append(parts.hours().count(), "h");
  append(parts.minutes().count(), "m");
  append(parts.seconds().count(), "s");
  append(parts.subseconds().count(), "ms");
  return out;
}

INNGEST_INLINE std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  using std::chrono::nanoseconds;
  struct unit {
    std::string_view name;
    std::int64_t nanoseconds;
  };
  constexpr unit units[] = {{"ms", 1'000'000},
                            {"us", 1'000},
                            {"ns", 1},
                            {"s", 1'000'000'000},
                            {"m", 60'000'000'000},
                            {"h", 3'600'000'000'000},
                            {"d", 86'400'000'000'000},
                            {"w", 604'800'000'000'000}};
  if (text.empty()) return std::nullopt;
  nanoseconds total{};
  while (!text.empty()) {
    std::int64_t count = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (problem != std::errc{} || count < 0) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    const unit* found = nullptr;
    for (const unit& known : units) {
      if (text.starts_with(known.name) && (found == nullptr || known.name.size() > found->name.size()))
        found = &known;
    }
    if (found == nullptr || count > (INT64_MAX - total.count()) / found->nanoseconds) return std::nullopt;
    total += nanoseconds(count * found->nanoseconds);
    text.remove_prefix(found->name.size());
  }
  return std::chrono::ceil<std::chrono::milliseconds>(total);
}

}  // namespace inngest::inline INNGEST_ABI
