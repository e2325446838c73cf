#include <inngest/expression/detail/time.hpp>
#include <inngest/time/detail/rfc3339.hpp>
#include <inngest/time/timestamp.hpp>

#include <chrono>
#include <string_view>

#include "catch.hpp"

namespace {

using inngest::parse_timestamp;
using inngest::detail::parse_cel_timestamp;
using inngest::detail::parse_rfc3339;
using namespace std::chrono_literals;

constexpr std::chrono::sys_seconds new_year = std::chrono::sys_days(std::chrono::year(2026) / 1 / 1);

}  // namespace

TEST_CASE("RFC 3339 is read to the nanosecond, and what is finer is cut off", "[rfc3339]") {
  const auto moment = parse_rfc3339("2026-01-01T00:00:00.1234567899Z");
  REQUIRE(moment);
  CHECK(moment->seconds == new_year);
  CHECK(moment->fraction == 123456789ns);
  CHECK_FALSE(moment->is_leap_second);
}

TEST_CASE("a leap second is the second after it; CEL has none", "[rfc3339]") {
  const auto moment = parse_rfc3339("2025-12-31T23:59:60Z");
  REQUIRE(moment);
  CHECK(moment->seconds == new_year);
  CHECK(moment->is_leap_second);
  CHECK(parse_timestamp("2025-12-31T23:59:60Z") == new_year);
  CHECK_FALSE(parse_cel_timestamp("2025-12-31T23:59:60Z"));
}

TEST_CASE("small letters are for CEL, not for the protocol", "[rfc3339]") {
  for (const std::string_view text : {"2026-01-01t00:00:00Z", "2026-01-01T00:00:00z"}) {
    CAPTURE(text);
    CHECK(parse_rfc3339(text));
    CHECK(parse_cel_timestamp(text));
    CHECK_FALSE(parse_timestamp(text));
  }
}

TEST_CASE("an offset has a sign", "[rfc3339]") {
  CHECK(parse_rfc3339("2026-01-01T01:30:00+01:30")->seconds == new_year);
  CHECK(parse_rfc3339("2025-12-31T22:30:00-01:30")->seconds == new_year);
  CHECK_FALSE(parse_rfc3339("2026-01-01T01:30:0001:30"));
  CHECK_FALSE(parse_rfc3339("2026-01-01T01:30:00+-1:30"));
}

TEST_CASE("CEL has the years 1 to 9999 in UTC, the protocol also the year 0", "[rfc3339]") {
  CHECK(parse_cel_timestamp("0001-01-01T00:00:00Z"));
  CHECK_FALSE(parse_cel_timestamp("0001-01-01T00:00:00+00:01"));
  CHECK_FALSE(parse_cel_timestamp("9999-12-31T23:59:59-00:01"));
  CHECK(parse_timestamp("0000-01-01T00:00:00Z"));
}
