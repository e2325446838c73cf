#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/error.hpp>

namespace inngest::inline INNGEST_ABI::detail {

/// A schedule of five fields, as an Inngest server reads it: minute, hour, day of the month, month, day of
/// the week, in UTC or in the time zone of a prefix. Every value at which it fires is a bit.
struct cron_schedule {
  std::string zone = "UTC";
  std::uint64_t minutes = 0;
  std::uint64_t hours = 0;
  std::uint64_t days = 0;      // 1 to 31
  std::uint64_t months = 0;    // 1 to 12
  std::uint64_t weekdays = 0;  // 0 is Sunday
  /// If one day field is *, the other decides. If none is, a match of either suffices.
  bool any_day = false;
  bool any_weekday = false;

  /// \throws configuration_error naming the field, the value and its column.
  static cron_schedule parse(std::string_view text);

  /// Whether it fires on that day.
  bool is_on(std::chrono::sys_days day) const;

  /// The next time at which it fires, in the local time of its zone. nullopt when there is none within eight
  /// years, which always contain a 29 February.
  std::optional<std::chrono::sys_seconds> next_after(std::chrono::sys_seconds time) const;

 private:
  static bool has(std::uint64_t bits, unsigned value) { return (bits >> value & 1) != 0; }
};

/// Reads the fields of a schedule in order.
class cron_reader {
 public:
  explicit cron_reader(std::string_view text);

  std::string read_zone();

  /// Rejects descriptors such as @daily, which servers do not accept, and suggests the equivalent fields.
  void refuse_descriptor();

  struct field {
    std::string_view name;
    int low;
    int high;
    std::span<const std::string_view> names{};
  };

  /// Reads the values of a field: a list of ranges with steps, such as "1-5,10-20/2". `any` is set by a *.
  std::uint64_t read_field(const field& which, bool& any);

  void expect_end();

  [[noreturn]] void fail(const std::string& problem) const { fail(problem, at_); }
  [[noreturn]] static void fail(const std::string& problem, std::size_t at);

 private:
  void skip_space();
  bool take(char c);

  /// The text from a position to the next space or comma.
  std::string word_at(std::size_t start) const;
  [[noreturn]] void fail_at_character() const { fail("unexpected \"" + word_at(at_) + "\""); }

  std::uint64_t read_range(const field& which, bool& any);

  int read_value(const field& which);

  /// Reads a number. A number that is too large becomes larger than any field allows.
  int read_number(const field& which);

  /// Checks that the zone is in the system's database, if there is one.
  static void check_zone(const std::string& zone, std::size_t at);

  /// Whether the database has a valid file for the zone.
  static bool has_zone(const std::string& zone);

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/time/detail/impl/cron.ipp>
#endif
