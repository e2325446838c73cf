// Measures an outbox: outbox_benchmark <database> <what> <writers> <count>. See outbox.sh.
//
//   rows     transactions with one row
//   events   transactions with one row and one event
//   relay    sends `count` events that wait already
//   latency  from a commit to the function that the event starts, on a quiet database
//
// <database> is "sqlite:FILE" or "postgresql:CONNINFO".

#include <inngest/embedded.hpp>
#include <inngest/inngest.hpp>
#include <inngest/sql_outbox/postgresql.hpp>
#include <inngest/sql_outbox/relay.hpp>
#include <inngest/sql_outbox/sqlite.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

namespace {

struct order {
  int number = 0;
  std::string customer = "someone@example.com", note = "please ring twice, and leave it at the door";
};
INNGEST_FIELDS(order, number, customer, note)
using order_placed = inngest::event<"shop/order.placed", order>;

const inngest::sql_outbox outbox;

struct sqlite {
  using handle = sqlite3*;
  static handle open(const std::string& file) {
    handle out = nullptr;
    sqlite3_open(file.c_str(), &out);
    sqlite3_busy_timeout(out, 60'000);
    sqlite3_exec(out, "PRAGMA journal_mode = WAL", nullptr, nullptr, nullptr);
    return out;
  }
  static void close(handle database) { sqlite3_close_v2(database); }
  static constexpr const char* begin = "BEGIN IMMEDIATE";
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
  static constexpr const char* begin = "BEGIN";
  static inngest::sql_connector connector(const std::string& conninfo) {
    return inngest::postgresql(conninfo);
  }
};

/// A server that takes everything.
class taker final : public inngest::http::transport {
 public:
  inngest::http::response send(const inngest::http::request& request, std::chrono::milliseconds) override {
    std::string ids = "{\"status\":200,\"ids\":[";
    bool first = true;
    for (std::size_t at = 0; (at = request.body.find("{\"name\":", at)) != std::string::npos;
         ++at, first = false)
      ids += first ? "\"i\"" : ",\"i\"";
    return {.status = 200, .body = ids + "]}"};
  }
};

template <class Database>
void write(const std::string& where, int count, bool with_event) {
  const auto db = Database::open(where);
  const auto run = [&](std::string text, std::vector<inngest::sql_value> values = {}) {
    inngest::sql_driver<typename Database::handle>::execute(db, {std::move(text), std::move(values)});
  };
  for (int number = 0; number < count; ++number) {
    run(Database::begin);
    run("INSERT INTO orders (number, customer, note) SELECT CAST($1 AS integer), CAST($2 AS text), CAST($3 "
        "AS text)",
        {std::int64_t{number}, std::string(order().customer), std::string(order().note)});
    if (with_event) outbox.add(db, order_placed{{.number = number}});
    run("COMMIT");
  }
  Database::close(db);
}

double seconds_since(steady::time_point begin) {
  return std::chrono::duration<double>(steady::now() - begin).count();
}

template <class Database>
void measure(const std::string& where, const std::string& what, int writers, int count) {
  const auto db = Database::open(where);
  const auto run = [&](const char* text) {
    inngest::sql_driver<typename Database::handle>::execute(db, {text});
  };
  outbox.create_tables(db);
  run("CREATE TABLE IF NOT EXISTS orders (number integer, customer text, note text)");
  run("DELETE FROM inngest_outbox");
  if (what == "rows" || what == "events") {
    const auto begin = steady::now();
    std::vector<std::thread> all;
    for (int i = 0; i < writers; ++i)
      all.emplace_back([&] { write<Database>(where, count / writers, what == "events"); });
    for (auto& one : all) one.join();
    std::printf("per_second %.0f\n", count / seconds_since(begin));
    return;
  }
  const inngest::logger quiet([](auto, auto) {});
  if (what == "relay") {
    run(Database::begin);
    for (int number = 0; number < count; ++number) outbox.add(db, order_placed{{.number = number}});
    run("COMMIT");
    const inngest::client app(
        {.id = "bench", .mode = inngest::mode::dev, .transport = std::make_shared<taker>(), .log = quiet});
    inngest::sql_relay relay(app, Database::connector(where));
    const auto begin = steady::now();
    if (relay.flush() != static_cast<std::size_t>(count)) throw std::runtime_error("not all were sent");
    std::printf("per_second %.0f\n", count / seconds_since(begin));
    return;
  }
  std::atomic<steady::rep> started = 0;
  const inngest::client app({.id = "bench", .mode = inngest::mode::dev, .log = quiet});
  const auto f = app.create_function(
      {.id = "f"}, inngest::on<order_placed>(),
      [&](inngest::context<order_placed>&) { started = steady::now().time_since_epoch().count(); });
  inngest::embedded::engine engine(app, {f});
  inngest::sql_relay relay(app, Database::connector(where));
  relay.start();
  std::this_thread::sleep_for(500ms);
  std::vector<double> times;
  for (int number = 0; number < count; ++number) {
    started = 0;
    write<Database>(where, 1, true);
    const auto committed = steady::now();
    while (started == 0) std::this_thread::sleep_for(50us);
    const auto end = steady::time_point(steady::duration(started.load()));
    times.push_back(std::chrono::duration<double, std::milli>(end - committed).count());
    std::this_thread::sleep_for(20ms);
  }
  std::sort(times.begin(), times.end());
  std::printf("median_ms %.1f\np99_ms %.1f\n", std::max(times[times.size() / 2], 0.0),
              times[times.size() * 99 / 100]);
}

}  // namespace

int main(int count, char** arguments) try {
  if (count != 5) return 2;
  const std::string database = arguments[1];
  const std::string where = database.substr(database.find(':') + 1);
  (database.starts_with("sqlite:") ? measure<sqlite> : measure<postgresql>)(where, arguments[2],
                                                                            std::atoi(arguments[3]),
                                                                            std::atoi(arguments[4]));
} catch (const std::exception& problem) {
  std::fprintf(stderr, "%s\n", problem.what());
  return 1;
}
