#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include <inngest/config.hpp>
#include <inngest/detail/enumeration.hpp>
#include <inngest/error.hpp>
#include <inngest/step_id.hpp>
#include <inngest/time/timestamp.hpp>

struct sqlite3;
struct sqlite3_stmt;

// A thin C++ wrapper of SQLite's C interface. Requires SQLite 3.35 or later.

namespace inngest::inline INNGEST_ABI::detail::sqlite {

/// A value that a store never writes: the file was damaged or changed by another program.
class bad_value : public store_error {
 public:
  bad_value(const std::string& path, const std::string& column, const std::string& what);
  /// The column and its value.
  const std::string& reason() const noexcept { return reason_; }

 private:
  std::string reason_;
};

/// The beginning of a text in printable characters.
std::string shown(std::string_view text);

struct closer {
  void operator()(sqlite3* database) const;
  void operator()(sqlite3_stmt* statement) const;
};

/// A value for a statement that is built at run time.
using bound_value = std::variant<std::int64_t, std::string>;

/// The error of SQLite's last call, with the name of the file.
store_error problem_of(sqlite3* database, const std::string& path);

/// A statement with its values, and its rows. The destructor makes the statement available again.
class rows {
 public:
  /// `values` replace ?1, ?2, ... Texts among them must outlive the rows. \throws store_error
  template <class... Values>
  rows(sqlite3_stmt* statement, sqlite3* database, const std::string& path, const Values&... values)
      : statement_(statement), database_(database), path_(path) {
    [[maybe_unused]] int at = 0;  // unused without values
    (bind_at(++at, values), ...);
  }
  /// For a statement that is used only once.
  rows(std::unique_ptr<sqlite3_stmt, closer> statement, sqlite3* database, const std::string& path,
       std::span<const bound_value> values);
  ~rows();
  rows(const rows&) = delete;
  rows& operator=(const rows&) = delete;

  /// Moves to the next row. \throws store_error
  bool next();

  /// Skips columns.
  void skip(int columns) { column_ += columns; }

  /// The text of a column; empty when it has no text.
  std::string text_at(int column) const;

  /// \throws bad_value that names the column.
  [[noreturn]] void refuse(int column, const std::string& why) const;

  /// The row's first columns as a WHERE clause.
  std::string key(int columns) const;

  /// All columns of the row as a JSON object, whatever their types. Bytes, and text that is not UTF-8, become
  /// {"hex": "00ff"}.
  std::string as_json() const;

  /// Reads the row's next columns. \throws bad_value when a value does not fit its type.
  template <class... Values>
  void read(Values&... values) {
    (read_at(column_++, values), ...);
  }

 private:
  void check(int result) const;

  void bind_null_at(int at);
  void bind_integer_at(int at, std::int64_t number);
  void bind_at(int at, std::string_view text);
  void bind_at(int at, const step_hash& hash);
  void bind_at(int at, timestamp moment) { bind_at(at, moment.time_since_epoch()); }
  template <std::integral Number>
  void bind_at(int at, Number number) {
    bind_integer_at(at, static_cast<std::int64_t>(number));
  }
  template <class Enum>
    requires std::is_enum_v<Enum>
  void bind_at(int at, Enum value) { bind_integer_at(at, static_cast<int>(value)); }
  template <class Count, class Period>
  void bind_at(int at, std::chrono::duration<Count, Period> duration) {
    bind_at(at, duration.count());
  }
  template <class Value>
  void bind_at(int at, const std::optional<Value>& value) {
    value ? bind_at(at, *value) : bind_null_at(at);
  }

  bool is_null_at(int at) const;
  std::int64_t integer_at(int at) const;
  void read_at(int at, std::string& out) const;
  void read_at(int at, timestamp& out) const;
  void read_at(int at, step_hash& out) const;
  template <std::integral Number>
  void read_at(int at, Number& out) const {
    const std::int64_t number = integer_at(at);
    if constexpr (std::is_same_v<Number, bool>) {
      if (number != 0 && number != 1) fail(at, "neither 0 nor 1");
    } else {
      if (!std::in_range<Number>(number)) fail(at, "out of range");
    }
    out = static_cast<Number>(number);
  }
  template <class Enum>
    requires std::is_enum_v<Enum>
  void read_at(int at, Enum& out) const {
    const auto value = enumerator_of<Enum>(integer_at(at));
    if (!value) fail(at, "not a value of its enumeration");
    out = *value;
  }
  template <class Count, class Period>
  void read_at(int at, std::chrono::duration<Count, Period>& out) const {
    out = std::chrono::duration<Count, Period>(integer_at(at));
  }
  template <class Value>
  void read_at(int at, std::optional<Value>& out) const {
    out.reset();
    if (!is_null_at(at)) read_at(at, out.emplace());
  }

  /// Checks the type of a value. Texts and numbers are never converted into each other, because a store never
  /// writes a value of the wrong type. `type` is one of SQLite's.
  void expect(int at, int type, const char* wanted) const;

  [[noreturn]] void fail(int at, const std::string& why) const;

  /// The value as SQL.
  std::string value_of(int at) const;
  /// The bytes of a text or blob, until the row or the type of the value changes.
  std::string_view bytes_of(int at) const;

  std::unique_ptr<sqlite3_stmt, closer> owned_;  // null for a statement of the database
  sqlite3_stmt* statement_;
  sqlite3* database_;
  const std::string& path_;
  int column_ = 0;
};

/// The distance from 1970 of the latest time that can be read.
inline constexpr std::chrono::milliseconds latest_time = std::chrono::years(20'000);

/// What a connection may do with its file.
enum class access { reads, writes, creates };  // `creates` includes writing

/// A connection to a file. It reuses prepared statements. Not thread-safe.
class database {
 public:
  /// \throws store_error
  database(std::string path, access wanted);

  const std::string& path() const { return path_; }

  /// Whether a transaction is open. Without one, each statement is committed immediately.
  bool in_transaction() const;
  bool is_read_only() const;

  /// Runs statements without values, such as a schema. \throws store_error
  void execute(const std::string& statements);

  /// The rows of one statement. Texts among the values must outlive the rows. \throws store_error
  template <class... Values>
  rows query(std::string_view statement, const Values&... values) {
    return rows(prepared(statement), database_.get(), path_, values...);
  }

  /// Like query(), but does not cache the statement, for texts that rarely repeat. The values must outlive
  /// the rows.
  /// \throws store_error
  rows query_once(std::string_view statement, std::span<const bound_value> values) {
    return rows(prepare(statement, false), database_.get(), path_, values);
  }

  /// Executes one statement completely.
  /// \throws store_error
  template <class... Values>
  void run(std::string_view statement, const Values&... values) {
    rows none = query(statement, values...);
    while (none.next()) continue;
  }

  /// The number in the first row's first column; 0 without rows. \throws store_error
  template <class... Values>
  std::int64_t number(std::string_view statement, const Values&... values) {
    rows found = query(statement, values...);
    std::int64_t out = 0;
    for (bool first = true; found.next(); first = false) {
      if (first) found.read(out);
    }
    return out;
  }

 private:
  sqlite3_stmt* prepared(std::string_view text);
  std::unique_ptr<sqlite3_stmt, closer> prepare(std::string_view text, bool is_kept);

  std::string path_;
  std::unique_ptr<sqlite3, closer> database_;
  std::map<std::string, std::unique_ptr<sqlite3_stmt, closer>, std::less<>>
      statements_;  // before the connection closes
};

/// Commits everything done during its lifetime, or nothing if commit() is not called.
class transaction {
 public:
  enum class kind { reads, writes };

  /// \throws store_error
  transaction(database& on, kind what);
  /// \throws store_error when nothing was committed.
  void commit();
  ~transaction();
  transaction(const transaction&) = delete;
  transaction& operator=(const transaction&) = delete;

 private:
  database& on_;
};

/// Updates a file from one version to the next.
using migration = void (*)(database& file);

/// Updates a file to the newest version, with one transaction per migration. The file's version is SQLite's
/// user_version: the number of migrations that it has. \throws store_error, also when the file's version is
/// newer.
void migrate(database& file, std::span<const migration> steps);

}  // namespace inngest::inline INNGEST_ABI::detail::sqlite

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/sqlite.ipp>
#endif
