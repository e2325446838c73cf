// The memory of large bodies, which the next bodies get.
#include <inngest/detail/spare_texts.hpp>

#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"

namespace {

constexpr std::size_t large = 1024 * 1024;

/// Takes all memory that other tests gave back.
void take_spare_texts() {
  std::vector<std::string> taken;
  for (int i = 0; i < 600; ++i) taken.push_back(inngest::detail::text_with_room(64 * 1024));
}

}  // namespace

TEST_CASE("a large text gets the memory of one that was given back", "[text]") {
  take_spare_texts();
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
  take_spare_texts();
  inngest::detail::give_back(inngest::detail::text_with_room(large));
  for (const std::size_t size : {std::size_t{0}, std::size_t{100}, large / 2, large, 2 * large}) {
    CHECK(inngest::detail::text_with_room(size).capacity() >= size);
  }
}

TEST_CASE("a text to overwrite has what the memory contained, and never more than asked for", "[text]") {
  take_spare_texts();
  CHECK(inngest::detail::text_to_overwrite(large, large + 64).empty());  // nothing to take
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
  take_spare_texts();
  const std::size_t all = std::size_t{32} << 20;
  inngest::detail::give_back(std::string(1000, 'x'));
  inngest::detail::give_back(inngest::detail::text_with_room(all + 1));
  CHECK(inngest::detail::text_with_room(64 * 1024).capacity() < all);
}

TEST_CASE("of texts with more than 32 MB together the smallest are freed", "[text]") {
  take_spare_texts();
  for (int i = 1; i <= 9; ++i) {
    std::string text;
    text.reserve(std::size_t{i == 1 ? 2u : 5u} << 20);
    inngest::detail::give_back(std::move(text));
  }
  CHECK(inngest::detail::text_with_room(large).capacity() >= std::size_t{5} << 20);
}
