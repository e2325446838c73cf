#include <inngest/time/detail/cron_next.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "catch.hpp"
#include "properties/property.hpp"

// When schedules fire, against a walk minute by minute: its clock is the C library's, and its matcher is
// written from what the fields mean, over the parts from which a schedule's text is made.

namespace {

using inngest::timestamp;
using inngest::detail::cron_next;
using inngest::detail::cron_schedule;
using property::chance;

bool has_database() {
  std::FILE* const file = std::fopen("/usr/share/zoneinfo/Asia/Kathmandu", "rb");
  if (file) std::fclose(file);
  if (!file) WARN("no time zone database: not tested");
  return file != nullptr;
}

// ---- a clock by another road --------------------------------------------------------------------------

/// Sets the zone of the C library, and sets it back at the end.
class c_zone {
 public:
  explicit c_zone(const std::string& name) {
    if (const char* before = std::getenv("TZ")) before_ = before;
    ::setenv("TZ", name.c_str(), 1);
    ::tzset();
  }
  ~c_zone() {
    if (before_)
      ::setenv("TZ", before_->c_str(), 1);
    else
      ::unsetenv("TZ");
    ::tzset();
  }
  c_zone(const c_zone&) = delete;
  c_zone& operator=(const c_zone&) = delete;

  static std::tm at(std::time_t time) {
    std::tm out{};
    ::localtime_r(&time, &out);
    return out;
  }

 private:
  std::optional<std::string> before_;
};

// ---- random schedules ---------------------------------------------------------------------------------

/// A range of a field, such as 5-20/3: what is written, and what it means.
struct range {
  bool star = false;
  int first = 0, last = 0;
  bool has_last = false;
  int step = 0;  // 0: none is written
};

struct field {
  int low = 0, high = 0;
  std::vector<const char*> names{};
  std::vector<range> ranges{};

  bool contains(int value) const {
    return std::any_of(ranges.begin(), ranges.end(), [&](const range& part) {
      const int first = part.star ? low : part.first;
      // a step after a single value goes on to the end
      const int last = part.star || (!part.has_last && part.step > 0) ? high
                       : part.has_last                                ? part.last
                                                                      : first;
      return value >= first && value <= last && (value - first) % std::max(part.step, 1) == 0;
    });
  }
  /// Whether it leaves the day to the other field.
  bool is_star() const {
    return std::any_of(ranges.begin(), ranges.end(),
                       [](const range& part) { return part.star && part.step <= 1; });
  }
};

struct schedule {
  std::string zone = "UTC";
  std::string text;
  field fields[5];  // minute, hour, day, month, weekday

  bool fires_at(const std::tm& clock) const {
    if (clock.tm_sec != 0 || !fields[0].contains(clock.tm_min) || !fields[1].contains(clock.tm_hour) ||
        !fields[3].contains(clock.tm_mon + 1))
      return false;
    const bool by_day = fields[2].contains(clock.tm_mday), by_weekday = fields[4].contains(clock.tm_wday);
    if (fields[2].is_star() || fields[4].is_star()) return by_day && by_weekday;
    return by_day || by_weekday;
  }
};

std::string cased(chance& any, std::string name) {
  for (char& c : name) {
    if (any.one_in(2)) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return name;
}

std::string value_text(chance& any, const field& of, int value) {
  if (!of.names.empty() && any.one_in(2))
    return cased(any, of.names[static_cast<std::size_t>(value - of.low)]);
  return std::string(any.one_in(8) ? "0" : "") + std::to_string(value);
}

std::string add_range(chance& any, field& of) {
  range out;
  std::string text;
  if (any.one_in(4)) {
    out.star = true;
    text = any.one_in(4) ? "?" : "*";
  } else {
    out.first = static_cast<int>(any.between(of.low, of.high));
    text = value_text(any, of, out.first);
    if (any.one_in(3)) {
      out.has_last = true;
      out.last = static_cast<int>(any.between(out.first, of.high));
      text += "-" + value_text(any, of, out.last);
    }
  }
  if (any.one_in(3)) {
    out.step = static_cast<int>(any.between(1, any.one_in(4) ? 100 : of.high / 3 + 1));
    text += "/" + std::to_string(out.step);
  }
  of.ranges.push_back(out);
  return text;
}

std::string fill(chance& any, field& of, std::size_t often) {
  if (!any.one_in(often)) {
    of.ranges.push_back({.star = true});
    return "*";
  }
  std::string text = add_range(any, of);
  for (std::size_t i = any.below(3); i > 0; --i) text += (any.one_in(6) ? ",," : ",") + add_range(any, of);
  return text;
}

schedule random_schedule(chance& any, const std::vector<const char*>& zones) {
  schedule out;
  out.fields[0] = {0, 59};
  out.fields[1] = {0, 23};
  out.fields[2] = {1, 31};
  out.fields[3] = {
      1, 12, {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}};
  out.fields[4] = {0, 6, {"sun", "mon", "tue", "wed", "thu", "fri", "sat"}};
  if (!any.one_in(8)) {
    out.zone = any.pick(zones);
    out.text = (any.one_in(2) ? "TZ=" : "CRON_TZ=") + out.zone + " ";
  }
  const std::size_t often[] = {1, 2, 3, 5, 3};
  for (std::size_t i = 0; i < 5; ++i) {
    if (i > 0) out.text += any.one_in(8) ? " \t " : " ";
    out.text += fill(any, out.fields[i], often[i]);
  }
  return out;
}

/// Zones whose clocks are set in ways of their own.
const std::vector<const char*> odd_zones = {
    "Europe/Berlin",     "America/New_York", "Asia/Kathmandu",  "Australia/Lord_Howe", "Europe/Dublin",
    "Africa/Casablanca", "America/Nuuk",     "Asia/Gaza",       "Pacific/Apia",        "Pacific/Chatham",
    "America/Sao_Paulo", "Antarctica/Troll", "Asia/Tehran",     "America/St_Johns",    "Pacific/Kiritimati",
    "America/Havana",    "America/Asuncion", "Africa/Cairo",    "Europe/London",       "Asia/Pyongyang",
    "Etc/GMT+5",         "America/Caracas",  "Europe/Istanbul", "Asia/Beirut",         "UTC"};

constexpr std::time_t minute = 60, day = 24 * 60 * minute;

/// Clocks are set in these days more often than in others: an hour before a random such change, if the year
/// has one.
std::time_t near_a_change(chance& any, std::time_t start) {
  for (std::time_t time = start; time < start + 370 * day; time += day) {
    if (c_zone::at(time).tm_gmtoff == c_zone::at(time + day).tm_gmtoff) continue;
    return time + any.between(-day, day) - any.between(0, 59);
  }
  return start;
}

std::optional<std::time_t> product_next(const cron_schedule& parsed, std::time_t after, int milliseconds) {
  const auto next =
      cron_next(parsed, timestamp(std::chrono::seconds(after) + std::chrono::milliseconds(milliseconds)));
  if (!next) return std::nullopt;
  return std::chrono::duration_cast<std::chrono::seconds>(next->time_since_epoch()).count();
}

std::time_t floor_to_minute(std::time_t time) { return time - (time % minute + minute) % minute; }

/// The first minute after a time, up to another, at which the schedule fires.
std::optional<std::time_t> walk(const schedule& of, std::time_t after, std::time_t last) {
  for (std::time_t time = floor_to_minute(after) + minute; time <= last; time += minute) {
    if (of.fires_at(c_zone::at(time))) return time;
  }
  return std::nullopt;
}

std::string shown(std::optional<std::time_t> time) {
  if (!time) return "never";
  const std::tm clock = c_zone::at(*time);
  char out[64];
  std::strftime(out, sizeof out, "%a %F %T %z", &clock);
  return std::to_string(*time) + " = " + out;
}

}  // namespace

TEST_CASE("a schedule fires when the clocks of its zone come to one of its minutes", "[property][cron]") {
  if (!has_database()) return;
  property::try_cases(300, [](chance& any) {
    const schedule given = random_schedule(any, odd_zones);
    const c_zone zone(given.zone);
    // from 1975 on, when no zone is off by seconds any more, to far beyond the data that zones' files list
    const std::time_t start = any.between(5 * 366, any.one_in(2) ? 60 * 365 : 200 * 365) * day;
    std::time_t after = any.one_in(3) ? start + any.between(0, day) : near_a_change(any, start);
    INFO(given.text << " after " << shown(after));
    cron_schedule parsed;
    try {
      parsed = cron_schedule::parse(given.text);
    } catch (const inngest::configuration_error& refused) {
      // only days that never come are refused
      REQUIRE(std::string(refused.what()).find("never fire") != std::string::npos);
      return;
    }
    for (int i = 0; i < 3; ++i) {
      const auto found = product_next(parsed, after, any.one_in(4) ? 999 : 0);
      REQUIRE(found);
      INFO("the product: " << shown(found));
      const std::time_t limit = after + 2 * day;
      if (*found <= limit) {
        REQUIRE(shown(walk(given, after, limit)) == shown(found));
      } else {  // far away: nothing near its start, nor in the two days before it
        REQUIRE(given.fires_at(c_zone::at(*found)));
        REQUIRE(shown(walk(given, after, limit)) == "never");
        REQUIRE(shown(walk(given, std::max(after, *found - 2 * day), *found)) == shown(found));
      }
      after = *found;
    }
  });
}

TEST_CASE("a zone's clocks are those of the C library at any time", "[property][time_zone]") {
  if (!has_database()) return;
  std::map<std::string, int> seen;
  for (const char* name : odd_zones) {
    const c_zone zone(name);
    const auto ours = inngest::detail::time_zone::find(name);
    property::try_cases(300, [&](chance& any) {
      const std::time_t time = any.one_in(2) ? any.between(-200 * 365, 400 * 365) * day + any.between(0, day)
                                             : near_a_change(any, any.between(-50 * 365, 100 * 365) * day);
      INFO(name << " at " << shown(time));
      REQUIRE(ours->offset_at(std::chrono::sys_seconds(std::chrono::seconds(time))).count() ==
              c_zone::at(time).tm_gmtoff);
    });
  }
}

TEST_CASE("a change of a zone's clocks is where the C library's clocks change", "[property][time_zone]") {
  if (!has_database()) return;
  for (const char* name : odd_zones) {
    const c_zone zone(name);
    const auto ours = inngest::detail::time_zone::find(name);
    property::try_cases(20, [&](chance& any) {
      const std::time_t start = any.between(5 * 365, 150 * 365) * day;
      const auto change = ours->next_change(std::chrono::sys_seconds(std::chrono::seconds(start)));
      const std::time_t end = std::min<std::time_t>(
          change ? change->time_since_epoch().count() : start + 800 * day, start + 800 * day);
      INFO(name << " from " << shown(start) << " to " << shown(end));
      for (std::time_t time = start; time < end; time += 7 * day / 8)
        REQUIRE(c_zone::at(time).tm_gmtoff == c_zone::at(start).tm_gmtoff);
      if (end > start) REQUIRE(c_zone::at(end - 1).tm_gmtoff == c_zone::at(start).tm_gmtoff);
    });
  }
}
