#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string_view>

namespace inngest::detail {

/// Reads the dates of HTTP (RFC 9110, 5.6.7) piece by piece.
class http_date_reader {
 public:
  http_date_reader(std::string_view text, std::chrono::sys_seconds now) : rest_(text), now_(now) {}

  std::optional<std::chrono::sys_seconds> run() {
    const bool is_rfc850 = take_name(long_days);
    if (!is_rfc850 && !take_name(short_days)) return std::nullopt;
    if (is_rfc850) return take(", ") && read_rfc850() ? finished() : std::nullopt;
    if (take(", ")) return read_imf() ? finished() : std::nullopt;
    return take(" ") && read_asctime() ? finished() : std::nullopt;
  }

 private:
  static constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  static constexpr std::array<std::string_view, 7> short_days{"Mon", "Tue", "Wed", "Thu",
                                                              "Fri", "Sat", "Sun"};
  static constexpr std::array<std::string_view, 7> long_days{"Monday", "Tuesday",  "Wednesday", "Thursday",
                                                             "Friday", "Saturday", "Sunday"};

  /// "06 Nov 1994 08:49:37 GMT"
  bool read_imf() {
    return (number(2, day_) || number(1, day_)) && take(" ") && month() && take(" ") && number(4, year_) &&
           take(" ") && time() && zone();
  }

  /// "06-Nov-94 08:49:37 GMT". A year more than 50 years ahead is one of the past.
  bool read_rfc850() {
    const bool read = number(2, day_) && take("-") && month() && take("-") && number(2, year_) && take(" ") &&
                      time() && zone();
    if (!read) return false;
    const std::chrono::year_month_day today(std::chrono::floor<std::chrono::days>(now_));
    const int this_year = static_cast<int>(today.year());
    year_ += this_year / 100 * 100 + 100;
    while (year_ > this_year + 50) year_ -= 100;
    return true;
  }

  /// "Nov  6 08:49:37 1994"
  bool read_asctime() {
    return month() && take(" ") && (take(" ") ? number(1, day_) : number(2, day_) || number(1, day_)) &&
           take(" ") && time() && take(" ") && number(4, year_);
  }

  bool take(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }

  template <class Names>
  bool take_name(const Names& names) {
    return std::any_of(names.begin(), names.end(), [&](std::string_view name) { return take(name); });
  }

  bool number(std::size_t digits, int& out) {
    if (rest_.size() < digits) return false;
    int value = 0;
    for (const char c : rest_.substr(0, digits)) {
      if (c < '0' || c > '9') return false;
      value = value * 10 + (c - '0');
    }
    rest_.remove_prefix(digits);
    out = value;
    return true;
  }

  bool month() {
    for (std::size_t i = 0; i < months.size(); ++i) {
      if (!take(months[i])) continue;
      month_ = static_cast<unsigned>(i + 1);
      return true;
    }
    return false;
  }

  bool time() {
    return number(2, hour_) && take(":") && number(2, minute_) && take(":") && number(2, second_) &&
           hour_ < 24 && minute_ < 60 && second_ <= 60;
  }

  bool zone() { return take(" GMT") || take(" UTC"); }

  std::optional<std::chrono::sys_seconds> finished() const {
    const std::chrono::year_month_day date{std::chrono::year(year_), std::chrono::month(month_),
                                           std::chrono::day(static_cast<unsigned>(day_))};
    if (!rest_.empty() || !date.ok()) return std::nullopt;
    return std::chrono::sys_days(date) + std::chrono::hours(hour_) + std::chrono::minutes(minute_) +
           std::chrono::seconds(second_);
  }

  std::string_view rest_;
  const std::chrono::sys_seconds now_;
  int year_ = 0, day_ = 0, hour_ = 0, minute_ = 0, second_ = 0;
  unsigned month_ = 1;
};

/// A date of an HTTP header in any of the three forms: "Sun, 06 Nov 1994 08:49:37 GMT",
/// "Sunday, 06-Nov-94 08:49:37 GMT" (within 50 years of `now`) and "Sun Nov  6 08:49:37 1994". Nothing for
/// any other text.
inline std::optional<std::chrono::sys_seconds> parse_http_date(
    std::string_view text, std::chrono::sys_seconds now =
                               std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now())) {
  return http_date_reader(text, now).run();
}

}  // namespace inngest::detail
