#pragma once

#include <algorithm>
#include <unordered_map>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/sqlite_loader.hpp>

namespace inngest::inline INNGEST_ABI::detail::sqlite {

INNGEST_INLINE embedded::unfinished_work loader::load() {
  embedded::unfinished_work out{.events = undispatched_events(),
                                .runs = unfinished_runs(),
                                .memos = unfinished_memos(),
                                .jobs = jobs(),
                                .waits = waits(),
                                .values = values(),
                                .apps = apps(),
                                .bulk_operations = running_bulk_operations(),
                                .metadata = metadata_of_unfinished()};
  out.last_job = static_cast<std::uint64_t>(
      file_.number("SELECT coalesce(max(id), 0) FROM jobs WHERE id <= ?1", last_id));
  out.unreadable = std::move(unreadable_);
  for (const std::string& id : set_aside_) add_parent(id, out.steps_of_set_aside);
  embedded::set_aside_runs(out);
  return out;
}

INNGEST_INLINE std::vector<embedded::unreadable_record> loader::unreadable() {
  in(events, file_.query("SELECT number, " + event_record_columns + " FROM events"), 2,
     [](rows& from) { event_of(from); });
  in(runs_table, file_.query("SELECT number, " + run_columns + record_columns + " FROM runs"), 2,
     [&](rows& from) {
       embedded::run_record record;
       from.skip(1);
       read(from, record);
     });
  list_parts_of_runs();
  list_notes();
  list_labels();
  jobs();
  waits();
  values();
  apps();
  bulk_operations();
  list_audit_trail();
  return std::move(unreadable_);
}

INNGEST_INLINE void loader::list_parts_of_runs() {
  in_runs(
      "run_events", "run, position", 2, "run_events.event_id, coalesce(run_events.text, events.text) AS text",
      [](rows& from) {
        embedded::run_event event;
        read(from, event);
      },
      "LEFT JOIN events ON run_events.text IS NULL AND events.id = run_events.event_id");
  in_runs("deferred_calls", "run, position", 2, "step, slug, input", [](rows& from) {
    embedded::deferred_call call;
    read(from, call);
  });
  in_runs("timeline", "run, position", 2, timeline_columns, [](rows& from) {
    embedded::timeline_entry entry;
    read(from, entry);
  });
  in_runs("memos", "memos.number AS number", 1, "step, text, name, begun", [](rows& from) {
    embedded::memo_record memo;
    read(from, memo);
  });
  in_runs("run_logs", "run, position", 2, "at, level, step, attempt, text", [](rows& from) {
    embedded::run_log_line line;
    read(from, line);
  });
}

INNGEST_INLINE void loader::list_notes() {
  in("notes",
     file_.query("SELECT run, notes.id AS id, runs.number IS NULL, " + note_columns +
                 " FROM notes LEFT JOIN runs ON runs.number = run"),
     2, [&](rows& from) {
       bool is_orphan = false;
       embedded::run_note note;
       read_position(from);
       from.read(note.id, is_orphan);
       read(from, note);
       if (is_orphan) list("notes", from.key(2), "its run does not exist", {});
     });
}

INNGEST_INLINE void loader::list_labels() {
  in("run_tags",
     file_.query(
         "SELECT run, run_tags.name AS name, runs.number IS NULL, value, run_tags.queued_at FROM run_tags "
         "LEFT JOIN runs ON runs.number = run"),
     2, [&](rows& from) {
       embedded::run_tag tag;
       timestamp queued{};
       bool is_orphan = false;
       read_position(from);
       from.read(tag.name, is_orphan, tag.value, queued);
       if (is_orphan) list("run_tags", from.key(2), "its run does not exist", {});
     });
  in("run_keys",
     file_.query("SELECT run, what, key, runs.number IS NULL, run_keys.queued_at FROM run_keys "
                 "LEFT JOIN runs ON runs.number = run"),
     3, [&](rows& from) {
       int what = 0;
       std::string key;
       timestamp queued{};
       bool is_orphan = false;
       read_position(from);
       from.read(what, key, is_orphan, queued);
       if (is_orphan) list("run_keys", from.key(3), "its run does not exist", {});
     });
}

INNGEST_INLINE void loader::list_audit_trail() {
  in("audit_trail", file_.query("SELECT " + audit_columns + " FROM audit_trail"), 1, [](rows& from) {
    embedded::audit_entry entry;
    read(from, entry);
  });
}

INNGEST_INLINE void loader::read_labels_of_unfinished(
    const std::function<embedded::run*(const std::string& id)>& find) {
  const std::string of_unfinished = " JOIN runs ON runs.number = run WHERE " + is_unfinished;
  rows tags = file_.query(
      "SELECT run, name, runs.id AS run_id, value FROM run_tags" + of_unfinished + " ORDER BY run, name",
      first_ended, last_status);
  while (tags.next()) {
    const std::string id = run_of(tags, 2);
    embedded::run* run = find(id);
    if (!run) continue;  // the run is set aside
    try_row(
        "run_tags", tags, 2,
        [&] {
          embedded::run_tag tag;
          tags.skip(1);
          tags.read(tag.name);
          tags.skip(1);
          tags.read(tag.value);
          run->tags.push_back(std::move(tag));
        },
        id);
  }
  rows keys = file_.query(
      "SELECT run, what, key, runs.id AS run_id FROM run_keys" + of_unfinished + " ORDER BY run, what, key",
      first_ended, last_status);
  while (keys.next()) {
    const std::string id = run_of(keys, 3);
    embedded::run* run = find(id);
    if (!run) continue;
    try_row(
        "run_keys", keys, 3,
        [&] {
          int what = 0;
          std::string key;
          keys.skip(1);
          keys.read(what, key);
          add_key(*run, what, std::move(key));
        },
        id);
  }
}

INNGEST_INLINE std::vector<embedded::bulk_operation> loader::running_bulk_operations() {
  auto out = bulk_operations();
  std::erase_if(out, [](const auto& operation) { return operation.state != embedded::bulk_state::running; });
  return out;
}

INNGEST_INLINE void loader::add_parent(const std::string& run_id, std::vector<embedded::parent_step>& out) {
  rows found = file_.query(
      "SELECT parent_run_id, parent_step, parent_name FROM runs WHERE id = ?1 AND parent_step IS NOT NULL",
      run_id);
  embedded::parent_step parent;
  try {
    if (!found.next()) return;
    std::optional<std::string> name;
    found.read(parent.run_id, parent.step, name);
    parent.name = std::move(name).value_or("");
    out.push_back(std::move(parent));
  } catch (const bad_value&) {  // the run is listed anyway
  }
}

INNGEST_INLINE std::vector<embedded::event_record> loader::undispatched_events() {
  auto out = events_of(file_.query("SELECT number, " + event_record_columns +
                                   " FROM events WHERE dispatched <> 1 ORDER BY number"),
                       no_limit);
  for (embedded::event_record& event : out) event.given_id = embedded::given_id_of(event);
  return out;
}

INNGEST_INLINE std::vector<embedded::run_record> loader::unfinished_runs() {
  std::vector<embedded::run_record> out = records_of(file_.query(
      "SELECT number, " + run_columns + record_columns + " FROM runs WHERE " + is_unfinished + " ORDER BY id",
      first_ended, last_status));
  std::unordered_map<std::string, std::size_t> places;
  for (std::size_t i = 0; i < out.size(); ++i) places.emplace(out[i].run.id, i);
  const std::string of_unfinished = "WHERE " + is_unfinished + " ORDER BY run, position";
  const auto in_places = [&](const std::string& table, rows found, auto read) {
    while (found.next()) {
      const std::string id = run_of(found, 2);
      const auto place = places.find(id);
      if (place == places.end()) continue;  // its run is set aside
      try_row(
          table, found, 2, [&] { read(found, out[place->second]); }, id);
    }
  };
  in_places("run_events",
            file_.query("SELECT run, position, runs.id AS run_id, run_events.event_id, "
                        "coalesce(run_events.text, events.text) "
                        "AS text FROM run_events JOIN runs ON runs.number = run "
                        "LEFT JOIN events ON run_events.text IS NULL AND events.id = run_events.event_id " +
                            of_unfinished,
                        first_ended, last_status),
            [](rows& from, embedded::run_record& run) {
              embedded::run_event event;
              read_place(from);
              from.skip(1);
              read(from, event);
              run.events.push_back(std::move(event));
            });
  in_places("deferred_calls",
            file_.query("SELECT run, position, runs.id AS run_id, step, slug, input FROM deferred_calls "
                        "JOIN runs ON runs.number = run " +
                            of_unfinished,
                        first_ended, last_status),
            [](rows& from, embedded::run_record& run) {
              embedded::deferred_call call;
              read_place(from);
              from.skip(1);
              read(from, call);
              run.deferred.push_back(std::move(call));
            });
  read_labels_of_unfinished([&](const std::string& id) {
    const auto place = places.find(id);
    return place == places.end() ? nullptr : &out[place->second].run;
  });
  for (embedded::run_record& record : out) {
    const std::int64_t last = file_.number(
        "SELECT coalesce(max(position), 0) FROM timeline WHERE run = (SELECT number FROM runs WHERE id = "
        "?1) "
        "AND typeof(position) = 'integer'",
        record.run.id);
    record.timeline_size = static_cast<std::uint64_t>(std::clamp<std::int64_t>(last, 0, last_id));
  }
  return out;
}

INNGEST_INLINE std::vector<embedded::memo_record> loader::unfinished_memos() {
  return memos(file_.query(memo_query + "WHERE " + is_unfinished + " ORDER BY memos.number", first_ended,
                           last_status));
}

INNGEST_INLINE std::vector<embedded::metadata_amount> loader::metadata_of_unfinished() {
  std::vector<embedded::metadata_amount> out;
  rows found = file_.query(
      "SELECT runs.id, subject, target, count(*), sum(length(CAST(text AS BLOB)) + length(CAST(target AS "
      "BLOB))) "
      "FROM runs CROSS JOIN notes ON run = number WHERE what = 0 AND " +
          is_unfinished + " GROUP BY number, subject, target",
      first_ended, last_status);
  while (found.next()) {
    embedded::metadata_amount amount;
    try {
      found.read(amount.run_id, amount.subject, amount.target, amount.changes, amount.bytes);
      out.push_back(std::move(amount));
    } catch (const bad_value&) {  // unreadable() lists its notes
    }
  }
  return out;
}

INNGEST_INLINE std::vector<embedded::job> loader::jobs() {
  std::vector<embedded::job> out;
  rows found = file_.query(
      "SELECT jobs.id AS id, run_id, what, step, step_name, attempt, due, begun, text, started, "
      "runs.number IS NULL FROM jobs LEFT JOIN runs ON runs.id = run_id ORDER BY jobs.id");
  while (found.next()) {
    embedded::job job;
    const bool is_readable = try_row(
        "jobs", found, 1,
        [&] {
          bool is_orphan = false;
          found.read(job.id, job.run_id, job.what, job.step, job.step_name, job.attempt, job.due, job.begun,
                     job.text, job.started, is_orphan);
          if (job.id == 0 || job.id > static_cast<std::uint64_t>(last_id)) found.refuse(0, "out of range");
          if (is_orphan && job.what != embedded::job::kind::schedule) unreadable_.push_back(without_run(job));
        },
        run_of(found, 1));
    if (is_readable) out.push_back(std::move(job));
  }
  return out;
}

INNGEST_INLINE std::vector<embedded::wait_record> loader::waits() {
  std::vector<embedded::wait_record> out;
  rows found = file_.query(
      "SELECT run_id, waits.step AS step, step_name, waits.event_name AS event_name, expression, signal, "
      "begun, "
      "runs.number IS NULL FROM waits LEFT JOIN runs ON runs.id = run_id ORDER BY run_id, step");
  while (found.next()) {
    embedded::wait_record wait;
    const bool is_readable = try_row(
        "waits", found, 2,
        [&] {
          bool is_orphan = false;
          found.read(wait.run_id, wait.step, wait.step_name, wait.event_name, wait.expression, wait.signal,
                     wait.begun, is_orphan);
          if (is_orphan) unreadable_.push_back(without_run(wait));
        },
        run_of(found, 0));
    if (is_readable) out.push_back(std::move(wait));
  }
  return out;
}

INNGEST_INLINE std::vector<embedded::remembered_value> loader::values() {
  std::vector<embedded::remembered_value> out;
  in("remembered_values", file_.query("SELECT key, text, expires FROM remembered_values ORDER BY key"), 1,
     [&](rows& from) {
       embedded::remembered_value value;
       from.read(value.key, value.text, value.expires);
       out.push_back(std::move(value));
     });
  return out;
}

INNGEST_INLINE std::vector<embedded::app_record> loader::apps() {
  std::vector<embedded::app_record> out;
  in("apps", file_.query("SELECT id, text FROM apps ORDER BY id"), 1, [&](rows& from) {
    embedded::app_record app;
    from.read(app.id, app.text);
    out.push_back(std::move(app));
  });
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::detail::sqlite
