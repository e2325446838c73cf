#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
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

  /// The progress of forget_runs() or forget_events().
  struct place {
    timestamp time = (timestamp::min)();
    std::int64_t number = 0;
  };

  using run_ids = std::set<std::string, std::less<>>;

  /// Checks some of the ended runs, and removes those that are readable, not spared, and whose retention has
  /// expired. Returns false when there were no runs.
  bool forget_runs(const embedded::retention& kept, timestamp now, int at_most, place& from,
                   const run_ids& spared);

  /// Removes some of the readable runs that ended first and are not spared, with the events that only they
  /// used, and returns their number. `last` becomes the latest time at which one was queued.
  std::size_t forget_oldest_runs(int at_most, bool spares_failed, timestamp& last, const run_ids& spared);

  /// Checks some of the events from before the time, and removes those that are readable, dispatched and used
  /// by no run. Returns false when there were no events.
  bool forget_events(timestamp time, int at_most, place& from);

  /// Removes the bulk operations that ended before the time.
  void forget_bulk_operations(timestamp time);

  /// Removes some values that expired before the time. Returns false when there were none.
  bool forget_values(timestamp time, int at_most);

  /// Removes some entries of the audit trail from before the time. Returns false when there were none.
  bool forget_audit(timestamp time, int at_most);

  /// Removes a run with everything that belongs to it, except its jobs and waits.
  void forget_run(std::int64_t number);

 private:
  void add(const embedded::event_record& event);

  void put(const embedded::run_record& record);

  /// Rewrites the tags and keys of a run.
  void put_labels(std::int64_t number, const embedded::run& run);
  void change(const embedded::tag_change& change);

  void forget_input(std::int64_t run);

  /// The ids of a run's events.
  std::vector<std::string> events_of(std::int64_t run);

  /// Removes a readable, dispatched event that no run uses.
  void forget_event(const std::string& id);

  void put_input(std::int64_t run, const embedded::run_record& record);

  void update(const embedded::run_update& run);

  void add(const embedded::memo_record& memo);

  void add(const embedded::timeline_record& record);
  void add(const embedded::run_log_record& record);
  /// Removes a run's oldest log lines above the limit.
  void shorten_log(const std::string& run_id, std::size_t most);

  void put(const embedded::job& job);

  void put(const embedded::wait_record& wait);

  void put(const embedded::remembered_value& value);

  void put(const embedded::app_record& app);

  void add(const std::vector<embedded::run_note>& notes);
  void add(const embedded::run_note& note);

  void put(const embedded::bulk_operation& operation);

  /// Removes a run that has ended.
  void remove_run(const std::string& id);

  void add(const embedded::audit_entry& entry);

  database& file_;
};

}  // namespace inngest::inline INNGEST_ABI::detail::sqlite

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/sqlite_writer.ipp>
#endif
