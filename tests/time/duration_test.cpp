#include <inngest/time/duration.hpp>
#include <inngest/time/timestamp.hpp>

#include <cstdint>
#include <limits>
#include <string>

#include "catch.hpp"
#include "support/message_of.hpp"

namespace {

using namespace std::chrono_literals;
using inngest::parse_duration;
using inngest::parse_timestamp;
using inngest::timestamp;
using inngest::to_text;
using std::chrono::milliseconds;

timestamp at(std::int64_t ms) { return timestamp(milliseconds(ms)); }

}  // namespace

TEST_CASE("a duration is written in hours, minutes, seconds and milliseconds", "[duration]") {
  CHECK(to_text(0s) == "0s");
  CHECK(to_text(1ms) == "1ms");
  CHECK(to_text(999ms) == "999ms");
  CHECK(to_text(1s) == "1s");
  CHECK(to_text(1500ms) == "1s500ms");
  CHECK(to_text(60s) == "1m");
  CHECK(to_text(90min) == "1h30m");
  CHECK(to_text(24h) == "24h");
  CHECK(to_text(24h * 366) == "8784h");
  CHECK(to_text(1h + 1min + 1s + 1ms) == "1h1m1s1ms");
}

TEST_CASE("a negative duration is refused with its size", "[duration]") {
  CHECK(support::message_of<inngest::configuration_error>([] { static_cast<void>(to_text(-1ms)); }) ==
        "a duration must not be negative: -1 ms");
  CHECK_THROWS_AS(to_text(milliseconds::min()), inngest::configuration_error);
}

TEST_CASE("every unit of a duration is read", "[duration]") {
  CHECK(parse_duration("1w") == 24h * 7);
  CHECK(parse_duration("1d12h") == 36h);
  CHECK(parse_duration("1h") == 1h);
  CHECK(parse_duration("2m") == 2min);
  CHECK(parse_duration("3s") == 3s);
  CHECK(parse_duration("4ms") == 4ms);
  CHECK(parse_duration("1m30s500ms") == 90500ms);
  CHECK(parse_duration("0s") == 0ms);
  CHECK(parse_duration("1h1m1s1ms") == 1h + 1min + 1s + 1ms);
}

TEST_CASE("less than a millisecond is rounded up", "[duration]") {
  CHECK(parse_duration("1ns") == 1ms);
  CHECK(parse_duration("1us") == 1ms);
  CHECK(parse_duration("1000us") == 1ms);
  CHECK(parse_duration("1001us") == 2ms);
  CHECK(parse_duration("999999ns1ns") == 1ms);
  CHECK(parse_duration("0ns") == 0ms);
}

TEST_CASE("text that is no duration is not read", "[duration]") {
  for (const char* text : {"",
                           " ",
                           "1",
                           "s",
                           "ms",
                           "1 s",
                           " 1s",
                           "1s ",
                           "-1s",
                           "+1s",
                           "1.5h",
                           "1e3s",
                           "0x1s",
                           "1S",
                           "1y",
                           "1sec",
                           "1s2",
                           "1s-1s",
                           "1h,",
                           "--",
                           "\xff",
                           "1\xc2\xb5s",
                           "99999999999999999999s",
                           "9223372036854775808ns",
                           "9223372036855ms9223372036855ms",
                           "15251w"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_duration(text).has_value());
  }
  CHECK_FALSE(parse_duration(std::string_view("1s\0", 3)).has_value());
}

TEST_CASE("the longest durations are read without overflow", "[duration]") {
  CHECK(parse_duration("9223372036854775807ns") == milliseconds(9223372036855));
  CHECK(parse_duration("15250w").has_value());
}

TEST_CASE("durations survive writing and reading", "[duration]") {
  for (const std::int64_t ms :
       {0LL, 1LL, 59'999LL, 3'599'999LL, 86'400'000LL, 31'622'400'000LL, 9'223'372'036'854LL}) {
    CAPTURE(ms);
    CHECK(parse_duration(to_text(milliseconds(ms))) == milliseconds(ms));
  }
}

TEST_CASE("a timestamp is written as RFC 3339 with milliseconds", "[duration][timestamp]") {
  CHECK(to_text(at(0)) == "1970-01-01T00:00:00.000Z");
  CHECK(to_text(at(1)) == "1970-01-01T00:00:00.001Z");
  CHECK(to_text(at(-1)) == "1969-12-31T23:59:59.999Z");
  CHECK(to_text(at(1767225600000)) == "2026-01-01T00:00:00.000Z");
  CHECK(to_text(at(951782399999)) == "2000-02-28T23:59:59.999Z");
  CHECK(to_text(at(951782400000)) == "2000-02-29T00:00:00.000Z");
  CHECK(to_text(at(253402300799999)) == "9999-12-31T23:59:59.999Z");
}

TEST_CASE("a timestamp is read with any offset and any fraction", "[duration][timestamp]") {
  CHECK(parse_timestamp("1970-01-01T00:00:00Z") == at(0));
  CHECK(parse_timestamp("2026-01-01T00:00:00.1Z") == at(1767225600100));
  CHECK(parse_timestamp("2026-01-01T00:00:00.12Z") == at(1767225600120));
  CHECK(parse_timestamp("2026-01-01T00:00:00.1239999999999999999999Z") == at(1767225600123));
  CHECK(parse_timestamp("2026-01-01T02:00:00+02:00") == at(1767225600000));
  CHECK(parse_timestamp("2025-12-31T18:30:00-05:30") == at(1767225600000));
  CHECK(parse_timestamp("2026-01-01T00:00:00+00:00") == at(1767225600000));
  CHECK(parse_timestamp("2024-02-29T12:00:00Z").has_value());
  CHECK(parse_timestamp("2016-12-31T23:59:60Z") == parse_timestamp("2017-01-01T00:00:00Z"));  // a leap second
}

TEST_CASE("text that is no timestamp is not read", "[duration][timestamp]") {
  for (const char* text : {"",
                           "2026",
                           "2026-01-01",
                           "2026-01-01T00:00:00",
                           "2026-01-01 00:00:00Z",
                           "2026-13-01T00:00:00Z",
                           "2026-00-01T00:00:00Z",
                           "2026-01-32T00:00:00Z",
                           "2026-01-00T00:00:00Z",
                           "2025-02-29T00:00:00Z",
                           "2026-01-01T24:00:00Z",
                           "2026-01-01T00:60:00Z",
                           "2026-01-01T00:00:61Z",
                           "2026-1-1T00:00:00Z",
                           "2026-01-01T00:00:00.Z",
                           "2026-01-01T00:00:00ZZ",
                           "2026-01-01T00:00:00Z ",
                           " 2026-01-01T00:00:00Z",
                           "2026-01-01T00:00:00+0200",
                           "2026-01-01T00:00:00+2:00",
                           "-026-01-01T00:00:00Z",
                           "20260101T000000Z",
                           "2026-01-01T00:00:00+",
                           "2026-01-01T00:00:00+00:",
                           "2026-01-01T-1:00:00Z"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_timestamp(text).has_value());
  }
}

TEST_CASE("an offset beyond a day or an hour is no timestamp", "[duration][timestamp]") {
  CHECK_FALSE(parse_timestamp("2026-01-01T00:00:00+99:99").has_value());
  CHECK_FALSE(parse_timestamp("2026-01-01T00:00:00+24:00").has_value());
  CHECK_FALSE(parse_timestamp("2026-01-01T00:00:00-00:60").has_value());
}

TEST_CASE("timestamps survive writing and reading", "[duration][timestamp]") {
  for (const std::int64_t ms : {-62167219200000LL, -1LL, 0LL, 999LL, 1767225600123LL, 253402300799999LL}) {
    CAPTURE(ms);
    CHECK(parse_timestamp(to_text(at(ms))) == at(ms));
  }
}

TEST_CASE("every prefix of a timestamp is refused", "[duration][timestamp]") {
  const std::string text = "2026-01-01T00:00:00.123+01:00";
  for (std::size_t size = 0; size < text.size(); ++size) {
    CAPTURE(text.substr(0, size));
    CHECK_FALSE(parse_timestamp(text.substr(0, size)).has_value());
  }
}

TEST_CASE("a time to wait is limited to a year", "[duration]") {
  using inngest::detail::within_a_year;
  CHECK(within_a_year(5s) == 5s);
  CHECK(within_a_year(-1ms) == 0ms);
  CHECK(within_a_year(0s, 1s) == 1s);
  CHECK(within_a_year((std::chrono::milliseconds::max)()) == 24h * 366);
  CHECK(within_a_year((std::chrono::seconds::max)()) == 24h * 366);
}
