// The SQLite store's definitions: see inngest.cpp.

#include <inngest/embedded/detail/impl/sqlite.ipp>
#include <inngest/embedded/detail/impl/sqlite_loader.ipp>
#include <inngest/embedded/detail/impl/sqlite_reader.ipp>
#include <inngest/embedded/detail/impl/sqlite_records.ipp>
#include <inngest/embedded/detail/impl/sqlite_schema.ipp>
#include <inngest/embedded/detail/impl/sqlite_search.ipp>
#include <inngest/embedded/detail/impl/sqlite_unreadable.ipp>
#include <inngest/embedded/detail/impl/sqlite_writer.ipp>
#include <inngest/embedded/impl/sqlite_store.ipp>
