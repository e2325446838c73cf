// The one thread that looks after all clients that wait.
#include <inngest/serving/heartbeats.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "support/eventually.hpp"

using namespace std::chrono_literals;
using inngest::serving::heartbeat;
using inngest::serving::heartbeats;
using support::eventually;

TEST_CASE("a heartbeat's function is called during its lifetime and no longer", "[heartbeats]") {
  std::atomic<int> first{0}, second{0};
  heartbeats all(1ms);
  const heartbeat stays(all, [&] { ++second; });
  {
    const heartbeat one(all, [&] { ++first; });
    REQUIRE(eventually([&] { return first >= 3 && second >= 3; }));
  }
  const int before = second;
  REQUIRE(eventually([&] { return second >= before + 2; }));  // the call that was running has ended
  const int last = first;
  REQUIRE(eventually([&] { return second >= before + 5; }));
  CHECK(first == last);
}

TEST_CASE("what a heartbeat held is freed when it ends, not when it was due", "[heartbeats]") {
  heartbeats all(1h);
  const auto held = std::make_shared<int>(1);
  {
    const heartbeat one(all, [held] {});
    CHECK(held.use_count() == 2);
  }
  CHECK(held.use_count() == 1);
}

TEST_CASE("an interval out of range is corrected", "[heartbeats]") {
  SECTION("a short one") {
    std::atomic<int> beats{0};
    heartbeats all(GENERATE(0ms, -5ms, std::chrono::milliseconds::min()));
    const heartbeat one(all, [&] { ++beats; });
    CHECK(eventually([&] { return beats >= 2; }));
  }
  SECTION("a long one") {
    std::atomic<int> beats{0};
    heartbeats all(std::chrono::milliseconds::max());
    const heartbeat one(all, [&] { ++beats; });
    std::this_thread::sleep_for(20ms);
    CHECK(beats == 0);
  }
}

TEST_CASE("a heartbeat may end itself, and destroy all heartbeats", "[heartbeats]") {
  std::atomic<int> beats{0};
  std::atomic<bool> is_gone{false};
  auto all = std::make_unique<heartbeats>(1ms);
  std::optional<heartbeat> other;
  std::atomic<bool> is_ready{false};
  other.emplace(*all, [&] {
    if (!is_ready || is_gone) return;
    ++beats;
    other.reset();
    all.reset();
    is_gone = true;
  });
  is_ready = true;
  CHECK(eventually([&] { return is_gone.load(); }));
  CHECK(beats == 1);
}

TEST_CASE("heartbeats come and go on many threads", "[heartbeats]") {
  std::atomic<int> beats{0};
  heartbeats all(1ms);
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        const heartbeat one(all, [&] { ++beats; });
        if (i % 50 == 0) std::this_thread::sleep_for(3ms);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const int before = beats;
  const heartbeat last(all, [&] { ++beats; });
  CHECK(eventually([&] { return beats >= before + 2; }));
}
