#pragma once

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <system_error>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/time/detail/cron.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE bool cron_schedule::is_on(std::chrono::sys_days day) const {
  const std::chrono::year_month_day date(day);
  if (!has(months, static_cast<unsigned>(date.month()))) return false;
  const bool by_day = has(days, static_cast<unsigned>(date.day()));
  const bool by_weekday = has(weekdays, std::chrono::weekday(day).c_encoding());
  return any_day || any_weekday ? by_day && by_weekday : by_day || by_weekday;
}

INNGEST_INLINE std::optional<std::chrono::sys_seconds> cron_schedule::next_after(
    std::chrono::sys_seconds time) const {
  using namespace std::chrono_literals;
  const auto start = std::chrono::floor<std::chrono::minutes>(time) + 1min;
  const auto first_day = std::chrono::floor<std::chrono::days>(start);
  const auto first_hour =
      static_cast<unsigned>(std::chrono::floor<std::chrono::hours>(start - first_day).count());
  for (auto day = first_day; day <= first_day + std::chrono::days(8 * 366); day += std::chrono::days(1)) {
    if (!is_on(day)) continue;
    for (unsigned hour = day == first_day ? first_hour : 0; hour < 24; ++hour) {
      for (unsigned minute = 0; has(hours, hour) && minute < 60; ++minute) {
        const auto moment = day + std::chrono::hours(hour) + std::chrono::minutes(minute);
        if (has(minutes, minute) && moment >= start) return moment;
      }
    }
  }
  return std::nullopt;
}

INNGEST_INLINE cron_reader::cron_reader(std::string_view text) : text_(text) {
  constexpr std::size_t longest = 255;  // the limit of a server
  if (text_.size() > longest)
    fail("a schedule has at most " + std::to_string(longest) + " characters", longest);
}

INNGEST_INLINE std::string cron_reader::read_zone() {
  for (const std::string_view prefix : {"TZ=", "CRON_TZ="}) {
    if (!text_.substr(at_).starts_with(prefix)) continue;
    const std::size_t start = at_ + prefix.size();
    at_ = (std::min)(text_.find(' ', start), text_.size());
    const std::string zone(text_.substr(start, at_ - start));
    check_zone(zone, start);
    return zone;
  }
  return "UTC";
}

INNGEST_INLINE void cron_reader::refuse_descriptor() {
  skip_space();
  const std::string_view rest = text_.substr(at_);
  if (!rest.starts_with('@')) return;
  static constexpr std::string_view known[][2] = {{"@yearly", "0 0 1 1 *"},  {"@annually", "0 0 1 1 *"},
                                                  {"@monthly", "0 0 1 * *"}, {"@weekly", "0 0 * * 0"},
                                                  {"@daily", "0 0 * * *"},   {"@midnight", "0 0 * * *"},
                                                  {"@hourly", "0 * * * *"}};
  const std::string_view name = rest.substr(0, rest.find_first_of(" \t"));
  for (const auto& [macro, fields] : known) {
    if (name == macro) fail("write \"" + std::string(fields) + "\" for " + std::string(name));
  }
  fail("a schedule has five fields: there are no names such as @daily or @every");
}

INNGEST_INLINE std::uint64_t cron_reader::read_field(const field& which, bool& any) {
  skip_space();
  if (at_ == text_.size()) fail("the " + std::string(which.name) + " is missing: a schedule has five fields");
  const std::size_t start = at_;
  std::uint64_t out = 0;
  do {
    // a server ignores empty items of a list
    if (at_ < text_.size() && text_[at_] != ',' && !is_space(text_[at_])) out |= read_range(which, any);
  } while (take(','));
  if (at_ < text_.size() && !is_space(text_[at_])) fail_at_character();
  if (out == 0) fail("the " + std::string(which.name) + " has no value: it would never fire", start);
  return out;
}

INNGEST_INLINE void cron_reader::expect_end() {
  skip_space();
  if (at_ < text_.size()) fail("a schedule has only five fields, but a sixth begins here");
}

INNGEST_INLINE void cron_reader::fail(const std::string& problem, std::size_t at) {
  throw configuration_error(problem + ", at column " + std::to_string(at + 1));
}

INNGEST_INLINE void cron_reader::skip_space() {
  while (at_ < text_.size() && is_space(text_[at_])) ++at_;
}

INNGEST_INLINE bool cron_reader::take(char c) {
  if (at_ == text_.size() || text_[at_] != c) return false;
  ++at_;
  return true;
}

INNGEST_INLINE std::string cron_reader::word_at(std::size_t start) const {
  std::size_t end = start;
  while (end < text_.size() && text_[end] != ',' && !is_space(text_[end])) ++end;
  return std::string(text_.substr(start, end - start));
}

INNGEST_INLINE std::uint64_t cron_reader::read_range(const field& which, bool& any) {
  int first = which.low, last = which.high;
  bool open = true;  // a step after a single value continues to the field's end
  bool all = false;
  const std::size_t start = at_;
  if (take('*') || take('?')) {
    all = true;
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
    step = read_number(which);
    if (step < 1) fail("a step must be at least 1", step_at);
    open = true;
  }
  any = any || (all && step == 1);
  if (!open) last = first;
  std::uint64_t out = 0;
  for (int value = first; value <= last; value += step) out |= std::uint64_t{1} << value;
  return out;
}

INNGEST_INLINE int cron_reader::read_value(const field& which) {
  const std::size_t start = at_;
  for (std::size_t i = 0; i < which.names.size(); ++i) {
    if (same_word(text_.substr(at_, which.names[i].size()), which.names[i])) {
      at_ += which.names[i].size();
      return which.low + static_cast<int>(i);
    }
  }
  const int value = read_number(which);
  if (value < which.low || value > which.high) {
    const bool sunday = which.names.size() == 7 && value == 7;
    fail(std::string(which.name) + " " + std::string(text_.substr(start, at_ - start)) + " must be from " +
             std::to_string(which.low) + " to " + std::to_string(which.high) +
             (sunday ? ": Sunday is 0" : ""),
         start);
  }
  return value;
}

INNGEST_INLINE int cron_reader::read_number(const field& which) {
  constexpr int too_large = 1000;
  int value = 0;
  const std::string_view rest = text_.substr(at_);
  if (rest.empty() || !is_digit(rest.front())) {
    const std::string found = word_at(at_);
    fail("the " + std::string(which.name) + " must be a number" +
         (which.names.empty() ? "" : " or a name such as " + std::string(which.names[1])) +
         (found.empty() ? "" : ", found \"" + found + "\""));
  }
  const auto [end, problem] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
  at_ += static_cast<std::size_t>(end - rest.data());
  return problem == std::errc{} ? (std::min)(value, too_large) : too_large;
}

INNGEST_INLINE void cron_reader::check_zone(const std::string& zone, std::size_t at) {
  const auto plain = [](char c) {
    return is_letter_or_digit(c) || c == '_' || c == '+' || c == '-' || c == '/';
  };
  // without dots no name can leave the database
  const bool well_formed = !zone.empty() && zone.size() < 64 && zone.front() != '/' &&
                           std::all_of(zone.begin(), zone.end(), plain);
  const bool known =
      well_formed && (zone == "UTC" || zone == "Local" || has_zone(zone) || !has_zone("Etc/UTC"));
  if (!known) fail("there is no time zone \"" + zone + "\"", at);
}

INNGEST_INLINE bool cron_reader::has_zone(const std::string& zone) {
  std::FILE* const file = std::fopen(("/usr/share/zoneinfo/" + zone).c_str(), "rb");
  if (file == nullptr) return false;
  char magic[4] = {};
  const std::size_t size = std::fread(magic, 1, sizeof(magic), file);
  std::fclose(file);
  return std::string_view(magic, size) == "TZif";
}

INNGEST_INLINE cron_schedule cron_schedule::parse(std::string_view text) {
  static constexpr std::string_view months_names[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                                      "jul", "aug", "sep", "oct", "nov", "dec"};
  static constexpr std::string_view weekday_names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
  cron_reader reader(text);
  cron_schedule out;
  bool any = false;
  out.zone = reader.read_zone();
  reader.refuse_descriptor();
  out.minutes = reader.read_field({"minute", 0, 59}, any);
  out.hours = reader.read_field({"hour", 0, 23}, any);
  out.days = reader.read_field({"day of the month", 1, 31}, out.any_day);
  out.months = reader.read_field({"month", 1, 12, months_names}, any);
  out.weekdays = reader.read_field({"day of the week", 0, 6, weekday_names}, out.any_weekday);
  reader.expect_end();

  if (!out.any_day && out.any_weekday) {  // check that such a day exists
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

}  // namespace inngest::inline INNGEST_ABI::detail
