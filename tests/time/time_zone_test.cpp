#include <inngest/time/detail/cron_next.hpp>
#include <inngest/time/detail/time_zone.hpp>

#include <chrono>
#include <cstdio>
#include <optional>
#include <string>

#include "catch.hpp"

using inngest::detail::cron_next;
using inngest::detail::cron_schedule;
using inngest::detail::time_zone;

namespace {

bool has_database() {
  std::FILE* const file = std::fopen("/usr/share/zoneinfo/Asia/Kathmandu", "rb");
  if (file) std::fclose(file);
  if (!file) WARN("no time zone database: not tested");
  return file != nullptr;
}

std::chrono::sys_seconds at(const char* text) {
  return std::chrono::floor<std::chrono::seconds>(*inngest::parse_timestamp(text));
}

/// Minutes from UTC.
long offset(const char* zone, const char* time) {
  return static_cast<long>(time_zone::find(zone)->offset_at(at(time)).count() / 60);
}

std::string next(const char* schedule, const char* after) {
  const auto out = cron_next(cron_schedule::parse(schedule), *inngest::parse_timestamp(after));
  return out ? inngest::to_text(*out) : "never";
}

}  // namespace

TEST_CASE("clocks of the world are as far from UTC as their zone says", "[time_zone]") {
  if (!has_database()) return;
  CHECK(offset("UTC", "2026-07-01T00:00:00Z") == 0);
  CHECK(offset("Asia/Kathmandu", "2026-07-01T00:00:00Z") == 345);
  CHECK(offset("Europe/Berlin", "2026-01-15T12:00:00Z") == 60);
  CHECK(offset("Europe/Berlin", "2026-07-15T12:00:00Z") == 120);
  CHECK(offset("Europe/Berlin", "2026-03-29T00:59:59Z") == 60);
  CHECK(offset("Europe/Berlin", "2026-03-29T01:00:00Z") == 120);
  CHECK(offset("Europe/Berlin", "2026-10-25T00:59:59Z") == 120);
  CHECK(offset("Europe/Berlin", "2026-10-25T01:00:00Z") == 60);
  CHECK(offset("Australia/Lord_Howe", "2026-01-15T12:00:00Z") == 660);  // half an hour of summer time
  CHECK(offset("Australia/Lord_Howe", "2026-07-15T12:00:00Z") == 630);
  CHECK(offset("America/New_York", "2090-07-01T00:00:00Z") == -240);  // by the rule for all years to come
  CHECK(offset("America/New_York", "2090-12-01T00:00:00Z") == -300);
  CHECK(offset("Europe/Amsterdam", "1800-01-01T00:00:00Z") > 0);  // before any rule: the sun's time
}

TEST_CASE("a zone that is not there is named", "[time_zone]") {
  using Catch::Matchers::ContainsSubstring;
  CHECK_THROWS_WITH(time_zone::find("Mars/Base"), ContainsSubstring("Mars/Base"));
  CHECK_THROWS_AS(time_zone::find("../../../etc/passwd"), inngest::configuration_error);
  CHECK_THROWS_AS(time_zone::find("/etc/passwd"), inngest::configuration_error);
}

TEST_CASE("a file that is no time zone is refused", "[time_zone]") {
  using inngest::configuration_error;
  CHECK_THROWS_AS(time_zone::parse(""), configuration_error);
  CHECK_THROWS_AS(time_zone::parse("TZif2"), configuration_error);
  std::string file(44, '\0');
  file.replace(0, 5, "TZif2");
  CHECK_THROWS_AS(time_zone::parse(file + file), configuration_error);  // no type of local time
  std::string two = file;
  two[39] = 1;  // one type, of six bytes
  two[43] = 4;  // and four characters
  const std::string type = std::string(6, '\0') + "ABC" + std::string(1, '\0');
  CHECK(time_zone::parse(file + two + type + "\n\n").offset_at({}).count() == 0);
  CHECK(time_zone::parse(file + two + type + "\nABC-3\n").offset_at({}).count() == 3 * 3600);
  CHECK_THROWS_AS(time_zone::parse(file + two + type + "\nABC-3,\n"), configuration_error);
  CHECK_THROWS_AS(time_zone::parse(file + two + type + "\nA1B\n"), configuration_error);
  CHECK_THROWS_AS(time_zone::parse(file + two + type + "\nABC-3DEF,M13.1.0,M10.5.0\n"), configuration_error);
  CHECK_THROWS_AS(time_zone::parse(file + two + type), configuration_error);
}

TEST_CASE("rules of days and of quoted names are understood", "[time_zone]") {
  std::string file(44, '\0');
  file.replace(0, 5, "TZif2");
  std::string two = file;
  two[39] = 1;
  const auto zone = [&](const std::string& rule) {
    return time_zone::parse(file + two + std::string(6, '\0') + "\n" + rule + "\n");
  };
  CHECK(zone("<+0330>-3:30").offset_at({}).count() == 12'600);
  const auto by_day = zone("AAA0BBB,J60/0,300/24");  // from 1 March to the 300th day from 0
  CHECK(by_day.offset_at(at("2024-02-29T12:00:00Z")).count() == 0);
  CHECK(by_day.offset_at(at("2024-03-01T00:00:00Z")).count() == 3600);
  CHECK(by_day.next_change(at("2024-01-01T00:00:00Z")) == at("2024-03-01T00:00:00Z"));
  const auto south = zone("AAA-10BBB,M10.1.0,M4.1.0/3");  // summer over the turn of the year
  CHECK(south.offset_at(at("2026-01-01T00:00:00Z")).count() == 39'600);
  CHECK(south.offset_at(at("2026-06-01T00:00:00Z")).count() == 36'000);
}

TEST_CASE("a schedule fires by the clocks of its zone", "[time_zone]") {
  CHECK(next("30 4 * * *", "2026-01-01T04:30:00Z") == "2026-01-02T04:30:00.000Z");
  CHECK(next("0 0 29 2 *", "2026-01-01T00:00:00Z") == "2028-02-29T00:00:00.000Z");
  if (!has_database()) return;
  CHECK(next("TZ=Europe/Berlin 0 9 * * *", "2026-01-01T00:00:00Z") == "2026-01-01T08:00:00.000Z");
  CHECK(next("TZ=Europe/Berlin 0 9 * * *", "2026-07-01T07:00:00Z") == "2026-07-02T07:00:00.000Z");
  CHECK(next("TZ=Asia/Kathmandu 0 0 1 1 *", "2026-06-01T00:00:00Z") == "2026-12-31T18:15:00.000Z");
}

TEST_CASE("a schedule passes over times that are left out, and fires twice at those that come twice",
          "[time_zone]") {
  if (!has_database()) return;
  const char* daily = "TZ=Europe/Berlin 30 2 * * *";
  CHECK(next(daily, "2026-03-28T12:00:00Z") == "2026-03-30T00:30:00.000Z");  // no half past two on the 29th
  CHECK(next(daily, "2026-10-24T12:00:00Z") == "2026-10-25T00:30:00.000Z");
  CHECK(next(daily, "2026-10-25T00:30:00Z") == "2026-10-25T01:30:00.000Z");
  CHECK(next(daily, "2026-10-25T01:30:00Z") == "2026-10-26T01:30:00.000Z");
  CHECK(next("TZ=Europe/Berlin */20 * * * *", "2026-10-25T00:40:00Z") == "2026-10-25T01:00:00.000Z");
  CHECK(next("TZ=Europe/Berlin 0 * * * *", "2026-03-29T00:00:00Z") == "2026-03-29T01:00:00.000Z");
}
