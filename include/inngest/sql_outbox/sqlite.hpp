#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include <sqlite3.h>

#include <inngest/config.hpp>
#include <inngest/platform/detail/file.hpp>
#include <inngest/sql_outbox.hpp>
#include <inngest/sql_outbox/sql.hpp>
#include <inngest/sql_outbox/transaction.hpp>

// An outbox in a SQLite database: pass your `sqlite3*` to sql_outbox and step.transaction(). Link sqlite3.

namespace inngest::inline INNGEST_ABI {
namespace detail {

struct sqlite_outbox_closer {
  void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};

inline sql_error sqlite_outbox_error(sqlite3* database, const std::string& doing) {
  const int code = sqlite3_errcode(database) & 0xff;  // without the bits of extended codes
  const bool is_busy = code == SQLITE_BUSY || code == SQLITE_LOCKED;
  return sql_error("SQLite: " + std::string(sqlite3_errmsg(database)) + " (" + doing + ")",
                   is_busy ? sql_error::kind::conflict : sql_error::kind::failed);
}

inline int sqlite_outbox_bind(sqlite3_stmt* statement, int at, const sql_value& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value))
    return sqlite3_bind_int64(statement, at, *number);
  if (const auto* text = std::get_if<std::string>(&value))
    return sqlite3_bind_text64(statement, at, text->data(), text->size(), SQLITE_STATIC, SQLITE_UTF8);
  return sqlite3_bind_null(statement, at);
}

inline sql_row sqlite_outbox_row(sqlite3_stmt* statement) {
  sql_row row(static_cast<std::size_t>(sqlite3_column_count(statement)));
  for (int at = 0; at < static_cast<int>(row.size()); ++at) {
    if (sqlite3_column_type(statement, at) == SQLITE_NULL) continue;
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, at));
    row[static_cast<std::size_t>(at)].emplace(text,
                                              static_cast<std::size_t>(sqlite3_column_bytes(statement, at)));
  }
  return row;
}

}  // namespace detail

/// Executes statements on your connection, one at a time.
template <>
struct sql_driver<sqlite3*> {
  /// The database's dialect.
  static const sql_dialect& dialect() { return sqlite_dialect(); }

  /// Whether the connection is in a transaction.
  static bool in_transaction(sqlite3* database) { return sqlite3_get_autocommit(database) == 0; }

  /// Executes the statement and returns its rows. \throws sql_error
  static sql_rows execute(sqlite3* database, const sql_statement& statement) {
    sqlite3_stmt* raw = nullptr;
    const char* rest = nullptr;
    if (sqlite3_prepare_v2(database, statement.text.c_str(), -1, &raw, &rest) != SQLITE_OK)
      throw detail::sqlite_outbox_error(database, statement.text);
    const std::unique_ptr<sqlite3_stmt, detail::sqlite_outbox_closer> prepared(raw);
    if (has_statement(database, rest))
      throw sql_error("SQLite can only execute one statement at a time, not: " + statement.text);
    int at = 0;
    for (const sql_value& value : statement.values) {
      if (detail::sqlite_outbox_bind(raw, ++at, value) != SQLITE_OK)
        throw detail::sqlite_outbox_error(database, statement.text);
    }
    sql_rows rows;
    int result = SQLITE_DONE;
    while ((result = sqlite3_step(raw)) == SQLITE_ROW) rows.push_back(detail::sqlite_outbox_row(raw));
    if (result != SQLITE_DONE) throw detail::sqlite_outbox_error(database, statement.text);
    return rows;
  }

 private:
  /// Whether the text contains a statement, not only spaces and comments.
  static bool has_statement(sqlite3* database, const char* text) {
    if (*text == '\0') return false;
    sqlite3_stmt* raw = nullptr;
    const bool is_wrong = sqlite3_prepare_v2(database, text, -1, &raw, nullptr) != SQLITE_OK;
    const std::unique_ptr<sqlite3_stmt, detail::sqlite_outbox_closer> prepared(raw);
    return is_wrong || raw != nullptr;
  }
};

namespace detail {

/// A relay's own connection to a file. Only one relay at a time sends, in any process: it holds a lock on a
/// file next to the database, which the system releases when the process ends in any way.
class sqlite_outbox_connection final : public sql_connection {
 public:
  explicit sqlite_outbox_connection(const std::filesystem::path& path) : lock_path_(path) {
    lock_path_ += "-inngest-relay";
    sqlite3* raw = nullptr;
    const int result =
        sqlite3_open_v2(to_utf8(path).c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
    database_.reset(raw);
    if (result != SQLITE_OK) {
      throw sql_error("SQLite can't open \"" + to_utf8(path) + "\" for a relay: " + sqlite3_errstr(result),
                      sql_error::kind::connection);
    }
    sqlite3_busy_timeout(raw, 10'000);
  }

  const sql_dialect& dialect() const override { return sqlite_dialect(); }

  sql_rows execute(const sql_statement& statement) override {
    return sql_driver<sqlite3*>::execute(database_.get(), statement);
  }

  bool may_send() override {
    if (lock_.is_open()) return true;
    disk_file file;
    if (const auto problem = file.open(lock_path_)) {
      throw sql_error("a relay can't open its lock \"" + to_utf8(lock_path_) + "\": " + problem.message(),
                      sql_error::kind::connection);
    }
    if (file.lock()) return false;
    lock_ = std::move(file);
    return true;
  }

  void wait(std::chrono::milliseconds at_most, const stop_token& stop) override {
    const auto end = std::chrono::steady_clock::now() + at_most;
    while (!stop.stop_requested()) {
      const auto version = execute({"PRAGMA data_version"}).front().front();
      if (version != std::exchange(seen_, version)) return;  // another connection has committed
      const auto left = std::chrono::floor<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
      if (left <= std::chrono::milliseconds::zero()) return;
      // Events that this process has just added will be committed soon, without a notification.
      const std::chrono::milliseconds pause(added_events::are_recent() ? 1 : 50);
      added_events::wait((std::min)(pause, left), stop);
    }
  }

 private:
  std::filesystem::path lock_path_;
  std::unique_ptr<sqlite3, sqlite_outbox_closer> database_;
  disk_file lock_;
  std::optional<std::string> seen_;
};

}  // namespace detail

/// Connects a relay to a SQLite file, which must exist. The relay opens its own connection. It creates a file
/// with the suffix "-inngest-relay" next to the database, which need not be deleted.
inline sql_connector sqlite_file(std::filesystem::path path) {
  return [path = std::filesystem::absolute(path)] {
    return std::make_unique<detail::sqlite_outbox_connection>(path);
  };
}

}  // namespace inngest::inline INNGEST_ABI
