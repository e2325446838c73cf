#pragma once

#include <inngest/config.hpp>
#include <inngest/embedded/detail/sqlite.hpp>
#include <inngest/error.hpp>

// The tables of sqlite_store. Times are milliseconds since 1970, statuses and kinds are the numbers of their
// enumerators, steps are the 20 bytes of their hashes.

namespace inngest::inline INNGEST_ABI::detail::sqlite {

/// Version 1. Large columns come last, so that SQLite reads the others without them.
void make_tables(database& file);

/// Marks a SQLite database as a store: "INGT".
inline constexpr int application_id = 0x494e4754;

/// The first migration, which also marks the file as a store.
void make_store(database& file);

/// Version 2. Adds whether an event was dispatched, whether a job was started, and which step invoked a run.
/// A step has only one memo: removes duplicates that a retried commit may have left, and keeps the first,
/// which was used.
void note_what_was_begun(database& file);

/// Version 3. Adds the notes of runs: metadata and published messages.
void make_notes(database& file);

/// Version 4. Adds which run a run repeats, and with which replaced arguments; also the names of steps and
/// when they began, which are needed to repeat a run from a step.
void note_repetitions(database& file);

/// Version 5. Adds the lines that runs log, and views with names instead of numbers, for users and other
/// programs.
void keep_logs(database& file);

/// Version 6. Adds the tags and keys of runs, and the indexes for searching runs and events. Indexes include
/// the time in the queue, so that a page of a filter is read in its order. The time is the same in run_tags,
/// run_keys and runs, because it never changes.
void make_searchable(database& file);

/// Version 7. Adds bulk operations and which event was resent, and an index to find the runs that repeat a
/// run.
void keep_bulk_operations(database& file);

/// Version 8. Adds the audit trail, a view of the pauses, and "paused" in the view of runs.
void keep_audit(database& file);

/// Version 9. Adds the hashed ids of steps to timelines, because names don't tell steps apart, and skipped
/// runs to the view. Older entries get it from the results of their names, in order.
void note_step_ids(database& file);

/// Version 10. Adds an index to find the metadata that a later change replaces.
void index_metadata(database& file);

/// The migrations from each version to the next. Add new ones at the end, and never change one.
inline constexpr migration store_migrations[] = {
    make_store,      note_what_was_begun,  make_notes, note_repetitions, keep_logs,
    make_searchable, keep_bulk_operations, keep_audit, note_step_ids,    index_metadata};

/// \throws store_error for a database of another program.
void check_is_store(database& file);

}  // namespace inngest::inline INNGEST_ABI::detail::sqlite

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/sqlite_schema.ipp>
#endif
