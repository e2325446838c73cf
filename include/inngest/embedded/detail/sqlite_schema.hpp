#pragma once

#include <string>

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
/// A step has one memo: removes the duplicates that a retried commit could leave, of which the first was
/// used.
void note_what_was_begun(database& file);

/// The migrations from each version to the next. Add new ones at the end, and never change one.
inline constexpr migration store_migrations[] = {make_store, note_what_was_begun};

/// \throws store_error for a database of another program.
void check_is_store(database& file);

}  // namespace inngest::inline INNGEST_ABI::detail::sqlite

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/sqlite_schema.ipp>
#endif
