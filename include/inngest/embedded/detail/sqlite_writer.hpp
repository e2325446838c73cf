#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/sqlite.hpp>
#include <inngest/embedded/store.hpp>

namespace inngest::inline INNGEST_ABI::detail::sqlite {

/// Writes changes into a store's tables, within a transaction of the caller's. What belongs to a run that is
/// not there is left out.
class writer {
 public:
  explicit writer(database& file) : file_(file) {}

  void apply(const embedded::changes& changes);

  /// Forgets some of the runs that ended before the time; false when there were none. Not those that can't be
  /// read.
  bool forget_runs(timestamp time, int at_most);

  /// How far forget_events has come.
  struct place {
    timestamp time = (timestamp::min)();
    std::int64_t number = 0;
  };

  /// Goes through some of the events that came before the time, and forgets those of no run; false when there
  /// were none. Not those that still have to start runs, or can't be read.
  bool forget_events(timestamp time, int at_most, place& from);

  /// Forgets some of the values that were over before the time; false when there were none.
  bool forget_values(timestamp time, int at_most);

 private:
  void add(const embedded::event_record& event);

  void put(const embedded::run_record& record);

  void forget_input(std::int64_t run);

  void put_input(std::int64_t run, const embedded::run_record& record);

  void update(const embedded::run_update& run);

  void add(const embedded::memo_record& memo);

  void add(const embedded::timeline_record& record);

  void put(const embedded::job& job);

  void put(const embedded::wait_record& wait);

  void put(const embedded::remembered_value& value);

  void put(const embedded::app_record& app);

  database& file_;
};

}  // namespace inngest::inline INNGEST_ABI::detail::sqlite

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/sqlite_writer.ipp>
#endif
