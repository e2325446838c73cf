#pragma once

#include <concepts>
#include <limits>
#include <type_traits>

#include <inngest/config.hpp>

// Integer addition, subtraction and multiplication that report overflow.

namespace inngest::inline INNGEST_ABI::detail {

/// In plain C++, for compilers without __builtin_add_overflow (MSVC).
namespace plain_math {

template <std::integral Integer>
constexpr bool add_overflows(Integer a, Integer b) {
  using limits = std::numeric_limits<Integer>;
  if constexpr (std::is_signed_v<Integer>) {
    if (b < 0) return a < (limits::min)() - b;
  }
  return a > (limits::max)() - b;
}

template <std::integral Integer>
constexpr bool subtract_overflows(Integer a, Integer b) {
  using limits = std::numeric_limits<Integer>;
  if constexpr (std::is_signed_v<Integer>) {
    if (b < 0) return a > (limits::max)() + b;
  }
  return a < (limits::min)() + b;
}

template <std::integral Integer>
constexpr bool multiply_overflows(Integer a, Integer b) {
  using limits = std::numeric_limits<Integer>;
  if (a == 0 || b == 0) return false;
  if constexpr (std::is_signed_v<Integer>) {
    if (a > 0 && b < 0) return b < (limits::min)() / a;
    if (a < 0 && b > 0) return a < (limits::min)() / b;
    if (a < 0 && b < 0) return a < (limits::max)() / b;
  }
  return a > (limits::max)() / b;
}

}  // namespace plain_math

/// Returns whether `a + b` overflows. Otherwise stores the sum in `out`; on overflow `out` is unchanged.
template <std::integral Integer>
[[nodiscard]] constexpr bool add_overflows(std::type_identity_t<Integer> a, std::type_identity_t<Integer> b,
                                           Integer& out) {
#if defined(__GNUC__)
  Integer result{};
  if (__builtin_add_overflow(a, b, &result)) return true;
  out = result;
#else
  if (plain_math::add_overflows<Integer>(a, b)) return true;
  out = static_cast<Integer>(a + b);
#endif
  return false;
}

/// Like add_overflows(), for `a - b`.
template <std::integral Integer>
[[nodiscard]] constexpr bool subtract_overflows(std::type_identity_t<Integer> a,
                                                std::type_identity_t<Integer> b, Integer& out) {
#if defined(__GNUC__)
  Integer result{};
  if (__builtin_sub_overflow(a, b, &result)) return true;
  out = result;
#else
  if (plain_math::subtract_overflows<Integer>(a, b)) return true;
  out = static_cast<Integer>(a - b);
#endif
  return false;
}

/// Like add_overflows(), for `a * b`.
template <std::integral Integer>
[[nodiscard]] constexpr bool multiply_overflows(std::type_identity_t<Integer> a,
                                                std::type_identity_t<Integer> b, Integer& out) {
#if defined(__GNUC__)
  Integer result{};
  if (__builtin_mul_overflow(a, b, &result)) return true;
  out = result;
#else
  if (plain_math::multiply_overflows<Integer>(a, b)) return true;
  out = static_cast<Integer>(a * b);
#endif
  return false;
}

}  // namespace inngest::inline INNGEST_ABI::detail
