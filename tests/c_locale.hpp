#pragma once

#include <locale.h>
#if __has_include(<xlocale.h>)
#include <xlocale.h>
#endif

#include <cstdio>
#include <cstdlib>
#include <string>

// What the C library writes and reads of numbers, whatever the locale of the tests: it is what tests compare
// the SDK's numbers with.

namespace testing_locale {

/// This thread is in the C locale while it lives.
class c_locale {
 public:
  c_locale() : before_(::uselocale(of_c())) {}
  ~c_locale() { ::uselocale(before_); }
  c_locale(const c_locale&) = delete;
  c_locale& operator=(const c_locale&) = delete;

 private:
  static ::locale_t of_c() {
    static const ::locale_t made = ::newlocale(LC_ALL_MASK, "C", nullptr);
    return made;
  }
  ::locale_t before_;
};

inline double read_double(const char* text) {
  const c_locale within;
  return std::strtod(text, nullptr);
}
inline float read_float(const char* text) {
  const c_locale within;
  return std::strtof(text, nullptr);
}

/// As snprintf does; the value is the format's last argument.
template <class... Arguments>
std::string write_number(const char* format, Arguments... arguments) {
  const c_locale within;
  std::string out(512, '\0');
  out.resize(static_cast<std::size_t>(std::snprintf(out.data(), out.size(), format, arguments...)));
  return out;
}

}  // namespace testing_locale
