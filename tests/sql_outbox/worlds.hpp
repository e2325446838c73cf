#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <inngest/inngest.hpp>
#include <inngest/sql_outbox/postgresql.hpp>
#include <inngest/sql_outbox/relay.hpp>
#include <inngest/sql_outbox/sqlite.hpp>

#include "catch.hpp"
#include "sql_outbox/postgresql_server.hpp"

// The databases that the tests of the outbox run on, and a server for events.

namespace worlds {

struct order {
  int number = 0;
};
INNGEST_FIELDS(order, number)
using order_placed = inngest::event<"shop/order.placed", order>;

/// Owns a connection, and closes it.
template <class Handle, class Close>
class owned {
 public:
  explicit owned(Handle handle) : handle_(handle) {}
  owned(owned&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  ~owned() {
    if (handle_ != nullptr) Close()(handle_);
  }
  operator Handle() const { return handle_; }
  Handle get() const { return handle_; }

 private:
  Handle handle_;
};

/// A SQLite file in a folder of its own.
struct sqlite_world {
  using handle = sqlite3*;
  struct close {
    void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
  };
  using connection = owned<sqlite3*, close>;

  static bool is_there() { return true; }
  static std::string schema() { return "main"; }
  sqlite_world() {
    std::string name = (std::filesystem::temp_directory_path() / "inngest-sql-outbox-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("can't make a folder for SQLite");
    folder = name;
    const auto first = open();
    inngest::sql_driver<sqlite3*>::execute(first, {"PRAGMA journal_mode = WAL"});
  }
  ~sqlite_world() {
    std::error_code none;
    std::filesystem::remove_all(folder, none);
  }
  sqlite_world(const sqlite_world&) = delete;
  sqlite_world& operator=(const sqlite_world&) = delete;

  connection open() const {
    sqlite3* out = nullptr;
    if (sqlite3_open((folder / "shop.db").c_str(), &out) != SQLITE_OK)
      throw std::runtime_error("no database");
    sqlite3_busy_timeout(out, 120'000);  // it is not fair to those who wait, and disks may be slow
    return connection(out);
  }
  inngest::sql_connector connector() const { return inngest::sqlite_file(folder / "shop.db"); }

  std::filesystem::path folder;
};

/// An empty schema of a PostgreSQL server that all tests of the process share.
struct postgresql_world {
  using handle = PGconn*;
  struct close {
    void operator()(PGconn* database) const { PQfinish(database); }
  };
  using connection = owned<PGconn*, close>;

  static bool is_there() {
    if (support::has_postgresql()) return true;
    WARN(
        "skipped: PostgreSQL's server is not installed (Debian: postgresql); INNGEST_TEST_POSTGRESQL_BIN may "
        "name the folder of its programs");
    return false;
  }
  static std::string schema() { return "public"; }
  static support::postgresql_server& server() {
    static support::postgresql_server all({"fsync=off", "max_prepared_transactions=5"});
    return all;
  }
  postgresql_world() {
    const auto first = open();
    for (const char* statement :
         {"SET client_min_messages = warning", "DROP SCHEMA public CASCADE", "CREATE SCHEMA public"})
      inngest::sql_driver<PGconn*>::execute(first, {statement});
  }

  connection open() const {
    connection out(PQconnectdb(server().conninfo().c_str()));
    if (PQstatus(out) != CONNECTION_OK) throw std::runtime_error(PQerrorMessage(out));
    return out;
  }
  inngest::sql_connector connector() const { return inngest::postgresql(server().conninfo()); }
};

template <class Handle>
inngest::sql_rows run(const Handle& handle, const std::string& text) {
  using plain = std::remove_cvref_t<decltype(handle.get())>;
  return inngest::sql_driver<plain>::execute(handle.get(), {text});
}

/// Runs the body for each number on a thread of its own, and throws what one of them throws.
template <class Body>
void at_once(int count, Body body) {
  std::vector<std::future<void>> all;
  for (int number = 0; number < count; ++number)
    all.push_back(std::async(std::launch::async, [&body, number] { body(number); }));
  for (auto& one : all) one.wait();
  for (auto& one : all) one.get();
}

/// A transport that takes the part of the event API. It remembers what it took, in order.
class event_server final : public inngest::http::transport {
 public:
  struct taken {
    std::string id;
    int number = 0;
    std::string text;
  };
  /// Called with each request's events first: an answer other than 0 is the status.
  std::function<int(const std::vector<taken>&)> answer = [](const auto&) { return 0; };
  /// The body of other answers than 200.
  std::string refusal = R"({"error":"not this one","status":400})";

  inngest::http::response send(const inngest::http::request& request, std::chrono::milliseconds) override {
    const auto list = nlohmann::json::parse(request.body);
    std::vector<taken> events;
    nlohmann::json ids = nlohmann::json::array();
    for (const auto& event : list) {
      events.push_back({event.at("id"), event.at("data").value("number", 0), event.dump()});
      ids.push_back(event.at("id"));
    }
    const std::lock_guard lock(mutex_);
    ++requests_;
    const int status = answer(events);
    if (status == -1) throw inngest::unreachable("no server");
    if (status != 0) return {.status = status, .body = refusal};
    all_.insert(all_.end(), events.begin(), events.end());
    return {.status = 200, .body = nlohmann::json{{"ids", ids}, {"status", 200}}.dump()};
  }

  std::vector<taken> all() const {
    const std::lock_guard lock(mutex_);
    return all_;
  }
  std::vector<int> numbers() const {
    std::vector<int> out;
    for (const auto& event : all()) out.push_back(event.number);
    return out;
  }
  int requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<taken> all_;
  int requests_ = 0;
};

inline inngest::client client_of(std::shared_ptr<event_server> server) {
  return inngest::client({.id = "shop",
                          .event_key = "key",
                          .mode = inngest::mode::cloud,
                          .transport = std::move(server),
                          .log = inngest::logger([](auto, auto) {})});
}

}  // namespace worlds
