#pragma once

#include <inngest/config.hpp>
#include <inngest/embedded/detail/engine_core.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE std::string words_of_exception() {
  const auto thrown = protocol::describe(std::current_exception(), std::chrono::system_clock::now()).info;
  return thrown.message.empty() ? thrown.name : thrown.message;
}

INNGEST_INLINE timestamp latest_time(const unfinished_work& work) {
  timestamp out{};
  for (const run_record& record : work.runs) out = (std::max)(out, record.run.queued_at);
  for (const job& pending : work.jobs) out = (std::max)(out, pending.begun);
  return out;
}

INNGEST_INLINE engine_core::engine_core(std::vector<function_definition> functions, unfinished_work work,
                                        options chosen, timestamp now)
    : options_(std::move(chosen)),
      scheduler_(
          std::move(functions), std::move(work), [this](int attempt) { return retry_delay(attempt); }, now,
          options_.ids) {
  scheduler_.collect_progress(options_.collects_progress);
  note();
}

INNGEST_INLINE std::optional<std::string> engine_core::signal(const std::string& name,
                                                              const std::string& data, timestamp now) {
  return noted(scheduler_.signal(name, data, now));
}

INNGEST_INLINE std::string engine_core::start(const std::string& slug, std::string data, timestamp now) {
  return noted(scheduler_.start(slug, std::move(data), now));
}

INNGEST_INLINE std::string engine_core::rerun(const run_record& earlier, timestamp now) {
  return noted(scheduler_.rerun(earlier, now));
}

INNGEST_INLINE bool engine_core::checkpoint(const std::string& run_id, std::uint64_t call_id,
                                            const std::vector<reported_operation>& operations,
                                            timestamp now) {
  return noted(scheduler_.checkpoint(run_id, call_id, operations, now));
}

INNGEST_INLINE void engine_core::register_app(const app_record& app,
                                              std::vector<function_definition> functions, timestamp now) {
  scheduler_.register_app(app, std::move(functions), now);
  note();
}

INNGEST_INLINE std::optional<engine_core::call> engine_core::take(timestamp now) {
  if (stopping_) return std::nullopt;
  const std::optional<job> next = scheduler_.take_due(now);
  if (!next) {
    note();
    return std::nullopt;
  }
  call out{.what = *next, .stop = {}};
  calls_.emplace(next->id, under_way{*next, out.stop});
  out.request = request_for(*next);
  out.change = note();
  return out;
}

INNGEST_INLINE void engine_core::finish(const call& made, http::response answer, timestamp now) {
  calls_.erase(made.what.id);
  if (!made.stop.was_interrupted()) scheduler_.finish(made.what, std::move(answer), now);
  note();
}

INNGEST_INLINE void engine_core::postpone(const call& taken, timestamp due) {
  calls_.erase(taken.what.id);
  scheduler_.postpone(taken.what, due);
  note();
}

INNGEST_INLINE void engine_core::begin_to_stop() {
  if (std::exchange(stopping_, true)) return;
  note();
  for (const auto& [id, running] : calls_) {
    stops_.push_back({running.stop, true});
    pending_.push_back({.removed_jobs = {id}});
    pending_.push_back({.added_jobs = {running.what}});
  }
  if (!calls_.empty()) ++changed_;
}

INNGEST_INLINE engine_core::batch engine_core::begin_commit() {
  committing_ = true;
  return {std::exchange(pending_, {}), changed_};
}

INNGEST_INLINE void engine_core::end_commit(batch tried, std::string problem, timestamp now) {
  committing_ = false;
  if (problem.empty()) {
    committed_ = tried.last_change;
    for (const changes& stored : tried.all) scheduler_.committed(stored, now);
  } else {
    pending_.insert(pending_.begin(), std::make_move_iterator(tried.all.begin()),
                    std::make_move_iterator(tried.all.end()));
  }
  problem_ = std::move(problem);
  note();  // the runs that stored events started
}

INNGEST_INLINE std::optional<engine_core::pending_progress> engine_core::take_progress() {
  if (progress_.empty() || progress_.front().change > committed_) return std::nullopt;
  std::optional<pending_progress> out(std::move(progress_.front()));
  progress_.pop_front();
  return out;
}

INNGEST_INLINE std::uint64_t engine_core::note() {
  for (changes fresh = scheduler_.take_changes(); !fresh.empty(); fresh = scheduler_.take_changes()) {
    ++changed_;
    note_progress(fresh);
    for (const run_update& update : fresh.run_updates) {
      if (is_ended(update.status)) stop_calls_of(update.id);
    }
    pending_.push_back(std::move(fresh));
  }
  return changed_;
}

INNGEST_INLINE bool engine_core::is_ended(run_status status) {
  return status != run_status::queued && status != run_status::running;
}

INNGEST_INLINE void engine_core::stop_calls_of(std::string_view run_id) {
  for (const auto& [id, running] : calls_) {
    if (running.what.run_id == run_id) stops_.push_back({running.stop, false});
  }
}

INNGEST_INLINE http::request engine_core::request_for(const job& job) const {
  try {
    return scheduler_.request_for(job);
  } catch (...) {
    return {.method = "", .url = "", .body = words_of_exception()};
  }
}

INNGEST_INLINE std::chrono::milliseconds engine_core::retry_delay(int attempt) {
  try {
    return std::clamp<std::chrono::milliseconds>(options_.retry_delay(attempt), {}, max_wait);
  } catch (...) {
    log(log_level::error, "engine_options::retry_delay threw: " + words_of_exception());
    return server_retry_delay(attempt);
  }
}

INNGEST_INLINE void engine_core::note_progress(const changes& fresh) {
  for (auto& [run, entry] : scheduler_.take_progress()) {
    log_failure(run, entry, fresh);
    if (options_.collects_progress) progress_.push_back({changed_, std::move(run), std::move(entry)});
  }
}

INNGEST_INLINE void engine_core::log_failure(const run& run, const timeline_entry& entry,
                                             const changes& fresh) {
  const std::string whose = "run " + run.id + " of function \"" + run.function_id + "\"";
  const std::string attempt = "attempt " + std::to_string(entry.attempt + 1);
  const auto what = [&] { return entry.step.empty() ? whose : whose + ": step \"" + entry.step + "\""; };
  switch (entry.what) {
    case progress::run_retried:
    case progress::step_retried:
      return log(log_level::warn, what() + ": " + attempt + " failed, the next is due at " +
                                      next_attempt(run, entry, fresh) + ": " + entry.detail);
    case progress::step_failed:
      return log(log_level::warn, what() + ": " + attempt + " failed permanently: " + entry.detail);
    case progress::run_failed:
      return log(log_level::error, whose + " failed: " + entry.detail);
    default:
      return;
  }
}

INNGEST_INLINE std::string engine_core::next_attempt(const run& run, const timeline_entry& entry,
                                                     const changes& fresh) {
  for (const job& added : fresh.added_jobs) {
    const bool is_next = added.run_id == run.id && added.attempt == entry.attempt + 1;
    if (is_next && (!added.step || added.step_name == entry.step)) return to_text(added.due);
  }
  return "an unknown time";
}

}  // namespace inngest::inline INNGEST_ABI::embedded
