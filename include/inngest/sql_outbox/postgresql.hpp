#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <libpq-fe.h>

#ifdef _WIN32
#include <winsock2.h>
#else
#include <poll.h>
#endif

#include <inngest/config.hpp>
#include <inngest/sql_outbox.hpp>
#include <inngest/sql_outbox/detail/postgresql_values.hpp>
#include <inngest/sql_outbox/sql.hpp>
#include <inngest/sql_outbox/transaction.hpp>

// An outbox in a PostgreSQL database: pass your `PGconn*` to sql_outbox and step.transaction(). Link libpq.

namespace inngest::inline INNGEST_ABI {
namespace detail {

struct postgresql_closer {
  void operator()(PGconn* database) const { PQfinish(database); }
  void operator()(PGresult* result) const { PQclear(result); }
  void operator()(PGnotify* notification) const { PQfreemem(notification); }
};

inline std::string without_line_end(const char* text) {
  std::string out = text != nullptr ? text : "";
  while (!out.empty() && (out.back() == '\n' || out.back() == ' ')) out.pop_back();
  return out;
}

/// Serialization failures, deadlocks and lock timeouts: the transaction may succeed when repeated.
inline bool is_postgresql_conflict(std::string_view sqlstate) {
  return sqlstate == "40001" || sqlstate == "40P01" || sqlstate == "55P03";
}

inline sql_error postgresql_error(PGconn* database, const PGresult* result, const std::string& doing) {
  const char* state = result != nullptr ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : nullptr;
  const std::string_view sqlstate = state != nullptr ? state : "";
  const char* text = result != nullptr ? PQresultErrorMessage(result) : PQerrorMessage(database);
  const bool is_lost = PQstatus(database) != CONNECTION_OK || sqlstate.starts_with("57P");
  return sql_error("PostgreSQL: " + without_line_end(text) + " (" + doing + ")",
                   is_lost                            ? sql_error::kind::connection
                   : is_postgresql_conflict(sqlstate) ? sql_error::kind::conflict
                                                      : sql_error::kind::failed);
}

}  // namespace detail

/// Executes statements on your connection.
template <>
struct sql_driver<PGconn*> {
  /// The database's dialect.
  static const sql_dialect& dialect() { return postgresql_dialect(); }

  /// Whether the connection is in a transaction.
  static bool in_transaction(PGconn* database) {
    const auto status = PQtransactionStatus(database);
    return status != PQTRANS_IDLE && status != PQTRANS_UNKNOWN;
  }

  /// Executes the statement and returns its rows. \throws sql_error
  static sql_rows execute(PGconn* database, const sql_statement& statement) {
    const detail::postgresql_values parameters(statement, pg_encoding_to_char(PQclientEncoding(database)));
    const auto& values = parameters.pointers();
    const std::unique_ptr<PGresult, detail::postgresql_closer> result(
        PQexecParams(database, statement.text.c_str(), static_cast<int>(values.size()), nullptr,
                     values.data(), nullptr, nullptr, 0));
    const auto status = PQresultStatus(result.get());
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
      throw detail::postgresql_error(database, result.get(), statement.text);
    // A failed transaction answers COMMIT with ROLLBACK, and reports success.
    if (statement.text == "COMMIT" && std::string_view(PQcmdStatus(result.get())) != "COMMIT")
      throw sql_error("PostgreSQL rolled a transaction back, because a statement in it had failed");
    return rows_of(*result);
  }

 private:
  static sql_rows rows_of(const PGresult& result) {
    sql_rows rows(static_cast<std::size_t>(PQntuples(&result)));
    const int columns = PQnfields(&result);
    for (int row = 0; row < static_cast<int>(rows.size()); ++row) {
      for (int column = 0; column < columns; ++column) {
        auto& value = rows[static_cast<std::size_t>(row)].emplace_back();
        if (PQgetisnull(&result, row, column) != 0) continue;
        value.emplace(PQgetvalue(&result, row, column),
                      static_cast<std::size_t>(PQgetlength(&result, row, column)));
      }
    }
    return rows;
  }
};

namespace detail {

/// A relay's own connection. Before the relay waits, it takes a lock exclusively that transactions which add
/// events take shared. Either they can't get the lock and therefore notify the relay, or the relay gets the
/// lock only after they have committed and then sees their events. So no event is missed.
class postgresql_connection final : public sql_connection {
 public:
  explicit postgresql_connection(const std::string& conninfo) {
    // Before the user's conninfo, which may override them: a peer that has vanished is noticed within half a
    // minute. They override a service file. libpq ignores empty values, and then reads the environment.
    const char* const connect_timeout = std::getenv("PGCONNECT_TIMEOUT") != nullptr ? "" : "10";
    const char* const names[] = {"keepalives_idle",  "keepalives_interval",       "keepalives_count",
                                 "tcp_user_timeout", "connect_timeout",           "dbname",
                                 "client_encoding",  "fallback_application_name", nullptr};
    const char* const values[] = {
        "15", "5", "3", "30000", connect_timeout, conninfo.c_str(), "UTF8", "inngest relay", nullptr};
    database_.reset(PQconnectdbParams(names, values, 1));
    if (PQstatus(database_.get()) == CONNECTION_OK) return;
    throw sql_error("PostgreSQL: a relay can't connect: " + without_line_end(PQerrorMessage(database_.get())),
                    sql_error::kind::connection);
  }

  const sql_dialect& dialect() const override { return postgresql_dialect(); }

  sql_rows execute(const sql_statement& statement) override {
    return sql_driver<PGconn*>::execute(database_.get(), statement);
  }

  void listen(const std::string& channel) override {
    const auto server = execute({"SELECT pg_backend_pid()"}).front().front();
    // A pooler may give each transaction another connection, which has neither our locks nor our channel.
    is_pooled_ = server != std::to_string(PQbackendPID(database_.get()));
    if (is_pooled_) return;
    lock_ = lock_number(channel, "waiting");
    set_session();
    execute({"LISTEN " + channel});
  }

  /// The relay does not depend on the database's defaults. A request may take longer than their limits.
  void set_session() {
    for (const char* const limit :
         {"idle_in_transaction_session_timeout", "statement_timeout", "transaction_timeout"}) {
      execute(
          {"SELECT set_config(name, '0', false) FROM pg_settings WHERE name = '" + std::string(limit) + "'"});
    }
    execute({"SET default_transaction_read_only = off"});
    execute({"SET tcp_keepalives_idle = 15"});  // so that claims of a machine that has vanished end
    execute({"SET tcp_keepalives_interval = 5"});
    execute({"SET tcp_keepalives_count = 3"});
  }

  bool prepare_to_wait() override {
    if (is_pooled_ || watcher_ != watcher::nobody) return false;
    const std::string found = execute({"SELECT CASE WHEN pg_try_advisory_lock(" + lock_ +
                                       ") THEN 'this' WHEN pg_try_advisory_lock_shared(" + lock_ +
                                       ") THEN 'writers' ELSE 'other' END"})[0][0]
                                  .value();
    if (found == "writers") {
      execute({"SELECT pg_advisory_unlock_shared(" + lock_ + ")"});
      return false;
    }
    watcher_ = found == "this" ? watcher::this_relay : watcher::other_relay;
    return true;
  }

  void wait(std::chrono::milliseconds at_most, const stop_token& stop) override {
    // Transactions that add events during this time do not notify.
    constexpr std::chrono::milliseconds short_while(10);
    if (!is_pooled_ && watcher_ == watcher::nobody) at_most = (std::min)(at_most, short_while);
    const bool is_woken = wait_for_notification(std::chrono::steady_clock::now() + at_most, stop);
    if (watcher_ == watcher::this_relay && is_woken) execute({"SELECT pg_advisory_unlock(" + lock_ + ")"});
    if (watcher_ == watcher::other_relay || is_woken) watcher_ = watcher::nobody;
  }

 private:
  /// The relay that holds the lock which makes transactions notify.
  enum class watcher { nobody, this_relay, other_relay };

  /// Returns whether a notification arrived before `end`.
  bool wait_for_notification(std::chrono::steady_clock::time_point end, const stop_token& stop) {
    while (true) {
      bool is_woken = false;
      while (const std::unique_ptr<PGnotify, postgresql_closer> found{PQnotifies(database_.get())})
        is_woken = true;
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
      if (is_woken) return true;
      if (stop.stop_requested() || left <= std::chrono::milliseconds::zero()) return false;
      // In slices, because a stop request can't interrupt a wait for a socket.
      wait_for_bytes((std::min)(left, std::chrono::milliseconds(100)));
      if (PQconsumeInput(database_.get()) == 0 || PQstatus(database_.get()) != CONNECTION_OK)
        throw postgresql_error(database_.get(), nullptr, "waiting for events");
    }
  }

  void wait_for_bytes(std::chrono::milliseconds limit) const {
#ifdef _WIN32
    WSAPOLLFD socket{static_cast<SOCKET>(PQsocket(database_.get())), POLLIN, 0};
    WSAPoll(&socket, 1, static_cast<int>(limit.count()));
#else
    pollfd socket{PQsocket(database_.get()), POLLIN, 0};
    ::poll(&socket, 1, static_cast<int>(limit.count()));
#endif
  }

  std::unique_ptr<PGconn, postgresql_closer> database_;
  bool is_pooled_ = false;
  std::string lock_;  // the lock's number
  watcher watcher_ = watcher::nobody;
};

}  // namespace detail

/// Connects a relay to PostgreSQL. `conninfo` is libpq's, such as "postgresql://localhost/shop" or
/// "dbname=shop". The relay opens its own connection, on which LISTEN must work: behind PgBouncer in
/// transaction mode it only polls. To notice a lost server, it sets keepalives, `tcp_user_timeout` and,
/// without PGCONNECT_TIMEOUT, `connect_timeout`, unless `conninfo` does: a service file does not count.
inline sql_connector postgresql(std::string conninfo) {
  return
      [conninfo = std::move(conninfo)] { return std::make_unique<detail::postgresql_connection>(conninfo); };
}

}  // namespace inngest::inline INNGEST_ABI
