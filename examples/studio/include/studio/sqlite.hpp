#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

/// A small RAII wrapper over SQLite's C API.
namespace studio::sqlite {

class error : public std::runtime_error {
 public:
  explicit error(sqlite3* connection)
      : std::runtime_error(std::string("database: ") + sqlite3_errmsg(connection)) {}
};

/// A prepared statement with bound values; `next()` moves to the next row.
class statement {
 public:
  statement(sqlite3* connection, std::string_view sql) : connection_(connection) {
    sqlite3_stmt* made = nullptr;
    check(sqlite3_prepare_v2(connection, sql.data(), static_cast<int>(sql.size()), &made, nullptr));
    handle_.reset(made);
  }

  void bind(int at, std::string_view text) {
    check(sqlite3_bind_text(handle_.get(), at, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT));
  }
  void bind(int at, std::int64_t number) { check(sqlite3_bind_int64(handle_.get(), at, number)); }

  bool next() {
    const int result = sqlite3_step(handle_.get());
    if (result != SQLITE_ROW && result != SQLITE_DONE) throw error(connection_);
    return result == SQLITE_ROW;
  }

  /// A column of the row; NULL becomes an empty string.
  std::string text(int column) const {
    const auto* data = sqlite3_column_text(handle_.get(), column);
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column));
    return data == nullptr ? std::string() : std::string(reinterpret_cast<const char*>(data), size);
  }
  std::int64_t integer(int column) const { return sqlite3_column_int64(handle_.get(), column); }

 private:
  struct finalize {
    void operator()(sqlite3_stmt* handle) const { sqlite3_finalize(handle); }
  };

  void check(int result) const {
    if (result != SQLITE_OK) throw error(connection_);
  }

  sqlite3* connection_;
  std::unique_ptr<sqlite3_stmt, finalize> handle_;
};

/// An open database file. Not thread-safe.
class connection {
 public:
  explicit connection(const std::filesystem::path& file) {
    sqlite3* opened = nullptr;
    const int result = sqlite3_open(file.c_str(), &opened);
    handle_.reset(opened);  // even a failed open must be closed
    if (result != SQLITE_OK) throw error(opened);
    sqlite3_busy_timeout(opened, 5000);
  }

  /// A statement with its `?` parameters bound, in order.
  template <class... Values>
  statement prepare(std::string_view sql, const Values&... values) const {
    statement out(handle_.get(), sql);
    [[maybe_unused]] int at = 0;  // not used without values
    (out.bind(++at, values), ...);
    return out;
  }

  /// Runs a statement that returns no rows.
  template <class... Values>
  void run(std::string_view sql, const Values&... values) const {
    prepare(sql, values...).next();
  }

  /// Runs several statements without values.
  void script(const std::string& sql) const {
    if (sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
      throw error(handle_.get());
  }

 private:
  struct close {
    void operator()(sqlite3* handle) const { sqlite3_close(handle); }
  };
  std::unique_ptr<sqlite3, close> handle_;
};

/// A transaction; rolled back unless committed.
class transaction {
 public:
  explicit transaction(const connection& connection) : connection_(&connection) {
    connection.run("BEGIN IMMEDIATE");
  }
  ~transaction() {
    if (open_) {
      try {
        connection_->run("ROLLBACK");
      } catch (const error&) {  // SQLite has already rolled back
      }
    }
  }
  transaction(const transaction&) = delete;
  transaction& operator=(const transaction&) = delete;

  void commit() {
    connection_->run("COMMIT");
    open_ = false;
  }

 private:
  const connection* connection_;
  bool open_ = true;
};

}  // namespace studio::sqlite
