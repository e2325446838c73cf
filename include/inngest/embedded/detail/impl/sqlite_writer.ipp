#pragma once

#include <inngest/config.hpp>
#include <inngest/embedded/detail/sqlite_writer.hpp>

namespace inngest::inline INNGEST_ABI::detail::sqlite {

INNGEST_INLINE void writer::apply(const embedded::changes& changes) {
  for (const auto& id : changes.withdrawn_events)
    file_.run("DELETE FROM events WHERE id = ?1 AND dispatched <> 1", id);
  for (const auto& event : changes.events) add(event);
  for (const auto& id : changes.dispatched_events)
    file_.run("UPDATE events SET dispatched = 1 WHERE id = ?1", id);
  for (const auto& run : changes.runs) put(run);
  for (const auto& run : changes.run_updates) update(run);
  for (const auto& memo : changes.memos) add(memo);
  for (const auto& job : changes.added_jobs) put(job);
  for (const auto id : changes.started_jobs) file_.run("UPDATE jobs SET started = 1 WHERE id = ?1", id);
  for (const auto id : changes.removed_jobs) file_.run("DELETE FROM jobs WHERE id = ?1", id);
  for (const auto& wait : changes.added_waits) put(wait);
  for (const auto& [run_id, step] : changes.removed_waits)
    file_.run("DELETE FROM waits WHERE run_id = ?1 AND step = ?2", run_id, step);
  for (const auto& entry : changes.timeline) add(entry);
  for (const auto& key : changes.removed_values)
    file_.run("DELETE FROM remembered_values WHERE key = ?1", key);
  for (const auto& value : changes.values) put(value);
  for (const auto& app : changes.apps) put(app);
}

INNGEST_INLINE bool writer::forget_runs(timestamp time, int at_most) {
  std::vector<std::int64_t> numbers;
  rows found = file_.query("SELECT number FROM runs WHERE ended_at < ?1 AND status IN (?2, ?3, ?4) LIMIT ?5",
                           time, embedded::run_status::completed, embedded::run_status::failed,
                           embedded::run_status::cancelled, at_most);
  while (found.next()) found.read(numbers.emplace_back());
  for (const std::int64_t number : numbers) {
    forget_input(number);
    file_.run("DELETE FROM timeline WHERE run = ?1", number);
    file_.run("DELETE FROM memos WHERE run = ?1", number);
    file_.run("DELETE FROM runs WHERE number = ?1", number);
  }
  return !numbers.empty();
}

INNGEST_INLINE bool writer::forget_events(timestamp time, int at_most, place& from) {
  std::vector<std::int64_t> unused;
  bool found_event = false;
  rows found = file_.query(
      "SELECT received_at, number, dispatched IS NOT 1 OR typeof(id) <> 'text' OR typeof(name) <> 'text' "
      "OR typeof(text) <> 'text' OR EXISTS (SELECT 1 FROM run_events WHERE event_id = events.id) "
      "FROM events "
      "WHERE (received_at, number) > (?1, ?2) AND received_at < ?3 AND typeof(received_at) = 'integer' "
      "ORDER BY received_at, number LIMIT ?4",
      from.time, from.number, time, at_most);
  for (bool is_used = false; found.next(); found_event = true) {
    found.read(from.time, from.number, is_used);
    if (!is_used) unused.push_back(from.number);
  }
  for (const std::int64_t number : unused) file_.run("DELETE FROM events WHERE number = ?1", number);
  return found_event;
}

INNGEST_INLINE bool writer::forget_values(timestamp time, int at_most) {
  file_.run(
      "DELETE FROM remembered_values WHERE key IN "
      "(SELECT key FROM remembered_values WHERE expires < ?1 LIMIT ?2)",
      time, at_most);
  return file_.number("SELECT changes()") > 0;
}

INNGEST_INLINE void writer::add(const embedded::event_record& event) {
  file_.run(
      "INSERT INTO events (id, name, received_at, text, dispatched) VALUES (?1, ?2, ?3, ?4, ?5) "
      "ON CONFLICT DO NOTHING",
      event.id, event.name, event.received_at, event.text, event.dispatched);
}

INNGEST_INLINE void writer::put(const embedded::run_record& record) {
  const embedded::run& run = record.run;
  std::optional<std::string_view> error_name, error_message, error_text, parent_run_id, parent_name;
  if (run.error) {
    error_name = run.error->name;
    error_message = run.error->message;
    error_text = run.error->text;
  }
  std::optional<step_hash> parent_step;
  if (record.parent) {
    parent_run_id = record.parent->run_id;
    parent_step = record.parent->step;
    parent_name = record.parent->name;
  }
  const std::int64_t number = file_.number(
      "INSERT INTO runs (id, status, function_slug, function_id, event_id, event_name, queued_at, "
      "started_at, ended_at, gathering, parent_run_id, parent_step, error_name, error_message, error_text, "
      "output, parent_name) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, "
      "?16, ?17) "
      "ON CONFLICT (id) DO UPDATE SET (status, function_slug, function_id, event_id, event_name, "
      "queued_at, "
      "started_at, ended_at, gathering, parent_run_id, parent_step, error_name, error_message, error_text, "
      "output, parent_name) = (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17) "
      "RETURNING number",
      run.id, run.status, run.function_slug, run.function_id, run.event_id, run.event_name, run.queued_at,
      run.started_at, run.ended_at, record.gathering, parent_run_id, parent_step, error_name, error_message,
      error_text, run.output_text, parent_name);
  forget_input(number);
  put_input(number, record);
}

INNGEST_INLINE void writer::forget_input(std::int64_t run) {
  file_.run("DELETE FROM run_events WHERE run = ?1", run);
  file_.run("DELETE FROM deferred_calls WHERE run = ?1", run);
}

INNGEST_INLINE void writer::put_input(std::int64_t run, const embedded::run_record& record) {
  int position = 0;
  for (const embedded::run_event& event : record.events) {
    file_.run(
        "INSERT INTO run_events (run, position, event_id, text) VALUES (?1, ?2, ?3, "
        "CASE WHEN EXISTS (SELECT 1 FROM events WHERE id = ?3 AND text = ?4) THEN NULL ELSE ?4 END)",
        run, position++, event.id, event.text);
  }
  for (const embedded::deferred_call& call : record.deferred) {
    file_.run("INSERT INTO deferred_calls (run, position, step, slug, input) VALUES (?1, ?2, ?3, ?4, ?5)",
              run, position++, call.id, call.slug, call.input);
  }
}

INNGEST_INLINE void writer::update(const embedded::run_update& run) {
  std::optional<std::string_view> error_name, error_message, error_text;
  if (run.error) {
    error_name = run.error->name;
    error_message = run.error->message;
    error_text = run.error->text;
  }
  file_.run(
      "UPDATE runs SET status = ?2, started_at = ?3, ended_at = ?4, output = ?5, error_name = ?6, "
      "error_message = ?7, error_text = ?8 WHERE id = ?1",
      run.id, run.status, run.started_at, run.ended_at, run.output_text, error_name, error_message,
      error_text);
}

INNGEST_INLINE void writer::add(const embedded::memo_record& memo) {
  file_.run(
      "INSERT INTO memos (run, step, text) SELECT number, ?2, ?3 FROM runs WHERE id = ?1 "
      "ON CONFLICT (run, step) DO NOTHING",
      memo.run_id, memo.step, memo.text);
}

INNGEST_INLINE void writer::add(const embedded::timeline_record& record) {
  const embedded::timeline_entry& entry = record.entry;
  file_.run(
      "INSERT INTO timeline (run, position, at, what, step, attempt, duration, detail) "
      "SELECT number, CASE ?8 WHEN 0 THEN "
      "(SELECT coalesce(max(position), 0) + 1 FROM timeline WHERE run = number) ELSE ?8 END, "
      "?2, ?3, ?4, ?5, ?6, ?7 FROM runs WHERE id = ?1 ON CONFLICT DO NOTHING",
      record.run_id, entry.at, entry.what, entry.step, entry.attempt, entry.duration, entry.detail,
      record.position);
}

INNGEST_INLINE void writer::put(const embedded::job& job) {
  file_.run(
      "INSERT OR REPLACE INTO jobs (id, what, run_id, step, step_name, attempt, due, begun, text, started) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
      job.id, job.what, job.run_id, job.step, job.step_name, job.attempt, job.due, job.begun, job.text,
      job.started);
}

INNGEST_INLINE void writer::put(const embedded::wait_record& wait) {
  file_.run(
      "INSERT OR REPLACE INTO waits (run_id, step, step_name, event_name, expression, signal, begun) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
      wait.run_id, wait.step, wait.step_name, wait.event_name, wait.expression, wait.signal, wait.begun);
}

INNGEST_INLINE void writer::put(const embedded::remembered_value& value) {
  file_.run("INSERT OR REPLACE INTO remembered_values (key, expires, text) VALUES (?1, ?2, ?3)", value.key,
            value.expires, value.text);
}

INNGEST_INLINE void writer::put(const embedded::app_record& app) {
  file_.run("INSERT OR REPLACE INTO apps (id, text) VALUES (?1, ?2)", app.id, app.text);
}

}  // namespace inngest::inline INNGEST_ABI::detail::sqlite
