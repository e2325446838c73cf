#include <inngest/embedded/detail/retry.hpp>
#include <inngest/time/detail/http_date.hpp>

#include <chrono>
#include <string>

#include "catch.hpp"

using namespace std::chrono_literals;
using namespace inngest::embedded;

TEST_CASE("an app says when it wants to be tried again, in seconds or as a date", "[embedded]") {
  const inngest::timestamp now = std::chrono::sys_days(std::chrono::year(2026) / 11 / 23) + 10h;
  CHECK(retry_after("5", now) == now + 5s);
  CHECK(retry_after("Mon, 23 Nov 2026 10:00:30 GMT", now) == now + 30s);
  CHECK(retry_after("2026-11-23T10:01:00Z", now) == now + 1min);
  CHECK(retry_after("Mon, 23 Nov 2026 09:00:00 GMT", now) == now + 1s);  // it is over
  CHECK(retry_after("999999999", now) == now + 24h);
  CHECK_FALSE(retry_after("0", now));
  CHECK_FALSE(retry_after("soon", now));
}

TEST_CASE("seconds of any size are read, and capped at a day", "[embedded]") {
  const inngest::timestamp now = std::chrono::sys_days(std::chrono::year(2026) / 11 / 23) + 10h;
  for (const std::string& text :
       {std::string("86400"), std::string("86401"), std::string("9999999"), std::string("10000000000"),
        std::string("9223372036854775808"), std::string(1000, '9'), std::string(500, '0') + "86400"}) {
    CAPTURE(text);
    CHECK(retry_after(text, now) == now + 24h);
  }
  CHECK(retry_after("86399", now) == now + 86399s);
  CHECK(retry_after("1", now) == now + 1s);
  CHECK(retry_after("000000000000000000000000000007", now) == now + 7s);
  CHECK(retry_after(" 7\t", now) == now + 7s);
  CHECK_FALSE(retry_after("0000000000000000000000", now));
}

TEST_CASE("what is no number of seconds and no date is ignored", "[embedded]") {
  const inngest::timestamp now = std::chrono::sys_days(std::chrono::year(2026) / 11 / 23) + 10h;
  for (const char* text : {"",
                           " ",
                           "5m",
                           "5s",
                           "5ms",
                           "1h30m",
                           "5,",
                           "5, 6",
                           "-5",
                           "+5",
                           "5.5",
                           "5e3",
                           "0x10",
                           "soon",
                           "5 s",
                           "Mon, 23 Nov 2026 10:00:30",
                           "Mon, 23 Nov 2026 10:00:30 GMT x",
                           "Mon, 23 Nov 2026 25:00:30 GMT",
                           "Mon, 23 Nov 2026 10:60:30 GMT",
                           "Mon, 23 Nov 2026 10:00:61 GMT",
                           "Mon, 31 Nov 2026 10:00:30 GMT",
                           "Mon, 00 Nov 2026 10:00:30 GMT",
                           "Mon, 23 Now 2026 10:00:30 GMT",
                           "Mon, 23 anF 2026 10:00:30 GMT",
                           "Nox, 23 Nov 2026 10:00:30 GMT",
                           "23 Nov 2026 10:00:30 GMT",
                           "Monday, 23 Nov 2026 10:00:30 GMT",
                           "Monday, 23-Nov-2026 10:00:30 GMT",
                           "Mon Nov 23 10:00:30",
                           "Mon, 23 Nov 2026 10:00:30 +0100",
                           "2026-11-23T10:01:00",
                           "Mon,23 Nov 2026 10:00:30 GMT"}) {
    CAPTURE(text);
    CHECK_FALSE(retry_after(text, now));
  }
}

TEST_CASE("a retry's date may have each of the forms of HTTP", "[embedded]") {
  const inngest::timestamp now = std::chrono::sys_days(std::chrono::year(2026) / 11 / 23) + 10h;
  CHECK(retry_after("Mon, 23 Nov 2026 10:05:00 GMT", now) == now + 5min);
  CHECK(retry_after("Monday, 23-Nov-26 10:05:00 GMT", now) == now + 5min);
  CHECK(retry_after("Mon Nov 23 10:05:00 2026", now) == now + 5min);
  CHECK(retry_after("2026-11-23T10:05:00.500Z", now) == now + 5min + 500ms);
  CHECK(retry_after("2026-11-23T12:05:00+02:00", now) == now + 5min);
  CHECK(retry_after("Sun Dec  6 10:05:00 2026", now) == now + 24h);        // a day of one digit
  CHECK(retry_after("Sunday, 06-Nov-94 08:49:37 GMT", now) == now + 1s);   // 1994
  CHECK(retry_after("Sunday, 06-Nov-76 08:49:37 GMT", now) == now + 24h);  // 2076: within 50 years
  CHECK(retry_after("Sunday, 06-Nov-77 08:49:37 GMT", now) == now + 1s);   // 1977
  CHECK(retry_after("Fri, 31 Dec 9999 23:59:59 GMT", now) == now + 24h);
  CHECK(retry_after("Mon, 23 Nov 2026 10:00:60 GMT", now) == now + 60s);  // a leap second
}

TEST_CASE("the dates of HTTP are read in all their forms", "[http]") {
  using inngest::detail::parse_http_date;
  const std::chrono::sys_seconds wanted =
      std::chrono::sys_days(std::chrono::year(1994) / 11 / 6) + 8h + 49min + 37s;
  const std::chrono::sys_seconds now = std::chrono::sys_days(std::chrono::year(2026) / 11 / 23);
  CHECK(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT", now) == wanted);
  CHECK(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT", now) == wanted);
  CHECK(parse_http_date("Sun Nov  6 08:49:37 1994", now) == wanted);
  CHECK(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT") == wanted);
}

TEST_CASE("retries are as far apart as a server's", "[embedded]") {
  CHECK(least_retry_delay(0) == 15s);
  CHECK(least_retry_delay(1) == 30s);
  CHECK(least_retry_delay(100) == 2h);
  for (int i = 0; i < 100; ++i) {
    CHECK(server_retry_delay(0) >= 15s);
    CHECK(server_retry_delay(0) < 45s);
  }
}
