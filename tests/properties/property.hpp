#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "catch.hpp"
#include "simulation/chance.hpp"
#include "support/test_seed.hpp"

// Properties: what holds for every input, tried with the inputs of a seed.

namespace property {

using simulated::chance;

/// Tries a property with so many random inputs.
inline void try_cases(std::size_t count, const std::function<void(chance&)>& property) {
  const std::uint64_t seed = support::test_seed();
  chance whole(seed);
  for (std::size_t i = 0; i < count; ++i) {
    INFO("INNGEST_TEST_SEED=" << seed << ", input " << i);
    chance input = whole.part();
    property(input);
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
