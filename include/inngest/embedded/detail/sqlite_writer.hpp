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

/// Writes changes to the tables of a store, in a transaction of the caller. Ignores changes to runs that do
/// not exist.
class writer {
 public:
  explicit writer(database& file) : file_(file) {}

  void apply(const embedded::changes& changes);

  /// Removes some readable runs that ended before the time. Returns false when there were none.
  bool forget_runs(timestamp time, int at_most);

  /// How far forget_events() has come.
  struct place {
    timestamp time = (timestamp::min)();
    std::int64_t number = 0;
  };

  /// Looks at some of the events from before the time, and removes those that are readable, dispatched and
  /// used by no run. Returns false when there were no events.
  bool forget_events(timestamp time, int at_most, place& from);

  /// Removes some values that expired before the time. Returns false when there were none.
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
