#pragma once

#include <charconv>
#include <string_view>
#include <system_error>
#include <version>

#include <inngest/config.hpp>

#ifndef __cpp_lib_to_chars
#include <clocale>
#include <cmath>
#include <concepts>
#include <cstdlib>
#include <string>
#ifndef _WIN32
#include <locale.h>  // NOLINT(modernize-deprecated-headers): newlocale and uselocale
#ifdef __APPLE__
#include <xlocale.h>
#endif
#endif
#endif

// Numbers with a decimal point, whatever the program's locale: std::from_chars for standard libraries that
// lack it for doubles (libc++ before version 20).

namespace inngest::inline INNGEST_ABI::detail {

#ifdef __cpp_lib_to_chars

/// Reads the number at the beginning of the text like std::from_chars: the nearest Real to a decimal number.
/// Returns std::errc::result_out_of_range, and leaves `out` unchanged, when the result would be infinite, or
/// 0 for a number that is not 0.
template <class Real>
std::from_chars_result parse_real(std::string_view text, Real& out) {
  return std::from_chars(text.data(), text.data() + text.size(), out);
}

#else

template <class Real>
Real to_real(const char* text, char** end) {
  if constexpr (std::same_as<Real, float>)
    return std::strtof(text, end);
  else if constexpr (std::same_as<Real, double>)
    return std::strtod(text, end);
  else
    return std::strtold(text, end);
}

/// strtod with a point as the decimal point, independent of the locale.
template <class Real>
Real to_real_in_c_locale(const char* text, char** end) {
#ifdef _WIN32
  static const _locale_t c_locale = ::_create_locale(LC_ALL, "C");
  if constexpr (std::same_as<Real, float>)
    return ::_strtof_l(text, end, c_locale);
  else
    return static_cast<Real>(::_strtod_l(text, end, c_locale));  // there, long double is double
#else
  static const locale_t c_locale = ::newlocale(LC_ALL_MASK, "C", nullptr);
  const locale_t before = ::uselocale(c_locale);  // of this thread
  const Real out = to_real<Real>(text, end);
  ::uselocale(before);
  return out;
#endif
}

template <class Real>
std::from_chars_result parse_real(std::string_view text, Real& out) {
  const std::from_chars_result failure{text.data(), std::errc::invalid_argument};
  if (text.empty() || text.find_first_of("+ \t\n\v\f\r") == 0) return failure;  // strtod would skip them
  const std::string copy(text.substr(0, text.find_first_of("xX")));  // strtod would read 0x10 as 16
  char* end = nullptr;
  const Real value = to_real_in_c_locale<Real>(copy.c_str(), &end);
  if (end == copy.c_str()) return failure;
  const std::string_view digits = std::string_view(copy).substr(0, copy.find_first_of("eE"));
  const bool is_zero = digits.find_first_of("123456789") == digits.npos;
  const bool is_finite = digits.find_first_of("0123456789") != digits.npos;
  const char* const stop = text.data() + (end - copy.c_str());
  if ((std::isinf(value) && is_finite) || (value == 0 && !is_zero))
    return {stop, std::errc::result_out_of_range};
  out = value;
  return {stop, std::errc{}};
}

#endif

}  // namespace inngest::inline INNGEST_ABI::detail
