// The part of the library inngest::compiled that needs SQLite, in an object of its own: a program that does
// not use <inngest/embedded/sqlite_store.hpp> need not link sqlite3.

#if !defined(INNGEST_COMPILED)
#error "compile this file, and what includes the library's headers, with INNGEST_COMPILED"
#endif

#include <inngest/embedded/detail/impl/sqlite.ipp>
