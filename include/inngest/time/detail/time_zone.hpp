#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/error.hpp>

// Time zones from the system's database, whose files RFC 9636 describes. The standard libraries of GCC 12 and
// Clang 14 do not have time zones yet.

namespace inngest::inline INNGEST_ABI::detail {

/// The POSIX rule for the beginning or end of summer time in every year.
struct time_zone_rule {
  enum class kind {
    month_week,    ///< the day of a week of a month
    julian,        ///< a day from 1, without 29 February
    day_from_zero  ///< a day from 0, with it
  };
  kind what = kind::month_week;
  unsigned month = 1, week = 1, day = 0;
  std::chrono::seconds time = std::chrono::hours(2);

  /// The time on the clock before the change.
  std::chrono::sys_seconds in(std::chrono::year year) const;
};

/// The rule after the last transition in a file, such as "CET-1CEST,M3.5.0,M10.5.0/3".
struct time_zone_footer {
  std::chrono::seconds standard{};
  std::optional<std::chrono::seconds> summer{};
  time_zone_rule begins{}, ends{};

  std::chrono::seconds offset_at(std::chrono::sys_seconds time) const;

  std::optional<std::chrono::sys_seconds> next_change(std::chrono::sys_seconds time) const;
};

/// Reads a footer. \throws configuration_error
class time_zone_footer_reader {
 public:
  explicit time_zone_footer_reader(std::string_view text) : text_(text) {}

  time_zone_footer read();

 private:
  /// Reads hours: an offset from UTC, or the time of a change from midnight.
  static constexpr unsigned max_offset = 24, max_time = 167;

  [[noreturn]] static void fail() { throw configuration_error("the time zone's rule is not a POSIX rule"); }
  bool take(char c);
  bool starts_with_digit() const { return !text_.empty() && is_digit(text_.front()); }

  void skip_name();

  unsigned read_number(unsigned low, unsigned high);

  /// Reads hours, which may be negative, with optional minutes and seconds.
  std::chrono::seconds read_time(unsigned max_hours);

  time_zone_rule read_rule();

  std::string_view text_;
};

/// A time zone: its offset from UTC at any time.
class time_zone {
 public:
  /// The zone with a name such as "Europe/Berlin"; "" and "UTC" need no database.
  /// \throws configuration_error when the zone does not exist, or its file can't be read.
  static std::shared_ptr<const time_zone> find(std::string_view name);

  /// Reads a file's bytes. \throws configuration_error
  static time_zone parse(std::string_view bytes);

  std::chrono::seconds offset_at(std::chrono::sys_seconds time) const;

  /// The next transition after a time; nullopt when there is none.
  std::optional<std::chrono::sys_seconds> next_change(std::chrono::sys_seconds time) const;

 private:
  struct header {
    char version = 0;
    std::uint32_t utc_flags = 0, standard_flags = 0, leaps = 0, times = 0, types = 0, characters = 0;

    std::size_t size(std::size_t time_size) const;
  };

  [[noreturn]] static void fail() { throw configuration_error("the time zone's file is not a TZif file"); }

  static void skip(std::string_view& bytes, std::size_t size);

  template <class Number>
  static Number read_number(std::string_view bytes, std::size_t at) {
    std::uint64_t out = 0;
    for (std::size_t i = 0; i < sizeof(Number); ++i)
      out = out << 8 | static_cast<unsigned char>(bytes[at + i]);
    return static_cast<Number>(out);
  }

  static header read_header(std::string_view& bytes);

  void read_block(std::string_view bytes, const header& counts);

  static std::string read_file(const std::string& name);

  std::chrono::seconds before_{};
  std::vector<std::pair<std::chrono::sys_seconds, std::chrono::seconds>> transitions_;
  std::optional<time_zone_footer> footer_;
};

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/time/detail/impl/time_zone.ipp>
#endif
