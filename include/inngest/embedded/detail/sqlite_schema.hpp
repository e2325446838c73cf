#pragma once

#include <string>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/sqlite.hpp>
#include <inngest/error.hpp>

// The tables of sqlite_store. Times are milliseconds since 1970, statuses and kinds are the numbers of their
// enumerations, steps are their 20 bytes.

namespace inngest::inline INNGEST_ABI::detail::sqlite {

/// Version 1. Large columns come last: what is before them is then read without them.
void make_tables(database& file);

/// What tells a store's file from every other SQLite database: "INGT".
inline constexpr int application_id = 0x494e4754;

/// The first step also marks the file as a store's.
void make_store(database& file);

/// Version 2. Events say whether they were dispatched, jobs whether they were started, runs by which step
/// they were invoked. A step has one memo: of doubles, which a retried commit could leave, the first was
/// used.
void note_what_was_begun(database& file);

/// Every version's step from the one before. Steps are never changed, only added.
inline constexpr migration store_migrations[] = {make_store, note_what_was_begun};

/// \throws store_error for a database of another program.
void check_is_store(database& file);

}  // namespace inngest::inline INNGEST_ABI::detail::sqlite

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/sqlite_schema.ipp>
#endif
