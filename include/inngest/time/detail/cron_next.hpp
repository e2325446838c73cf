#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include <inngest/time/detail/cron.hpp>
#include <inngest/time/detail/time_zone.hpp>
#include <inngest/time/timestamp.hpp>

namespace inngest::detail {

/// When a schedule fires next after a time: whenever the clocks of its zone come to one of its minutes. They
/// don't come to those that are left out when summer time begins, and twice to those at its end.
/// \throws configuration_error when the zone is not there.
inline std::optional<timestamp> cron_next(const cron_schedule& schedule, timestamp after) {
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

}  // namespace inngest::detail
