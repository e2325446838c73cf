#pragma once

#include <inngest/config.hpp>
#include <inngest/embedded/store.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE bool changes::only_starts_jobs() const {
  if (started_jobs.empty()) return false;
  return withdrawn_events.empty() && events.empty() && dispatched_events.empty() && runs.empty() &&
         run_updates.empty() && memos.empty() && added_jobs.empty() && removed_jobs.empty() &&
         added_waits.empty() && removed_waits.empty() && timeline.empty() && values.empty() &&
         removed_values.empty() && apps.empty();
}

INNGEST_INLINE bool changes::empty() const {
  return withdrawn_events.empty() && events.empty() && dispatched_events.empty() && runs.empty() &&
         run_updates.empty() && memos.empty() && added_jobs.empty() && started_jobs.empty() &&
         removed_jobs.empty() && added_waits.empty() && removed_waits.empty() && timeline.empty() &&
         values.empty() && removed_values.empty() && apps.empty();
}

INNGEST_INLINE std::size_t& run_counts::of(run_status status) {
  switch (status) {
    case run_status::queued:
      return queued;
    case run_status::running:
      return running;
    case run_status::completed:
      return completed;
    case run_status::failed:
      return failed;
    case run_status::cancelled:
      return cancelled;
  }
  return queued;
}

}  // namespace inngest::inline INNGEST_ABI::embedded
