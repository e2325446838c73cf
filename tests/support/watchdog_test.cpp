#include "support/watchdog.hpp"

#include <atomic>
#include <chrono>
#include <future>
#include <string>

#include "catch.hpp"

using namespace std::chrono_literals;

TEST_CASE("a watchdog names what takes too long", "[watchdog]") {
  std::promise<std::string> late;
  support::watchdog dog(20ms, [&](const std::string& name) { late.set_value(name); });
  dog.begin("first");
  dog.end();
  dog.begin("second");
  auto named = late.get_future();
  REQUIRE(named.wait_for(60s) == std::future_status::ready);
  CHECK(named.get() == "second");
}

TEST_CASE("a watchdog says nothing of what ends in time", "[watchdog]") {
  std::atomic<int> late{0};
  {
    support::watchdog dog(1h, [&](const std::string&) { ++late; });
    for (int i = 0; i < 100; ++i) dog.begin("one of many");
    dog.end();
  }
  CHECK(late == 0);
}
