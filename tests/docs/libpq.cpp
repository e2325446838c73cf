// Code of docs/transactions.md, with libpq.

#include <libpq-fe.h>

#include <string>

#include <inngest/inngest.hpp>
#include <inngest/sql_outbox/postgresql.hpp>

namespace docs::libpq {

struct Order { std::string id; int cents = 0; };
INNGEST_FIELDS(Order, id, cents)
using OrderPlaced = inngest::event<"shop/order.placed", Order>;

void place(PGconn* conn, const std::string& id, int cents, const char* const* values) {
  // [place]
  #include <inngest/sql_outbox/postgresql.hpp>  // new; links libpq

  const inngest::sql_outbox outbox;  // new, once per program: holds only the names of tables

  PQclear(PQexec(conn, "BEGIN"));
  PQclear(PQexecParams(conn, "INSERT INTO orders (id, cents) VALUES ($1, $2)", 2, nullptr, values, nullptr, nullptr, 0));
  outbox.add(conn, OrderPlaced{{.id = id, .cents = cents}});  // new
  PQclear(PQexec(conn, "COMMIT"));
  // [place]
}

}  // namespace docs::libpq
