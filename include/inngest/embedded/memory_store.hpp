#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/embedded/store.hpp>

namespace inngest::embedded {

/// Keeps everything in memory: it ends with the process, but not with the engine, which can be replaced by
/// another on the same store.
class memory_store final : public store {
 public:
  void commit(const changes& changes) override {
    const std::lock_guard lock(mutex_);
    for (const event_record& each : changes.events) events_.insert_or_assign(each.id, each);
    for (const run_record& each : changes.runs) keep_run(each);
    for (const memo_record& each : changes.memos) kept_[each.run_id].memos.push_back(each);
    for (const std::uint64_t id : changes.removed_jobs) jobs_.erase(id);
    for (const job& each : changes.added_jobs) jobs_.insert_or_assign(each.id, each);
    for (const auto& [run, step] : changes.removed_waits) waits_.erase({run, step});
    for (const wait_record& each : changes.added_waits)
      waits_.insert_or_assign({each.run_id, each.step}, each);
    for (const timeline_record& each : changes.timeline)
      kept_[each.run_id].record.run.timeline.push_back(each.entry);
  }

  unfinished_work load() override {
    const std::lock_guard lock(mutex_);
    unfinished_work out;
    for (const std::string& id : order_) {
      const kept_run& each = kept_.find(id)->second;
      if (each.record.run.ended()) continue;
      out.runs.push_back(each.record);
      out.runs.back().run.timeline.clear();
      out.memos.insert(out.memos.end(), each.memos.begin(), each.memos.end());
    }
    for (const auto& [id, each] : jobs_) out.jobs.push_back(each);
    for (const auto& [key, each] : waits_) out.waits.push_back(each);
    return out;
  }

  std::optional<event_record> find_event(std::string_view event_id) const override {
    const std::lock_guard lock(mutex_);
    const auto found = events_.find(event_id);
    return found == events_.end() ? std::nullopt : std::optional<event_record>(found->second);
  }

  std::optional<run> find_run(std::string_view run_id) const override {
    const std::lock_guard lock(mutex_);
    const auto found = kept_.find(run_id);
    return found == kept_.end() ? std::nullopt : std::optional<run>(found->second.record.run);
  }

  std::vector<run> runs() const override {
    return select([](const run&) { return true; });
  }

  std::vector<run> runs_of(std::string_view event_id) const override {
    return select([event_id](const run& each) { return each.event_id == event_id; });
  }

 private:
  struct kept_run {
    run_record record{};
    std::vector<memo_record> memos{};
  };

  void keep_run(const run_record& changed) {
    const auto [found, is_new] = kept_.try_emplace(changed.run.id);
    if (is_new) order_.push_back(changed.run.id);
    std::vector<timeline_entry> timeline = std::move(found->second.record.run.timeline);
    found->second.record = changed;
    found->second.record.run.timeline = std::move(timeline);
    if (changed.run.ended()) found->second.memos = {};  // nothing will ask for them again
  }

  template <class Predicate>
  std::vector<run> select(Predicate wanted) const {
    const std::lock_guard lock(mutex_);
    std::vector<run> out;
    for (const std::string& id : order_) {
      const run& each = kept_.find(id)->second.record.run;
      if (wanted(each)) out.push_back(each);
    }
    return out;
  }

  mutable std::mutex mutex_;
  std::map<std::string, event_record, std::less<>> events_;
  std::map<std::string, kept_run, std::less<>> kept_;
  std::vector<std::string> order_;  // of the runs' beginnings
  std::map<std::uint64_t, job> jobs_;
  std::map<std::pair<std::string, step_hash>, wait_record> waits_;
};

}  // namespace inngest::embedded
