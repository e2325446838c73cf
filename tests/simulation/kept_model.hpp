#pragma once

#include <inngest/embedded.hpp>
#include <inngest/embedded/retention.hpp>
#include <inngest/embedded/store.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

// What a store has to have after the changes that were committed to it: a second implementation, which has no
// indexes.

namespace simulated {

class kept_model {
 public:
  using changes = inngest::embedded::changes;
  using timestamp = inngest::timestamp;

  /// A run, without its timeline, and its events.
  struct kept_run {
    inngest::embedded::run run{};
    std::vector<inngest::embedded::run_event> events{};

    bool has_event(const std::string& id) const {
      return std::any_of(events.begin(), events.end(), [&](const auto& event) { return event.id == id; });
    }
  };

  void committed(std::span<const changes> all) {
    for (const changes& one : all) apply(one);
  }

  /// What is too old is removed: see store::forget. A repetition stays with what it repeats.
  void forgotten(const inngest::embedded::retention& kept, timestamp now) {
    std::set<std::string> old;
    for (const auto& [id, entry] : runs_) {
      const inngest::embedded::run& run = entry.run;
      if (run.ended() && run.ended_at && *run.ended_at < now - keep_for(kept, run)) old.insert(id);
    }
    std::set<std::string> stay;
    for (const auto& [id, entry] : runs_) {
      if (!old.contains(id)) stay.insert(id);
    }
    std::erase_if(runs_, [&](const auto& entry) {
      return old.contains(entry.first) && !stay.contains(entry.second.run.original_run_id);
    });
    std::set<std::string> starters;
    for (const auto& [id, run] : runs_) {
      for (const auto& event : run.events) starters.insert(event.id);
    }
    std::erase_if(events_, [&](const auto& entry) {
      const auto& [id, event] = entry;
      return event.received_at < now - span_of(kept.history) && event.dispatched && !starters.contains(id);
    });
  }

  const std::map<std::string, kept_run>& runs() const { return runs_; }
  const std::map<std::string, inngest::embedded::event_record>& events() const { return events_; }

 private:
  static std::chrono::milliseconds span_of(inngest::duration_ms duration) { return duration; }

  /// A rule for a function and a status counts more than one for a function, and that more than one for a
  /// status.
  static std::chrono::milliseconds keep_for(const inngest::embedded::retention& kept,
                                            const inngest::embedded::run& run) {
    for (const auto& [with_function, with_status] :
         {std::pair(true, true), std::pair(true, false), std::pair(false, true), std::pair(false, false)}) {
      for (const auto& rule : kept.rules) {
        const bool is_of_kind =
            rule.function.empty() != with_function && rule.status.has_value() == with_status;
        const bool fits = (!with_function || rule.function == run.function_slug) &&
                          (!with_status || rule.status == run.status);
        if (is_of_kind && fits) return rule.keep;
      }
    }
    return kept.history;
  }

  void apply(const changes& one) {
    for (const std::string& id : one.withdrawn_events) {
      const auto found = events_.find(id);
      if (found != events_.end() && !found->second.dispatched) events_.erase(found);
    }
    for (const auto& event : one.events) events_.try_emplace(event.id, event);
    for (const std::string& id : one.dispatched_events) {
      if (const auto found = events_.find(id); found != events_.end()) found->second.dispatched = true;
    }
    for (const auto& record : one.runs) {
      kept_run& kept = runs_[record.run.id];
      kept = {.run = record.run, .events = record.events};
      kept.run.timeline.clear();
    }
    for (const auto& update : one.run_updates) {
      const auto found = runs_.find(update.id);
      if (found == runs_.end()) continue;
      inngest::embedded::run& run = found->second.run;
      run.status = update.status;
      run.started_at = update.started_at;
      run.ended_at = update.ended_at;
      run.output_text = update.output_text;
      run.error = update.error;
    }
    for (const auto& change : one.tags) tag(change);
    for (const std::string& id : one.removed_runs) {
      if (const auto found = runs_.find(id); found != runs_.end() && found->second.run.ended())
        runs_.erase(found);
    }
  }

  void tag(const inngest::embedded::tag_change& change) {
    const auto found = runs_.find(change.run_id);
    if (found == runs_.end()) return;
    std::map<std::string, std::string> tags;
    for (const auto& known : found->second.run.tags) tags[known.name] = known.value;
    if (change.name.empty())
      tags.clear();
    else if (change.value)
      tags[change.name] = *change.value;
    else
      tags.erase(change.name);
    found->second.run.tags.clear();
    for (const auto& [name, value] : tags) found->second.run.tags.push_back({name, value});
  }

  std::map<std::string, kept_run> runs_;
  std::map<std::string, inngest::embedded::event_record> events_;
};

}  // namespace simulated
