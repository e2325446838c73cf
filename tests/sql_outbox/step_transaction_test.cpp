#include <inngest/sql_outbox/transaction.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <regex>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include <inngest/embedded.hpp>
#include <inngest/testing.hpp>

#include "catch.hpp"
#include "sql_outbox/worlds.hpp"
#include "support/eventually.hpp"
#include "support/handler_driver.hpp"

using namespace worlds;
using Catch::Matchers::ContainsSubstring;
using support::quiet_client;
using support::run_driver;

namespace transaction_tests {

struct receipt {
  int row = 0;
  std::string note;
};
INNGEST_FIELDS(receipt, row, note)
using test_event = inngest::event<"test/event">;

}  // namespace transaction_tests

using transaction_tests::receipt;
using transaction_tests::test_event;

namespace {

/// A database with a table to write to.
template <class World>
struct books {
  World world;
  inngest::sql_outbox outbox;
  typename World::connection db = world.open();
  books() {
    outbox.create_tables(db.get());
    run(db, "CREATE TABLE bookings (n integer)");
  }
  int count(const std::string& table = "bookings") const {
    return std::stoi(*run(db, "SELECT count(*) FROM " + table)[0][0]);
  }
  template <class Handler>
  auto function(Handler handler) const {
    return quiet_client().create_function({.id = "f"}, inngest::on<test_event>(), std::move(handler));
  }
};

}  // namespace

TEMPLATE_TEST_CASE(
    "an event that a handler adds to an outbox inherits the run's sessions, like one that it sends",
    "[sql_outbox][sessions]", sqlite_world, postgresql_world) {
  if (!TestType::is_there()) return;
  const books<TestType> b;
  auto options = support::quiet_options();
  const bool passes_on = GENERATE(true, false);
  options.session_propagation = passes_on;
  const auto f = inngest::client(options).create_function(
      {.id = "f"}, inngest::on<test_event>(), [&](inngest::context<test_event>& ctx) {
        b.outbox.add(b.db.get(), order_placed{{1}});
        std::thread([&] { b.outbox.add(b.db.get(), order_placed{{2}}); }).join();  // of no run
        inngest::any_event repeated(order_placed{{3}});
        const auto& dialect = inngest::sql_driver<std::remove_cvref_t<decltype(b.db.get())>>::dialect();
        const auto first = b.outbox.insert_statement(dialect, repeated);
        CHECK(b.outbox.insert_statement(dialect, repeated).values == first.values);
        ctx.step.transaction("book", b.db.get(), [&](auto& tx) {
          b.outbox.add(tx, order_placed{.data = {4}, .meta = {.sessions = {{"own", "o"}}}});
        });
      });
  support::call body;
  body.event["meta"] = {{"sessions", {{"user", "u1"}}}};
  const inngest::handler handler(inngest::client(options), {f});
  CHECK(handler(support::post("app-f", body.text())).status == 206);
  b.outbox.add(b.db.get(), order_placed{{5}});
  const std::string inherited = passes_on ? R"("propagated_sessions":{"user":"u1"})" : "";
  std::vector<std::string> metas;
  for (const auto& row : run(b.db, "SELECT event FROM inngest_outbox ORDER BY id"))
    metas.push_back(inngest::json::parse(*row[0]).value("meta", inngest::json()).dump());
  const std::string own = R"("sessions":{"own":"o"})";
  CHECK(metas == std::vector<std::string>{passes_on ? "{" + inherited + "}" : "null", "null",
                                          "{" + (passes_on ? inherited + "," : "") + own + "}", "null"});
}

TEMPLATE_TEST_CASE("a step's transaction happens once, also when its result was never reported",
                   "[sql_outbox][step]", sqlite_world, postgresql_world) {
  if (!TestType::is_there()) return;
  const books<TestType> b;
  int bodies = 0;
  const auto f = b.function([&](inngest::context<test_event>& ctx) {
    return ctx.step.transaction("book", b.db.get(), [&](auto& tx) {
      ++bodies;
      tx.execute("INSERT INTO bookings (n) VALUES ($1)", 7);
      b.outbox.add(tx, order_placed{{7}});
      return receipt{bodies, "first"};
    });
  });
  const auto first = run_driver(f).discover().op();
  const auto again = run_driver(f).discover().op();  // the server has not heard of the first attempt
  CHECK(first.at("data") == nlohmann::json{{"row", 1}, {"note", "first"}});
  CHECK(again.at("data") == first.at("data"));
  CHECK(bodies == 1);
  CHECK(b.count() == 1);
  CHECK(b.count("inngest_outbox") == 1);
  CHECK(run_driver(f).finish().result.at("row") == 1);
}

TEMPLATE_TEST_CASE("a step's transaction takes a const pointer to a database", "[sql_outbox][step]",
                   sqlite_world, postgresql_world) {
  if (!TestType::is_there()) return;
  const books<TestType> b;
  const auto pointer = b.db.get();
  const auto f = b.function([&, pointer](inngest::context<test_event>& ctx) {
    ctx.step.transaction("book", pointer,
                         [](auto& tx) { tx.execute("INSERT INTO bookings (n) VALUES (1)"); });
  });
  run_driver(f).discover();
  CHECK(b.count() == 1);
}

TEMPLATE_TEST_CASE("a late attempt of a run whose results were forgotten does not run the body again",
                   "[sql_outbox][step]", sqlite_world, postgresql_world) {
  if (!TestType::is_there()) return;
  const books<TestType> b;
  const auto f = b.function([&](inngest::context<test_event>& ctx) {
    ctx.step.transaction("book", b.db.get(),
                         [](auto& tx) { tx.execute("INSERT INTO bookings (n) VALUES ($1)", 7); });
  });
  run_driver(f).discover();
  b.outbox.forget_steps(b.db.get(), "01RUN");

  const auto late = run_driver(f).discover().op();
  CHECK_THAT(late.at("error").at("message").template get<std::string>(),
             ContainsSubstring("step \"book\" has run already"));
  CHECK(b.count() == 1);

  run(b.db, "UPDATE inngest_outbox_steps SET done_at = done_at - 86400001");
  b.outbox.forget_steps(b.db.get(), "01OTHER");  // leaves the rows of other runs to the relay
  CHECK(b.count("inngest_outbox_steps") == 1);
}

TEMPLATE_TEST_CASE("a step's transaction is rolled back when its body throws, and repeated",
                   "[sql_outbox][step]", sqlite_world, postgresql_world) {
  if (!TestType::is_there()) return;
  const books<TestType> b;
  int bodies = 0;
  const auto f = b.function([&](inngest::context<test_event>& ctx) {
    ctx.step.transaction({.id = "book", .name = "Book it"}, b.db.get(), [&](auto& tx) {
      tx.execute("INSERT INTO bookings (n) VALUES ($1)", ++bodies);
      b.outbox.add(tx, order_placed{{bodies}});
      if (bodies < 3) throw std::runtime_error("not yet");
    });
    return bodies;
  });
  const auto end = run_driver(f).finish();
  CHECK(end.status == 200);
  CHECK(bodies == 3);
  CHECK(b.count() == 1);
  CHECK(b.count("inngest_outbox") == 1);
  CHECK(*run(b.db, "SELECT name FROM inngest_outbox_steps")[0][0] == "book");
}

TEMPLATE_TEST_CASE("attempts at the same time do the work of a step once", "[sql_outbox][step]", sqlite_world,
                   postgresql_world) {
  if (!TestType::is_there()) return;
  const books<TestType> b;
  std::atomic<int> bodies = 0;
  const auto f = b.function([&](inngest::context<test_event>& ctx) {
    const auto own = b.world.open();
    return ctx.step.transaction("book", own.get(), [&](auto& tx) {
      const int body = ++bodies;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      tx.execute("INSERT INTO bookings (n) VALUES ($1)", body);
      return body;
    });
  });
  std::vector<int> results(4);
  at_once(4, [&](int attempt) {
    results[static_cast<std::size_t>(attempt)] = run_driver(f).discover().op().at("data").template get<int>();
  });
  CHECK(bodies == 1);
  CHECK(b.count() == 1);
  CHECK(results == std::vector<int>{1, 1, 1, 1});
}

TEMPLATE_TEST_CASE("steps in transactions run on the engine and in the harness", "[sql_outbox][step]",
                   sqlite_world, postgresql_world) {
  if (!TestType::is_there()) return;
  const books<TestType> b;
  const auto app = quiet_client();
  const auto f =
      app.create_function({.id = "f"}, inngest::on<order_placed>(), [&](inngest::context<order_placed>& ctx) {
        const auto own = b.world.open();
        int sum = 0;
        for (int i = 0; i < 2; ++i) {  // the same id twice: two steps
          sum += ctx.step.transaction("book", own.get(), [&](auto& tx, inngest::stop_token) {
            tx.execute("INSERT INTO bookings (n) VALUES ($1)", ctx.event.data.number);
            return ctx.event.data.number + i;
          });
        }
        return sum;
      });
  {
    inngest::embedded::engine engine(app, {f});
    const auto id = engine.send(order_placed{{10}}).ids.front();
    const auto ended = engine.wait_for(engine.runs_of(id).front().id, std::chrono::minutes(1));
    CHECK(ended.template output<int>() == 21);
  }
  CHECK(b.count() == 2);
  inngest::testing::harness t(app, {f});
  CHECK(t.send(order_placed{{20}}).template output<int>() == 41);
  CHECK(b.count() == 4);
}

TEMPLATE_TEST_CASE("an event that a step's transaction adds is sent by a relay to the same engine",
                   "[sql_outbox][step]", sqlite_world, postgresql_world) {
  if (!TestType::is_there()) return;
  const books<TestType> b;
  const auto app = quiet_client();
  std::atomic<int> confirmed = 0;
  const auto book =
      app.create_function({.id = "book"}, inngest::on<test_event>(), [&](inngest::context<test_event>& ctx) {
        const auto own = b.world.open();
        ctx.step.transaction("book", own.get(), [&](auto& tx) { b.outbox.add(tx, order_placed{{3}}); });
      });
  const auto confirm = app.create_function(
      {.id = "confirm"}, inngest::on<order_placed>(), [&](inngest::context<order_placed>& ctx) {
        ctx.step.run("count", [&] { confirmed += ctx.event.data.number; });
      });
  inngest::embedded::engine engine(app, {book, confirm});
  inngest::sql_relay relay(app, b.world.connector());
  relay.start();
  engine.send(test_event{});
  CHECK(support::eventually([&] { return confirmed == 3; }));
}

TEMPLATE_TEST_CASE("a step's transaction refuses a database with an open transaction", "[sql_outbox][step]",
                   sqlite_world, postgresql_world) {
  if (!TestType::is_there()) return;
  const books<TestType> b;
  const auto f = b.function(
      [&](inngest::context<test_event>& ctx) { ctx.step.transaction("book", b.db.get(), [](auto&) {}); });
  run(b.db, "BEGIN");
  CHECK_THAT(run_driver(f).discover().text, ContainsSubstring("with an open transaction"));
  run(b.db, "ROLLBACK");
  CHECK(run_driver(f).finish().status == 200);
}

TEST_CASE("a statement that failed in a PostgreSQL transaction is no success of the step",
          "[sql_outbox][step]") {
  if (!postgresql_world::is_there()) return;
  const books<postgresql_world> b;
  const auto f = b.function([&](inngest::context<test_event>& ctx) {
    ctx.step.transaction("book", b.db.get(), [](auto& tx) {
      tx.execute("INSERT INTO bookings (n) VALUES (1)");
      PQclear(PQexec(tx, "INSERT INTO no_such_table VALUES (1)"));  // and nobody looks at the result
    });
  });
  CHECK_THAT(run_driver(f).discover().text, ContainsSubstring("transaction"));
  CHECK(b.count() == 0);
}

TEST_CASE("a conflict of PostgreSQL transactions is repeated at once", "[sql_outbox][step]") {
  if (!postgresql_world::is_there()) return;
  const books<postgresql_world> b;
  run(b.db, "SET default_transaction_isolation = 'serializable'");
  run(b.db, "INSERT INTO bookings VALUES (1)");
  const auto other = b.world.open();
  int bodies = 0;
  const auto f = b.function([&](inngest::context<test_event>& ctx) {
    ctx.step.transaction("book", b.db.get(), [&](auto& tx) {
      tx.execute("SELECT n FROM bookings");
      if (++bodies == 1) run(other, "UPDATE bookings SET n = 2");
      tx.execute("UPDATE bookings SET n = n + 10");
    });
  });
  CHECK(run_driver(f).discover().op().at("op") == "StepRun");
  CHECK(bodies == 2);
  CHECK(*run(b.db, "SELECT n FROM bookings")[0][0] == "12");
}

TEST_CASE("a step's idempotency key is the same in every attempt, and another in every step and run",
          "[step]") {
  std::vector<std::string> keys;
  const auto f = quiet_client().create_function(
      {.id = "f"}, inngest::on<test_event>(), [&](inngest::context<test_event>& ctx) {
        for (const char* id : {"a", "b", "b"})
          ctx.step.run(std::string(id), [&] { keys.push_back(ctx.step.idempotency_key()); });
      });
  CHECK(run_driver(f).finish().status == 200);
  CHECK(run_driver(f).finish().status == 200);
  REQUIRE(keys.size() == 6);
  CHECK(keys[0] != keys[1]);
  CHECK(keys[1] != keys[2]);
  for (std::size_t i = 0; i < 3; ++i) CHECK(keys[i] == keys[i + 3]);
  CHECK(std::regex_match(keys[0],
                         std::regex("[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")));
  // Keys are stored by other services: this one must never change.
  CHECK(keys[0] == "4f95af57-9cc4-825c-99f2-3ded8a97c204");

  const auto outside = quiet_client().create_function(
      {.id = "f"}, inngest::on<test_event>(),
      [&](inngest::context<test_event>& ctx) { return ctx.step.idempotency_key(); });
  CHECK_THAT(run_driver(outside).discover().text, ContainsSubstring("outside a step"));
}
