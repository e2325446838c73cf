#pragma once

#include <algorithm>
#include <cstdio>
#include <functional>
#include <map>
#include <mutex>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/time/detail/time_zone.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE std::chrono::sys_seconds time_zone_rule::in(std::chrono::year year) const {
  using namespace std::chrono;
  if (what == kind::month_week) {
    const std::chrono::month of(month);
    const std::chrono::weekday on(day);
    const sys_days date = week == 5 ? sys_days(year / of / on[last]) : sys_days(year / of / on[week]);
    return date + time;
  }
  const bool after_february = what == kind::julian && year.is_leap() && day >= 60;
  const int days = static_cast<int>(day) - (what == kind::julian ? 1 : 0) + (after_february ? 1 : 0);
  return sys_days(year / January / 1) + std::chrono::days(days) + time;
}

INNGEST_INLINE std::chrono::seconds time_zone_footer::offset_at(std::chrono::sys_seconds time) const {
  if (!summer) return standard;
  const std::chrono::year_month_day date(std::chrono::floor<std::chrono::days>(time + standard));
  const auto begin = begins.in(date.year()) - standard;
  const auto end = ends.in(date.year()) - *summer;
  const bool is_summer = begin < end ? begin <= time && time < end : begin <= time || time < end;
  return is_summer ? *summer : standard;
}

INNGEST_INLINE std::optional<std::chrono::sys_seconds> time_zone_footer::next_change(
    std::chrono::sys_seconds time) const {
  if (!summer) return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::floor<std::chrono::days>(time));
  std::optional<std::chrono::sys_seconds> out;
  for (int i = -1; i <= 1; ++i) {
    const std::chrono::year year = date.year() + std::chrono::years(i);
    for (const auto change : {begins.in(year)-standard, ends.in(year) - *summer}) {
      if (change > time && (!out || change < *out)) out = change;
    }
  }
  return out;
}

INNGEST_INLINE time_zone_footer time_zone_footer_reader::read() {
  time_zone_footer out;
  skip_name();
  out.standard = -read_time(max_offset);
  if (text_.empty()) return out;
  skip_name();
  out.summer =
      text_.empty() || text_.front() == ',' ? out.standard + std::chrono::hours(1) : -read_time(max_offset);
  if (!take(',')) fail();
  out.begins = read_rule();
  if (!take(',')) fail();
  out.ends = read_rule();
  if (!text_.empty()) fail();
  return out;
}

INNGEST_INLINE bool time_zone_footer_reader::take(char c) {
  if (text_.empty() || text_.front() != c) return false;
  text_.remove_prefix(1);
  return true;
}

INNGEST_INLINE void time_zone_footer_reader::skip_name() {
  const bool quoted = take('<');
  std::size_t size = 0;
  while (size < text_.size() && (quoted ? text_[size] != '>' : is_letter(text_[size]))) ++size;
  if (size == 0) fail();
  text_.remove_prefix(size);
  if (quoted && !take('>')) fail();
}

INNGEST_INLINE unsigned time_zone_footer_reader::read_number(unsigned low, unsigned high) {
  unsigned out = 0;
  if (!starts_with_digit()) fail();
  for (; starts_with_digit() && out < 1000; text_.remove_prefix(1))
    out = out * 10 + static_cast<unsigned>(text_.front() - '0');
  if (out < low || out > high) fail();
  return out;
}

INNGEST_INLINE std::chrono::seconds time_zone_footer_reader::read_time(unsigned max_hours) {
  const bool negative = take('-');
  if (!negative) take('+');
  std::chrono::seconds out = std::chrono::hours(read_number(0, max_hours));
  if (take(':')) out += std::chrono::minutes(read_number(0, 59));
  if (take(':')) out += std::chrono::seconds(read_number(0, 59));
  return negative ? -out : out;
}

INNGEST_INLINE time_zone_rule time_zone_footer_reader::read_rule() {
  time_zone_rule out;
  if (take('M')) {
    out.month = read_number(1, 12);
    if (!take('.')) fail();
    out.week = read_number(1, 5);
    if (!take('.')) fail();
    out.day = read_number(0, 6);
  } else if (take('J')) {
    out.what = time_zone_rule::kind::julian;
    out.day = read_number(1, 365);
  } else {
    out.what = time_zone_rule::kind::day_from_zero;
    out.day = read_number(0, 365);
  }
  if (take('/')) out.time = read_time(max_time);
  return out;
}

INNGEST_INLINE std::shared_ptr<const time_zone> time_zone::find(std::string_view name) {
  static std::mutex mutex;
  static std::map<std::string, std::shared_ptr<const time_zone>, std::less<>> known;
  const std::lock_guard lock(mutex);
  const auto found = known.find(name);
  if (found != known.end()) return found->second;
  auto zone = std::make_shared<const time_zone>(
      name.empty() || name == "UTC" ? time_zone() : parse(read_file(std::string(name))));
  return known.emplace(name, std::move(zone)).first->second;
}

INNGEST_INLINE time_zone time_zone::parse(std::string_view bytes) {
  time_zone out;
  const header first = read_header(bytes);
  if (first.version < '2') fail();
  skip(bytes, first.size(4));
  const header second = read_header(bytes);
  out.read_block(bytes.substr(0, second.size(8)), second);
  skip(bytes, second.size(8));
  if (bytes.size() < 2 || bytes.front() != '\n' || bytes.back() != '\n') fail();
  bytes = bytes.substr(1, bytes.size() - 2);
  if (!bytes.empty()) out.footer_ = time_zone_footer_reader(bytes).read();
  return out;
}

INNGEST_INLINE std::chrono::seconds time_zone::offset_at(std::chrono::sys_seconds time) const {
  const auto next = std::upper_bound(transitions_.begin(), transitions_.end(), time,
                                     [](auto moment, const auto& change) { return moment < change.first; });
  if (next == transitions_.end() && footer_) return footer_->offset_at(time);
  return next == transitions_.begin() ? before_ : std::prev(next)->second;
}

INNGEST_INLINE std::optional<std::chrono::sys_seconds> time_zone::next_change(
    std::chrono::sys_seconds time) const {
  const auto next = std::upper_bound(transitions_.begin(), transitions_.end(), time,
                                     [](auto moment, const auto& change) { return moment < change.first; });
  if (next != transitions_.end()) return next->first;
  return footer_ ? footer_->next_change(time) : std::nullopt;
}

INNGEST_INLINE std::size_t time_zone::header::size(std::size_t time_size) const {
  return times * (time_size + 1) + types * std::size_t{6} + characters + leaps * (time_size + 4) +
         standard_flags + utc_flags;
}

INNGEST_INLINE void time_zone::skip(std::string_view& bytes, std::size_t size) {
  if (bytes.size() < size) fail();
  bytes.remove_prefix(size);
}

INNGEST_INLINE time_zone::header time_zone::read_header(std::string_view& bytes) {
  constexpr std::size_t size = 44;
  constexpr std::uint32_t most = 100'000;
  if (bytes.size() < size || !bytes.starts_with("TZif")) fail();
  const auto count = [&](std::size_t i) {
    const auto out = read_number<std::uint32_t>(bytes, 20 + 4 * i);
    if (out > most) fail();
    return out;
  };
  const header out{bytes[4], count(0), count(1), count(2), count(3), count(4), count(5)};
  bytes.remove_prefix(size);
  return out;
}

INNGEST_INLINE void time_zone::read_block(std::string_view bytes, const header& counts) {
  if (bytes.size() < counts.size(8) || counts.types == 0) fail();
  const std::size_t indices = counts.times * std::size_t{8};
  const std::size_t types = indices + counts.times;
  const auto offset_of = [&](std::size_t type) {
    if (type >= counts.types) fail();
    const auto offset = read_number<std::int32_t>(bytes, types + type * 6);
    if (offset < -89'999 || offset > 93'599) fail();  // clocks can't differ by more than a day
    return std::chrono::seconds(offset);
  };
  before_ = offset_of(0);
  for (std::size_t i = 0; i < counts.times; ++i) {
    const std::chrono::sys_seconds time{std::chrono::seconds(read_number<std::int64_t>(bytes, i * 8))};
    if (!transitions_.empty() && transitions_.back().first >= time) fail();
    transitions_.emplace_back(time, offset_of(static_cast<unsigned char>(bytes[indices + i])));
  }
}

INNGEST_INLINE std::string time_zone::read_file(const std::string& name) {
  const auto is_plain = [](char c) {
    // without dots no name can leave the database
    return is_letter_or_digit(c) || c == '_' || c == '+' || c == '-' || c == '/';
  };
  const bool is_name =
      name.front() != '/' && name.size() < 64 && std::all_of(name.begin(), name.end(), is_plain);
  std::FILE* const file = is_name ? std::fopen(("/usr/share/zoneinfo/" + name).c_str(), "rb") : nullptr;
  if (!file) throw configuration_error("there is no time zone \"" + name + "\"");
  std::string out(1 << 20, '\0');
  out.resize(std::fread(out.data(), 1, out.size(), file));
  std::fclose(file);
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::detail
