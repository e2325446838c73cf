// Code of docs/transactions.md, with libpqxx.

#include <string>

#include <inngest/inngest.hpp>
#include <inngest/sql_outbox/pqxx.hpp>

#if PQXX_VERSION_MAJOR >= 8  // it says tx.exec(text, pqxx::params{id, cents})
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
#endif

namespace docs::libpqxx {

struct Order { std::string id; int cents = 0; };
INNGEST_FIELDS(Order, id, cents)
using OrderPlaced = inngest::event<"shop/order.placed", Order>;

void place(pqxx::connection& conn, const inngest::sql_outbox& outbox, const std::string& id, int cents) {
  // [place]
  #include <inngest/sql_outbox/pqxx.hpp>

  pqxx::work tx(conn);
  tx.exec_params("INSERT INTO orders (id, cents) VALUES ($1, $2)", id, cents);
  outbox.add(tx, OrderPlaced{{.id = id, .cents = cents}});
  tx.commit();
  // [place]
}

}  // namespace docs::libpqxx
