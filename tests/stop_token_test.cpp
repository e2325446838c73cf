#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>

#include <inngest/platform/detail/stop_token.hpp>
#include <inngest/stop_token.hpp>

#include "catch.hpp"
#include "support/eventually.hpp"

// The types of this library, also where the standard library has its own.
namespace own = inngest::detail::own_stop;

#ifdef __cpp_lib_jthread
static_assert(std::is_same_v<inngest::stop_token, std::stop_token>);
static_assert(std::is_same_v<inngest::stop_source, std::stop_source>);
#endif

TEST_CASE("own stop tokens: one state is shared by a source, its copies and their tokens", "[stop_token]") {
  const own::stop_source source;
  const own::stop_token token = source.get_token();
  const own::stop_source copy = source;
  CHECK(token.stop_possible());
  CHECK_FALSE(token.stop_requested());
  CHECK(copy == source);
  CHECK(copy.get_token() == token);
  CHECK_FALSE(own::stop_source() == source);

  CHECK(copy.request_stop());
  CHECK_FALSE(source.request_stop());
  CHECK(token.stop_requested());
  CHECK(source.stop_requested());
}

TEST_CASE("own stop tokens: without a state nothing can be requested", "[stop_token]") {
  const own::stop_source source{own::nostopstate};
  CHECK_FALSE(source.stop_possible());
  CHECK_FALSE(source.request_stop());
  CHECK_FALSE(source.get_token().stop_possible());
  CHECK_FALSE(own::stop_token().stop_requested());
  CHECK(own::stop_token() == source.get_token());
}

TEST_CASE("own stop tokens: a stop is possible while a source is left, or once it was requested",
          "[stop_token]") {
  std::optional<own::stop_source> source(std::in_place);
  const auto token = source->get_token();
  std::optional<own::stop_source> copy = source;
  source.reset();
  CHECK(token.stop_possible());
  copy.reset();
  CHECK_FALSE(token.stop_possible());

  source.emplace();
  const auto requested = source->get_token();
  source->request_stop();
  source.reset();
  CHECK(requested.stop_possible());
}

TEST_CASE("own stop tokens: callbacks are called once, by whoever requests the stop or comes later",
          "[stop_token]") {
  const own::stop_source source;
  int calls = 0;
  const own::stop_callback first(source.get_token(), [&] { calls += 1; });
  {
    const own::stop_callback removed(source.get_token(), [&] { calls += 100; });
  }
  CHECK(calls == 0);
  source.request_stop();
  source.request_stop();
  CHECK(calls == 1);
  const own::stop_callback late(source.get_token(), [&] { calls += 10; });
  CHECK(calls == 11);
}

TEST_CASE("own stop tokens: a callback may remove itself, others and the last source", "[stop_token]") {
  using callback = own::stop_callback<std::function<void()>>;
  auto source = std::make_unique<own::stop_source>();
  const auto token = source->get_token();
  std::unique_ptr<callback> itself, other;
  int calls = 0;
  itself = std::make_unique<callback>(token, [&] {
    ++calls;
    other.reset();
    source.reset();
    itself.reset();
  });
  other = std::make_unique<callback>(token, [&] { calls += 100; });
  source->request_stop();
  CHECK(calls == 1);
  CHECK(token.stop_requested());
}

TEST_CASE("own stop tokens: the end of a callback waits until another thread has called it", "[stop_token]") {
  using namespace std::chrono_literals;
  const own::stop_source source;
  std::atomic<bool> entered = false, left = false;
  std::optional<own::stop_callback<std::function<void()>>> callback;
  callback.emplace(source.get_token(), [&] {
    entered = true;
    std::this_thread::sleep_for(20ms);
    left = true;
  });
  std::thread requester([&] { source.request_stop(); });
  support::hold_until(entered);
  callback.reset();
  CHECK(left);
  requester.join();
}
