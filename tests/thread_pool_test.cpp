// The pool on which calls run where the adapter does not block.
#include <inngest/thread_pool.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "support/eventually.hpp"

using namespace std::chrono_literals;
using support::eventually;

namespace {

/// Keeps threads waiting until it is opened. Its destructor opens it, so that a failed test ends: declare it
/// after the pool.
class gate {
 public:
  gate() = default;
  gate(const gate&) = delete;
  gate& operator=(const gate&) = delete;
  ~gate() { open(); }
  /// Work that waits until the gate is open.
  std::function<void()> waiter() const {
    return [state = state_] {
      std::unique_lock lock(state->mutex);
      ++state->waiting;
      state->changed.wait(lock, [&] { return state->is_open; });
    };
  }
  int waiting() const {
    const std::lock_guard lock(state_->mutex);
    return state_->waiting;
  }
  void open() const {
    const std::lock_guard lock(state_->mutex);
    state_->is_open = true;
    state_->changed.notify_all();
  }

 private:
  struct state {
    std::mutex mutex;
    std::condition_variable changed;
    int waiting = 0;
    bool is_open = false;
  };
  std::shared_ptr<state> state_ = std::make_shared<state>();
};

}  // namespace

TEST_CASE("a thread pool starts threads on demand, up to its maximum, and then queues", "[executor]") {
  std::atomic<int> done{0};
  inngest::thread_pool pool({.threads = 2, .queue = 3});
  const gate held;
  CHECK(pool.threads() == 0);
  const auto work = [&, wait = held.waiter()] {
    wait();
    ++done;
  };
  CHECK(pool.post(work));
  CHECK(pool.threads() == 1);
  CHECK(pool.post(work));
  CHECK(pool.threads() == 2);
  REQUIRE(eventually([&] { return held.waiting() == 2; }));
  for (int i = 0; i < 3; ++i) CHECK(pool.post(work));
  CHECK_FALSE(pool.post(work));
  CHECK(pool.threads() == 2);
  held.open();
  REQUIRE(eventually([&] { return done == 5; }));
  CHECK(pool.post(work));  // there is place again
  pool.stop();
  CHECK(done == 6);
}

TEST_CASE("a pool's thread that is idle takes the next work, and ends after its idle time", "[executor]") {
  std::atomic<int> done{0};
  inngest::thread_pool pool({.threads = 8, .max_idle = 50ms});
  const auto work = [&] { ++done; };
  for (int i = 1; i <= 5; ++i) {
    REQUIRE(pool.post(work));
    REQUIRE(eventually([&] { return done == i; }));
  }
  CHECK(eventually([&] { return pool.threads() == 0; }));
  CHECK(pool.post(work));
  CHECK(eventually([&] { return done == 6; }));
}

TEST_CASE("stop() runs what waits, and a stopped pool takes no more work", "[executor]") {
  std::atomic<int> done{0};
  inngest::thread_pool pool({.threads = 1});
  for (int i = 0; i < 20; ++i) REQUIRE(pool.post([&] { ++done; }));
  pool.stop();
  CHECK(done == 20);
  CHECK_FALSE(pool.post([&] { ++done; }));
  pool.stop();
  CHECK(done == 20);
}

TEST_CASE("work that throws does not end the pool's thread", "[executor]") {
  std::atomic<bool> done{false};
  inngest::thread_pool pool({.threads = 1});
  REQUIRE(pool.post([] { throw std::runtime_error("for standard error"); }));
  REQUIRE(pool.post([] { throw 1; }));
  REQUIRE(pool.post([&] { done = true; }));
  CHECK(eventually([&] { return done.load(); }));
}

TEST_CASE("a pool may be destroyed by its own work", "[executor]") {
  std::atomic<bool> is_gone{false}, ran_after{false};
  auto pool = std::make_shared<inngest::thread_pool>(inngest::thread_pool_options{.threads = 2});
  const gate held;
  auto* place = pool.get();
  REQUIRE(place->post([&, wait = held.waiter(), pool]() mutable {
    wait();
    pool.reset();
    is_gone = true;
  }));
  REQUIRE(place->post([&] { ran_after = true; }));
  pool.reset();
  held.open();
  CHECK(eventually([&] { return is_gone.load(); }));
  CHECK(ran_after);
}

TEST_CASE("the work that a pool refuses is destroyed without having run", "[executor]") {
  inngest::thread_pool pool({.threads = 1, .queue = 0});
  const gate held;
  REQUIRE(pool.post(held.waiter()));
  REQUIRE(eventually([&] { return held.waiting() == 1; }));
  const auto has_run = std::make_shared<std::atomic<bool>>(false);
  const bool is_taken = pool.post([has_run] { *has_run = true; });
  CHECK_FALSE(is_taken);
  CHECK(has_run.use_count() == 1);
  CHECK_FALSE(*has_run);
}

TEST_CASE("a burst fills the threads that start and then the queue", "[executor]") {
  for (int round = 0; round < 20; ++round) {
    inngest::thread_pool pool({.threads = 2, .queue = 3});
    const gate held;
    for (int i = 0; i < 5; ++i) CHECK(pool.post(held.waiter()));
    CHECK_FALSE(pool.post(held.waiter()));
  }
}

TEST_CASE("a pool's threads may wait for ever", "[executor]") {
  std::atomic<int> done{0};
  const auto max_idle = GENERATE(std::chrono::milliseconds::max(), std::chrono::milliseconds::min());
  inngest::thread_pool pool({.threads = 1, .max_idle = max_idle});
  for (int i = 1; i <= 3; ++i) {
    REQUIRE(pool.post([&] { ++done; }));
    REQUIRE(eventually([&] { return done == i; }));
  }
  std::this_thread::sleep_for(20ms);
  if (max_idle > 0ms) CHECK(pool.threads() == 1);
}

TEST_CASE("threads that sleep all wake up for work that waits", "[executor]") {
  inngest::thread_pool pool({.threads = 8});
  for (int round = 0; round < 20; ++round) {
    const gate all;
    for (int i = 0; i < 8; ++i) REQUIRE(pool.post(all.waiter()));
    REQUIRE(eventually([&] { return all.waiting() == 8; }));
    all.open();
    if (round % 2 == 0) std::this_thread::sleep_for(2ms);  // so that they fall asleep
  }
}

TEST_CASE("a hundred threads post to one pool, and nothing is lost or run twice", "[executor]") {
  constexpr int threads = 100, each = 50;
  std::vector<std::atomic<int>> runs(threads * each);
  std::atomic<int> taken{0};
  inngest::thread_pool pool({.threads = 4, .queue = 16, .max_idle = 1ms});
  std::vector<std::thread> posting;
  for (int t = 0; t < threads; ++t) {
    posting.emplace_back([&, t] {
      for (int i = 0; i < each; ++i) {
        auto& count = runs[static_cast<std::size_t>(t * each + i)];
        if (pool.post([&count] { ++count; }))
          ++taken;
        else
          count = -1;
      }
    });
  }
  for (std::thread& thread : posting) thread.join();
  CHECK(pool.threads() <= 4);
  pool.stop();
  int run = 0, wrong = 0;
  for (const auto& count : runs) {
    run += count == 1 ? 1 : 0;
    wrong += count != 1 && count != -1 ? 1 : 0;
  }
  CHECK(wrong == 0);
  CHECK(run == taken);
}

TEST_CASE("work may post to its pool, also while the pool stops", "[executor]") {
  std::atomic<int> left{50};
  std::atomic<bool> is_refused{false};
  inngest::thread_pool pool({.threads = 2});
  std::function<void()> again = [&] {
    if (--left > 0 && !pool.post(again)) is_refused = true;
  };
  REQUIRE(pool.post(again));
  pool.stop();
  CHECK((is_refused || left <= 0));
}
