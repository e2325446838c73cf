#include "times.hpp"

#include <cstdint>
#include <cstdio>

#include <inngest/time/duration.hpp>
#include <inngest/time/timestamp.hpp>

#include "problems.hpp"

namespace terminal {
namespace {

using namespace std::chrono;
using inngest::parse_timestamp;

inngest::timestamp now() { return floor<milliseconds>(system_clock::now()); }

std::string rough(milliseconds duration) {
  const std::int64_t seconds = duration.count() / 1000;
  if (seconds < 120) return std::to_string(seconds) + "s";
  if (seconds < 120 * 60) return std::to_string(seconds / 60) + "m";
  if (seconds < 48 * 3600) return std::to_string(seconds / 3600) + "h";
  return std::to_string(seconds / 86400) + "d";
}

}  // namespace

std::string moment(const std::string& option, const std::string& text) {
  if (const auto before = inngest::parse_duration(text)) return inngest::to_text(now() - *before);
  if (parse_timestamp(text)) return text;
  if (parse_timestamp(text + "T00:00:00Z")) return text + "T00:00:00Z";
  throw failure(outcome::wrong_usage,
                option + ": \"" + text +
                    "\" is not a time: use a duration before now such as 90m or 2d, a day such as "
                    "2026-11-26, or RFC 3339 such as 2026-11-26T03:00:00Z");
}

std::string age(const std::string& moment) {
  const auto at = parse_timestamp(moment);
  if (!at) return moment;
  const auto passed = now() - *at;
  return passed < milliseconds(0) ? "in " + rough(-passed) : rough(passed);
}

std::string time_between(const std::string& from, const std::string& to) {
  const auto begin = parse_timestamp(from), end = parse_timestamp(to);
  return begin && end ? readable_duration(*end - *begin) : "";
}

std::string readable_time(const std::string& moment) {
  std::string out = moment;
  if (const auto t = out.find('T'); t != std::string::npos && parse_timestamp(moment)) out[t] = ' ';
  return out;
}

std::string readable_duration(milliseconds duration) {
  const std::int64_t count = duration.count();
  if (count < 1000) return std::to_string(count) + "ms";
  const std::int64_t seconds = count / 1000;
  char out[32];
  if (seconds < 60)
    std::snprintf(out, sizeof out, "%.1fs", static_cast<double>(count) / 1000);
  else if (seconds < 3600)
    std::snprintf(out, sizeof out, "%dm%02ds", static_cast<int>(seconds / 60),
                  static_cast<int>(seconds % 60));
  else if (seconds < 48 * 3600)
    std::snprintf(out, sizeof out, "%dh%02dm", static_cast<int>(seconds / 3600),
                  static_cast<int>(seconds / 60 % 60));
  else
    std::snprintf(out, sizeof out, "%dd%02dh", static_cast<int>(seconds / 86400),
                  static_cast<int>(seconds / 3600 % 24));
  return out;
}

}  // namespace terminal
