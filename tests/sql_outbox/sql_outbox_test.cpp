#include <inngest/sql_outbox.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "sql_outbox/worlds.hpp"
#include "support/eventually.hpp"
#include "support/handler_driver.hpp"

using namespace worlds;
using Catch::Matchers::ContainsSubstring;
using numbers = std::vector<int>;

namespace {

/// A world with tables, a connection, a server and a relay that is not started.
template <class World>
struct shop {
  World world;
  inngest::sql_outbox outbox;
  typename World::connection db = world.open();
  std::shared_ptr<event_server> server = std::make_shared<event_server>();
  inngest::sql_relay_options options{.backoff = std::chrono::milliseconds(1),
                                     .max_backoff = std::chrono::milliseconds(1)};

  shop() { outbox.create_tables(db.get()); }
  inngest::sql_relay relay() const { return {client_of(server), world.connector(), options}; }
  void add(int number, std::string stream = {}) const {
    outbox.add(db.get(), order_placed{{number}}, {.stream = std::move(stream)});
  }
};

}  // namespace

TEMPLATE_TEST_CASE("an event exists when its transaction commits, and never otherwise", "[sql_outbox]",
                   sqlite_world, postgresql_world) {
  if (!TestType::is_there()) return;
  const shop<TestType> s;
  auto relay = s.relay();
  run(s.db, "BEGIN");
  s.add(1);
  CHECK(relay.flush() == 0);
  run(s.db, "COMMIT");
  run(s.db, "BEGIN");
  s.add(2);
  run(s.db, "ROLLBACK");
  s.add(3);
  CHECK(relay.flush() == 2);
  CHECK(relay.flush() == 0);
  CHECK(s.server->numbers() == numbers{1, 3});
  CHECK(s.outbox.depth(s.db.get()).waiting == 0);
  CHECK(relay.status().sent == 2);
}

TEMPLATE_TEST_CASE("every attempt to send an event has the same id and time", "[sql_outbox]", sqlite_world,
                   postgresql_world) {
  if (!TestType::is_there()) return;
  const shop<TestType> s;
  std::vector<std::string> attempts;
  s.server->answer = [&](const auto& events) {
    attempts.push_back(events.front().text);
    return attempts.size() < 3 ? -1 : 0;
  };
  const std::string id = s.outbox.add(s.db.get(), order_placed{{1}});
  for (int i = 0; i < 2; ++i) {
    auto relay = s.relay();  // like a new process
    CHECK_THROWS_AS(relay.flush(), inngest::unreachable);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  CHECK(s.relay().flush() == 1);
  REQUIRE(attempts.size() == 3);
  CHECK(attempts[0] == attempts[1]);
  CHECK(attempts[1] == attempts[2]);
  CHECK(s.server->all().front().id == id);
  CHECK_THAT(attempts[0], ContainsSubstring("\"ts\":1"));

  CHECK(s.outbox.add(s.db.get(), order_placed{.data = {2}, .id = "order-2"}) == "order-2");
  CHECK(s.relay().flush() == 1);
  CHECK(s.server->all().back().id == "order-2");
}

TEMPLATE_TEST_CASE("an event keeps its sessions, and one that middleware removes counts as sent",
                   "[sql_outbox]", sqlite_world, postgresql_world) {
  if (!TestType::is_there()) return;
  const shop<TestType> s;
  s.outbox.add(s.db.get(), order_placed{.data = {1}, .meta = {.sessions = {{"chat", "c-1"}}}});
  CHECK(s.relay().flush() == 1);
  CHECK_THAT(s.server->all().front().text, ContainsSubstring(R"("meta":{"sessions":{"chat":"c-1"}})"));

  struct removing : inngest::middleware {
    void transform_send_event(std::vector<inngest::any_event>& events) override { events.clear(); }
  };
  s.add(2);
  auto options = support::quiet_options();
  options.middleware = {std::make_shared<removing>()};
  options.transport = std::make_shared<support::fake_transport>([](const inngest::http::request&) {
    FAIL_CHECK("there is nothing to send");
    return inngest::http::response{};
  });
  inngest::sql_relay relay(inngest::client(options), s.world.connector(), s.options);
  CHECK(relay.flush() == 1);
  CHECK(s.outbox.depth(s.db.get()).waiting == 0);
}

TEMPLATE_TEST_CASE("a refused event holds up its stream only, and is given up, kept and requeued",
                   "[sql_outbox]", sqlite_world, postgresql_world) {
  if (!TestType::is_there()) return;
  shop<TestType> s;
  s.options.max_attempts = 3;
  bool refuses = true;
  s.server->answer = [&](const auto& events) {
    for (const auto& event : events)
      if (refuses && event.number == 1) return 400;
    return 0;
  };
  s.add(1, "a");
  s.add(2, "a");
  s.add(3, "b");
  s.add(4);
  auto relay = s.relay();
  CHECK(support::eventually([&] {
    relay.flush();
    return relay.status().given_up == 1 && s.server->numbers().size() == 3;
  }));
  CHECK(s.server->numbers() == numbers{3, 4, 2});

  const auto dead = s.outbox.dead(s.db.get());
  REQUIRE(dead.size() == 1);
  CHECK(dead[0].attempts == 3);
  CHECK(dead[0].stream == "a");
  CHECK_THAT(dead[0].reason, ContainsSubstring("not this one"));
  CHECK_THAT(dead[0].event, ContainsSubstring("\"number\":1"));
  CHECK(s.outbox.depth(s.db.get()).dead == 1);

  refuses = false;
  CHECK(s.outbox.requeue(s.db.get(), {dead[0].number, 999}) == 1);
  CHECK(s.outbox.dead(s.db.get()).empty());
  CHECK(relay.flush() == 1);
  CHECK(s.server->all().back().id == dead[0].event_id);
}

TEMPLATE_TEST_CASE("dead events that are requeued by several at once are queued once, in their order",
                   "[sql_outbox]", sqlite_world, postgresql_world) {
  if (!TestType::is_there()) return;
  const shop<TestType> s;
  const numbers all{1, 2, 3, 4, 5};
  for (const int number : all) s.add(number, "a");
  const auto count = [&](const std::string& table) {
    return std::stoi(*run(s.db, "SELECT count(*) FROM " + table)[0][0]);
  };
  for (int round = 0; round < 20; ++round) {
    run(s.db,
        "INSERT INTO inngest_outbox_dead (event_id, stream, lane, event, added_at, attempts, reason, "
        "died_at) SELECT event_id, "
        "stream, lane, event, added_at, 1, 'no', 1 FROM inngest_outbox ORDER BY id");
    run(s.db, "DELETE FROM inngest_outbox");
    std::vector<std::int64_t> dead;
    for (const auto& event : s.outbox.dead(s.db.get())) dead.insert(dead.begin(), event.number);
    REQUIRE(dead.size() == all.size());
    std::atomic<std::size_t> requeued{0};
    at_once(3, [&](int) {
      const auto own = s.world.open();
      requeued += s.outbox.requeue(own.get(), dead);
    });
    CHECK(requeued == all.size());
    REQUIRE(count("inngest_outbox") == 5);
    REQUIRE(count("inngest_outbox_dead") == 0);
  }
  CHECK(s.relay().flush() == all.size());
  CHECK(s.server->numbers() == all);
}

TEMPLATE_TEST_CASE("an event that no server can answer lets the others pass, and is never given up",
                   "[sql_outbox]", sqlite_world, postgresql_world) {
  if (!TestType::is_there()) return;
  shop<TestType> s;
  s.options.max_backoff = std::chrono::milliseconds(100);  // longer than a slow machine needs for a batch
  s.options.max_attempts = 1;
  s.options.poll = std::chrono::milliseconds(1);
  bool fails = true;
  s.server->answer = [&](const auto& events) {
    for (const auto& event : events)
      if (fails && event.number == 7) return 500;
    return 0;
  };
  for (int number = 1; number <= 20; ++number) s.add(number, number % 2 == 0 ? "even" : "odd");
  auto relay = s.relay();
  relay.start();
  CHECK(support::eventually([&] { return s.server->numbers().size() == 13; }));  // all even ones, 1, 3 and 5
  CHECK(support::eventually([&] { return s.outbox.depth(s.db.get()).waiting == 7; }));
  CHECK(s.outbox.dead(s.db.get()).empty());
  relay.stop();
  fails = false;
  relay.start();
  CHECK(support::eventually([&] { return s.server->numbers().size() == 20; }));
  numbers odd;
  for (const int number : s.server->numbers())
    if (number % 2 == 1) odd.push_back(number);
  CHECK(odd == numbers{1, 3, 5, 7, 9, 11, 13, 15, 17, 19});
}

TEMPLATE_TEST_CASE("a page of a proxy is no judgement of an event", "[sql_outbox]", sqlite_world,
                   postgresql_world) {
  if (!TestType::is_there()) return;
  shop<TestType> s;
  s.options.max_attempts = 1;
  s.server->answer = [](const auto&) { return 404; };
  s.add(1);
  auto relay = s.relay();
  CHECK_THROWS_AS(relay.flush(), inngest::protocol_error);
  s.server->answer = [](const auto&) { return 401; };
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  CHECK_THROWS_AS(relay.flush(), inngest::unauthorized);
  CHECK(s.outbox.depth(s.db.get()).waiting == 1);
}

TEMPLATE_TEST_CASE("a relay wakes at a commit, and stops at once", "[sql_outbox]", sqlite_world,
                   postgresql_world) {
  if (!TestType::is_there()) return;
  shop<TestType> s;
  s.options.poll = std::chrono::hours(1);  // nothing but the commit wakes it
  auto relay = s.relay();
  relay.start();
  for (int number = 1; number <= 3; ++number) {
    REQUIRE(support::eventually([&] { return relay.status().is_sending; }));
    run(s.db, "BEGIN");
    s.add(number);
    std::this_thread::sleep_for(std::chrono::milliseconds(150));
    run(s.db, "COMMIT");
    CHECK(
        support::eventually([&] { return s.server->numbers().size() == static_cast<std::size_t>(number); }));
  }
  relay.stop();
  relay.start();
  s.add(4);
  CHECK(support::eventually([&] { return s.server->numbers().size() == 4; }));
}

TEMPLATE_TEST_CASE("a commit is seen at once, also when its transaction began before the relay",
                   "[sql_outbox]", sqlite_world, postgresql_world) {
  if (!TestType::is_there()) return;
  shop<TestType> s;
  s.options.poll = std::chrono::hours(1);
  run(s.db, "BEGIN");
  s.add(1);
  auto relay = s.relay();
  relay.start();
  REQUIRE(support::eventually([&] { return relay.status().is_sending; }));
  std::this_thread::sleep_for(std::chrono::milliseconds(200));  // it waits by now
  run(s.db, "COMMIT");
  CHECK(support::eventually([&] { return s.server->numbers() == numbers{1}; }));
}

TEMPLATE_TEST_CASE("an event that commits between a relay's last look and its wait is seen", "[sql_outbox]",
                   sqlite_world, postgresql_world) {
  if (!TestType::is_there()) return;
  shop<TestType> s;
  s.options.poll = std::chrono::hours(1);
  class late_event final : public inngest::sql_connection {
   public:
    late_event(std::unique_ptr<sql_connection> real, std::function<void()> add)
        : real_(std::move(real)), add_(std::move(add)) {}
    const inngest::sql_dialect& dialect() const override { return real_->dialect(); }
    inngest::sql_rows execute(const inngest::sql_statement& statement) override {
      return real_->execute(statement);
    }
    bool may_send() override { return real_->may_send(); }
    void listen(const std::string& channel) override { real_->listen(channel); }
    bool prepare_to_wait() override {
      add_();
      return real_->prepare_to_wait();
    }
    void wait(std::chrono::milliseconds at_most, const inngest::stop_token& stop) override {
      real_->wait(at_most, stop);
    }

   private:
    std::unique_ptr<sql_connection> real_;
    std::function<void()> add_;
  };
  int added = 0;
  const auto add = [&] {
    if (added++ == 0) s.add(1);
  };
  inngest::sql_relay relay(
      client_of(s.server), [&] { return std::make_unique<late_event>(s.world.connector()(), add); },
      s.options);
  relay.start();
  CHECK(support::eventually([&] { return s.server->numbers().size() == 1; }));
}

TEST_CASE("PostgreSQL's transactions notify only while a relay waits", "[sql_outbox]") {
  if (!postgresql_world::is_there()) return;
  shop<postgresql_world> s;
  s.options.poll = std::chrono::hours(1);
  const auto listener = s.world.open();
  run(listener, "LISTEN inngest_outbox");
  const auto is_notified = [&] {
    run(listener, "SELECT 1");
    bool found = false;
    while (auto* notification = PQnotifies(listener)) {
      PQfreemem(notification);
      found = true;
    }
    return found;
  };
  s.add(1);
  CHECK_FALSE(is_notified());
  auto relay = s.relay();
  relay.start();
  const auto waits = [&] {
    return *run(s.db,
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock'")[0]
                                                                                                       [0] ==
           "1";
  };
  REQUIRE(support::eventually([&] { return s.server->numbers().size() == 1 && waits(); }));
  s.outbox.add(s.db.get(), order_placed{{2}}, {.wakes = false});
  CHECK_FALSE(is_notified());
  s.add(3);
  CHECK(support::eventually(is_notified));
  CHECK(support::eventually([&] { return s.server->numbers().size() == 3 && waits(); }));
}

TEST_CASE("no wake-up of a PostgreSQL relay is lost, whatever writers and other relays do", "[sql_outbox]") {
  if (!postgresql_world::is_there()) return;
  shop<postgresql_world> s;
  s.options.poll = std::chrono::hours(1);  // nothing but wake-ups
  std::vector<std::unique_ptr<inngest::sql_relay>> relays;
  for (int i = 0; i < 2; ++i) {
    relays.push_back(
        std::make_unique<inngest::sql_relay>(client_of(s.server), s.world.connector(), s.options));
    relays.back()->start();
  }
  constexpr int writers = 4, rounds = 60;
  at_once(writers, [&s](int writer) {
    const auto db = s.world.open();
    for (int round = 0; round < rounds; ++round) {
      run(db, "BEGIN");
      s.outbox.add(db.get(), order_placed{{writer * rounds + round}});
      // long enough for relays to fall asleep meanwhile, and sometimes in between
      std::this_thread::sleep_for(std::chrono::microseconds((writer * 37 + round * 131) % 12'000));
      run(db, round % 5 == 4 ? "ROLLBACK" : "COMMIT");
      std::this_thread::sleep_for(std::chrono::microseconds((writer * 53 + round * 77) % 30'000));
    }
  });
  CHECK(support::eventually([&] { return s.server->numbers().size() == writers * rounds * 4 / 5; }));
}

TEST_CASE("the end of the relay that others rely on costs them one poll", "[sql_outbox]") {
  if (!postgresql_world::is_there()) return;
  shop<postgresql_world> s;
  s.options.poll = std::chrono::milliseconds(300);
  auto first = s.relay();
  first.start();
  const auto locks = [&] {
    return *run(s.db,
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock'")[0][0];
  };
  REQUIRE(support::eventually([&] { return locks() == "1"; }));
  auto second = s.relay();
  second.start();
  REQUIRE(support::eventually([&] { return second.status().is_connected; }));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  first.stop();
  s.add(1);
  CHECK(support::eventually([&] { return s.server->numbers().size() == 1; }));
  CHECK(support::eventually([&] { return locks() == "1"; }));
}

TEMPLATE_TEST_CASE("several relays send each event once, and each stream in order", "[sql_outbox]",
                   sqlite_world, postgresql_world) {
  if (!TestType::is_there()) return;
  shop<TestType> s;
  s.options.batch_events = 7;
  constexpr int count = 300, streams = 5;
  run(s.db, "BEGIN");
  for (int number = 0; number < count; ++number) s.add(number, "stream " + std::to_string(number % streams));
  run(s.db, "COMMIT");
  {
    std::vector<std::unique_ptr<inngest::sql_relay>> relays;
    for (int i = 0; i < 4; ++i) {
      relays.push_back(
          std::make_unique<inngest::sql_relay>(client_of(s.server), s.world.connector(), s.options));
      relays.back()->start();
    }
    CHECK(support::eventually([&] { return s.server->numbers().size() >= count; }));
    CHECK(support::eventually([&] { return s.outbox.depth(s.db.get()).waiting == 0; }));
  }
  const auto sent = s.server->numbers();
  CHECK(sent.size() == count);
  std::vector<int> last(streams, -1);
  for (const int number : sent) {
    CHECK(number > last[static_cast<std::size_t>(number % streams)]);
    last[static_cast<std::size_t>(number % streams)] = number;
  }
}

TEMPLATE_TEST_CASE("writers at the same time keep the order of their commits within a stream", "[sql_outbox]",
                   sqlite_world, postgresql_world) {
  if (!TestType::is_there()) return;
  shop<TestType> s;
  run(s.db, "CREATE TABLE counters (name text PRIMARY KEY, value integer)");
  run(s.db, "INSERT INTO counters VALUES ('a', 0)");
  auto relay = s.relay();
  relay.start();
  at_once(4, [&](int) {
    const auto db = s.world.open();
    for (int i = 0; i < 25; ++i) {
      run(db, std::is_same_v<TestType, sqlite_world> ? "BEGIN IMMEDIATE" : "BEGIN");
      // The stream's lock orders the transactions, before they look at the row.
      s.outbox.add(db.get(), order_placed{{-1}}, {.stream = "a"});
      const auto rows = run(db, "UPDATE counters SET value = value + 1 WHERE name = 'a' RETURNING value");
      s.outbox.add(db.get(), order_placed{{std::stoi(*rows[0][0])}}, {.stream = "a"});
      run(db, "COMMIT");
    }
  });
  CHECK(support::eventually([&] { return s.server->numbers().size() == 200; }));
  int last = 0;
  for (const int number : s.server->numbers()) {
    if (number < 0) continue;
    CHECK(number == last + 1);
    last = number;
  }
}

TEMPLATE_TEST_CASE("sent and dead events and steps are kept as long as the options say", "[sql_outbox]",
                   sqlite_world, postgresql_world) {
  if (!TestType::is_there()) return;
  shop<TestType> s;
  s.options.keep_sent = std::chrono::hours(1);
  s.add(1);
  CHECK(s.relay().flush() == 1);
  const auto count = [&](const char* table) {
    return *run(s.db, std::string("SELECT count(*) FROM inngest_outbox_") + table)[0][0];
  };
  CHECK(count("sent") == "1");
  run(s.db, "UPDATE inngest_outbox_sent SET sent_at = sent_at - 3600001");
  run(s.db, "INSERT INTO inngest_outbox_steps (run_id, step, name, done_at) VALUES ('r', 's', 'n', 0)");
  run(s.db, "INSERT INTO inngest_outbox_dead (event_id, event, died_at) VALUES ('e', '{}', 0)");
  s.relay().flush();
  CHECK(count("sent") == "0");
  CHECK(count("steps") == "0");
  CHECK(count("dead") == "1");  // for ever, by default
  s.options.keep_dead = std::chrono::hours(1);
  s.relay().flush();
  CHECK(count("dead") == "0");
}

TEMPLATE_TEST_CASE("a relay deletes the record of a forgotten step after a day, and keeps those of others",
                   "[sql_outbox]", sqlite_world, postgresql_world) {
  if (!TestType::is_there()) return;
  const shop<TestType> s;
  using driver = inngest::sql_driver<typename TestType::handle>;
  const auto record = [&](const char* run_id) {
    driver::execute(s.db.get(), s.outbox.record_step(driver::dialect(), run_id, "s", "book", "1"));
  };
  const auto runs = [&] {
    std::string out;
    for (const auto& row : run(s.db, "SELECT run_id FROM inngest_outbox_steps ORDER BY run_id"))
      out += *row[0] + ' ';
    return out;
  };
  for (const char* run_id : {"forgotten", "late", "other"}) record(run_id);
  for (const char* run_id : {"forgotten", "late"}) s.outbox.forget_steps(s.db.get(), run_id);
  s.relay().flush();
  CHECK(runs() == "forgotten late other ");
  run(s.db, "UPDATE inngest_outbox_steps SET done_at = done_at - 86400001 WHERE run_id <> 'late'");
  s.relay().flush();
  CHECK(runs() == "late other ");
}

TEMPLATE_TEST_CASE(
    "tables are created once, also by many processes, and those of a later version are refused",
    "[sql_outbox]", sqlite_world, postgresql_world) {
  if (!TestType::is_there()) return;
  const TestType world;
  const inngest::sql_outbox outbox("my_events");
  at_once(4, [&](int) { outbox.create_tables(world.open().get()); });
  const auto db = world.open();
  outbox.create_tables(db.get());
  outbox.add(db.get(), order_placed{{1}});
  CHECK(outbox.depth(db.get()).waiting == 1);
  CHECK(outbox.depth(db.get()).lag >= std::chrono::milliseconds(0));
  run(db, "INSERT INTO my_events_version (version) VALUES (99)");
  CHECK_THROWS_WITH(outbox.create_tables(db.get()), ContainsSubstring("update the library"));
}

TEMPLATE_TEST_CASE("the script of the migration makes the same tables", "[sql_outbox]", sqlite_world,
                   postgresql_world) {
  if (!TestType::is_there()) return;
  const TestType world;
  const auto db = world.open();
  const inngest::sql_outbox outbox;
  const auto& dialect = inngest::sql_driver<typename TestType::handle>::dialect();
  for (const auto& migration : outbox.migrations(dialect))
    for (const auto& statement : migration.statements) run(db, statement);
  outbox.create_tables(db.get());  // nothing is left to do
  outbox.add(db.get(), order_placed{{1}}, {.stream = "a"});
  CHECK(outbox.depth(db.get()).waiting == 1);
  CHECK_THAT(outbox.migrations(dialect)[0].text(), ContainsSubstring(";\n"));
}

TEMPLATE_TEST_CASE("an event of another program is a plain INSERT", "[sql_outbox]", sqlite_world,
                   postgresql_world) {
  if (!TestType::is_there()) return;
  const shop<TestType> s;
  run(s.db, R"(INSERT INTO inngest_outbox (event_id, event)
               VALUES ('from-sql', '{"name": "shop/order.placed", "data": {"number": 5}}'))");
  run(s.db, "INSERT INTO inngest_outbox (event_id, event) VALUES ('broken', 'no JSON')");
  s.relay().flush();
  REQUIRE(s.server->numbers() == numbers{5});
  CHECK(s.server->all()[0].id == "from-sql");
  CHECK_THAT(s.server->all()[0].text, ContainsSubstring("\"ts\":"));
  CHECK(support::eventually([&] {
    s.relay().flush();
    return s.outbox.dead(s.db.get()).size() == 1;
  }));
}

TEST_CASE("a statement gets the names of parameters that a library needs", "[sql_outbox]") {
  inngest::any_event event = order_placed{{1}};
  const auto statement =
      inngest::sql_outbox().insert_statement(inngest::postgresql_dialect(), event, {.stream = "a"});
  CHECK(statement.values.size() == 4);
  const auto text = statement.text_with([](std::size_t n) { return ":p" + std::to_string(n); });
  CHECK(text.find('$') == std::string::npos);
  CHECK_THAT(text, ContainsSubstring("CAST(:p4 AS text)"));
  CHECK(event.id().size() == 26);
}

TEST_CASE("names of tables and options of relays are checked", "[sql_outbox]") {
  for (const char* wrong : {"", "a b", "a;", "1a", "a.b.c", ".a", "a.", "\"a\""})
    CHECK_THROWS_AS(inngest::sql_outbox(wrong), inngest::configuration_error);
  CHECK(inngest::sql_outbox("shop.events").channel() == "shop_events");
  CHECK(inngest::sql_outbox("Shop.Events").channel() == "shop_events");  // as LISTEN reads it
  CHECK(inngest::sql_outbox(std::string(40, 'a') + '.' + std::string(40, 'b')).channel().size() < 63);
  const auto app = client_of(std::make_shared<event_server>());
  CHECK_THROWS_AS(inngest::sql_relay(app, nullptr), inngest::configuration_error);
  CHECK_THROWS_AS(inngest::sql_relay(app, inngest::sqlite_file("x"), {.batch_events = 0}),
                  inngest::configuration_error);
  CHECK_THROWS_AS(inngest::sql_relay(app, inngest::sqlite_file("x"), {.max_attempts = 0}),
                  inngest::configuration_error);
}

TEST_CASE("an event is read back from its text", "[sql_outbox]") {
  const auto event = inngest::any_event::from_text(
      R"({"v":"2","data":{"a":1},"name":"x","ts":5,"id":"i","user":{"u":1},"other":1})");
  CHECK(event.text() == R"({"name":"x","data":{"a":1},"id":"i","ts":5,"user":{"u":1},"v":"2"})");
  CHECK(event.id() == "i");
  CHECK(inngest::any_event::from_text(R"({"name":"x"})").text() == R"({"name":"x","data":{}})");
  auto with_sessions =
      inngest::any_event::from_text(R"({"name":"x","meta":{"sessions":{"a":"1"},"other":2}})");
  CHECK(with_sessions.text() == R"({"name":"x","data":{},"meta":{"sessions":{"a":"1"}}})");
  with_sessions.set_data(R"({"n":1})");
  with_sessions.set_propagated_sessions(R"({"b":"2"})");
  using inngest::json;
  CHECK(json::parse(with_sessions.text()) ==
        json::parse(
            R"({"name":"x","data":{"n":1},"meta":{"sessions":{"a":"1"},"propagated_sessions":{"b":"2"}}})"));
  const auto again = inngest::any_event::from_text(with_sessions.text());
  CHECK(json::parse(again.text()) == json::parse(with_sessions.text()));
  for (const char* meta : {"null", "{}", "{ }", "[]", "7"})
    CHECK(inngest::any_event::from_text(R"({"name":"x","meta":)" + std::string(meta) + "}").text() ==
          R"({"name":"x","data":{}})");
  CHECK_THROWS_AS(inngest::any_event::from_text(R"({"name":"inngest/x"})"), inngest::configuration_error);
  CHECK_THROWS_AS(inngest::any_event::from_text(R"({"data":{}})"), inngest::payload_error);
  CHECK_THROWS_AS(inngest::any_event::from_text(R"({"name":"x","data":3})"), inngest::payload_error);
  CHECK_THROWS_AS(inngest::any_event::from_text("[1]"), inngest::payload_error);
}
