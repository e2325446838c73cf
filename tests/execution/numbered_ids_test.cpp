#include <cstddef>
#include <string>
#include <thread>

#include <inngest/detail/crypto.hpp>
#include <inngest/detail/hex.hpp>
#include <inngest/execution/numbered_ids.hpp>

#include "catch.hpp"

namespace {

using inngest::step_hash;
using inngest::detail::sha1_at_run_time;

/// The numbered ids with a wrong hash.
std::string wrong_hashes(std::size_t ids, std::size_t numbers) {
  std::string out;
  for (std::size_t number = 1; number <= numbers; ++number) {
    for (std::size_t i = 0; i < ids; ++i) {
      const std::string id = "step-" + std::to_string(i), text = id + ":" + std::to_string(number);
      const step_hash found = inngest::execution::hash_of_numbered(id, sha1_at_run_time(id), number);
      if (found != sha1_at_run_time(text)) out += text + " ";
    }
  }
  return out;
}

}  // namespace

TEST_CASE("a numbered id has the hash of its text, whatever was remembered before", "[step_ids]") {
  CHECK(wrong_hashes(1, 3000).empty());  // more than are remembered
  CHECK(wrong_hashes(1, 3000).empty());
  CHECK(wrong_hashes(7, 1500).empty());  // an id's numbers have the places of another's
  CHECK(wrong_hashes(300, 5).empty());   // and some ids have the same place for the same number
}

TEST_CASE("every thread remembers numbered ids of its own", "[step_ids]") {
  std::string first, second;
  std::thread one([&] { first = wrong_hashes(3, 2000); });
  std::thread two([&] { second = wrong_hashes(5, 2000); });
  one.join();
  two.join();
  CHECK(first.empty());
  CHECK(second.empty());
}
