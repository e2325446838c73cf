#pragma once

#include <exception>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/scheduling/bulk_work.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE bulk_work::bulk_work(std::vector<bulk_operation> unfinished) {
  for (bulk_operation& operation : unfinished) {
    std::string id = operation.id;
    running_.emplace(std::move(id), running{.operation = std::move(operation)});
  }
}

INNGEST_INLINE bulk_operation bulk_work::begin(scheduler& on, bulk_operation wanted, timestamp now) {
  wanted.id = on.new_id(now);
  wanted.state = bulk_state::running;
  wanted.created_at = now;
  running_.emplace(wanted.id, running{.operation = wanted});
  on.record(wanted);
  return wanted;
}

INNGEST_INLINE bool bulk_work::advance(scheduler& on, std::string_view id, bulk_chunk chunk, timestamp now) {
  const auto found = running_.find(id);
  if (found == running_.end()) return false;
  bulk_operation& operation = found->second.operation;
  if (now < operation.created_at)  // by more than a day: see engine_clock
    return stop(on, id, now,
                "the clock was set back to before the operation began, so that later runs look like earlier "
                "ones; begin the operation again");
  for (bulk_item& item : chunk.items) {
    const outcome what = take(on, found->second, item, now);
    note(operation, what, item);
  }
  if (!chunk.cursor.empty()) operation.cursor = std::move(chunk.cursor);
  if (chunk.is_last)
    end(on, id, operation, bulk_state::completed, now);
  else
    on.record(operation);
  return true;
}

INNGEST_INLINE bool bulk_work::stop(scheduler& on, std::string_view id, timestamp now,
                                    const std::string& problem) {
  const auto found = running_.find(id);
  if (found == running_.end()) return false;
  bulk_operation stopped = found->second.operation;
  if (!problem.empty() && stopped.problems.size() < max_bulk_problems)
    stopped.problems.push_back({.run_id = "", .text = problem});
  end(on, id, std::move(stopped), bulk_state::stopped, now);
  return true;
}

INNGEST_INLINE const bulk_operation* bulk_work::find(std::string_view id) const {
  const auto found = running_.find(id);
  return found == running_.end() ? nullptr : &found->second.operation;
}

INNGEST_INLINE std::size_t bulk_work::waiting_runs(const scheduler& of, std::string_view id) {
  const auto found = running_.find(id);
  if (found == running_.end()) return 0;
  std::erase_if(found->second.begun, [&](const std::string& run_id) {
    const active_run* run = of.find_run(run_id);
    return !run || run->record.run.status != run_status::queued;
  });
  return found->second.begun.size();
}

INNGEST_INLINE std::vector<std::string> bulk_work::ids() const {
  std::vector<std::string> out;
  for (const auto& [id, work] : running_) out.push_back(id);
  return out;
}

INNGEST_INLINE bulk_work::outcome bulk_work::take(scheduler& on, running& of, bulk_item& item,
                                                  timestamp now) {
  if (!item.problem.empty()) return outcome::failed;
  try {
    switch (of.operation.what) {
      case bulk_action::cancel:
        return on.cancel(item.run_id, now) ? outcome::done : outcome::too_late;
      case bulk_action::remove:
        return on.remove(item.run_id) ? outcome::done : outcome::too_late;
      case bulk_action::rerun:
        return rerun(on, of, item, now);
    }
  } catch (const std::exception& problem) {  // the other runs do not depend on it
    item.problem = std::string("the engine failed: ") + problem.what();
  }
  return outcome::failed;
}

INNGEST_INLINE bulk_work::outcome bulk_work::rerun(scheduler& on, running& of, bulk_item& item,
                                                   timestamp now) {
  std::string again = on.rerun(item.earlier, now, std::move(item.plan));
  if (again.empty()) {
    item.problem = "its function \"" + item.earlier.run.function_slug +
                   "\" no longer exists, or is a singleton that is already running";
    return outcome::failed;
  }
  of.begun.push_back(std::move(again));
  return outcome::done;
}

INNGEST_INLINE void bulk_work::note(bulk_operation& of, outcome what, bulk_item& item) {
  if (what == outcome::done) ++of.done;
  if (what != outcome::failed) return;
  ++of.failed;
  if (of.problems.size() < max_bulk_problems)
    of.problems.push_back({.run_id = std::move(item.run_id), .text = std::move(item.problem)});
}

INNGEST_INLINE void bulk_work::end(scheduler& on, std::string_view id, bulk_operation changed,
                                   bulk_state state, timestamp now) {
  changed.state = state;
  changed.ended_at = now;
  on.record(changed);
  running_.erase(running_.find(id));
}

}  // namespace inngest::inline INNGEST_ABI::embedded
