// Schedules: five fields with at least one value each, or an error.
#include <inngest/time/detail/cron.hpp>

#include <chrono>
#include <string_view>

#include "fuzz_check.hpp"
#include "targets.hpp"

void targets::fuzz_cron(std::string_view text) {
  try {
    const auto schedule = inngest::detail::cron_schedule::parse(text);
    FUZZ_CHECK(schedule.minutes != 0 && schedule.minutes >> 60 == 0);
    FUZZ_CHECK(schedule.hours != 0 && schedule.hours >> 24 == 0);
    FUZZ_CHECK(schedule.days != 0 && (schedule.days & 1) == 0 && schedule.days >> 32 == 0);
    FUZZ_CHECK(schedule.months != 0 && (schedule.months & 1) == 0 && schedule.months >> 13 == 0);
    FUZZ_CHECK(schedule.weekdays != 0 && schedule.weekdays >> 7 == 0);
    FUZZ_CHECK(!schedule.zone.empty());
    // it fires some time, and then again: on a day and at a time of its fields
    auto moment = std::chrono::sys_seconds(std::chrono::sys_days(std::chrono::year(2026) / 2 / 28));
    for (int i = 0; i < 3; ++i) {
      const auto next = schedule.next_after(moment);
      FUZZ_CHECK(next && *next > moment);
      moment = *next;
      const auto day = std::chrono::floor<std::chrono::days>(moment);
      const auto minute = (moment - day) / std::chrono::minutes(1);
      FUZZ_CHECK(schedule.is_on(day));
      FUZZ_CHECK((schedule.hours >> (minute / 60) & 1) == 1 && (schedule.minutes >> (minute % 60) & 1) == 1);
    }
  } catch (const inngest::configuration_error&) {
  }
}
