#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <inngest/detail/checked_math.hpp>
#include <inngest/time/detail/saturated.hpp>

#include "../catch.hpp"

namespace {

using namespace inngest::detail;

static_assert([] {
  int out = 7;
  return add_overflows(std::numeric_limits<int>::max(), 1, out) && out == 7;
}());
static_assert([] {
  unsigned out = 7;
  return !subtract_overflows(3u, 3u, out) && out == 0 && subtract_overflows(3u, 4u, out) && out == 0;
}());

/// Numbers at the edges of a type, and around zero and the roots of its limits.
template <class Integer>
std::vector<Integer> edges() {
  constexpr Integer least = std::numeric_limits<Integer>::min(), most = std::numeric_limits<Integer>::max();
  const auto root = static_cast<Integer>(Integer{1} << (std::numeric_limits<Integer>::digits / 2));
  std::vector<Integer> out;
  for (const Integer middle : {least, most, static_cast<Integer>(most / 2), Integer{0}, Integer{1},
                               Integer{3}, root, static_cast<Integer>(most / root)}) {
    for (const int distance : {-2, -1, 0, 1, 2}) {
      // Beyond a limit it goes on at the other one.
      out.push_back(
          static_cast<Integer>(static_cast<std::uint64_t>(middle) + static_cast<std::uint64_t>(distance)));
      out.push_back(static_cast<Integer>(0 - static_cast<std::uint64_t>(out.back())));
    }
  }
  return out;
}

/// The exact result, of more bits than any type under test needs.
struct exact {
  bool negative = false;
  std::uint64_t high = 0, low = 0;  // of the absolute value
};

template <class Integer>
std::uint64_t absolute(Integer value) {
  const auto bits = static_cast<std::uint64_t>(value);
  return value < Integer{0} ? 0 - bits : bits;
}

exact add(exact a, exact b) {
  const bool a_is_larger = a.high != b.high ? a.high > b.high : a.low >= b.low;
  if (a.negative == b.negative) {
    const std::uint64_t low = a.low + b.low;
    return {a.negative, a.high + b.high + (low < a.low ? 1u : 0u), low};
  }
  if (!a_is_larger) std::swap(a, b);
  return {a.negative, a.high - b.high - (a.low < b.low ? 1u : 0u), a.low - b.low};
}

exact multiply(std::uint64_t a, std::uint64_t b, bool negative) {
  const std::uint64_t a0 = a & 0xffffffffu, a1 = a >> 32, b0 = b & 0xffffffffu, b1 = b >> 32;
  const std::uint64_t middle = a1 * b0 + (a0 * b0 >> 32), other = a0 * b1 + (middle & 0xffffffffu);
  return {negative, a1 * b1 + (middle >> 32) + (other >> 32), a * b};
}

template <class Integer>
bool fits(const exact& value) {
  const auto most = absolute(std::numeric_limits<Integer>::max());
  const auto least = absolute(std::numeric_limits<Integer>::min());
  const bool is_zero = value.high == 0 && value.low == 0;
  return is_zero || (value.high == 0 && value.low <= (value.negative ? least : most));
}

template <class Integer>
Integer to(const exact& value) {
  return static_cast<Integer>(value.negative ? 0 - value.low : value.low);
}

}  // namespace

TEMPLATE_TEST_CASE("integers that overflow say so and are left alone", "[math]", signed char, unsigned char,
                   char, short, unsigned short, int, unsigned, long, unsigned long, long long,
                   unsigned long long, char16_t, wchar_t) {
  const auto check = [](bool overflows, bool plain_overflows, TestType out, const exact& expected) {
    const TestType before = 5;
    const bool right =
        fits<TestType>(expected) ? !overflows && out == to<TestType>(expected) : overflows && out == before;
    return right && plain_overflows == overflows;
  };
  std::size_t wrong = 0;
  for (const TestType a : edges<TestType>()) {
    for (const TestType b : edges<TestType>()) {
      const exact wide_a{a < TestType{0}, 0, absolute(a)}, wide_b{b < TestType{0}, 0, absolute(b)};
      TestType out = 5;
      bool overflows = add_overflows(a, b, out);
      if (!check(overflows, plain_math::add_overflows(a, b), out, add(wide_a, wide_b))) ++wrong;
      out = 5;
      overflows = subtract_overflows(a, b, out);
      const exact minus_b{!wide_b.negative, 0, wide_b.low};
      if (!check(overflows, plain_math::subtract_overflows(a, b), out, add(wide_a, minus_b))) ++wrong;
      out = 5;
      overflows = multiply_overflows(a, b, out);
      const exact product = multiply(wide_a.low, wide_b.low, wide_a.negative != wide_b.negative);
      if (!check(overflows, plain_math::multiply_overflows(a, b), out, product)) ++wrong;
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("saturated sums and products stop at the limits", "[math]") {
  constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  CHECK(add_saturated(most, 1) == most);
  CHECK(add_saturated(least, -1) == least);
  CHECK(add_saturated(least, most) == -1);
  CHECK(multiply_saturated(most / 2 + 1, 2) == most);
  CHECK(multiply_saturated(least / 2, 2) == least);
  CHECK(multiply_saturated(least / 2 - 1, 2) == least);
}
