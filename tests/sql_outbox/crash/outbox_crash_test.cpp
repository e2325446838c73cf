// The app, the relay, the engine and the database are killed at random moments: what was committed happens
// once, what was rolled back never.
#include <inngest/embedded.hpp>
#include <inngest/embedded/sqlite_store.hpp>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <inngest/adapters/httplib.hpp>

#include "catch.hpp"
#include "sql_outbox/worlds.hpp"
#include "support/eventually.hpp"
#include "support/free_port.hpp"
#include "support/http_client.hpp"

#ifdef INNGEST_TEST_OUTBOX_APP

namespace {

using namespace std::chrono_literals;
using strings = std::vector<std::string>;

/// How often processes are killed: INNGEST_OUTBOX_KILLS, for a long night.
int chosen_kills() {
  const char* chosen = std::getenv("INNGEST_OUTBOX_KILLS");
  return chosen ? std::atoi(chosen) : 10;
}

/// A process that can be killed and started again.
class worker {
 public:
  explicit worker(strings arguments) : arguments_(std::move(arguments)) { start(); }
  ~worker() { end(SIGKILL); }
  worker(worker&& other) noexcept
      : arguments_(std::move(other.arguments_)), child_(std::exchange(other.child_, 0)) {}

  void start() {
    std::vector<char*> words{const_cast<char*>(INNGEST_TEST_OUTBOX_APP)};
    for (std::string& word : arguments_) words.push_back(word.data());
    words.push_back(nullptr);
    child_ = fork();
    if (child_ != 0) return;
    execv(INNGEST_TEST_OUTBOX_APP, words.data());
    _exit(127);
  }
  int end(int signal) {
    if (child_ <= 0) return 0;
    kill(child_, signal);
    int status = 0;
    waitpid(std::exchange(child_, 0), &status, 0);
    return status;
  }

 private:
  strings arguments_;
  pid_t child_ = 0;
};

/// Stands between relay and engine, and remembers what the engine has taken, in order. It is not killed.
class witness {
 public:
  explicit witness(int engine) : engine_(engine) {
    server_.Post(R"(/e/.*)", [this](const httplib::Request& request, httplib::Response& answer) {
      support::http_client client(engine_);
      client.set_read_timeout(30);
      httplib::Headers headers;
      for (const auto& [name, value] : request.headers)
        if (name == "x-inngest-event-id-seed") headers.emplace(name, value);
      const auto taken = client.Post(request.path.c_str(), headers, request.body, "application/json");
      if (!taken || taken->status != 200) {
        answer.status = taken ? taken->status : 503;
        return;
      }
      note(request.body);
      answer.set_content(taken->body, "application/json");
    });
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::sleep_for(1ms);  // stop() works only once it is running
  }
  ~witness() {
    server_.stop();
    thread_.join();
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

  /// For each id, the event when it was first taken, in that order.
  struct seen {
    std::string id, name, token;
    int number = 0;
  };
  std::vector<seen> first_ones() const {
    const std::lock_guard lock(mutex_);
    return first_;
  }
  int repeats() const {
    const std::lock_guard lock(mutex_);
    return repeats_;
  }

 private:
  void note(const std::string& body) {
    const std::lock_guard lock(mutex_);
    for (const auto& event : nlohmann::json::parse(body)) {
      const auto& data = event.at("data");
      if (ids_.insert(event.at("id")).second)
        first_.push_back({event.at("id"), event.at("name"), data.at("token"), data.at("number")});
      else
        ++repeats_;
    }
  }

  const int engine_;
  httplib::Server server_;
  int port_ = 0;
  mutable std::mutex mutex_;
  std::set<std::string> ids_;
  std::vector<seen> first_;
  int repeats_ = 0;
  std::thread thread_;
};

template <class World>
int number_of(const typename World::connection& db, const std::string& query) {
  return std::stoi(*worlds::run(db, query)[0][0]);
}

template <class World>
std::string address(const World& world) {
  if constexpr (std::is_same_v<World, worlds::sqlite_world>)
    return "sqlite:" + (world.folder / "shop.db").string();
  else
    return "postgresql:" + World::server().conninfo();
}

template <class World>
void make_tables(const World& world) {
  constexpr bool is_sqlite = std::is_same_v<World, worlds::sqlite_world>;
  const std::string id = is_sqlite ? "id INTEGER PRIMARY KEY" : "id serial PRIMARY KEY";
  const auto db = world.open();
  inngest::sql_outbox().create_tables(db.get());
  for (const std::string& statement :
       strings{"CREATE TABLE streams (number integer)", "INSERT INTO streams VALUES (0)",
               "CREATE TABLE totals (booked integer)", "INSERT INTO totals VALUES (0)",
               "CREATE TABLE orders (token text, number integer)",
               "CREATE TABLE bookings (" + id + ", token text)", "CREATE TABLE confirmations (token text)"})
    worlds::run(db, statement);
}

struct summary {
  std::map<std::string, int> kills;
  int orders = 0;
  int repeats = 0;
};

template <class World>
summary check_kills(int kills) {
  const World world;
  constexpr bool is_sqlite = std::is_same_v<World, worlds::sqlite_world>;
  make_tables(world);
  const worlds::sqlite_world engine_folder;
  const std::string store = (engine_folder.folder / "engine.db").string();
  const int port = support::free_port();
  const witness between(port);
  const std::string database = address(world);

  std::vector<std::pair<std::string, worker>> all;
  for (int i = 0; i < 2; ++i) all.emplace_back("app", worker({database, "write"}));
  for (int i = 0; i < 2; ++i) all.emplace_back("relay", worker({database, "relay", between.url()}));
  all.emplace_back("engine", worker({database, "host", std::to_string(port), store}));

  std::mt19937 random(std::random_device{}());
  const auto any = [&](int from, int to) { return std::uniform_int_distribution(from, to)(random); };
  summary out;
  for (int i = 0; i < kills; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(any(10, 250)));
    const auto victim = static_cast<std::size_t>(any(0, static_cast<int>(all.size()) - (is_sqlite ? 1 : 0)));
    if (victim == all.size()) {
      if constexpr (!is_sqlite) {
        World::server().stop(SIGKILL);
        World::server().start();
      }
      ++out.kills["database"];
      continue;
    }
    all[victim].second.end(SIGKILL);
    std::this_thread::sleep_for(std::chrono::milliseconds(any(0, 50)));
    all[victim].second.start();
    ++out.kills[all[victim].first];
  }
  std::this_thread::sleep_for(500ms);
  const auto db = world.open();
  REQUIRE(support::eventually([&] { return number_of<World>(db, "SELECT count(*) FROM orders") > 0; }));
  for (auto& [name, process] : all)
    if (name == "app") process.end(SIGKILL);

  // Nothing is killed any more: what is left gets done.
  out.orders = number_of<World>(db, "SELECT count(*) FROM orders");
  const auto end = std::chrono::steady_clock::now() + 10min;  // less than the watchdog's limit
  while (number_of<World>(db, "SELECT count(*) FROM confirmations") < out.orders ||
         number_of<World>(db, "SELECT count(*) FROM inngest_outbox") > 0) {
    REQUIRE(std::chrono::steady_clock::now() < end);
    std::this_thread::sleep_for(50ms);
  }
  const int status = all.back().second.end(SIGTERM);
  CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 0));
  all.clear();
  out.repeats = between.repeats();

  // every committed event was sent, none of a rolled-back transaction, and a stream in order
  std::set<std::string> orders;
  for (const auto& row : worlds::run(db, "SELECT token FROM orders")) orders.insert(*row[0]);
  REQUIRE(orders.size() == static_cast<std::size_t>(out.orders));
  std::set<std::string> placed, booked;
  int last = 0;
  for (const auto& event : between.first_ones()) {
    CHECK(orders.contains(event.token));
    if (event.name == "crash/order.booked") {
      CHECK(booked.insert(event.token).second);
      continue;
    }
    CHECK(placed.insert(event.token).second);
    CHECK(event.number == last + 1);
    last = event.number;
  }
  CHECK(placed == orders);
  CHECK(booked == orders);

  // each transactional step has happened once
  CHECK(number_of<World>(db, "SELECT count(*) FROM bookings") == out.orders);
  CHECK(number_of<World>(db, "SELECT count(DISTINCT token) FROM bookings") == out.orders);
  CHECK(number_of<World>(db, "SELECT booked FROM totals") == out.orders);
  CHECK(number_of<World>(db, "SELECT count(*) FROM confirmations") == out.orders);
  CHECK(number_of<World>(db, "SELECT count(*) FROM inngest_outbox_dead") == 0);

  // each function ran once for each event, and has seen what the step has written
  const inngest::embedded::sqlite_store kept({.path = store});
  std::map<std::string, std::multiset<std::string>> outputs;
  for (const auto& each : kept.runs()) {
    REQUIRE(each.status == inngest::embedded::run_status::completed);
    outputs[each.function_id].insert(each.output<std::string>());
  }
  std::multiset<std::string> rows;
  for (const auto& row : worlds::run(db, "SELECT token, id FROM bookings"))
    rows.insert(*row[0] + " " + *row[1]);
  CHECK(outputs["book"] == rows);
  CHECK(outputs["confirm"] == std::multiset<std::string>(orders.begin(), orders.end()));
  return out;
}

void report(const char* database, int kills, const summary& found) {
  if (kills < 100) return;
  std::cout << database << ": " << kills << " kills (";
  for (const auto& [name, count] : found.kills) std::cout << name << " " << count << " ";
  std::cout << "), " << found.orders << " orders, " << found.repeats << " repeated sends\n";
}

}  // namespace

TEST_CASE("with SQLite, kills of the app, the relay and the engine lose and repeat nothing",
          "[sql_outbox][crash]") {
  report("SQLite", chosen_kills(), check_kills<worlds::sqlite_world>(chosen_kills()));
}

TEST_CASE("with PostgreSQL, kills of the app, the relay, the engine and the database lose and repeat nothing",
          "[sql_outbox][crash]") {
  if (!worlds::postgresql_world::is_there()) return;
  report("PostgreSQL", chosen_kills(), check_kills<worlds::postgresql_world>(chosen_kills()));
}

#endif
