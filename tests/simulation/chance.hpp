#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>

namespace simulated {

/// Numbers by chance, the same on every machine for the same seed (SplitMix64).
class chance {
 public:
  explicit chance(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t mixed = (state_ += 0x9E3779B97F4A7C15U);
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9U;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBU;
    return mixed ^ (mixed >> 31);
  }
  /// A number less than the count, which is at least 1.
  std::size_t below(std::size_t count) { return static_cast<std::size_t>(next() % count); }
  /// From the least to the most, both included.
  std::int64_t between(std::int64_t least, std::int64_t most) {
    return least + static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(most - least + 1));
  }
  /// True once in so many times.
  bool one_in(std::size_t count) { return below(count) == 0; }
  /// One of the elements, of which there is at least one.
  template <class Range>
  const auto& pick(const Range& range) {
    return *std::next(std::begin(range), static_cast<std::ptrdiff_t>(below(std::size(range))));
  }
  /// Chance of its own for a part of the whole: what one part asks for does not change what the others get.
  chance part() { return chance(next()); }

 private:
  std::uint64_t state_;
};

}  // namespace simulated
