#pragma once

#include <cstdint>
#include <cstdlib>
#include <random>
#include <string_view>

namespace support {

/// The seed of tests with random inputs. It is 1, so that a commit does not fail because of an older fault;
/// the environment's INNGEST_TEST_SEED is another number, or "random".
inline std::uint64_t test_seed() {
  static const std::uint64_t seed = [] {
    const char* given = std::getenv("INNGEST_TEST_SEED");
    if (given == nullptr || *given == '\0') return std::uint64_t{1};
    if (std::string_view(given) == "random") return std::uint64_t{std::random_device{}()};
    return std::uint64_t{std::strtoull(given, nullptr, 10)};
  }();
  return seed;
}

}  // namespace support
