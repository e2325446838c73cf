// The memory of large bodies, which the next bodies get.
#include <inngest/detail/spare_texts.hpp>

#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <inngest/thread_pool.hpp>

#include "catch.hpp"

namespace {

constexpr std::size_t large = 1024 * 1024;

/// Lends `count` texts that never come back, so that others are stored.
void lend(int count) {
  for (int i = 0; i < count; ++i) static_cast<void>(inngest::detail::text_with_room(64 * 1024));
}

/// Frees what other tests have left, and takes back what they were lent.
void forget_earlier_texts() {
  for (int i = 0; i < 10'000; ++i) {
    std::string text;
    text.reserve(64 * 1024);
    inngest::detail::give_back(std::move(text));
  }
  inngest::detail::free_spare_texts();
}

}  // namespace

TEST_CASE("a large text gets the memory of one that was given back", "[text]") {
  forget_earlier_texts();
  std::string first = inngest::detail::text_with_room(large);
  first = "old content";
  const char* const memory = first.data();
  inngest::detail::give_back(std::move(first));

  const std::string second = inngest::detail::text_with_room(large / 2);
  CHECK(second.data() == memory);
  CHECK(second.empty());
  CHECK(second.capacity() >= large);
}

TEST_CASE("a text always has the room that was asked for", "[text]") {
  forget_earlier_texts();
  inngest::detail::give_back(inngest::detail::text_with_room(large));
  for (const std::size_t size : {std::size_t{0}, std::size_t{100}, large / 2, large, 2 * large}) {
    CHECK(inngest::detail::text_with_room(size).capacity() >= size);
  }
}

TEST_CASE("a text to overwrite has what the memory contained, and never more than asked for", "[text]") {
  forget_earlier_texts();
  CHECK(inngest::detail::text_to_overwrite(large, large + 64).empty());  // nothing to take
  lend(1);
  inngest::detail::give_back(std::string(large, 'x'));
  const std::string second = inngest::detail::text_to_overwrite(large / 2, large / 2 + 64);
  CHECK(second == std::string(large / 2, 'x'));
  std::string longer = std::string(large, 'z');
  longer.resize(10);
  inngest::detail::give_back(std::move(longer));
  const std::string third = inngest::detail::text_to_overwrite(large / 2, large / 2 + 64);
  CHECK(third == std::string(10, 'z'));
  CHECK(third.capacity() >= large / 2 + 64);
}

TEST_CASE("small texts and those of more than 32 MB are not kept", "[text]") {
  forget_earlier_texts();
  const std::size_t all = std::size_t{32} << 20;
  lend(2);
  inngest::detail::give_back(std::string(1000, 'x'));
  inngest::detail::give_back(inngest::detail::text_with_room(all + 1));
  CHECK(inngest::detail::text_with_room(64 * 1024).capacity() < all);
}

TEST_CASE("a text is kept only if one was asked for before", "[text]") {
  forget_earlier_texts();
  inngest::detail::give_back(std::string(4 * large, 'x'));
  CHECK(inngest::detail::text_with_room(large).capacity() < 4 * large);
  inngest::detail::give_back(std::string(4 * large, 'x'));
  CHECK(inngest::detail::text_with_room(large).capacity() >= 4 * large);
}

TEST_CASE("of texts with more than 128 MB together the smallest are freed", "[text]") {
  forget_earlier_texts();
  lend(9);
  for (int i = 1; i <= 9; ++i) {
    std::string text;
    text.reserve(std::size_t{i == 1 ? 2u : 20u} << 20);
    inngest::detail::give_back(std::move(text));
  }
  CHECK(inngest::detail::text_with_room(large).capacity() >= std::size_t{20} << 20);
}

TEST_CASE("spare texts are freed when a thread has had no work for a while", "[text]") {
  forget_earlier_texts();
  inngest::thread_pool pool({.threads = 1, .max_idle = std::chrono::milliseconds(1)});
  std::string text = inngest::detail::text_with_room(4 * large);
  const auto give_back = [&] { inngest::detail::give_back(std::move(text)); };
  REQUIRE(pool.post(give_back));
  const auto is_stored = [] {
    std::string taken = inngest::detail::text_with_room(large);
    const bool out = taken.capacity() >= 4 * large;
    if (out) inngest::detail::give_back(std::move(taken));
    return out;
  };
  const auto late = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while ((pool.threads() > 0 || is_stored()) && std::chrono::steady_clock::now() < late)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  CHECK_FALSE(is_stored());
  inngest::detail::give_back(std::string(4 * large, 'x'));  // what comes later is stored again
  CHECK(is_stored());
}
