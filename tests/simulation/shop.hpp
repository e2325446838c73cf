#pragma once

#include <inngest/inngest.hpp>
#include <inngest/sql_outbox/relay.hpp>
#include <inngest/sql_outbox/sqlite.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "chance.hpp"
#include "checks.hpp"
#include "functions.hpp"
#include "network.hpp"
#include "process.hpp"

// Another program of a simulated world: it adds events in transactions of its own database, and a relay sends
// them to the engine. SQL, relay and client are the real ones; the database is in memory, and its clock is
// the world's.

namespace simulated {

/// The database of a shop.
class shop_database {
 public:
  /// `now` is the time in milliseconds since 1970.
  explicit shop_database(std::function<std::int64_t()> now) : now_(std::move(now)) {
    sqlite3* raw = nullptr;
    sqlite3_open(":memory:", &raw);
    handle_.reset(raw);
    sqlite3_create_function(raw, "julianday", 1, SQLITE_UTF8, this, &julianday, nullptr, nullptr);
  }
  sqlite3* get() const { return handle_.get(); }
  inngest::sql_rows run(const std::string& text) const {
    return inngest::sql_driver<sqlite3*>::execute(get(), {text});
  }

 private:
  static void julianday(sqlite3_context* context, int, sqlite3_value**) {
    const auto& self = *static_cast<const shop_database*>(sqlite3_user_data(context));
    sqlite3_result_double(context, 2440587.5 + static_cast<double>(self.now_()) / 86'400'000);
  }

  std::function<std::int64_t()> now_;
  std::unique_ptr<sqlite3, inngest::detail::sqlite_outbox_closer> handle_;
};

/// When a relay ends: at a statement, before or after the database has done it.
struct relay_end {
  std::optional<std::size_t> at{};
  bool is_done = false;
};

/// A relay's connection. It breaks where the relay is to end; what it did not commit is gone.
class shop_connection final : public inngest::sql_connection {
 public:
  shop_connection(const shop_database& database, relay_end& end) : database_(database), end_(end) {}
  const inngest::sql_dialect& dialect() const override { return inngest::sqlite_dialect(); }
  inngest::sql_rows execute(const inngest::sql_statement& statement) override {
    const bool ends = end_.at && (*end_.at)-- == 0;
    if (ends && !end_.is_done) break_off();
    auto rows = inngest::sql_driver<sqlite3*>::execute(database_.get(), statement);
    if (ends) break_off();
    return rows;
  }

 private:
  [[noreturn]] void break_off() {
    end_ = {};
    if (sqlite3_get_autocommit(database_.get()) == 0) database_.run("ROLLBACK");
    throw inngest::sql_error("the relay is killed", inngest::sql_error::kind::connection);
  }

  const shop_database& database_;
  relay_end& end_;
};

/// What the shop has committed, and what an engine may therefore take.
class shop_ledger {
 public:
  void commit(const std::string& id, const std::string& stream) {
    committed_.emplace(id, stream);
    if (!stream.empty()) streams_[stream].push_back(id);
  }

  /// Events that nobody accepts: they are given up in the end.
  static bool is_refused(const std::string& id) { return id.ends_with("3"); }

  void sent(const std::string& id) const {
    if (!committed_.contains(id))
      throw violation("event " + id + " is sent, and its transaction was rolled back");
  }
  /// `is_given_up` tells of an event that is refused whether it waits no more.
  void taken(const std::string& id, const std::function<bool(const std::string&)>& is_given_up) {
    if (!taken_.insert(id).second) return;  // again
    const std::string& stream = committed_.at(id);
    if (stream.empty()) return;
    for (const std::string& earlier : streams_[stream]) {
      if (earlier == id) return;
      if (is_refused(earlier) ? !is_given_up(earlier) : !taken_.contains(earlier))
        throw violation("event " + id + " of the stream " + stream + " is taken before " + earlier);
    }
  }
  void at_rest(const std::vector<inngest::outbox_event>& dead) const {
    std::set<std::string> given_up;
    for (const auto& event : dead) given_up.insert(event.event_id);
    for (const auto& [id, stream] : committed_) {
      if (is_refused(id) != given_up.contains(id))
        throw violation("event " + id + (is_refused(id) ? " was not given up" : " was given up"));
      if (!is_refused(id) && !taken_.contains(id)) throw violation("event " + id + " was never taken");
    }
  }

 private:
  std::map<std::string, std::string> committed_;             // streams, by id
  std::map<std::string, std::vector<std::string>> streams_;  // ids in the order of the commits
  std::set<std::string> taken_;
};

/// The relay's way to the engine.
class shop_line final : public http::transport {
 public:
  enum class fate { arrives, is_lost, loses_its_answer };

  shop_line(std::shared_ptr<http::transport> engine, shop_ledger& ledger, const shop_database& database)
      : engine_(std::move(engine)), ledger_(ledger), database_(database) {}

  http::response send(const http::request& request, std::chrono::milliseconds limit) override {
    const fate its_fate = std::exchange(next, fate::arrives);
    try {
      return send_events(request, limit, its_fate);
    } catch (const violation&) {  // the relay takes it for a failure
      found = std::current_exception();
      throw;
    }
  }

  fate next = fate::arrives;
  std::exception_ptr found{};

 private:
  http::response send_events(const http::request& request, std::chrono::milliseconds limit, fate its_fate) {
    std::vector<std::string> ids;
    for (const auto& event : nlohmann::json::parse(request.body)) ids.push_back(event.at("id"));
    for (const std::string& id : ids) ledger_.sent(id);
    if (std::any_of(ids.begin(), ids.end(), shop_ledger::is_refused))
      return {.status = 400, .body = R"({"error":"not this one","status":400})"};
    if (its_fate == fate::is_lost) throw inngest::unreachable("no server answers");
    http::response answer = engine_->send(request, limit);
    if (answer.status == 200) {
      for (const std::string& id : ids)
        ledger_.taken(id, [&](const auto& other) { return is_given_up(other); });
    }
    if (its_fate == fate::loses_its_answer) throw inngest::unreachable("the answer is lost");
    return answer;
  }

  bool is_given_up(const std::string& id) const {
    return !database_.run("SELECT 1 FROM inngest_outbox_dead WHERE event_id = '" + id + "'").empty();
  }

  std::shared_ptr<http::transport> engine_;
  shop_ledger& ledger_;
  const shop_database& database_;
};

class shop {
 public:
  shop(std::shared_ptr<http::transport> engine, std::function<std::int64_t()> now)
      : database_(std::move(now)), line_(std::make_shared<shop_line>(std::move(engine), ledger_, database_)) {
    outbox_.create_tables(database_.get());
  }

  /// A transaction with some events, of which a part or all may be rolled back.
  void place(chance& by) {
    std::vector<std::pair<std::string, std::string>> added;
    database_.run("BEGIN IMMEDIATE");
    for (std::size_t i = 1 + by.below(3); i-- > 0;) {
      const bool is_undone = by.one_in(5);
      if (is_undone) database_.run("SAVEPOINT part");
      added.push_back(add(by));
      if (!is_undone) continue;
      database_.run("ROLLBACK TO part");
      added.pop_back();
    }
    const bool commits = !by.one_in(4);
    database_.run(commits ? "COMMIT" : "ROLLBACK");
    if (!commits) return;
    for (const auto& [id, stream] : added) ledger_.commit(id, stream);
  }

  /// A relay sends what is due. It may end at any moment, and the next one is another.
  void relay(chance& by, bool is_calm) {
    if (is_relaying_) return;  // in the middle of what it sends
    is_relaying_ = true;
    const end_of_relaying guard{is_relaying_};
    if (!is_calm) {
      if (by.one_in(3)) end_ = {.at = by.below(12), .is_done = by.one_in(2)};
      if (by.one_in(6)) line_->next = shop_line::fate::is_lost;
      if (by.one_in(6)) line_->next = shop_line::fate::loses_its_answer;
    }
    if (!relay_ || by.one_in(8)) start_relay();
    try {
      relay_->flush();
    } catch (const inngest::error&) {  // it tries again the next time
      if (by.one_in(2)) start_relay();
    }
    end_ = {};
    line_->next = shop_line::fate::arrives;
    if (line_->found) std::rethrow_exception(std::exchange(line_->found, nullptr));
  }

  bool has_nothing_to_send() const { return outbox_.depth(database_.get()).waiting == 0; }
  void at_rest() const { ledger_.at_rest(outbox_.dead(database_.get(), 10'000)); }

 private:
  struct end_of_relaying {
    bool& is_relaying;
    ~end_of_relaying() { is_relaying = false; }
  };

  /// Returns its id and stream.
  std::pair<std::string, std::string> add(chance& by) {
    static const std::vector<std::string> streams{"", "a", "b"};
    const std::string id = "shop-" + std::to_string(++count_), stream = by.pick(streams);
    outbox_.add(database_.get(),
                inngest::any_event::from_text("{\"name\":\"" + std::string(by.pick(event_names)) +
                                              "\",\"data\":{\"k\":\"" + by.pick(key_values) + "\",\"n\":" +
                                              std::to_string(by.below(10)) + "},\"id\":\"" + id + "\"}"),
                {.stream = stream});
    return {id, stream};
  }

  void start_relay() {
    using namespace std::chrono_literals;
    relay_.emplace(
        make_client("shop", line_), [this] { return std::make_unique<shop_connection>(database_, end_); },
        inngest::sql_relay_options{.batch_events = 4, .backoff = 1s, .max_backoff = 8s, .max_attempts = 3});
  }

  const inngest::sql_outbox outbox_;
  shop_database database_;
  shop_ledger ledger_;
  std::shared_ptr<shop_line> line_;
  relay_end end_;
  std::optional<inngest::sql_relay> relay_;
  bool is_relaying_ = false;
  std::uint64_t count_ = 0;
};

}  // namespace simulated
