#pragma once

#include <inngest/embedded/detail/engine_core.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/embedded/store.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "checks.hpp"

// What somebody was told has happened, which must be so from then on, also in the next process.

namespace simulated {

class promises {
 public:
  // ---- invocations with a key -----------------------------------------------------------------------------

  /// Somebody invoked a function with a key, and was told what became of it.
  void invoked(const std::string& slug, const std::string& key, const inngest::embedded::invoked_run& told,
               timestamp now) {
    using how = inngest::embedded::invoked_run::outcome;
    if (key.empty() || told.what == how::no_function) return;
    const auto known = invocations_.find({slug, key});
    if (known != invocations_.end() && now - known->second.at < std::chrono::hours(23) &&
        (told.what != how::repeated || told.run_id != known->second.run_id))
      throw violation("function " + slug + " was invoked again with the key " + key + " after run " +
                      known->second.run_id);
    if (told.what == how::started)
      invocations_.insert_or_assign(std::pair(slug, key), invocation{told.run_id, now});
  }

  // ---- cancellations of many runs -------------------------------------------------------------------------

  /// `now_running` are the runs of the function with the cancellation's times and condition that go on.
  void cancelled(const inngest::embedded::bulk_cancellation& done,
                 const std::vector<std::string>& now_running) {
    for (const std::string& run : now_running)
      throw violation("run " + run + " goes on after the cancellation " + done.id);
  }
  void acknowledged(const inngest::embedded::bulk_cancellation& done) { cancellations_.insert(done.id); }
  void forgets_cancellation(const std::string& id) { cancellations_.erase(id); }

  // ---- the audit trail ------------------------------------------------------------------------------------

  void audited(const std::string& details) { audited_.push_back(details); }

  /// In a new process, and at the end.
  void check(const inngest::embedded::engine_core& core, const inngest::embedded::store& kept,
             timestamp now) const {
    std::set<std::string> listed;
    for (const auto& each : core.state().bulk_cancellations(now)) listed.insert(each.id);
    for (const std::string& id : cancellations_) {
      if (!listed.contains(id)) throw violation("the cancellation " + id + " is not listed any more");
    }
    std::multiset<std::string> stored;
    for (inngest::embedded::audit_query page{.limit = 7};;) {
      const auto found = kept.audit_trail(page);
      for (const auto& entry : found) stored.insert(entry.details);
      if (found.size() < page.limit) break;
      page.before = found.back().id;
    }
    for (const std::string& details : audited_) {
      if (stored.count(details) != 1)
        throw violation("the audit trail has " + std::to_string(stored.count(details)) + " entries of " +
                        details);
    }
  }

 private:
  struct invocation {
    std::string run_id{};
    timestamp at{};
  };
  std::map<std::pair<std::string, std::string>, invocation> invocations_;  // by function and key
  std::set<std::string> cancellations_;
  std::vector<std::string> audited_;
};

}  // namespace simulated
