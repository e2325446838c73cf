#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/run_match.hpp>
#include <inngest/embedded/detail/set_aside.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/error.hpp>
#include <inngest/step_id.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// Stores an engine's state in memory. The state is lost when the store is destroyed, but it outlives the
/// engine: another engine on the same store continues where the first one stopped.
class memory_store final : public store {
 public:
  void commit(std::span<const changes> all) override;
  unfinished_work load() override;
  void forget_before(timestamp time) override;
  void forget(const retention& kept, timestamp now) override;
  std::size_t make_room(const room_to_make& wanted, timestamp now) override;

  std::optional<event_record> find_event(std::string_view event_id) const override;
  /// A page of events, newest first.
  std::vector<event_record> find_events(const event_query& query) const override;
  std::optional<run_record> find_run(std::string_view run_id) const override;
  std::vector<run> find_runs(const run_query& query) const override;
  /// A page of runs. May read all runs.
  run_page find_page(const run_query& query) const override;
  std::string visit_page(const run_query& query,
                         const std::function<void(const run_point&)>& visit) const override;
  event_page find_event_page(const event_query& query) const override;
  std::vector<run_event> events_of(std::string_view run_id) const override;
  std::vector<run_times> times_of_runs(const std::string& function, std::size_t most) const override;
  std::vector<run> runs_of(std::string_view event_id) const override;
  std::vector<run> runs() const override;
  std::vector<run> reruns_of(std::string_view run_id) const override;
  std::vector<bulk_operation> bulk_operations() const override;
  std::vector<memo_record> memos_of(std::string_view run_id) const override;
  std::vector<run_note> notes_of(std::string_view run_id) const override;
  std::vector<run_log_line> logs_of(std::string_view run_id) const override;
  std::vector<audit_entry> audit_trail(const audit_query& query) const override;
  bool remove_unreadable(const std::string& table, const std::string& key) override;
  std::vector<unreadable_record> unreadable() const override;
  /// The number of stored runs with each status.
  run_counts count_runs() const override;

 private:
  struct stored_run {
    run_record record{};
    std::vector<memo_record> memos{};
    std::set<step_hash> steps{};              // of the memos
    std::vector<std::uint64_t> positions{};   // of the timeline's entries
    std::map<std::string, run_note> notes{};  // by id
    /// The ids of the notes by what they are about: metadata by kind and target, others only by what they
    /// are.
    std::map<std::tuple<run_note::kind, std::string, std::string>, std::set<std::string>> alike{};
    std::map<std::uint64_t, run_log_line> log{};
  };

  void apply(const changes& changes);

  stored_run* find(const std::string& run_id);

  void withdraw(const std::string& id);

  void note_dispatched(const std::string& id);

  static void add(stored_run& run, const timeline_record& record);

  static void add(stored_run& run, const run_note& note);

  static void add(stored_run& run, const run_log_record& record);

  static void add_metadata(std::vector<metadata_amount>& out, const stored_run& of);

  void put_run(const run_record& changed);

  void update_run(const run_update& changed);

  void remove_run(const std::string& id);

  // Of remove_unreadable(), which holds the lock. They return false when no record has the key.
  bool remove_event(const std::string& key);
  bool remove_run_with_work(const std::string& key);
  bool remove_memo(const std::string& key);

  /// Removes the run from all counts and indexes.
  void forget_links(const run_record& of);

  void forget_start(const std::string& event_id, const std::string& run_id);

  /// See run_query::is_repeated.
  bool is_repeated(const run& of) const;

  /// Calls `visit` for the runs that a query selects, after its `before`, until it returns false.
  void visit_runs(const run_query& query, const std::function<bool(const run&)>& visit) const;
  /// The positions of all runs that have the time `by`, which is not the time in the queue.
  std::set<order_place> places_by(run_query::time by) const;

  mutable std::mutex mutex_;
  std::map<std::string, event_record, std::less<>> events_;  // ids grow with time
  std::deque<std::string> undispatched_;                     // ids of events, oldest first
  std::map<std::string, stored_run, std::less<>> runs_;
  std::set<order_place> queue_order_;  // of runs
  std::set<order_place> event_order_;
  std::map<std::string, std::set<std::string>, std::less<>> started_;  // ids of runs by id of their event
  std::map<std::uint64_t, job> jobs_;
  std::map<std::pair<std::string, step_hash>, wait_record> waits_;
  std::map<std::string, remembered_value> values_;
  std::map<std::string, app_record> apps_;
  std::map<std::string, bulk_operation> bulk_operations_;
  std::map<std::string, std::set<std::string>, std::less<>> reruns_;  // ids of runs by id of the original
  std::map<std::string, audit_entry> audit_;                          // by id
  run_counts counts_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/impl/memory_store.ipp>
#endif
