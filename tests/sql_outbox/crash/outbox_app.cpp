// Processes that may be killed at any moment, around one database:
//
//   outbox_app <database> write              commits orders with their events, and rolls some back
//   outbox_app <database> relay <url>        sends the events to an engine
//   outbox_app <database> host <port> <store>  runs the engine: a transactional step for each order
//
// <database> is "sqlite:PATH" or "postgresql:CONNINFO". The host ends at SIGTERM, when nothing is left to do.

#include <inngest/adapters/httplib.hpp>
#include <inngest/detail/ulid.hpp>
#include <inngest/embedded.hpp>
#include <inngest/embedded/http_server.hpp>
#include <inngest/embedded/sqlite_store.hpp>
#include <inngest/inngest.hpp>
#include <inngest/sql_outbox/postgresql.hpp>
#include <inngest/sql_outbox/relay.hpp>
#include <inngest/sql_outbox/sqlite.hpp>

#include <signal.h>
#include <sys/prctl.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

using namespace std::chrono_literals;

namespace {

struct order {
  std::string token;
  int stream = 0;
  int number = 0;
};
INNGEST_FIELDS(order, token, stream, number)
using order_placed = inngest::event<"crash/order.placed", order>;
using order_booked = inngest::event<"crash/order.booked", order>;

const inngest::sql_outbox outbox;

struct sqlite {
  using handle = sqlite3*;
  static constexpr const char* begin = "BEGIN IMMEDIATE";
  static void close(sqlite3* database) { sqlite3_close_v2(database); }
  static sqlite3* open(const std::string& path) {
    sqlite3* out = nullptr;
    if (sqlite3_open(path.c_str(), &out) != SQLITE_OK) throw inngest::sql_error("can't open " + path);
    sqlite3_busy_timeout(out, 10'000);
    return out;
  }
  static inngest::sql_connector connector(const std::string& path) { return inngest::sqlite_file(path); }
};

struct postgresql {
  using handle = PGconn*;
  static constexpr const char* begin = "BEGIN";
  static void close(PGconn* database) { PQfinish(database); }
  static PGconn* open(const std::string& conninfo) {
    PGconn* out = PQconnectdb(conninfo.c_str());
    if (PQstatus(out) == CONNECTION_OK) return out;
    PQfinish(out);
    throw inngest::sql_error("can't connect");
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
  inngest::sql_rows run(std::string text, std::vector<inngest::sql_value> values = {}) const {
    return inngest::sql_driver<typename Database::handle>::execute(handle_,
                                                                   {std::move(text), std::move(values)});
  }

 private:
  typename Database::handle handle_;
};

// ---- write --------------------------------------------------------------------------------------------

std::mt19937& chance() {
  static std::mt19937 all(std::random_device{}());
  return all;
}
bool happens(int percent) { return std::uniform_int_distribution(1, 100)(chance()) <= percent; }
void dawdle() {
  if (happens(30))
    std::this_thread::sleep_for(std::chrono::microseconds(std::uniform_int_distribution(0, 3000)(chance())));
}

template <class Database>
void place_orders(const connection<Database>& db) {
  while (true) {
    db.run(Database::begin);
    for (int left = std::uniform_int_distribution(1, 3)(chance()); left > 0; --left) {
      order placed{.token = inngest::detail::make_ulid(std::chrono::system_clock::now()), .stream = 1};
      placed.number = std::stoi(*db.run("UPDATE streams SET number = number + 1 RETURNING number")[0][0]);
      dawdle();
      outbox.add(db.get(), order_placed{placed}, {.stream = "1"});
      dawdle();
      db.run("INSERT INTO orders (token, number) SELECT CAST($1 AS text), CAST($2 AS integer)",
             {placed.token, std::int64_t{placed.number}});
    }
    dawdle();
    db.run(happens(20) ? "ROLLBACK" : "COMMIT");
    std::this_thread::sleep_for(2ms);
  }
}

template <class Database>
void write(const std::string& where) {
  while (true) {
    try {
      place_orders<Database>(connection<Database>(where));
    } catch (const inngest::sql_error&) {  // the database was killed
      std::this_thread::sleep_for(20ms);
    }
  }
}

// ---- relay --------------------------------------------------------------------------------------------

template <class Database>
void relay(const std::string& where, const std::string& url) {
  const inngest::client app({.id = "crash",
                             .mode = inngest::mode::dev,
                             .api_base_url = url,
                             .event_api_base_url = url,
                             .log = inngest::logger([](auto, auto) {})});
  inngest::sql_relay relay(app, Database::connector(where),
                           {.batch_events = 20, .poll = 100ms, .backoff = 10ms, .max_backoff = 100ms});
  relay.run(inngest::stop_source().get_token());
}

// ---- host ---------------------------------------------------------------------------------------------

template <class Database>
void host(const std::string& where, int port, const std::string& store) {
  sigset_t asked;
  sigemptyset(&asked);
  sigaddset(&asked, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &asked, nullptr);

  const inngest::client app(
      {.id = "crash", .mode = inngest::mode::dev, .log = inngest::logger([](auto, auto) {})});
  const auto book = app.create_function(
      {.id = "book", .retries = 20}, inngest::on<order_placed>(),
      [&where](inngest::context<order_placed>& ctx) {
        const connection<Database> db(where);
        const auto row = ctx.step.transaction("book", db.get(), [&](auto& tx) {
          const order& placed = ctx.event.data;
          tx.execute("UPDATE totals SET booked = booked + 1");
          outbox.add(tx, order_booked{placed});
          const auto rows =
              tx.execute("INSERT INTO bookings (token) SELECT CAST($1 AS text) RETURNING id", placed.token);
          dawdle();
          return *rows[0][0];
        });
        return ctx.event.data.token + " " + row;
      });
  const auto confirm = app.create_function(
      {.id = "confirm", .retries = 20}, inngest::on<order_booked>(),
      [&where](inngest::context<order_booked>& ctx) {
        const connection<Database> db(where);
        ctx.step.transaction("confirm", db.get(), [&](auto& tx) {
          tx.execute("INSERT INTO confirmations (token) SELECT CAST($1 AS text)", ctx.event.data.token);
        });
        return ctx.event.data.token;
      });
  inngest::embedded::engine_options options;
  options.store =
      std::make_shared<inngest::embedded::sqlite_store>(inngest::embedded::sqlite_options{.path = store});
  options.retry_delay = [](int attempt) {
    return inngest::duration_ms(std::chrono::milliseconds(50 << (std::min)(attempt, 6)));
  };
  inngest::embedded::engine engine(app, {book, confirm}, options);
  const inngest::embedded::http_server server(engine, {.port = port});
  int signal = 0;
  sigwait(&asked, &signal);
  std::exit(engine.wait_until_idle(2min) ? EXIT_SUCCESS : EXIT_FAILURE);
}

template <class Database>
void work(const std::string& where, int count, char** arguments) {
  const std::string role = arguments[2];
  if (role == "write" && count == 3) return write<Database>(where);
  if (role == "relay" && count == 4) return relay<Database>(where, arguments[3]);
  if (role == "host" && count == 5) return host<Database>(where, std::atoi(arguments[3]), arguments[4]);
  std::exit(2);
}

}  // namespace

int main(int count, char** arguments) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // never outlives the test
  if (count < 3) return 2;
  try {
    const std::string database = arguments[1];
    const std::string where = database.substr(database.find(':') + 1);
    if (database.starts_with("sqlite:"))
      work<sqlite>(where, count, arguments);
    else
      work<postgresql>(where, count, arguments);
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "outbox_app: %s\n", problem.what());
    return 1;
  }
}
