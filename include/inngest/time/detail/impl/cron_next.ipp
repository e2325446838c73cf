#pragma once

#include <chrono>

#include <inngest/config.hpp>
#include <inngest/time/detail/cron_next.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE std::optional<timestamp> cron_next(const cron_schedule& schedule, timestamp after) {
  const auto zone = time_zone::find(schedule.zone == "Local" ? "UTC" : schedule.zone);
  const auto start = std::chrono::floor<std::chrono::seconds>(after);
  auto offset = zone->offset_at(start);
  auto local = start + offset;
  auto change = zone->next_change(start);
  while (const auto next = schedule.next_after(local)) {
    if (!change || *next - offset < *change) return *next - offset;
    offset = zone->offset_at(*change);
    local = *change + offset - std::chrono::seconds(1);
    change = zone->next_change(*change);
  }
  return std::nullopt;
}

}  // namespace inngest::inline INNGEST_ABI::detail
