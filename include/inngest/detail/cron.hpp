#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include <inngest/error.hpp>

namespace inngest::detail {

/// A schedule of five fields, as an Inngest server reads it: minute, hour, day of the month, month, day of
/// the week, in UTC or in the time zone of a prefix. A bit stands for each value at which it fires.
struct cron_schedule {
  std::string zone = "UTC";
  std::uint64_t minutes = 0;
  std::uint64_t hours = 0;
  std::uint64_t days = 0;      // 1 to 31
  std::uint64_t months = 0;    // 1 to 12
  std::uint64_t weekdays = 0;  // 0 is Sunday
  /// A field of * leaves the day to the other one; when neither is, either suffices.
  bool any_day = false;
  bool any_weekday = false;

  /// \throws configuration_error naming the field, the value and its column.
  static cron_schedule parse(std::string_view text);
};

/// Reads the fields of a schedule, one after the other.
class cron_reader {
 public:
  explicit cron_reader(std::string_view text) : text_(text) {}

  std::string read_zone() {
    for (const std::string_view prefix : {"TZ=", "CRON_TZ="}) {
      if (!text_.substr(at_).starts_with(prefix)) continue;
      const std::size_t start = at_ + prefix.size();
      at_ = std::min(text_.find(' ', start), text_.size());
      const std::string zone(text_.substr(start, at_ - start));
      check_zone(zone, start);
      return zone;
    }
    return "UTC";
  }

  struct field {
    std::string_view name;
    int low;
    int high;
    std::span<const std::string_view> names{};
  };

  /// The values of a field: a list of ranges with steps, such as "1-5,10-20/2". `any` is set by a *.
  std::uint64_t read_field(const field& which, bool& any) {
    skip_space();
    if (at_ == text_.size())
      fail("the " + std::string(which.name) + " is missing: a schedule has five fields");
    std::uint64_t out = 0;
    do {
      out |= read_range(which, any);
    } while (take(','));
    if (at_ < text_.size() && text_[at_] != ' ') fail("unexpected \"" + std::string(1, text_[at_]) + "\"");
    return out;
  }

  void expect_end() {
    skip_space();
    if (at_ < text_.size()) fail("a schedule has five fields, here begins a sixth");
  }

  [[noreturn]] void fail(const std::string& problem) const { fail(problem, at_); }
  [[noreturn]] static void fail(const std::string& problem, std::size_t at) {
    throw configuration_error(problem + ", at column " + std::to_string(at + 1));
  }

 private:
  void skip_space() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  bool take(char c) {
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  std::uint64_t read_range(const field& which, bool& any) {
    int first = which.low, last = which.high;
    bool open = true;  // a step after a single value goes on to the field's end
    const std::size_t start = at_;
    if (take('*') || take('?')) {
      any = true;
    } else {
      first = read_value(which);
      if (take('-')) {
        last = read_value(which);
        if (last < first) fail("the range of the " + std::string(which.name) + " runs backwards", start);
      } else {
        open = false;
      }
    }
    int step = 1;
    if (take('/')) {
      const std::size_t step_at = at_;
      step = read_number();
      if (step < 1) fail("a step must be at least 1", step_at);
      if (step > 1) any = false;
      open = true;
    }
    if (!open) last = first;
    std::uint64_t out = 0;
    for (int value = first; value <= last; value += step) out |= std::uint64_t{1} << value;
    return out;
  }

  int read_value(const field& which) {
    const std::size_t start = at_;
    for (std::size_t i = 0; i < which.names.size(); ++i) {
      if (same(text_.substr(at_, which.names[i].size()), which.names[i])) {
        at_ += which.names[i].size();
        return which.low + static_cast<int>(i);
      }
    }
    const int value = read_number();
    if (value < which.low || value > which.high) {
      fail(std::string(which.name) + " " + std::string(text_.substr(start, at_ - start)) + " must be from " +
               std::to_string(which.low) + " to " + std::to_string(which.high),
           start);
    }
    return value;
  }

  int read_number() {
    int value = 0;
    const std::string_view rest = text_.substr(at_);
    const bool digit = !rest.empty() && rest.front() >= '0' && rest.front() <= '9';
    if (!digit)
      fail("expected a number" + (rest.empty() ? "" : ", found \"" + std::string(rest.substr(0, 1)) + "\""));
    const auto [end, problem] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
    at_ += static_cast<std::size_t>(end - rest.data());
    return problem == std::errc{} ? value : -1;
  }

  static bool same(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return (x >= 'A' && x <= 'Z' ? x + 32 : x) == y; });
  }

  /// A zone must be in the system's database, where there is one.
  static void check_zone(const std::string& zone, std::size_t at) {
    const auto plain = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
             c == '+' || c == '-' || c == '/';
    };
    const bool readable = !zone.empty() && zone.size() < 64 && zone.front() != '/' &&
                          std::all_of(zone.begin(), zone.end(), plain);
    const std::filesystem::path database = "/usr/share/zoneinfo";
    std::error_code none;
    const bool known = zone == "UTC" || zone == "Local" ||
                       !std::filesystem::exists(database / "Etc/UTC", none) ||
                       (readable && std::filesystem::is_regular_file(database / zone, none));
    if (!readable || !known) fail("there is no time zone \"" + zone + "\"", at);
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

inline cron_schedule cron_schedule::parse(std::string_view text) {
  static constexpr std::string_view months_names[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                                      "jul", "aug", "sep", "oct", "nov", "dec"};
  static constexpr std::string_view weekday_names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
  cron_reader reader(text);
  cron_schedule out;
  bool any = false;
  out.zone = reader.read_zone();
  out.minutes = reader.read_field({"minute", 0, 59}, any);
  out.hours = reader.read_field({"hour", 0, 23}, any);
  out.days = reader.read_field({"day of the month", 1, 31}, out.any_day);
  out.months = reader.read_field({"month", 1, 12, months_names}, any);
  out.weekdays = reader.read_field({"day of the week", 0, 6, weekday_names}, out.any_weekday);
  reader.expect_end();

  if (!out.any_day && out.any_weekday) {  // can such a day ever come?
    constexpr int longest[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool possible = false;
    for (int month = 1; month <= 12; ++month) {
      const bool included = (out.months >> month & 1) != 0;
      const std::uint64_t in_month = (std::uint64_t{2} << longest[month - 1]) - 1;
      possible = possible || (included && (out.days & in_month) != 0);
    }
    if (!possible) throw configuration_error("no month of the schedule has such a day: it would never fire");
  }
  return out;
}

}  // namespace inngest::detail
