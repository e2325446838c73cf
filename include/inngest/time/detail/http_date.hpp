#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string_view>

#include <inngest/config.hpp>

namespace inngest::inline INNGEST_ABI::detail {

/// Reads the dates of HTTP (RFC 9110, 5.6.7).
class http_date_reader {
 public:
  http_date_reader(std::string_view text, std::chrono::sys_seconds now) : rest_(text), now_(now) {}

  std::optional<std::chrono::sys_seconds> run();

 private:
  static constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  static constexpr std::array<std::string_view, 7> short_days{"Mon", "Tue", "Wed", "Thu",
                                                              "Fri", "Sat", "Sun"};
  static constexpr std::array<std::string_view, 7> long_days{"Monday", "Tuesday",  "Wednesday", "Thursday",
                                                             "Friday", "Saturday", "Sunday"};

  /// "06 Nov 1994 08:49:37 GMT"
  bool read_imf();

  /// "06-Nov-94 08:49:37 GMT". A year more than 50 years ahead is in the past.
  bool read_rfc850();

  /// "Nov  6 08:49:37 1994"
  bool read_asctime();

  bool take(std::string_view text);

  template <class Names>
  bool take_name(const Names& names) {
    return std::any_of(names.begin(), names.end(), [&](std::string_view name) { return take(name); });
  }

  bool number(std::size_t digits, int& out);

  bool month();

  bool time();

  bool zone() { return take(" GMT") || take(" UTC"); }

  std::optional<std::chrono::sys_seconds> finished() const;

  std::string_view rest_;
  const std::chrono::sys_seconds now_;
  int year_ = 0, day_ = 0, hour_ = 0, minute_ = 0, second_ = 0;
  unsigned month_ = 1;
};

/// Reads a date of an HTTP header in any of the three formats: "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday,
/// 06-Nov-94 08:49:37 GMT" (within 50 years of `now`) and "Sun Nov  6 08:49:37 1994". nullopt for any other
/// text.
std::optional<std::chrono::sys_seconds> parse_http_date(
    std::string_view text, std::chrono::sys_seconds now =
                               std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/time/detail/impl/http_date.ipp>
#endif
