#include <inngest/sql_outbox/pqxx.hpp>

#include <string>

#include "catch.hpp"
#include "sql_outbox/worlds.hpp"
#include "support/handler_driver.hpp"

using namespace worlds;
using support::run_driver;

namespace pqxx_tests {
using test_event = inngest::event<"test/event">;
}

TEST_CASE("an event commits with a transaction of libpqxx", "[sql_outbox][pqxx]") {
  if (!postgresql_world::is_there()) return;
  const postgresql_world world;
  const inngest::sql_outbox outbox;
  outbox.create_tables(world.open().get());
  pqxx::connection connection(world.server().conninfo());
  {
    pqxx::work tx(connection);
    outbox.add(tx, order_placed{{1}}, {.stream = "a"});
    tx.commit();
  }
  {
    pqxx::work tx(connection);
    outbox.add(tx, order_placed{{2}});
    tx.abort();
  }
  const auto server = std::make_shared<event_server>();
  inngest::sql_relay relay(client_of(server), world.connector());
  CHECK(relay.flush() == 1);
  CHECK(server->numbers() == std::vector<int>{1});
  pqxx::work tx(connection);
  CHECK(outbox.depth(tx).waiting == 0);
  CHECK_THROWS_AS(inngest::sql_outbox("no_such_table").depth(tx), inngest::sql_error);
}

TEST_CASE("a conflict of libpqxx in a body or at its commit is repeated at once",
          "[sql_outbox][pqxx][step]") {
  if (!postgresql_world::is_there()) return;
  const postgresql_world world;
  const auto other = world.open();
  inngest::sql_outbox().create_tables(other.get());
  run(other, "SET default_transaction_isolation = 'serializable'");
  run(other, "CREATE TABLE bookings (n integer)");
  run(other, "INSERT INTO bookings VALUES (1)");
  pqxx::connection connection(world.server().conninfo());
  pqxx::nontransaction(connection).exec("SET default_transaction_isolation = 'serializable'");
  int bodies = 0;
  std::string others, own;
  SECTION("in the body") {
    others = "UPDATE bookings SET n = 2";
    own = "UPDATE bookings SET n = n + 10";
  }
  SECTION("at the commit") {  // each has read what the other one writes
    others = "INSERT INTO bookings SELECT count(*) FROM bookings";
    own = "INSERT INTO bookings SELECT 100";
  }
  const auto f = support::quiet_client().create_function(
      {.id = "f"}, inngest::on<pqxx_tests::test_event>(), [&](inngest::context<pqxx_tests::test_event>& ctx) {
        ctx.step.transaction("book", connection, [&](pqxx::work& tx) {
          tx.exec("SELECT n FROM bookings");
          if (++bodies == 1) run(other, others);
          tx.exec(own);
        });
      });
  CHECK(run_driver(f).discover().op().at("op") == "StepRun");
  CHECK(bodies == 2);
}

TEST_CASE("a step's transaction on a connection of libpqxx is a pqxx::work", "[sql_outbox][pqxx][step]") {
  if (!postgresql_world::is_there()) return;
  const postgresql_world world;
  const auto db = world.open();
  const inngest::sql_outbox outbox;
  outbox.create_tables(db.get());
  run(db, "CREATE TABLE bookings (n integer)");
  pqxx::connection connection(world.server().conninfo());
  const auto f = support::quiet_client().create_function(
      {.id = "f"}, inngest::on<pqxx_tests::test_event>(), [&](inngest::context<pqxx_tests::test_event>& ctx) {
        return ctx.step.transaction("book", connection, [&](pqxx::work& tx) {
          tx.exec("INSERT INTO bookings (n) VALUES (5)");
          outbox.add(tx, order_placed{{5}});
          return tx.exec("SELECT count(*) FROM bookings")[0][0].as<int>();
        });
      });
  CHECK(run_driver(f).discover().op().at("data") == 1);
  CHECK(run_driver(f).discover().op().at("data") == 1);
  CHECK(*run(db, "SELECT count(*) FROM bookings")[0][0] == "1");
  CHECK(*run(db, "SELECT count(*) FROM inngest_outbox")[0][0] == "1");
}
