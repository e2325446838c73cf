#pragma once

#include <algorithm>
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
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/set_aside.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/step_id.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// Keeps an engine's state in memory. The state is lost when the store is destroyed. It outlives the engine:
/// another engine on the same store continues where the first one stopped.
class memory_store final : public store {
 public:
  void commit(std::span<const changes> all) override;
  unfinished_work load() override;
  void forget_before(timestamp time) override;

  std::optional<event_record> find_event(std::string_view event_id) const override;
  /// A page of events, newest first.
  std::vector<event_record> find_events(const event_query& query) const override;
  std::optional<run_record> find_run(std::string_view run_id) const override;
  std::vector<run> find_runs(const run_query& query) const override;
  std::vector<run> runs_of(std::string_view event_id) const override;
  std::vector<run> runs() const override;
  std::vector<memo_record> memos_of(std::string_view run_id) const override;
  /// How many runs of each status the store has.
  run_counts count_runs() const override;

 private:
  struct stored_run {
    run_record record{};
    std::vector<memo_record> memos{};
    std::set<step_hash> steps{};             // of the memos
    std::vector<std::uint64_t> positions{};  // of the timeline's entries
  };

  void apply(const changes& changes);

  stored_run* find(const std::string& run_id);

  void withdraw(const std::string& id);

  void note_dispatched(const std::string& id);

  static void add(stored_run& run, const timeline_record& record);

  void put_run(const run_record& changed);

  void update_run(const run_update& changed);

  void forget_start(const std::string& event_id, const std::string& run_id);

  static bool matches(const run& run, const run_query& query);

  static run without_timeline(const run& from);

  mutable std::mutex mutex_;
  std::map<std::string, event_record, std::less<>> events_;  // ids grow with time
  std::deque<std::string> undispatched_;                     // ids of events, oldest first
  std::map<std::string, stored_run, std::less<>> runs_;
  std::map<std::string, std::set<std::string>, std::less<>> started_;  // ids of runs by id of their event
  std::map<std::uint64_t, job> jobs_;
  std::map<std::pair<std::string, step_hash>, wait_record> waits_;
  std::map<std::string, remembered_value> values_;
  std::map<std::string, app_record> apps_;
  run_counts counts_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/impl/memory_store.ipp>
#endif
