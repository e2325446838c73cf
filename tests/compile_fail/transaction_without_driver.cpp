// expect: inngest: step.transaction.. needs the header of the database
// at most 40 lines
#include <inngest/inngest.hpp>
#ifndef INNGEST_COMPILE_FAIL
#include <inngest/sql_outbox/sqlite.hpp>
#endif

struct sqlite3;
using test_event = inngest::event<"test/event">;

void run(inngest::context<test_event>& ctx, sqlite3* database) {
  ctx.step.transaction("book", database, [](auto&) {});
}
