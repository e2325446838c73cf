#pragma once

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

INNGEST_INLINE void check_is_store(database& file) {
  const auto found = file.number("PRAGMA application_id");
  if (found == application_id) return;
  if (found != 0 || file.number("SELECT count(*) FROM sqlite_schema") != 0)
    throw store_error(file.path(), "is another program's database");
}

}  // namespace inngest::inline INNGEST_ABI::detail::sqlite
