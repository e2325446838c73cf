#include <inngest/embedded/retry.hpp>

#include <chrono>

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

TEST_CASE("retries are as far apart as a server's", "[embedded]") {
  CHECK(least_retry_delay(0) == 15s);
  CHECK(least_retry_delay(1) == 30s);
  CHECK(least_retry_delay(100) == 2h);
  for (int i = 0; i < 100; ++i) {
    CHECK(server_retry_delay(0) >= 15s);
    CHECK(server_retry_delay(0) < 45s);
  }
}
