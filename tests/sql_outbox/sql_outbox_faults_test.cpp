// What users, their databases and servers do to an outbox.
#include <inngest/sql_outbox.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "sql_outbox/worlds.hpp"
#include "support/eventually.hpp"
#include "support/handler_driver.hpp"

using namespace worlds;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using numbers = std::vector<int>;

namespace sql_outbox_faults {
using test_event = inngest::event<"test/event">;
}
using sql_outbox_faults::test_event;

namespace {

template <class World>
struct shop {
  World world;
  inngest::sql_outbox outbox;
  typename World::connection db = world.open();
  std::shared_ptr<event_server> server = std::make_shared<event_server>();
  inngest::sql_relay_options options{.backoff = 1ms, .max_backoff = 1ms};

  shop() { outbox.create_tables(db.get()); }
  inngest::sql_relay relay() const { return {client_of(server), world.connector(), options}; }
  void add(int number, std::string stream = {}) const {
    outbox.add(db.get(), order_placed{{number}}, {.stream = std::move(stream)});
  }
  int waiting() const { return static_cast<int>(outbox.depth(db.get()).waiting); }
};

/// Settings of the whole PostgreSQL database, for connections from now on.
class database_setting {
 public:
  database_setting(const postgresql_world& world, std::string name, const std::string& value)
      : db_(world.open()), name_(std::move(name)) {
    run(db_, "ALTER DATABASE postgres SET " + name_ + " = " + value);
  }
  ~database_setting() {
    run(db_, "SET default_transaction_read_only = off");
    run(db_, "ALTER DATABASE postgres RESET " + name_);
  }

 private:
  postgresql_world::connection db_;
  std::string name_;
};

}  // namespace

// ---- transactions of the user -------------------------------------------------------------------------

TEMPLATE_TEST_CASE("what needs a transaction of its own leaves an open one alone", "[sql_outbox]",
                   sqlite_world, postgresql_world) {
  if (!TestType::is_there()) return;
  const shop<TestType> s;
  run(s.db, "BEGIN");
  s.add(1);
  CHECK_THROWS_AS(s.outbox.create_tables(s.db.get()), inngest::configuration_error);
  CHECK_THROWS_AS(s.outbox.requeue(s.db.get(), {1}), inngest::configuration_error);
  run(s.db, "ROLLBACK");
  CHECK(s.waiting() == 0);
}

TEMPLATE_TEST_CASE("an event is rolled back to a savepoint, and what is added after it wakes the relay",
                   "[sql_outbox]", sqlite_world, postgresql_world) {
  if (!TestType::is_there()) return;
  shop<TestType> s;
  s.options.poll = 1h;
  auto relay = s.relay();
  relay.start();
  REQUIRE(support::eventually([&] { return relay.status().is_sending; }));
  for (int round = 0; round < 3; ++round) {
    std::this_thread::sleep_for(round * 100ms);  // the relay is awake, or waits
    run(s.db, "BEGIN");
    run(s.db, "SAVEPOINT a");
    s.add(100);
    run(s.db, "ROLLBACK TO SAVEPOINT a");
    s.add(2 * round, "a");
    run(s.db, "SAVEPOINT b");
    s.add(2 * round + 1, "a");
    run(s.db, "RELEASE SAVEPOINT b");
    run(s.db, "COMMIT");
    CHECK(support::eventually(
        [&] { return s.server->numbers().size() == 2U * static_cast<unsigned>(round) + 2; }));
  }
  CHECK(s.server->numbers() == numbers{0, 1, 2, 3, 4, 5});
}

TEST_CASE("a PostgreSQL transaction that has failed takes no event", "[sql_outbox]") {
  if (!postgresql_world::is_there()) return;
  const shop<postgresql_world> s;
  run(s.db, "BEGIN");
  CHECK_THROWS_AS(run(s.db, "SELECT 1/0"), inngest::sql_error);
  CHECK_THROWS_WITH(s.add(1), ContainsSubstring("transaction is aborted"));
  run(s.db, "ROLLBACK");
  s.add(2);
  CHECK(s.relay().flush() == 1);
}

TEST_CASE("an event commits with a prepared PostgreSQL transaction that wakes nobody", "[sql_outbox]") {
  if (!postgresql_world::is_there()) return;
  shop<postgresql_world> s;
  s.options.poll = 20ms;
  auto relay = s.relay();
  relay.start();
  REQUIRE(support::eventually([&] { return relay.status().is_sending; }));
  run(s.db, "BEGIN");
  s.outbox.add(s.db.get(), order_placed{{1}}, {.stream = "a", .wakes = false});
  run(s.db, "PREPARE TRANSACTION 'p'");
  std::this_thread::sleep_for(50ms);
  CHECK(s.server->numbers().empty());
  run(s.db, "COMMIT PREPARED 'p'");
  CHECK(support::eventually([&] { return s.server->numbers() == numbers{1}; }));
}

TEST_CASE("serializable writers of events do not conflict with each other or with relays", "[sql_outbox]") {
  if (!postgresql_world::is_there()) return;
  shop<postgresql_world> s;
  const database_setting level(s.world, "default_transaction_isolation", "serializable");
  auto relay = s.relay();
  relay.start();
  constexpr int writers = 4, rounds = 30;
  std::atomic<int> conflicts = 0;
  at_once(writers, [&](int writer) {
    const auto db = s.world.open();
    for (int round = 0; round < rounds; ++round) {
      try {
        run(db, "BEGIN");
        s.outbox.add(db.get(), order_placed{{writer * rounds + round}});
        run(db, "COMMIT");
      } catch (const inngest::sql_error&) {
        ++conflicts;
        run(db, "ROLLBACK");
      }
    }
  });
  CHECK(conflicts == 0);
  CHECK(support::eventually([&] { return s.server->numbers().size() == writers * rounds; }));
}

// ---- settings of the database -------------------------------------------------------------------------

TEST_CASE("a relay does not depend on the defaults of a PostgreSQL database", "[sql_outbox]") {
  if (!postgresql_world::is_there()) return;
  const shop<postgresql_world> s;
  s.add(1);
  SECTION("for isolation") {
    const database_setting level(s.world, "default_transaction_isolation", "serializable");
    CHECK(s.relay().flush() == 1);
  }
  SECTION("for writes") {
    run(s.db,
        "INSERT INTO " + s.outbox.table() + "_steps (run_id, step, name, done_at) VALUES ('r', 's', 'n', 0)");
    const database_setting read_only(s.world, "default_transaction_read_only", "on");
    CHECK(s.relay().flush() == 1);
    CHECK(run(s.db, "SELECT count(*) FROM " + s.outbox.table() + "_steps")[0][0] == "0");  // of long ago
  }
  SECTION("for the time that a transaction may wait for a slow server") {
    const database_setting limit(s.world, "idle_in_transaction_session_timeout", "'50ms'");
    s.server->answer = [](const auto&) {
      std::this_thread::sleep_for(200ms);
      return 0;
    };
    CHECK(s.relay().flush() == 1);
  }
  SECTION("for encodings") {
    const database_setting latin(s.world, "client_encoding", "LATIN1");
    s.outbox.add(s.db.get(), inngest::event<"shop/name", nlohmann::json>{.data = {{"name", "Zoë"}}});
    CHECK(s.relay().flush() == 2);
    CHECK_THAT(s.server->all().back().text, ContainsSubstring("Zoë"));
  }
  CHECK(s.waiting() == 0);
}

TEST_CASE("PGCONNECT_TIMEOUT limits how long a relay connects, unless its connection string does",
          "[sql_outbox]") {
  if (!postgresql_world::is_there()) return;
  const shop<postgresql_world> s;
  const std::string here = "host=" + std::string(PQhost(s.db)) + " user=test dbname=postgres";
  setenv("PGCONNECT_TIMEOUT", "soon", 1);  // libpq complains about it where it uses it
  const auto is_connected = [](const std::string& conninfo) {
    try {
      return inngest::postgresql(conninfo)() != nullptr;
    } catch (const inngest::sql_error& problem) {
      CHECK_THAT(problem.what(), ContainsSubstring("connect_timeout"));
      return false;
    }
  };
  CHECK_FALSE(is_connected(here));
  CHECK(is_connected(here + " connect_timeout=10"));
  unsetenv("PGCONNECT_TIMEOUT");
  CHECK(is_connected(here));
}

TEST_CASE("a PostgreSQL connection that would change the letters of an event is refused", "[sql_outbox]") {
  if (!postgresql_world::is_there()) return;
  const shop<postgresql_world> s;
  const inngest::event<"shop/name", nlohmann::json> zoe{.data = {{"name", "Zoë"}}};
  REQUIRE(PQsetClientEncoding(s.db, "LATIN1") == 0);
  s.add(1);  // nothing to change
  CHECK_THROWS_WITH(s.outbox.add(s.db.get(), zoe), ContainsSubstring("LATIN1") && ContainsSubstring("UTF8"));
  REQUIRE(PQsetClientEncoding(s.db, "UTF8") == 0);
  s.outbox.add(s.db.get(), zoe);
  CHECK(s.relay().flush() == 2);
}

TEST_CASE("tables with capital letters wake their PostgreSQL relay", "[sql_outbox]") {
  if (!postgresql_world::is_there()) return;
  const shop<postgresql_world> s;
  const inngest::sql_outbox outbox("Shop_Events");
  outbox.create_tables(s.db.get());
  inngest::sql_relay relay(client_of(s.server), s.world.connector(), {.outbox = outbox, .poll = 1h});
  relay.start();
  for (int number = 1; number <= 2; ++number) {
    REQUIRE(support::eventually([&] { return relay.status().is_sending; }));
    std::this_thread::sleep_for(200ms);
    outbox.add(s.db.get(), order_placed{{number}});
    CHECK(support::eventually([&] { return static_cast<int>(s.server->numbers().size()) == number; }));
  }
}

TEST_CASE("a PostgreSQL statement has one time, so that no event overtakes the one before it",
          "[sql_outbox]") {
  if (!postgresql_world::is_there()) return;
  const shop<postgresql_world> s;
  const std::string now(inngest::postgresql_dialect().now);
  CHECK(run(s.db, "SELECT count(DISTINCT " + now + ") FROM generate_series(1, 300000)")[0][0] == "1");
}

TEST_CASE("an event of a PostgreSQL stream has no earlier time than those that its writer waited for",
          "[sql_outbox]") {
  if (!postgresql_world::is_there()) return;
  const shop<postgresql_world> s;
  run(s.db, "BEGIN");
  s.add(1, "a");
  auto second = std::async(std::launch::async, [&s] {
    const auto own = s.world.open();
    s.outbox.add(own.get(), order_placed{{2}}, {.stream = "a"});
  });
  const auto waits = [&] {
    return run(s.db, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")[0][0] ==
           "1";
  };
  CHECK(support::eventually(waits));
  std::this_thread::sleep_for(20ms);
  s.add(3, "a");
  run(s.db, "COMMIT");
  second.get();
  std::int64_t last = 0;
  for (const auto& row : run(s.db, "SELECT added_at FROM inngest_outbox ORDER BY id")) {
    CHECK(std::stoll(*row[0]) >= last);
    last = std::stoll(*row[0]);
  }
  CHECK(s.relay().flush() == 3);
  CHECK(s.server->numbers() == numbers{1, 3, 2});
}

// ---- the program's own threads

TEMPLATE_TEST_CASE("a stop waits for a request, and not for all events of a batch", "[sql_outbox]",
                   sqlite_world, postgresql_world) {
  if (!TestType::is_there()) return;
  const shop<TestType> s;
  for (int i = 0; i < 50; ++i) s.add(i);
  std::atomic<bool> is_stopping{false};
  std::atomic<int> alone{0};
  s.server->answer = [&](const auto& events) {
    if (events.size() > 1) return 400;
    ++alone;
    support::hold_until(is_stopping);
    std::this_thread::sleep_for(100ms);  // until stop() has told the relay
    return 0;
  };
  auto relay = s.relay();
  relay.start();
  REQUIRE(support::eventually([&] { return alone == 1; }));
  is_stopping = true;
  relay.stop();
  CHECK(alone < 50);
  CHECK(s.waiting() == 50 - alone);
}

TEMPLATE_TEST_CASE("the tables of an outbox may be in a schema", "[sql_outbox]", sqlite_world,
                   postgresql_world) {
  if (!TestType::is_there()) return;
  shop<TestType> s;
  s.options.outbox = inngest::sql_outbox(TestType::schema() + ".shop_events");
  s.options.outbox.create_tables(s.db.get());
  s.options.outbox.create_tables(s.db.get());
  s.options.outbox.add(s.db.get(), order_placed{{7}}, {.stream = "a"});
  CHECK(s.relay().flush() == 1);
  CHECK(s.server->numbers() == numbers{7});
}

TEST_CASE("a relay that was started sends by itself", "[sql_outbox]") {
  const shop<sqlite_world> s;
  auto relay = s.relay();
  relay.start();
  CHECK_THROWS_AS(relay.flush(), inngest::configuration_error);
  relay.stop();
  s.add(1);
  CHECK(relay.flush() == 1);
}

TEMPLATE_TEST_CASE("words of an error that no database stores stop no other event", "[sql_outbox]",
                   sqlite_world, postgresql_world) {
  if (!TestType::is_there()) return;
  shop<TestType> s;
  s.options.max_backoff = 1s;  // longer than a slow machine needs for a batch
  s.server->answer = [](const auto& events) {
    for (const auto& event : events)
      if (event.number == 2) throw std::runtime_error("caf\xe9");
    return 0;
  };
  for (int i = 1; i <= 3; ++i) s.add(i);
  auto relay = s.relay();
  relay.start();
  CHECK(support::eventually([&] { return s.server->numbers() == numbers{1, 3}; }));
}

// ---- bytes --------------------------------------------------------------------------------------------

TEMPLATE_TEST_CASE("text that is not UTF-8 is refused when the event is added", "[sql_outbox]", sqlite_world,
                   postgresql_world) {
  if (!TestType::is_there()) return;
  const shop<TestType> s;
  using named = inngest::event<"shop/name", nlohmann::json>;
  CHECK_THROWS_AS(s.outbox.add(s.db.get(), named{.data = {{"name", "\xff"}}}), inngest::payload_error);
  CHECK_THROWS_AS(s.outbox.add(s.db.get(), order_placed{.data = {1}, .id = "\xff"}), inngest::payload_error);
  CHECK_THROWS_AS(s.outbox.add(s.db.get(), order_placed{{1}}, {.stream = "\xff"}), inngest::payload_error);
  s.outbox.add(s.db.get(),
               named{.data = {{"name", std::string("a\0b", 3)}, {"number", 1}}});  // JSON escapes it
  CHECK(s.relay().flush() == 1);
  CHECK_THAT(s.server->all()[0].text, ContainsSubstring("a\\u0000b"));
}

TEST_CASE("PostgreSQL gets no text that it would cut at a zero byte", "[sql_outbox]") {
  if (!postgresql_world::is_there()) return;
  const shop<postgresql_world> s;
  const std::string zero("a\0b", 3);
  CHECK_THROWS_WITH(s.outbox.add(s.db.get(), order_placed{.data = {1}, .id = zero}),
                    ContainsSubstring("zero byte"));
  run(s.db, "CREATE TABLE notes (text text)");
  const auto f = support::quiet_client().create_function(
      {.id = "f"}, inngest::on<test_event>(), [&](inngest::context<test_event>& ctx) {
        ctx.step.transaction("note", s.db.get(), [&](auto& tx) {
          tx.execute("INSERT INTO notes SELECT CAST($1 AS text)", zero);
        });
      });
  CHECK_THAT(support::run_driver(f).discover().text, ContainsSubstring("zero byte"));
  CHECK(*run(s.db, "SELECT count(*) FROM notes")[0][0] == "0");
}

TEMPLATE_TEST_CASE("whatever bytes a server gives as its reason, the event is given up with it",
                   "[sql_outbox]", sqlite_world, postgresql_world) {
  if (!TestType::is_there()) return;
  shop<TestType> s;
  s.options.max_attempts = 2;
  s.server->answer = [](const auto&) { return 400; };
  s.server->refusal = R"({"error":"bad \u0000 \ud83d byte: )"
                      "\xff\xfe"
                      R"(","status":400})";
  SECTION("as JSON") {}
  SECTION("as a long one") {
    s.server->refusal = R"({"error":")" + std::string(300'000, 'x') + R"(","status":400})";
  }
  s.add(1);
  CHECK(support::eventually([&] {
    s.relay().flush();
    return s.outbox.dead(s.db.get()).size() == 1;
  }));
  CHECK(s.outbox.dead(s.db.get())[0].reason.size() < 10'000);
}

TEMPLATE_TEST_CASE("an event that is too large for the server is given up, and does not hold up others",
                   "[sql_outbox]", sqlite_world, postgresql_world) {
  if (!TestType::is_there()) return;
  shop<TestType> s;
  s.options.max_attempts = 2;
  s.server->answer = [](const auto& events) {
    std::size_t size = 0;
    for (const auto& event : events) size += event.text.size();
    return size > 3'000'000 ? 413 : 0;
  };
  using note = inngest::event<"shop/note", nlohmann::json>;
  s.outbox.add(s.db.get(), note{.data = {{"number", 1}, {"text", std::string(4'000'000, 'x')}}});
  for (int number = 2; number <= 6; ++number)
    s.outbox.add(s.db.get(), note{.data = {{"number", number}, {"text", std::string(700'000, 'x')}}});
  CHECK(support::eventually([&] {
    s.relay().flush();
    return s.outbox.dead(s.db.get()).size() == 1;
  }));
  CHECK(s.server->numbers() == numbers{2, 3, 4, 5, 6});
}

// ---- time ---------------------------------------------------------------------------------------------

TEMPLATE_TEST_CASE("an event that waits for its next attempt does not wait longer when the clock goes back",
                   "[sql_outbox]", sqlite_world, postgresql_world) {
  if (!TestType::is_there()) return;
  const shop<TestType> s;
  bool is_there = false;
  s.server->answer = [&](const auto&) { return is_there ? 0 : -1; };
  s.add(1, "a");
  CHECK_THROWS_AS(s.relay().flush(), inngest::unreachable);
  s.add(2, "a");
  run(s.db, "UPDATE inngest_outbox SET due_at = due_at + 3600000 WHERE due_at > 0");  // an hour back
  is_there = true;
  CHECK(s.relay().flush() == 2);
  CHECK(s.server->numbers() == numbers{1, 2});
}

TEMPLATE_TEST_CASE("numbers that a table begins anew do not stop a relay that keeps what it sent",
                   "[sql_outbox]", sqlite_world, postgresql_world) {
  if (!TestType::is_there()) return;
  shop<TestType> s;
  s.options.keep_sent = 1h;
  for (int number = 1; number <= 2; ++number) {
    s.add(number);
    CHECK(s.relay().flush() == 1);
    if constexpr (std::is_same_v<TestType, sqlite_world>)
      run(s.db, "DELETE FROM sqlite_sequence WHERE name = 'inngest_outbox'");
    else
      run(s.db, "TRUNCATE inngest_outbox RESTART IDENTITY");
  }
  CHECK(*run(s.db, "SELECT count(*) FROM inngest_outbox_sent")[0][0] == "2");
}

// ---- statements ---------------------------------------------------------------------------------------

TEMPLATE_TEST_CASE("only one statement is executed at a time, and a second is not forgotten", "[sql_outbox]",
                   sqlite_world, postgresql_world) {
  if (!TestType::is_there()) return;
  const shop<TestType> s;
  CHECK_THROWS_AS(run(s.db, "CREATE TABLE a (n integer); CREATE TABLE b (n integer)"), inngest::sql_error);
  CHECK_NOTHROW(run(s.db, "CREATE TABLE a (n integer); "));
}

TEST_CASE("SQLite's lock is a conflict, also with extended result codes", "[sql_outbox]") {
  const shop<sqlite_world> s;
  const auto other = s.world.open();
  sqlite3_extended_result_codes(s.db, 1);
  run(s.db, "BEGIN");
  run(s.db, "SELECT * FROM inngest_outbox");
  run(other, "DELETE FROM inngest_outbox_version WHERE version = 99");
  run(other, "INSERT INTO inngest_outbox_version VALUES (2)");
  try {
    s.add(1);  // its snapshot is old: SQLITE_BUSY_SNAPSHOT
    FAIL("it was added");
  } catch (const inngest::sql_error& problem) {
    CHECK(problem.why() == inngest::sql_error::kind::conflict);
  }
}

// ---- steps --------------------------------------------------------------------------------------------

TEMPLATE_TEST_CASE("a step's body that ends the transaction itself is told so", "[sql_outbox][step]",
                   sqlite_world, postgresql_world) {
  if (!TestType::is_there()) return;
  const shop<TestType> s;
  const auto f = support::quiet_client().create_function(
      {.id = "f"}, inngest::on<test_event>(), [&](inngest::context<test_event>& ctx) {
        ctx.step.transaction("book", s.db.get(), [](auto& tx) { tx.execute("COMMIT"); });
      });
  CHECK_THAT(support::run_driver(f).discover().text, ContainsSubstring("ended the transaction"));
  CHECK(*run(s.db, "SELECT count(*) FROM inngest_outbox_steps")[0][0] == "0");
}

TEST_CASE("attempts at the same time do the work of a step once, at every isolation level of PostgreSQL",
          "[sql_outbox][step]") {
  if (!postgresql_world::is_there()) return;
  const shop<postgresql_world> s;
  run(s.db, "CREATE TABLE bookings (n integer)");
  for (const char* level : {"'read committed'", "'repeatable read'", "serializable"}) {
    INFO(level);
    const database_setting isolation(s.world, "default_transaction_isolation", level);
    run(s.db, "DELETE FROM bookings");
    run(s.db, "DELETE FROM inngest_outbox_steps");
    const auto f = support::quiet_client().create_function(
        {.id = "f"}, inngest::on<test_event>(), [&](inngest::context<test_event>& ctx) {
          const auto own = s.world.open();
          return ctx.step.transaction("book", own.get(), [&](auto& tx) {
            std::this_thread::sleep_for(30ms);
            tx.execute("INSERT INTO bookings (n) VALUES (1)");
            return 5;
          });
        });
    std::vector<std::string> results(4);
    at_once(4, [&](int attempt) {
      results[static_cast<std::size_t>(attempt)] = support::run_driver(f).discover().op().dump();
    });
    for (const auto& result : results) CHECK_THAT(result, ContainsSubstring("\"data\":5"));
    CHECK(*run(s.db, "SELECT count(*) FROM bookings")[0][0] == "1");
  }
}
