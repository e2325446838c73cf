#pragma once

#include <exception>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/engine_core.hpp>
#include <inngest/embedded/detail/run_match.hpp>
#include <inngest/protocol/headers.hpp>
#include <inngest/time/detail/saturated.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE std::string words_of_exception() {
  const auto thrown = protocol::describe(std::current_exception(), std::chrono::system_clock::now()).info;
  return thrown.message.empty() ? thrown.name : thrown.message;
}

INNGEST_INLINE timestamp time_to_continue_from(const unfinished_work& work, const store& from) {
  timestamp out{};
  for (const run_record& record : work.runs) out = (std::max)(out, record.run.queued_at);
  for (const job& pending : work.jobs) out = (std::max)(out, pending.begun);
  for (const bulk_operation& operation : work.bulk_operations) out = (std::max)(out, operation.created_at);
  for (const run_query::time by : {run_query::time::queued, run_query::time::ended}) {
    for (const run& newest : from.find_page({.limit = 1, .by = by}).runs)
      out = (std::max)(out, time_of(newest, by).value_or(timestamp()));
  }
  return out + std::chrono::milliseconds(1);  // ids of two processes have no order within a millisecond
}

INNGEST_INLINE engine_core::engine_core(std::vector<function_definition> functions, unfinished_work work,
                                        options chosen, timestamp now)
    : options_(std::move(chosen)),
      bulk_(std::exchange(work.bulk_operations, {})),
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

INNGEST_INLINE std::string engine_core::rerun(const run_record& earlier, timestamp now, rerun_plan plan) {
  return noted(scheduler_.rerun(earlier, now, std::move(plan)));
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

INNGEST_INLINE std::uint64_t engine_core::begin_at_app(std::string_view slug, const std::string& run_id,
                                                       const incoming_event& event, timestamp now) {
  const job begun = scheduler_.begin_at_app(slug, run_id, event, now);
  at_apps_.emplace(begun.id, begun);
  note();
  return begun.id;
}

INNGEST_INLINE bool engine_core::report_at_app(const std::string& run_id, std::uint64_t call_id,
                                               const std::string& operations, const http::headers& headers,
                                               timestamp now, bool may_hold) {
  const auto found = at_apps_.find(call_id);
  if (found == at_apps_.end() || found->second.run_id != run_id) return false;
  const std::vector<reported_operation> read = read_operations(operations);
  const active_run* run = scheduler_.find_run(run_id);
  const bool is_wanted = run && run->last_call == call_id;
  const bool continues = std::all_of(read.begin(), read.end(), [](const reported_operation& op) {
    return op.kind == operation_kind::step_completed || op.kind == operation_kind::defer ||
           op.kind == operation_kind::abort_deferred;
  });
  // During a pause the results are kept, and the run waits: the app is told to end its call here.
  const bool is_held = is_wanted && continues && may_hold && scheduler_.holds_back(run_id);
  if (is_wanted && continues && !is_held) return noted(scheduler_.checkpoint(run_id, call_id, read, now));
  http::response answer{.status = 206, .headers = headers, .body = operations};
  answer.headers.add(protocol::header::sdk, protocol::sdk_name);
  answer.headers.add(protocol::header::request_version, protocol::execution_version);
  const job ended = std::move(at_apps_.extract(found).mapped());
  scheduler_.finish(ended, answer, now);
  note();
  return is_wanted && !is_held;
}

INNGEST_INLINE void engine_core::add_notes(std::vector<run_note> notes, timestamp now) {
  if (notes.empty()) return;
  note();
  for (run_note& added : notes) {
    added.at = last_note_ = (std::max)({added.at, now, last_note_});  // the time in its id
    added.id = note_ids_.next(added.at);
  }
  std::vector<tag_change> tags = tag_changes_of(notes);
  scheduler_.change_tags(tags);
  scheduler_.count_metadata(notes);
  pending_.push_back({.notes = std::move(notes), .tags = std::move(tags)});
  ++changed_;
}

INNGEST_INLINE void engine_core::add_audit(audit_entry entry, bool as_event, timestamp now) {
  note();
  entry.at = last_note_ = (std::max)(now, last_note_);  // the time in its id
  entry.id = note_ids_.next(entry.at);
  if (as_event) {
    detail::json_object_text data;
    data.add("actor", detail::to_printable(entry.actor)).add("action", detail::to_printable(entry.action));
    data.add("target", detail::to_printable(entry.target));
    data.add("details", detail::to_printable(entry.details));
    scheduler_.accept(detail::json_object_text().add("name", audit_event).add_raw("data", data.text()).text(),
                      now);
    note();
  }
  pending_.push_back({.audit = {std::move(entry)}});
  ++changed_;
}

INNGEST_INLINE std::optional<timestamp> engine_core::next_due() const {
  const auto due = scheduler_.next_due();
  if (at_apps_.empty()) return due;
  const timestamp overdue = at_apps_.begin()->second.begun + longest_request_at_app;
  return due ? (std::min)(*due, overdue) : overdue;
}

INNGEST_INLINE void engine_core::end_overdue(timestamp now) {
  while (!at_apps_.empty() && at_apps_.begin()->second.begun + longest_request_at_app <= now) {
    const job overdue = std::move(at_apps_.extract(at_apps_.begin()).mapped());
    const http::response answer{.status = 504,
                                .body = R"({"name":"Error","message":"the app has not reported the end of )"
                                        R"(the request within two hours"})"};
    scheduler_.finish(overdue, answer, now);
  }
}

INNGEST_INLINE std::optional<engine_core::call> engine_core::take(timestamp now, scheduling::app_gate gate) {
  if (stopping_) return std::nullopt;
  end_overdue(now);
  const std::optional<job> next = scheduler_.take_due(now, gate);
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
  // begin_to_stop() has put its job back, by whose number a worker recognizes the call when it is repeated.
  // An app over HTTP may still run its call, and must not save results for the next one: that needs a new
  // number.
  const active_run* run = stopping_ ? scheduler_.find_run(taken.what.run_id) : nullptr;
  if (stopping_ && (!run || run->function->is_called_over_connection())) return;
  scheduler_.postpone(taken.what, stopping_ ? taken.what.due : due);
  note();
}

INNGEST_INLINE void engine_core::begin_to_stop() {
  if (std::exchange(stopping_, true)) return;
  note();
  const auto put_back = [&](const job& taken) {
    if (!scheduler_.find_run(taken.run_id)) return;  // it has ended, and its jobs are removed
    pending_.push_back({.removed_jobs = {taken.id}});
    pending_.push_back({.added_jobs = {taken}});
    put_back_.emplace_back(taken.run_id, taken.id);
  };
  for (const auto& [id, running] : calls_) {
    stops_.push_back({running.stop, true});
    put_back(running.what);
  }
  for (const auto& [id, begun] : at_apps_) put_back(begun);
  if (!calls_.empty() || !at_apps_.empty()) ++changed_;
}

INNGEST_INLINE std::set<std::string, std::less<>> engine_core::runs_of(std::span<const changes> all) {
  std::set<std::string, std::less<>> out;
  for (const changes& part : all) {
    const auto add = [&](const auto& records) {
      for (const auto& record : records) out.insert(record.run_id);
    };
    for (const run_record& record : part.runs) out.insert(record.run.id);
    for (const run_update& update : part.run_updates) out.insert(update.id);
    for (const auto& [run_id, step] : part.removed_waits) out.insert(run_id);
    add(part.memos);
    add(part.added_jobs);
    add(part.added_waits);
    add(part.timeline);
    add(part.notes);
    add(part.log_lines);
    add(part.tags);
  }
  return out;
}

INNGEST_INLINE engine_core::batch engine_core::begin_commit() {
  committing_ = true;
  if (problem_.empty() && !kept_log_lines_.empty()) {  // otherwise a full disk would make the batch grow
    pending_.emplace_back();
    pending_.back().log_lines = std::exchange(kept_log_lines_, {});
  }
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

INNGEST_INLINE void engine_core::keep_log_line(run_log_record line) {
  constexpr std::size_t most = 20'000;
  if (kept_log_lines_.size() < most) kept_log_lines_.push_back(std::move(line));
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
    scheduler_.forget_replaced(fresh);
    note_progress(fresh);
    for (const auto& unstored : scheduler_.take_unstored()) log_unstored(unstored);
    for (const run_update& update : fresh.run_updates) {
      if (is_end(update.status)) stop_calls_of(update.id, fresh.removed_jobs);
    }
    pending_.push_back(std::move(fresh));
  }
  return changed_;
}

INNGEST_INLINE void engine_core::stop_calls_of(std::string_view run_id,
                                               std::vector<std::uint64_t>& removed_jobs) {
  for (const auto& [id, running] : calls_) {
    if (running.what.run_id != run_id) continue;
    stops_.push_back({running.stop, false});
    removed_jobs.push_back(id);
  }
  for (const auto& [id, begun] : at_apps_) {
    if (begun.run_id == run_id) removed_jobs.push_back(id);
  }
  for (const auto& [owner, id] : put_back_) {  // their calls may have ended
    if (owner == run_id) removed_jobs.push_back(id);
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
    return detail::within_a_year(options_.retry_delay(attempt));
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

INNGEST_INLINE void engine_core::log_unstored(const scheduling::unstored_metadata& what) {
  const auto known = scheduler_.functions().find(what.run.function_slug);
  log_lines_.push_back({.level = log_level::warn,
                        .text = whose(what.run) + ": step \"" + what.step + "\": " + what.problem,
                        .run_id = what.run.id,
                        .app = known ? known->app_id : std::string(),
                        .function = what.run.function_id,
                        .step = what.step,
                        .attempt = what.attempt});
}

INNGEST_INLINE std::string engine_core::whose(const run& run) {
  return "run " + run.id + " of function \"" + run.function_id + "\"";
}

INNGEST_INLINE void engine_core::log_failure(const run& run, const timeline_entry& entry,
                                             const changes& fresh) {
  const std::string attempt = "attempt " + std::to_string(entry.attempt + 1);
  const auto what = [&] {
    return entry.step.empty() ? whose(run) : whose(run) + ": step \"" + entry.step + "\"";
  };
  const auto known = scheduler_.functions().find(run.function_slug);
  const auto add = [&](log_level level, std::string text) {
    log_lines_.push_back({.level = level,
                          .text = std::move(text),
                          .run_id = run.id,
                          .app = known ? known->app_id : std::string(),
                          .function = run.function_id,
                          .step = entry.step,
                          .attempt = entry.attempt});
  };
  switch (entry.what) {
    case progress::run_retried:
    case progress::step_retried:
      return add(log_level::warn, what() + ": " + attempt + " failed, the next is due at " +
                                      next_attempt(run, entry, fresh) + ": " + entry.detail);
    case progress::step_failed:
      return add(log_level::warn, what() + ": " + attempt + " failed permanently: " + entry.detail);
    case progress::run_failed:
      return add(log_level::error, whose(run) + " failed: " + entry.detail);
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
