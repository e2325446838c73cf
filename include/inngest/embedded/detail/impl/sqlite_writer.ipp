#pragma once

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/bulk_text.hpp>
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
  add(changes.notes);
  for (const auto& tag : changes.tags) change(tag);
  for (const auto& entry : changes.audit) add(entry);
  for (std::size_t i = 0; i < changes.log_lines.size(); ++i) {
    const auto& added = changes.log_lines[i];
    add(added);
    const bool is_last_of_run =
        i + 1 == changes.log_lines.size() || changes.log_lines[i + 1].run_id != added.run_id;
    if (is_last_of_run) shorten_log(added.run_id, added.most);
  }
  for (const auto& operation : changes.bulk_operations) put(operation);
  for (const auto& id : changes.removed_runs) remove_run(id);
}

/// SQL: the status of an ended, readable run from before the time ?3 in the table; otherwise NULL.
INNGEST_INLINE std::string old_status_of(const std::string& table) {
  return "CASE WHEN " + table + ".status BETWEEN ?4 AND ?5 AND typeof(" + table +
         ".function_slug) = 'text' AND " + table + ".ended_at BETWEEN 0 AND ?3 - 1 AND typeof(" + table +
         ".ended_at) = 'integer' THEN " + table + ".status END";
}

INNGEST_INLINE bool writer::forget_runs(const embedded::retention& kept, timestamp now, int at_most,
                                        place& from, const run_ids& spared) {
  std::vector<std::int64_t> numbers;
  bool found_run = false;
  const auto is_too_old = [&](timestamp ended, const std::string& function, embedded::run_status status) {
    return ended < embedded::time_before(now, kept.keep_for(function, status));
  };
  // A run that repeats another one stays as long as that one, which would not look repeated otherwise.
  static const std::string old_runs =
      "SELECT runs.ended_at, runs.number, " + old_status_of("runs") + ", original.number IS NOT NULL, " +
      old_status_of("original") +
      ", CASE WHEN typeof(original.ended_at) = 'integer' AND original.ended_at BETWEEN 0 AND ?3 - 1 "
      "THEN original.ended_at ELSE 0 END, runs.function_slug, original.function_slug, runs.id "
      "FROM runs LEFT JOIN runs AS original ON original.id = runs.original_run_id "
      "WHERE (runs.ended_at, runs.number) > (?1, ?2) AND runs.ended_at BETWEEN 0 AND ?3 - 1 "
      "AND typeof(runs.ended_at) = 'integer' ORDER BY runs.ended_at, runs.number LIMIT ?6";
  rows found = file_.query(old_runs, from.time, from.number, embedded::time_before(now, kept.shortest()),
                           embedded::run_status::completed, embedded::run_status::skipped, at_most);
  for (; found.next(); found_run = true) {
    std::optional<embedded::run_status> status, status_of_original;
    bool has_original = false;
    timestamp end_of_original;
    found.read(from.time, from.number, status, has_original, status_of_original, end_of_original);
    if (!status || !is_too_old(from.time, found.text_at(6), *status)) continue;
    if (spared.contains(found.text_at(8))) continue;
    const bool original_goes =
        status_of_original && is_too_old(end_of_original, found.text_at(7), *status_of_original);
    if (!has_original || original_goes) numbers.push_back(from.number);
  }
  for (const std::int64_t number : numbers) forget_run(number);
  return found_run;
}

INNGEST_INLINE std::size_t writer::forget_oldest_runs(int at_most, bool spares_failed, timestamp& last,
                                                      const run_ids& spared) {
  std::vector<std::int64_t> numbers;
  const int enough = at_most + static_cast<int>(spared.size());  // all of these may be among the first
  rows found = file_.query(
      "SELECT number, queued_at, id FROM runs WHERE ended_at IS NOT NULL AND status BETWEEN ?1 AND ?2 "
      "AND status <> ?3 AND typeof(queued_at) = 'integer' AND queued_at BETWEEN 0 AND ?5 "
      "AND NOT EXISTS (SELECT 1 FROM runs AS original WHERE original.id = runs.original_run_id) "
      "ORDER BY ended_at LIMIT ?4",
      embedded::run_status::completed, embedded::run_status::skipped,
      spares_failed ? static_cast<int>(embedded::run_status::failed) : -1, enough, latest_time);
  while (found.next()) {
    std::int64_t number = 0;
    timestamp queued;
    found.read(number, queued);
    if (spared.contains(found.text_at(2))) continue;
    numbers.push_back(number);
    last = (std::max)(last, queued);
  }
  for (const std::int64_t number : numbers) {
    const std::vector<std::string> events = events_of(number);
    forget_run(number);
    for (const std::string& id : events) forget_event(id);
  }
  return numbers.size();
}

INNGEST_INLINE void writer::forget_run(std::int64_t number) {
  forget_input(number);
  file_.run("DELETE FROM timeline WHERE run = ?1", number);
  file_.run("DELETE FROM memos WHERE run = ?1", number);
  file_.run("DELETE FROM notes WHERE run = ?1", number);
  file_.run("DELETE FROM run_logs WHERE run = ?1", number);
  file_.run("DELETE FROM run_tags WHERE run = ?1", number);
  file_.run("DELETE FROM run_keys WHERE run = ?1", number);
  file_.run("DELETE FROM runs WHERE number = ?1", number);
}

INNGEST_INLINE std::vector<std::string> writer::events_of(std::int64_t run) {
  std::vector<std::string> out;
  rows found =
      file_.query("SELECT event_id FROM run_events WHERE run = ?1 AND typeof(event_id) = 'text'", run);
  while (found.next()) found.read(out.emplace_back());
  return out;
}

INNGEST_INLINE void writer::forget_event(const std::string& id) {
  file_.run(
      "DELETE FROM events WHERE id = ?1 AND dispatched IS 1 AND typeof(name) = 'text' AND typeof(text) = "
      "'text' "
      "AND NOT EXISTS (SELECT 1 FROM run_events WHERE event_id = events.id)",
      id);
}

INNGEST_INLINE bool writer::forget_events(timestamp time, int at_most, place& from) {
  std::vector<std::int64_t> unused;
  bool found_event = false;
  rows found = file_.query(
      "SELECT received_at, number, dispatched IS NOT 1 OR typeof(id) <> 'text' OR typeof(name) <> 'text' "
      "OR typeof(text) <> 'text' OR EXISTS (SELECT 1 FROM run_events WHERE event_id = events.id) "
      "FROM events "
      "WHERE (received_at, number) > (?1, ?2) AND received_at BETWEEN 0 AND ?3 - 1 AND typeof(received_at) = "
      "'integer' "
      "ORDER BY received_at, number LIMIT ?4",
      from.time, from.number, time, at_most);
  for (bool is_used = false; found.next(); found_event = true) {
    found.read(from.time, from.number, is_used);
    if (!is_used) unused.push_back(from.number);
  }
  for (const std::int64_t number : unused) file_.run("DELETE FROM events WHERE number = ?1", number);
  return found_event;
}

INNGEST_INLINE void writer::put(const embedded::bulk_operation& operation) {
  const std::string problems = embedded::text_of(operation.problems);
  file_.run(
      "INSERT OR REPLACE INTO bulk_operations (id, what, state, created_at, ended_at, cursor, total, done, "
      "failed, per_second, from_step, from_failed_step, filter, problems) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
      operation.id, operation.what, operation.state, operation.created_at, operation.ended_at,
      operation.cursor, operation.total, operation.done, operation.failed, operation.per_second,
      operation.from_step, operation.from_failed_step, operation.filter, problems);
}

INNGEST_INLINE void writer::remove_run(const std::string& id) {
  const std::int64_t number =
      file_.number("SELECT coalesce(max(number), 0) FROM runs WHERE id = ?1 AND status BETWEEN ?2 AND ?3", id,
                   embedded::run_status::completed, embedded::run_status::skipped);
  if (number > 0) forget_run(number);
}

INNGEST_INLINE void writer::forget_bulk_operations(timestamp time) {
  file_.run("DELETE FROM bulk_operations WHERE ended_at < ?1 AND typeof(ended_at) = 'integer'", time);
}

INNGEST_INLINE bool writer::forget_values(timestamp time, int at_most) {
  file_.run(
      "DELETE FROM remembered_values WHERE key IN "
      "(SELECT key FROM remembered_values WHERE expires < ?1 LIMIT ?2)",
      time, at_most);
  return file_.number("SELECT changes()") > 0;
}

INNGEST_INLINE bool writer::forget_audit(timestamp time, int at_most) {
  file_.run(
      "DELETE FROM audit_trail WHERE id IN (SELECT id FROM audit_trail WHERE at < ?1 AND typeof(at) = "
      "'integer' AND typeof(id) = 'text' AND typeof(actor) = 'text' AND typeof(action) = 'text' "
      "AND typeof(target) = 'text' AND typeof(details) = 'text' LIMIT ?2)",
      time, at_most);
  return file_.number("SELECT changes()") > 0;
}

INNGEST_INLINE void writer::add(const embedded::audit_entry& entry) {
  file_.run(
      "INSERT INTO audit_trail (id, at, actor, action, target, details) VALUES (?1, ?2, ?3, ?4, ?5, ?6) "
      "ON CONFLICT DO NOTHING",
      entry.id, entry.at, entry.actor, entry.action, entry.target, entry.details);
}

INNGEST_INLINE void writer::add(const embedded::event_record& event) {
  std::optional<std::string_view> resent_from;
  if (!event.resent_from.empty()) resent_from = event.resent_from;
  file_.run(
      "INSERT INTO events (id, name, received_at, text, dispatched, resent_from) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
      event.id, event.name, event.received_at, event.text, event.dispatched, resent_from);
}

INNGEST_INLINE void writer::put(const embedded::run_record& record) {
  const embedded::run& run = record.run;
  std::optional<std::string_view> error_name, error_message, error_text, parent_run_id, parent_name;
  std::optional<std::string_view> original_run_id, replaced_input;
  std::optional<step_hash> replaced_step;
  if (!run.original_run_id.empty()) original_run_id = run.original_run_id;
  if (record.replaced) {
    replaced_step = record.replaced->step;
    replaced_input = record.replaced->input;
  }
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
      "output, parent_name, original_run_id, replaced_step, replaced_input) VALUES (?1, ?2, ?3, ?4, ?5, ?6, "
      "?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20) "
      "ON CONFLICT (id) DO UPDATE SET (status, function_slug, function_id, event_id, event_name, "
      "queued_at, "
      "started_at, ended_at, gathering, parent_run_id, parent_step, error_name, error_message, error_text, "
      "output, parent_name, original_run_id, replaced_step, replaced_input) = (?2, ?3, ?4, ?5, ?6, ?7, ?8, "
      "?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20) "
      "RETURNING number",
      run.id, run.status, run.function_slug, run.function_id, run.event_id, run.event_name, run.queued_at,
      run.started_at, run.ended_at, record.gathering, parent_run_id, parent_step, error_name, error_message,
      error_text, run.output_text, parent_name, original_run_id, replaced_step, replaced_input);
  forget_input(number);
  put_input(number, record);
  put_labels(number, run);
}

INNGEST_INLINE void writer::put_labels(std::int64_t number, const embedded::run& run) {
  file_.run("DELETE FROM run_tags WHERE run = ?1", number);
  file_.run("DELETE FROM run_keys WHERE run = ?1", number);
  for (const embedded::run_tag& tag : run.tags) {
    file_.run("INSERT OR REPLACE INTO run_tags (run, name, value, queued_at) VALUES (?1, ?2, ?3, ?4)", number,
              tag.name, tag.value, run.queued_at);
  }
  const auto add_key = [&](int what, const std::string& key) {
    file_.run("INSERT OR REPLACE INTO run_keys (run, what, key, queued_at) VALUES (?1, ?2, ?3, ?4)", number,
              what, key, run.queued_at);
  };
  for (const std::string& key : run.concurrency_keys) add_key(0, key);
  if (!run.idempotency_key.empty()) add_key(1, run.idempotency_key);
}

INNGEST_INLINE void writer::change(const embedded::tag_change& change) {
  if (change.name.empty()) {
    file_.run("DELETE FROM run_tags WHERE run = (SELECT number FROM runs WHERE id = ?1)", change.run_id);
  } else if (!change.value) {
    file_.run("DELETE FROM run_tags WHERE run = (SELECT number FROM runs WHERE id = ?1) AND name = ?2",
              change.run_id, change.name);
  } else {
    file_.run(
        "INSERT OR REPLACE INTO run_tags (run, name, value, queued_at) SELECT number, ?2, ?3, queued_at FROM "
        "runs WHERE id = ?1",
        change.run_id, change.name, *change.value);
  }
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
      "INSERT INTO memos (run, step, text, name, begun) SELECT number, ?2, ?3, ?4, ?5 FROM runs WHERE id = "
      "?1 "
      "ON CONFLICT (run, step) DO NOTHING",
      memo.run_id, memo.step, memo.text, memo.name, memo.begun);
}

INNGEST_INLINE void writer::add(const embedded::timeline_record& record) {
  const embedded::timeline_entry& entry = record.entry;
  file_.run(
      "INSERT INTO timeline (run, position, at, what, step, attempt, duration, detail, step_id) "
      "SELECT number, CASE ?8 WHEN 0 THEN "
      "(SELECT coalesce(max(position), 0) + 1 FROM timeline WHERE run = number) ELSE ?8 END, "
      "?2, ?3, ?4, ?5, ?6, ?7, ?9 FROM runs WHERE id = ?1 ON CONFLICT DO NOTHING",
      record.run_id, entry.at, entry.what, entry.step, entry.attempt, entry.duration, entry.detail,
      record.position, entry.step_id);
}

INNGEST_INLINE void writer::add(const embedded::run_log_record& record) {
  const embedded::run_log_line& line = record.line;
  file_.run(
      "INSERT INTO run_logs (run, position, at, level, step, attempt, text) "
      "SELECT number, ?2, ?3, ?4, ?5, ?6, ?7 FROM runs WHERE id = ?1 ON CONFLICT DO NOTHING",
      record.run_id, record.position, line.at, line.level, line.step, line.attempt, line.text);
}

INNGEST_INLINE void writer::shorten_log(const std::string& run_id, std::size_t most) {
  file_.run(
      "DELETE FROM run_logs WHERE run = (SELECT number FROM runs WHERE id = ?1) AND position <= "
      "(SELECT position FROM run_logs WHERE run = (SELECT number FROM runs WHERE id = ?1) "
      "ORDER BY position DESC LIMIT 1 OFFSET ?2)",
      run_id, most);
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

INNGEST_INLINE void writer::add(const std::vector<embedded::run_note>& notes) {
  std::set<std::pair<std::string_view, embedded::run_note::kind>> limited;  // by run
  for (const auto& note : notes) {
    add(note);
    if (note.what != embedded::run_note::kind::metadata) limited.emplace(note.run_id, note.what);
  }
  for (const auto& [run_id, what] : limited) {
    file_.run(
        "DELETE FROM notes WHERE what = ?2 AND run = (SELECT number FROM runs WHERE id = ?1) AND id <= "
        "(SELECT id FROM notes WHERE what = ?2 AND run = (SELECT number FROM runs WHERE id = ?1) "
        "ORDER BY id DESC LIMIT 1 OFFSET ?3)",
        run_id, what, embedded::max_run_messages);
  }
}

INNGEST_INLINE void writer::add(const embedded::run_note& note) {
  static_assert(static_cast<int>(embedded::run_note::kind::metadata) == 0, "see index_metadata");
  file_.run(
      "INSERT INTO notes (run, id, what, at, subject, name, target, text) "
      "SELECT number, ?2, ?3, ?4, ?5, ?6, ?7, ?8 FROM runs WHERE id = ?1 ON CONFLICT DO NOTHING",
      note.run_id, note.id, note.what, note.at, note.subject, note.name, note.target, note.text);
  if (!note.sets_metadata()) return;
  file_.run(  // the index is used only when the statement names the kind
      "DELETE FROM notes WHERE run = (SELECT number FROM runs WHERE id = ?1) AND id < ?2 AND what = 0 "
      "AND subject = ?3 AND target = ?4",
      note.run_id, note.id, note.subject, note.target);
}

}  // namespace inngest::inline INNGEST_ABI::detail::sqlite
