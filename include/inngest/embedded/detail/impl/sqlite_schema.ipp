#pragma once

#include <string>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/sqlite_schema.hpp>

namespace inngest::inline INNGEST_ABI::detail::sqlite {

INNGEST_INLINE void make_tables(database& file) {
  file.execute(R"(
    CREATE TABLE events (
      number INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      name TEXT NOT NULL,
      received_at INTEGER NOT NULL,
      text TEXT NOT NULL);
    CREATE INDEX events_by_time ON events (received_at);

    CREATE TABLE runs (
      number INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      status INTEGER NOT NULL,
      function_slug TEXT NOT NULL,
      function_id TEXT NOT NULL,
      event_id TEXT NOT NULL,
      event_name TEXT NOT NULL,
      queued_at INTEGER NOT NULL,
      started_at INTEGER,
      ended_at INTEGER,
      gathering TEXT NOT NULL,
      parent_run_id TEXT,
      parent_step BLOB,
      error_name TEXT,
      error_message TEXT,
      error_text TEXT,
      output TEXT NOT NULL);
    CREATE INDEX runs_by_status ON runs (status, id);
    CREATE INDEX runs_by_function ON runs (function_slug, id);
    CREATE INDEX runs_by_end ON runs (ended_at) WHERE ended_at IS NOT NULL;

    CREATE TABLE run_events (  -- the text is NULL where it is that of the same event in events
      run INTEGER NOT NULL,
      position INTEGER NOT NULL,
      event_id TEXT NOT NULL,
      text TEXT,
      PRIMARY KEY (run, position)) WITHOUT ROWID;
    CREATE INDEX run_events_by_event ON run_events (event_id);

    CREATE TABLE deferred_calls (
      run INTEGER NOT NULL,
      position INTEGER NOT NULL,
      step BLOB NOT NULL,
      slug TEXT NOT NULL,
      input TEXT NOT NULL,
      PRIMARY KEY (run, position)) WITHOUT ROWID;

    CREATE TABLE timeline (
      run INTEGER NOT NULL,
      position INTEGER NOT NULL,
      at INTEGER NOT NULL,
      what INTEGER NOT NULL,
      step TEXT NOT NULL,
      attempt INTEGER NOT NULL,
      duration INTEGER NOT NULL,  -- microseconds
      detail TEXT NOT NULL,
      PRIMARY KEY (run, position)) WITHOUT ROWID;

    CREATE TABLE memos (
      number INTEGER PRIMARY KEY,  -- in the order in which they were made
      run INTEGER NOT NULL,
      step BLOB NOT NULL,
      text TEXT NOT NULL);
    CREATE INDEX memos_by_run ON memos (run);

    CREATE TABLE jobs (
      id INTEGER PRIMARY KEY,
      what INTEGER NOT NULL,
      run_id TEXT NOT NULL,
      step BLOB,
      step_name TEXT NOT NULL,
      attempt INTEGER NOT NULL,
      due INTEGER NOT NULL,
      begun INTEGER NOT NULL,
      text TEXT NOT NULL);

    CREATE TABLE waits (
      run_id TEXT NOT NULL,
      step BLOB NOT NULL,
      step_name TEXT NOT NULL,
      event_name TEXT NOT NULL,
      expression TEXT NOT NULL,
      signal TEXT NOT NULL,
      begun INTEGER NOT NULL,
      PRIMARY KEY (run_id, step)) WITHOUT ROWID;

    CREATE TABLE remembered_values (
      key TEXT PRIMARY KEY NOT NULL,
      expires INTEGER NOT NULL,
      text TEXT NOT NULL) WITHOUT ROWID;
    CREATE INDEX remembered_values_by_end ON remembered_values (expires);

    CREATE TABLE apps (
      id TEXT PRIMARY KEY NOT NULL,
      text TEXT NOT NULL) WITHOUT ROWID;
  )");
}

INNGEST_INLINE void make_store(database& file) {
  file.execute("PRAGMA application_id = " + std::to_string(application_id));
  make_tables(file);
}

INNGEST_INLINE void note_what_was_begun(database& file) {
  file.execute(R"(
    ALTER TABLE events ADD COLUMN dispatched INTEGER NOT NULL DEFAULT 1;
    CREATE INDEX events_not_dispatched ON events (number) WHERE dispatched <> 1;
    ALTER TABLE jobs ADD COLUMN started INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE runs ADD COLUMN parent_name TEXT;
    DELETE FROM memos WHERE number NOT IN (SELECT min(number) FROM memos GROUP BY run, step);
    CREATE UNIQUE INDEX memos_by_step ON memos (run, step);
    DROP INDEX memos_by_run;
  )");
}

INNGEST_INLINE void make_notes(database& file) {
  file.execute(R"(
    CREATE TABLE notes (
      run INTEGER NOT NULL,
      id TEXT NOT NULL,
      what INTEGER NOT NULL,
      at INTEGER NOT NULL,
      subject TEXT NOT NULL,
      name TEXT NOT NULL,
      target TEXT NOT NULL,
      text TEXT NOT NULL,
      PRIMARY KEY (run, id)) WITHOUT ROWID;
  )");
}

INNGEST_INLINE void note_repetitions(database& file) {
  file.execute(R"(
    ALTER TABLE runs ADD COLUMN original_run_id TEXT;
    ALTER TABLE runs ADD COLUMN replaced_step BLOB;
    ALTER TABLE runs ADD COLUMN replaced_input TEXT;
    ALTER TABLE memos ADD COLUMN name TEXT;
    ALTER TABLE memos ADD COLUMN begun INTEGER;
  )");
}

INNGEST_INLINE void keep_logs(database& file) {
  file.execute(R"(
    CREATE TABLE run_logs (
      run INTEGER NOT NULL,
      position INTEGER NOT NULL,
      at INTEGER NOT NULL,
      level INTEGER NOT NULL,
      step TEXT NOT NULL,
      attempt INTEGER NOT NULL,
      text TEXT NOT NULL,
      PRIMARY KEY (run, position)) WITHOUT ROWID;

    CREATE VIEW readable_runs AS
    WITH planned AS (
      SELECT run_id,
             max(started) AS is_called,
             min(CASE WHEN what IN (0, 6, 8) THEN due END) AS call_due,
             min(CASE WHEN what = 1 THEN due END) AS wakes_up,
             min(CASE WHEN what IN (2, 3) THEN due END) AS gives_up,
             min(CASE WHEN what = 3 THEN step_name END) AS invoke
      FROM jobs WHERE what <> 7 GROUP BY run_id),
    awaited AS (
      SELECT run_id, min(CASE signal WHEN '' THEN 'event ' || event_name ELSE 'signal ' || signal END) AS what
      FROM waits GROUP BY run_id),
    described AS (
      SELECT runs.*,
             coalesce(awaited.what, 'function ' || planned.invoke) AS awaits,
             planned.call_due, planned.wakes_up, planned.gives_up,
             CASE
               WHEN status = 0 THEN 'queued'
               WHEN status = 2 THEN 'completed'
               WHEN status = 3 THEN 'failed'
               WHEN status = 4 THEN 'cancelled'
               WHEN status = 5 THEN 'skipped'
               WHEN coalesce(planned.is_called, 0) = 1 THEN 'running'
               WHEN planned.call_due <= unixepoch_ms.now THEN 'queued'
               WHEN awaited.what IS NOT NULL OR planned.invoke IS NOT NULL THEN 'waiting'
               WHEN planned.call_due IS NOT NULL THEN 'waiting'
               WHEN planned.wakes_up IS NOT NULL THEN 'sleeping'
               ELSE 'running'
             END AS state
      FROM runs
      CROSS JOIN (SELECT CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER) AS now)
        AS unixepoch_ms
      LEFT JOIN planned ON planned.run_id = runs.id
      LEFT JOIN awaited ON awaited.run_id = runs.id)
    SELECT id, state AS status, function_slug AS function, event_name, event_id,
           CASE WHEN state = 'waiting' THEN coalesce(awaits, 'the next attempt') END AS waits_for,
           strftime('%Y-%m-%dT%H:%M:%fZ', CASE state
             WHEN 'sleeping' THEN wakes_up
             WHEN 'waiting' THEN CASE WHEN awaits IS NULL THEN call_due ELSE gives_up END
             WHEN 'queued' THEN CASE WHEN status = 0 THEN call_due END
           END / 1000.0, 'unixepoch') AS until,
           strftime('%Y-%m-%dT%H:%M:%fZ', queued_at / 1000.0, 'unixepoch') AS queued_at,
           strftime('%Y-%m-%dT%H:%M:%fZ', started_at / 1000.0, 'unixepoch') AS started_at,
           strftime('%Y-%m-%dT%H:%M:%fZ', ended_at / 1000.0, 'unixepoch') AS ended_at,
           error_name, error_message, output
    FROM described;

    CREATE VIEW readable_timeline AS
    SELECT runs.id AS run_id, position,
           strftime('%Y-%m-%dT%H:%M:%fZ', at / 1000.0, 'unixepoch') AS at,
           CASE what
             WHEN 0 THEN 'run queued' WHEN 1 THEN 'run started' WHEN 2 THEN 'step planned'
             WHEN 3 THEN 'step completed' WHEN 4 THEN 'step will retry' WHEN 5 THEN 'step failed'
             WHEN 6 THEN 'step sleeping' WHEN 7 THEN 'step woke up' WHEN 8 THEN 'step waiting'
             WHEN 9 THEN 'step received' WHEN 10 THEN 'step timed out' WHEN 11 THEN 'step invoking'
             WHEN 12 THEN 'step returned' WHEN 13 THEN 'run will retry' WHEN 14 THEN 'run completed'
             WHEN 15 THEN 'run failed' WHEN 16 THEN 'run cancelled' WHEN 17 THEN 'step requesting'
           END AS what,
           step, attempt, duration / 1000.0 AS duration_ms, detail
    FROM timeline JOIN runs ON runs.number = run;

    CREATE VIEW readable_logs AS
    SELECT runs.id AS run_id, position,
           strftime('%Y-%m-%dT%H:%M:%fZ', at / 1000.0, 'unixepoch') AS at,
           CASE level WHEN 0 THEN 'debug' WHEN 1 THEN 'info' WHEN 2 THEN 'warn' WHEN 3 THEN 'error' END AS level,
           step, attempt, text
    FROM run_logs JOIN runs ON runs.number = run;
  )");
}

INNGEST_INLINE void make_searchable(database& file) {
  file.execute(R"(
    CREATE TABLE run_tags (
      run INTEGER NOT NULL,
      name TEXT NOT NULL,
      value TEXT NOT NULL,
      queued_at INTEGER NOT NULL,
      PRIMARY KEY (run, name)) WITHOUT ROWID;
    CREATE INDEX run_tags_by_value ON run_tags (name, value, queued_at);

    CREATE TABLE run_keys (
      run INTEGER NOT NULL,
      what INTEGER NOT NULL,  -- 0: of a concurrency limit, 1: idempotency
      key TEXT NOT NULL,
      queued_at INTEGER NOT NULL,
      PRIMARY KEY (run, what, key)) WITHOUT ROWID;
    CREATE INDEX run_keys_by_key ON run_keys (key, queued_at);

    DROP INDEX runs_by_status;
    DROP INDEX runs_by_function;
    CREATE INDEX runs_by_queue ON runs (queued_at, id);
    CREATE INDEX runs_by_start ON runs (started_at, id) WHERE started_at IS NOT NULL;
    CREATE INDEX runs_by_status ON runs (status, queued_at, id);
    CREATE INDEX runs_by_function ON runs (function_slug, queued_at, id);
    CREATE INDEX runs_by_event ON runs (event_name, queued_at, id);

    CREATE INDEX events_by_name ON events (name, received_at, id);
  )");
}

INNGEST_INLINE void keep_bulk_operations(database& file) {
  file.execute(R"(
    CREATE TABLE bulk_operations (
      id TEXT PRIMARY KEY NOT NULL,
      what INTEGER NOT NULL,
      state INTEGER NOT NULL,
      created_at INTEGER NOT NULL,
      ended_at INTEGER,
      cursor TEXT NOT NULL,
      total INTEGER NOT NULL,
      done INTEGER NOT NULL,
      failed INTEGER NOT NULL,
      per_second INTEGER NOT NULL,
      from_step TEXT NOT NULL,
      from_failed_step INTEGER NOT NULL,
      filter TEXT NOT NULL,    -- a JSON object
      problems TEXT NOT NULL)  -- a JSON array of arrays of the run's id and the problem
    WITHOUT ROWID;
    ALTER TABLE events ADD COLUMN resent_from TEXT;
    CREATE INDEX runs_by_original ON runs (original_run_id, id) WHERE original_run_id IS NOT NULL;

    CREATE VIEW readable_bulk_operations AS
    SELECT id,
           CASE what WHEN 0 THEN 'cancel' WHEN 1 THEN 'rerun' WHEN 2 THEN 'remove' END AS action,
           CASE state WHEN 0 THEN 'running' WHEN 1 THEN 'completed' WHEN 2 THEN 'stopped' END AS state,
           total, done, failed, per_second,
           strftime('%Y-%m-%dT%H:%M:%fZ', created_at / 1000.0, 'unixepoch') AS created_at,
           strftime('%Y-%m-%dT%H:%M:%fZ', ended_at / 1000.0, 'unixepoch') AS ended_at,
           cursor, from_step, from_failed_step, filter, problems
    FROM bulk_operations;
  )");
}

INNGEST_INLINE void show_paused_runs(database& file) {
  std::string view;
  {
    rows found = file.query("SELECT sql FROM sqlite_schema WHERE type = 'view' AND name = 'readable_runs'");
    if (!found.next()) return;  // another program removed it
    found.read(view);
  }
  const std::string first = "CASE\n               WHEN status = 0 THEN 'queued'";
  const std::size_t at = view.find(first);
  if (at == std::string::npos) return;  // another program replaced it
  view.insert(at + 4, R"(
               WHEN status < 2 AND gathering = '' AND planned.call_due <= unixepoch_ms.now
                    AND coalesce(planned.is_called, 0) = 0
                    AND EXISTS (SELECT 1 FROM remembered_values WHERE key IN (
                      'pause:function:' || function_slug,
                      'pause:app:' || substr(function_slug, 1, length(function_slug) - length(function_id) - 1)))
                 THEN 'paused')");
  file.execute("DROP VIEW readable_runs");
  file.execute(view);
}

INNGEST_INLINE void keep_audit(database& file) {
  file.execute(R"(
    CREATE TABLE audit_trail (
      id TEXT PRIMARY KEY NOT NULL,
      at INTEGER NOT NULL,
      actor TEXT NOT NULL,
      action TEXT NOT NULL,
      target TEXT NOT NULL,
      details TEXT NOT NULL) WITHOUT ROWID;
    CREATE INDEX audit_trail_by_time ON audit_trail (at);

    CREATE VIEW readable_audit_trail AS
    SELECT id, strftime('%Y-%m-%dT%H:%M:%fZ', at / 1000.0, 'unixepoch') AS at, actor, action, target, details
    FROM audit_trail;

    CREATE VIEW readable_pauses AS
    SELECT CASE WHEN key LIKE 'pause:function:%' THEN 'function'
                WHEN key LIKE 'pause:app:%' THEN 'app' ELSE 'schedule' END AS what,
           substr(key, instr(substr(key, 7), ':') + 7) AS target,
           CASE WHEN json_valid(text) THEN json_extract(text, '$.since') END AS since,
           CASE WHEN json_valid(text) THEN json_extract(text, '$.by') END AS paused_by
    FROM remembered_values WHERE key LIKE 'pause:%';
  )");
  show_paused_runs(file);
}

INNGEST_INLINE void note_step_ids(database& file) {
  file.execute(R"(
    ALTER TABLE timeline ADD COLUMN step_id BLOB;
    -- The last ended use of a name has the last of its results, and so on. A rerun has results without entries.
    CREATE TEMP TABLE last_memos AS
    SELECT run, name, step, row_number() OVER (PARTITION BY run, name ORDER BY number DESC) AS from_end
    FROM memos WHERE name <> '';
    CREATE INDEX temp.last_memos_by_name ON last_memos (run, name, from_end);
    CREATE TEMP TABLE last_entries AS
    SELECT run, position, step AS name,
           sum(what IN (3, 5, 7, 9, 10, 12)) OVER (PARTITION BY run, step ORDER BY position DESC) AS from_end
    FROM timeline WHERE step <> '';
    CREATE INDEX temp.last_entries_by_position ON last_entries (run, position);
    UPDATE timeline SET step_id =
      (SELECT last_memos.step FROM last_entries JOIN last_memos USING (run, name, from_end)
       WHERE last_entries.run = timeline.run AND last_entries.position = timeline.position)
    WHERE step <> '';
    DROP TABLE temp.last_entries;
    DROP TABLE temp.last_memos;

    DROP VIEW IF EXISTS readable_timeline;
    CREATE VIEW readable_timeline AS
    SELECT runs.id AS run_id, position,
           strftime('%Y-%m-%dT%H:%M:%fZ', at / 1000.0, 'unixepoch') AS at,
           CASE what
             WHEN 0 THEN 'run queued' WHEN 1 THEN 'run started' WHEN 2 THEN 'step planned'
             WHEN 3 THEN 'step completed' WHEN 4 THEN 'step will retry' WHEN 5 THEN 'step failed'
             WHEN 6 THEN 'step sleeping' WHEN 7 THEN 'step woke up' WHEN 8 THEN 'step waiting'
             WHEN 9 THEN 'step received' WHEN 10 THEN 'step timed out' WHEN 11 THEN 'step invoking'
             WHEN 12 THEN 'step returned' WHEN 13 THEN 'run will retry' WHEN 14 THEN 'run completed'
             WHEN 15 THEN 'run failed' WHEN 16 THEN 'run cancelled' WHEN 17 THEN 'step requesting'
             WHEN 18 THEN 'run skipped'
           END AS what,
           step, attempt, duration / 1000.0 AS duration_ms, detail, lower(hex(step_id)) AS step_id
    FROM timeline JOIN runs ON runs.number = run;
  )");
}

INNGEST_INLINE void index_metadata(database& file) {
  file.execute("CREATE INDEX metadata_by_kind ON notes (run, subject, target, id) WHERE what = 0");
}

INNGEST_INLINE void check_is_store(database& file) {
  const auto found = file.number("PRAGMA application_id");
  if (found == application_id) return;
  if (found != 0 || file.number("SELECT count(*) FROM sqlite_schema") != 0)
    throw store_error(file.path(), "is another program's database");
}

}  // namespace inngest::inline INNGEST_ABI::detail::sqlite
