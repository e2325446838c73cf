#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "catch.hpp"
#include "simulation/chance.hpp"

// Properties: what holds for every input, tried with random ones. A failure names the seed; with that in
// INNGEST_TEST_SEED the same inputs come again.

namespace property {

using simulated::chance;

/// The seed of the environment alone, or a fixed one and a fresh one, which is printed.
inline const std::vector<std::uint64_t>& seeds() {
  static const std::vector<std::uint64_t> all = [] {
    if (const char* given = std::getenv("INNGEST_TEST_SEED"); given != nullptr && *given != '\0')
      return std::vector<std::uint64_t>{std::strtoull(given, nullptr, 10)};
    const std::uint64_t fresh = std::random_device{}() % 1'000'000'000;
    std::fprintf(stderr, "Properties are tried with seed 1 and with INNGEST_TEST_SEED=%llu\n",
                 static_cast<unsigned long long>(fresh));
    return std::vector<std::uint64_t>{1, fresh};
  }();
  return all;
}

/// Tries a property with so many random inputs of each seed.
inline void try_cases(std::size_t count, const std::function<void(chance&)>& property) {
  for (const std::uint64_t seed : seeds()) {
    chance whole(seed);
    for (std::size_t i = 0; i < count; ++i) {
      INFO("INNGEST_TEST_SEED=" << seed << ", input " << i);
      chance input = whole.part();
      property(input);
    }
  }
}

/// Makes an input that breaks a property smaller for as long as a smaller one breaks it, too. `smaller` lists
/// an input's smaller relatives; `problem` says what is wrong with an input, or nothing.
template <class Input>
Input shrunk(Input broken, const std::function<std::vector<Input>(const Input&)>& smaller,
             const std::function<std::string(const Input&)>& problem) {
  for (int tries = 0; tries < 2000;) {
    bool found = false;
    for (const Input& candidate : smaller(broken)) {
      if (++tries > 2000 || problem(candidate).empty()) continue;
      broken = candidate;
      found = true;
      break;
    }
    if (!found) break;
  }
  return broken;
}

/// Fails with the least relative of an input that breaks the property.
template <class Input>
void check_input(const Input& input, const std::function<std::string(const Input&)>& problem,
                 const std::function<std::vector<Input>(const Input&)>& smaller,
                 const std::function<std::string(const Input&)>& text) {
  if (problem(input).empty()) return;
  const Input least = shrunk<Input>(input, smaller, problem);
  FAIL("for " << text(least) << "\n" << problem(least) << "\nfirst for " << text(input));
}

}  // namespace property
