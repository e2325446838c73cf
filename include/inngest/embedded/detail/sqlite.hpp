#pragma once

#include <sqlite3.h>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <inngest/detail/enumeration.hpp>
#include <inngest/error.hpp>
#include <inngest/step_id.hpp>
#include <inngest/time/timestamp.hpp>

// SQLite's C interface with owners, values and errors of C++. Needs SQLite 3.35 or later.

namespace inngest::detail::sqlite {

/// A value that its column never has, unless the file was damaged or changed by somebody else.
class bad_value : public store_error {
 public:
  bad_value(const std::string& path, const std::string& column, const std::string& what)
      : store_error(path, "is damaged: a value of " + column + " is none that is ever written: " + what),
        reason_(column + " is " + what) {}
  /// The column and what it has there.
  const std::string& reason() const noexcept { return reason_; }

 private:
  std::string reason_;
};

/// Enough of a text to recognize it by, whatever its bytes are.
inline std::string shown(std::string_view text) {
  constexpr std::size_t longest = 80;
  std::string out = "\"";
  for (const char c : text.substr(0, longest)) out += c < ' ' || c > '~' ? '?' : c;
  return out += text.size() > longest ? "...\"" : "\"";
}

struct closer {
  void operator()(sqlite3* database) const { sqlite3_close(database); }
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};

/// What SQLite says is wrong with its last call, as an error that names the file.
inline store_error problem_of(sqlite3* database, const std::string& path) {
  const int code = sqlite3_extended_errcode(database);
  std::string text = sqlite3_errmsg(database);
  const int reason = sqlite3_system_errno(database);
  const int kind = code & 0xff;
  if (reason != 0 && (kind == SQLITE_IOERR || kind == SQLITE_CANTOPEN))
    text += std::string(" (") + std::strerror(reason) + ")";
  switch (kind) {
    case SQLITE_CORRUPT:
      return {path,
              "is damaged: " + text +
                  ". Close it, keep a copy, and let `sqlite3 <file> .recover | sqlite3 <new file>` save "
                  "what can be read, or go back to a backup"};
    case SQLITE_NOTADB:
      return {path, "is damaged, or another program's: " + text +
                        ". Check the path; if it is a store's, go back to a backup"};
    case SQLITE_CANTOPEN:
      return {path, "can't be opened: " + text};
    case SQLITE_FULL:
    case SQLITE_READONLY:
      return {path, "can't be written: " + text};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {path, "is in use by another program: " + text};
    default:
      return {path, "failed: " + text};
  }
}

/// A statement with its values, and the rows that it gives. When this goes, the statement is free again.
class rows {
 public:
  /// The values are those of ?1, ?2, ... Texts must live as long as this. \throws store_error
  template <class... Values>
  rows(sqlite3_stmt* statement, sqlite3* database, const std::string& path, const Values&... values)
      : statement_(statement), database_(database), path_(path) {
    int at = 0;
    (check(bind_at(++at, values)), ...);
  }
  ~rows() {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }
  rows(const rows&) = delete;
  rows& operator=(const rows&) = delete;

  /// Moves to the next row. \throws store_error
  bool next() {
    column_ = 0;
    const int result = sqlite3_step(statement_);
    if (result != SQLITE_ROW && result != SQLITE_DONE) throw problem_of(database_, path_);
    return result == SQLITE_ROW;
  }

  /// Leaves out some columns.
  void skip(int columns) { column_ += columns; }

  /// The text in a column; empty when there is none.
  std::string text_at(int column) const {
    std::string out;
    if (sqlite3_column_type(statement_, column) == SQLITE_TEXT) read_at(column, out);
    return out;
  }

  /// Throws bad_value for a column's value.
  [[noreturn]] void refuse(int column, const std::string& why) const { fail(column, why); }

  /// The row's first columns with their names, as a WHERE clause has them.
  std::string key(int columns) const {
    std::string out;
    for (int at = 0; at < columns; ++at) {
      if (at > 0) out += ", ";
      out += std::string(sqlite3_column_name(statement_, at)) + " = " + value_of(at);
    }
    return out;
  }

  /// Reads the row's next columns. \throws bad_value when one can't be what it is read into.
  template <class... Values>
  void read(Values&... values) {
    (read_at(column_++, values), ...);
  }

 private:
  void check(int result) const {
    if (result != SQLITE_OK) throw problem_of(database_, path_);
  }

  int bind_at(int at, std::string_view text) {
    // A null pointer would be NULL, and not the empty text.
    const char* data = text.data() == nullptr ? "" : text.data();
    return sqlite3_bind_text64(statement_, at, data, text.size(), SQLITE_STATIC, SQLITE_UTF8);
  }
  template <std::integral Number>
  int bind_at(int at, Number number) {
    return sqlite3_bind_int64(statement_, at, static_cast<std::int64_t>(number));
  }
  template <class Enum>
    requires std::is_enum_v<Enum>
  int bind_at(int at, Enum value) { return sqlite3_bind_int(statement_, at, static_cast<int>(value)); }
  template <class Count, class Period>
  int bind_at(int at, std::chrono::duration<Count, Period> duration) {
    return bind_at(at, duration.count());
  }
  int bind_at(int at, timestamp moment) { return bind_at(at, moment.time_since_epoch()); }
  int bind_at(int at, const step_hash& hash) {
    return sqlite3_bind_blob64(statement_, at, hash.data(), hash.size(), SQLITE_STATIC);
  }
  template <class Value>
  int bind_at(int at, const std::optional<Value>& value) {
    return value ? bind_at(at, *value) : sqlite3_bind_null(statement_, at);
  }

  void read_at(int at, std::string& out) const {
    expect(at, SQLITE_TEXT, "a text");
    // First the text, then its size: the first call may convert.
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, at));
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, at));
    if (text == nullptr) throw problem_of(database_, path_);
    out.assign(text, size);
  }
  std::int64_t integer_at(int at) const {
    expect(at, SQLITE_INTEGER, "an integer");
    return sqlite3_column_int64(statement_, at);
  }
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
    if (!value) fail(at, "not one of its enumeration");
    out = *value;
  }
  template <class Count, class Period>
  void read_at(int at, std::chrono::duration<Count, Period>& out) const {
    out = std::chrono::duration<Count, Period>(integer_at(at));
  }
  void read_at(int at, timestamp& out) const {
    constexpr std::int64_t longest = std::chrono::milliseconds(std::chrono::years(20'000)).count();
    const std::int64_t count = integer_at(at);
    if (count < -longest || count > longest) fail(at, "no time that can be computed with");
    out = timestamp(std::chrono::milliseconds(count));
  }
  void read_at(int at, step_hash& out) const {
    expect(at, SQLITE_BLOB, "a step");
    if (static_cast<std::size_t>(sqlite3_column_bytes(statement_, at)) != out.size()) fail(at, "not a step");
    std::memcpy(out.data(), sqlite3_column_blob(statement_, at), out.size());
  }
  template <class Value>
  void read_at(int at, std::optional<Value>& out) const {
    out.reset();
    if (sqlite3_column_type(statement_, at) != SQLITE_NULL) read_at(at, out.emplace());
  }

  /// Texts and numbers are never converted into each other: what has the wrong type was not written by a
  /// store.
  void expect(int at, int type, const char* wanted) const {
    if (sqlite3_column_type(statement_, at) != type) fail(at, std::string("not ") + wanted);
  }

  [[noreturn]] void fail(int at, const std::string& why) const {
    throw bad_value(path_, sqlite3_column_name(statement_, at), value_of(at) + ", " + why);
  }

  /// As SQL has it.
  std::string value_of(int at) const {
    switch (sqlite3_column_type(statement_, at)) {
      case SQLITE_NULL:
        return "NULL";
      case SQLITE_INTEGER:
        return std::to_string(sqlite3_column_int64(statement_, at));
      case SQLITE_FLOAT:
        return std::to_string(sqlite3_column_double(statement_, at));
      default:
        break;
    }
    const bool is_text = sqlite3_column_type(statement_, at) == SQLITE_TEXT;
    const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, at));
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, at));
    const std::string_view all(bytes == nullptr ? "" : bytes, size);
    if (is_text) return shown(all);
    std::string out = "x'";
    for (const char byte : all.substr(0, 40)) {
      const auto value = static_cast<unsigned char>(byte);
      out += "0123456789abcdef"[value >> 4];
      out += "0123456789abcdef"[value & 15];
    }
    return out += all.size() > 40 ? "...'" : "'";
  }

  sqlite3_stmt* statement_;
  sqlite3* database_;
  const std::string& path_;
  int column_ = 0;
};

/// A connection to a file. Its statements are kept for the next time. One thread at a time.
class database {
 public:
  /// `flags` are those of sqlite3_open_v2. \throws store_error
  database(std::string path, int flags) : path_(std::move(path)) {
    sqlite3* opened = nullptr;
    const int result = sqlite3_open_v2(path_.c_str(), &opened, flags | SQLITE_OPEN_NOMUTEX, nullptr);
    database_.reset(opened);
    if (result != SQLITE_OK) throw problem_of(opened, path_);
    sqlite3_extended_result_codes(opened, 1);
    sqlite3_busy_timeout(opened, 5000);
  }

  const std::string& path() const { return path_; }

  /// Without a transaction, what was written since the last is kept at once.
  bool in_transaction() const { return sqlite3_get_autocommit(database_.get()) == 0; }
  bool is_read_only() const { return sqlite3_db_readonly(database_.get(), "main") == 1; }

  /// Runs statements without values, such as those of a schema. \throws store_error
  void execute(const std::string& statements) {
    if (sqlite3_exec(database_.get(), statements.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
      throw problem_of(database_.get(), path_);
  }

  /// One statement's rows. Texts among the values must live as long as these. \throws store_error
  template <class... Values>
  rows query(std::string_view statement, const Values&... values) {
    return rows(prepared(statement), database_.get(), path_, values...);
  }

  /// Runs one statement to its end. \throws store_error
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
  sqlite3_stmt* prepared(std::string_view text) {
    const auto found = statements_.find(text);
    if (found != statements_.end()) return found->second.get();
    sqlite3_stmt* made = nullptr;
    if (sqlite3_prepare_v3(database_.get(), text.data(), static_cast<int>(text.size()),
                           SQLITE_PREPARE_PERSISTENT, &made, nullptr) != SQLITE_OK)
      throw problem_of(database_.get(), path_);
    return statements_.emplace(text, std::unique_ptr<sqlite3_stmt, closer>(made)).first->second.get();
  }

  std::string path_;
  std::unique_ptr<sqlite3, closer> database_;
  std::map<std::string, std::unique_ptr<sqlite3_stmt, closer>, std::less<>> statements_;  // closed first
};

/// All that is done until commit() is kept at once; without it, nothing is.
class transaction {
 public:
  enum class kind { reads, writes };

  /// \throws store_error
  transaction(database& on, kind what) : on_(on) {
    on_.run(what == kind::writes ? "BEGIN IMMEDIATE" : "BEGIN");
  }
  /// \throws store_error, and then nothing is kept.
  void commit() { on_.run("COMMIT"); }
  ~transaction() {
    if (!on_.in_transaction()) return;  // committed, or given up by SQLite itself
    try {
      on_.run("ROLLBACK");
    } catch (const store_error&) {  // what is not committed is not kept anyway
    }
  }
  transaction(const transaction&) = delete;
  transaction& operator=(const transaction&) = delete;

 private:
  database& on_;
};

/// Brings a file from one version to the next.
using migration = void (*)(database& file);

/// Brings a file from the version that it has to the last, each step in a transaction of its own. Its version
/// is SQLite's user_version: how many of the steps it has seen. \throws store_error, also for a file that is
/// of a newer version.
inline void migrate(database& file, std::span<const migration> steps) {
  const auto version = static_cast<std::size_t>(file.number("PRAGMA user_version"));
  if (version > steps.size()) {
    throw store_error(file.path(), "is of version " + std::to_string(version) +
                                       ", and this program knows versions up to " +
                                       std::to_string(steps.size()));
  }
  for (std::size_t done = version; done < steps.size(); ++done) {
    transaction step(file, transaction::kind::writes);
    steps[done](file);
    file.execute("PRAGMA user_version = " + std::to_string(done + 1));
    step.commit();
  }
}

}  // namespace inngest::detail::sqlite
