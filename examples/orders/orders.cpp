// A shop's order: the row and its event commit together, and the function that the event starts books the
// order exactly once.
//
//   orders --sqlite shop.db                          (created if necessary)
//   orders --postgresql "host=localhost dbname=shop"
//
// Each start places three orders, one of which is rolled back, and waits until the others are booked. Kill it
// at any moment and start it again: nothing is lost, and nothing happens twice.

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include <inngest/embedded.hpp>
#include <inngest/embedded/sqlite_store.hpp>
#include <inngest/inngest.hpp>
#include <inngest/sql_outbox/postgresql.hpp>
#include <inngest/sql_outbox/relay.hpp>
#include <inngest/sql_outbox/sqlite.hpp>

using namespace std::chrono_literals;

struct order {
  std::string id;
  int cents = 0;
};
INNGEST_FIELDS(order, id, cents)
using OrderPlaced = inngest::event<"shop/order.placed", order>;

namespace {

// ---- two databases: your application has one of them, and these functions already -------------------------

struct sqlite {
  using handle = sqlite3*;
  static handle open(const std::string& file) {
    handle out = nullptr;
    if (sqlite3_open(file.c_str(), &out) != SQLITE_OK) throw std::runtime_error("can't open " + file);
    sqlite3_busy_timeout(out, 10'000);
    return out;
  }
  static void close(handle database) { sqlite3_close_v2(database); }
  static void execute(handle database, const std::string& sql) {
    if (sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
      throw std::runtime_error(sqlite3_errmsg(database));
  }
  static inngest::sql_connector connector(const std::string& file) { return inngest::sqlite_file(file); }
};

struct postgresql {
  using handle = PGconn*;
  static handle open(const std::string& conninfo) {
    handle out = PQconnectdb(conninfo.c_str());
    if (PQstatus(out) != CONNECTION_OK) throw std::runtime_error(PQerrorMessage(out));
    return out;
  }
  static void close(handle database) { PQfinish(database); }
  static void execute(handle database, const std::string& sql) {
    const std::unique_ptr<PGresult, decltype(&PQclear)> result(PQexec(database, sql.c_str()), &PQclear);
    if (PQresultStatus(result.get()) == PGRES_FATAL_ERROR) throw std::runtime_error(PQerrorMessage(database));
  }
  static inngest::sql_connector connector(const std::string& conninfo) {
    return inngest::postgresql(conninfo);
  }
};

template <class Database>
class connection {
 public:
  explicit connection(const std::string& where) : handle_(Database::open(where)) {}
  ~connection() { Database::close(handle_); }
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;
  typename Database::handle get() const { return handle_; }
  void execute(const std::string& sql) const { Database::execute(handle_, sql); }

 private:
  typename Database::handle handle_;
};

// ---- the shop ---------------------------------------------------------------------------------------------

const inngest::sql_outbox outbox;

/// Places an order. Returns its id, or throws when nothing happened.
template <class Database>
std::string place(const connection<Database>& db, int cents) {
  const std::string id =
      "order-" + std::to_string(std::chrono::system_clock::now().time_since_epoch().count());
  // [place]
  db.execute("BEGIN");
  db.execute("INSERT INTO orders (id, cents) VALUES ('" + id + "', " + std::to_string(cents) + ")");
  outbox.add(db.get(), OrderPlaced{{.id = id, .cents = cents}}, {.stream = "orders"});
  db.execute(cents > 0 ? "COMMIT" : "ROLLBACK");  // rolled back, the event never existed
  // [place]
  return id;
}

template <class Database>
void run(const std::string& where) {
  const connection<Database> db(where);
  outbox.create_tables(db.get());
  db.execute("CREATE TABLE IF NOT EXISTS orders (id text PRIMARY KEY, cents integer)");
  db.execute("CREATE TABLE IF NOT EXISTS bookings (order_id text, cents integer)");

  const inngest::client app({.id = "shop", .mode = inngest::mode::dev});
  std::atomic<int> booked = 0;
  // [book]
  const auto book = app.create_function(
      {.id = "book"}, inngest::on<OrderPlaced>(), [&](inngest::context<OrderPlaced>& ctx) {
        const order& placed = ctx.event.data;
        const connection<Database> own(where);
        ctx.step.transaction("book", own.get(), [&](auto& tx) {
          tx.execute("INSERT INTO bookings (order_id, cents) SELECT CAST($1 AS text), CAST($2 AS integer)",
                     placed.id, placed.cents);
        });
        ctx.step.run("charge", [&] {
          // A payment provider executes a request with the same key once, even if this process dies.
          std::printf("charging %d cents for %s with the key %s\n", placed.cents, placed.id.c_str(),
                      ctx.step.idempotency_key().c_str());
        });
        ++booked;
      });
  // [book]
  // [relay]
  inngest::embedded::engine engine(app, {book},
                                   {.store = std::make_shared<inngest::embedded::sqlite_store>(
                                        inngest::embedded::sqlite_options{.path = "orders-engine.db"})});
  inngest::sql_relay relay(app, Database::connector(where));
  relay.start();
  // [relay]
  place(db, 1999);
  place(db, 0);
  place(db, 4999);

  for (const auto end = std::chrono::steady_clock::now() + 60s; booked < 2;) {
    if (std::chrono::steady_clock::now() > end) throw std::runtime_error("the orders were not booked");
    std::this_thread::sleep_for(10ms);
  }
  const auto depth = outbox.depth(db.get());
  std::printf("booked %d orders; %d events wait, %d were given up\n", booked.load(),
              static_cast<int>(depth.waiting), static_cast<int>(depth.dead));
}

}  // namespace

int main(int count, char** arguments) try {
  const std::string kind = count == 3 ? arguments[1] : "";
  if (kind == "--sqlite")
    run<sqlite>(arguments[2]);
  else if (kind == "--postgresql")
    run<postgresql>(arguments[2]);
  else
    return std::fputs("usage: orders --sqlite FILE | --postgresql CONNINFO\n", stderr), EXIT_FAILURE;
  return EXIT_SUCCESS;
} catch (const std::exception& problem) {
  std::fprintf(stderr, "orders: %s\n", problem.what());
  return EXIT_FAILURE;
}
