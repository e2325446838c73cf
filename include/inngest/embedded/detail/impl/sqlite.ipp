#pragma once

#include <sqlite3.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/detail/hex.hpp>
#include <inngest/detail/utf8.hpp>
#include <inngest/embedded/detail/set_aside.hpp>
#include <inngest/embedded/detail/sqlite.hpp>
#include <inngest/json.hpp>

namespace inngest::inline INNGEST_ABI::detail::sqlite {

INNGEST_INLINE bad_value::bad_value(const std::string& path, const std::string& column,
                                    const std::string& what)
    : store_error(path, "is damaged: " + column + " is " + what), reason_(column + " is " + what) {}

INNGEST_INLINE std::string shown(std::string_view text) {
  constexpr std::size_t longest = 80;
  std::string out = "\"";
  for (const char c : text.substr(0, longest)) out += c < ' ' || c > '~' ? '?' : c;
  return out += text.size() > longest ? "...\"" : "\"";
}

INNGEST_INLINE void closer::operator()(sqlite3* database) const { sqlite3_close(database); }
INNGEST_INLINE void closer::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

INNGEST_INLINE store_error problem_of(sqlite3* database, const std::string& path) {
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
                  "what can be read, or restore a backup"};
    case SQLITE_NOTADB:
      return {path, "is damaged, or another program's: " + text +
                        ". Check the path; if the file is a store, restore a backup"};
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

// ---- rows -------------------------------------------------------------------------------------------

INNGEST_INLINE rows::rows(std::unique_ptr<sqlite3_stmt, closer> statement, sqlite3* database,
                          const std::string& path, std::span<const bound_value> values)
    : owned_(std::move(statement)), statement_(owned_.get()), database_(database), path_(path) {
  int at = 0;
  for (const bound_value& value : values) {
    ++at;
    if (const auto* text = std::get_if<std::string>(&value))
      bind_at(at, std::string_view(*text));
    else
      bind_integer_at(at, std::get<std::int64_t>(value));
  }
}

INNGEST_INLINE rows::~rows() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

INNGEST_INLINE bool rows::next() {
  column_ = 0;
  const int result = sqlite3_step(statement_);
  if (result != SQLITE_ROW && result != SQLITE_DONE) throw problem_of(database_, path_);
  return result == SQLITE_ROW;
}

INNGEST_INLINE std::string rows::text_at(int column) const {
  std::string out;
  if (sqlite3_column_type(statement_, column) == SQLITE_TEXT) read_at(column, out);
  return out;
}

INNGEST_INLINE void rows::refuse(int column, const std::string& why) const { fail(column, why); }

INNGEST_INLINE std::string rows::key(int columns) const {
  std::string out;
  for (int at = 0; at < columns; ++at) {
    if (at > 0) out += ", ";
    out += std::string(sqlite3_column_name(statement_, at)) + " = ";
    const bool is_text = sqlite3_column_type(statement_, at) == SQLITE_TEXT;
    out += is_text ? embedded::key_text(bytes_of(at)) : value_of(at);
  }
  return out;
}

INNGEST_INLINE std::string rows::as_json() const {
  json out = json::object();
  for (int at = 0; at < sqlite3_column_count(statement_); ++at) {
    json& value = out[sqlite3_column_name(statement_, at)];
    const int type = sqlite3_column_type(statement_, at);
    if (type == SQLITE_INTEGER) value = sqlite3_column_int64(statement_, at);
    if (type == SQLITE_FLOAT) value = sqlite3_column_double(statement_, at);
    if (type != SQLITE_TEXT && type != SQLITE_BLOB) continue;
    const auto* bytes = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_, at));
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, at));
    const std::string text(reinterpret_cast<const char*>(bytes), bytes ? size : 0);
    if (type == SQLITE_TEXT && is_utf8(text))
      value = text;
    else
      value = {{"hex", to_hex(std::span(bytes, bytes ? size : 0))}};
  }
  return out.dump();
}

INNGEST_INLINE void rows::check(int result) const {
  if (result != SQLITE_OK) throw problem_of(database_, path_);
}

INNGEST_INLINE void rows::bind_null_at(int at) { check(sqlite3_bind_null(statement_, at)); }

INNGEST_INLINE void rows::bind_integer_at(int at, std::int64_t number) {
  check(sqlite3_bind_int64(statement_, at, number));
}

INNGEST_INLINE void rows::bind_at(int at, std::string_view text) {
  // SQLite treats a null pointer as NULL, not as empty text.
  const char* data = text.data() == nullptr ? "" : text.data();
  check(sqlite3_bind_text64(statement_, at, data, text.size(), SQLITE_STATIC, SQLITE_UTF8));
}

INNGEST_INLINE void rows::bind_at(int at, const step_hash& hash) {
  check(sqlite3_bind_blob64(statement_, at, hash.data(), hash.size(), SQLITE_STATIC));
}

INNGEST_INLINE bool rows::is_null_at(int at) const {
  return sqlite3_column_type(statement_, at) == SQLITE_NULL;
}

INNGEST_INLINE std::int64_t rows::integer_at(int at) const {
  expect(at, SQLITE_INTEGER, "an integer");
  return sqlite3_column_int64(statement_, at);
}

INNGEST_INLINE void rows::read_at(int at, std::string& out) const {
  expect(at, SQLITE_TEXT, "a text");
  // First the text, then its size, because sqlite3_column_text() may convert the value.
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, at));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, at));
  if (text == nullptr) throw problem_of(database_, path_);
  out.assign(text, size);
}

INNGEST_INLINE void rows::read_at(int at, timestamp& out) const {
  const std::int64_t count = integer_at(at);
  if (count < -latest_time.count() || count > latest_time.count()) fail(at, "out of the range of times");
  out = timestamp(std::chrono::milliseconds(count));
}

INNGEST_INLINE void rows::read_at(int at, step_hash& out) const {
  expect(at, SQLITE_BLOB, "a step");
  if (static_cast<std::size_t>(sqlite3_column_bytes(statement_, at)) != out.size()) fail(at, "not a step");
  std::memcpy(out.data(), sqlite3_column_blob(statement_, at), out.size());
}

INNGEST_INLINE void rows::expect(int at, int type, const char* wanted) const {
  if (sqlite3_column_type(statement_, at) != type) fail(at, std::string("not ") + wanted);
}

INNGEST_INLINE void rows::fail(int at, const std::string& why) const {
  throw bad_value(path_, sqlite3_column_name(statement_, at), value_of(at) + ", " + why);
}

INNGEST_INLINE std::string_view rows::bytes_of(int at) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, at));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, at));
  return {bytes == nullptr ? "" : bytes, size};
}

INNGEST_INLINE std::string rows::value_of(int at) const {
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
  const std::string_view all = bytes_of(at);
  if (is_text) return shown(all);
  std::string out = "x'";
  for (const char byte : all.substr(0, 40)) {
    const auto value = static_cast<unsigned char>(byte);
    out += "0123456789abcdef"[value >> 4];
    out += "0123456789abcdef"[value & 15];
  }
  return out += all.size() > 40 ? "...'" : "'";
}

// ---- database ---------------------------------------------------------------------------------------

INNGEST_INLINE database::database(std::string path, access wanted) : path_(std::move(path)) {
  const int flags = wanted == access::reads    ? SQLITE_OPEN_READONLY
                    : wanted == access::writes ? SQLITE_OPEN_READWRITE
                                               : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  sqlite3* opened = nullptr;
  const int result = sqlite3_open_v2(path_.c_str(), &opened, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  database_.reset(opened);
  if (result != SQLITE_OK) throw problem_of(opened, path_);
  sqlite3_extended_result_codes(opened, 1);
  sqlite3_busy_timeout(opened, 5000);
}

INNGEST_INLINE bool database::in_transaction() const { return sqlite3_get_autocommit(database_.get()) == 0; }

INNGEST_INLINE bool database::is_read_only() const {
  return sqlite3_db_readonly(database_.get(), "main") == 1;
}

INNGEST_INLINE void database::execute(const std::string& statements) {
  if (sqlite3_exec(database_.get(), statements.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
    throw problem_of(database_.get(), path_);
}

INNGEST_INLINE sqlite3_stmt* database::prepared(std::string_view text) {
  const auto found = statements_.find(text);
  if (found != statements_.end()) return found->second.get();
  return statements_.emplace(text, prepare(text, true)).first->second.get();
}

INNGEST_INLINE std::unique_ptr<sqlite3_stmt, closer> database::prepare(std::string_view text, bool is_kept) {
  sqlite3_stmt* made = nullptr;
  const unsigned flags = is_kept ? SQLITE_PREPARE_PERSISTENT : 0;
  if (sqlite3_prepare_v3(database_.get(), text.data(), static_cast<int>(text.size()), flags, &made,
                         nullptr) != SQLITE_OK)
    throw problem_of(database_.get(), path_);
  return std::unique_ptr<sqlite3_stmt, closer>(made);
}

// ---- transactions -----------------------------------------------------------------------------------

INNGEST_INLINE transaction::transaction(database& on, kind what) : on_(on) {
  on_.run(what == kind::writes ? "BEGIN IMMEDIATE" : "BEGIN");
}

INNGEST_INLINE void transaction::commit() { on_.run("COMMIT"); }

INNGEST_INLINE transaction::~transaction() {
  if (!on_.in_transaction()) return;  // committed, or rolled back by SQLite
  try {
    on_.run("ROLLBACK");
  } catch (const store_error&) {  // closing the file discards uncommitted changes, too
  }
}

INNGEST_INLINE void migrate(database& file, std::span<const migration> steps) {
  const auto version = static_cast<std::size_t>(file.number("PRAGMA user_version"));
  if (version > steps.size()) {
    throw store_error(file.path(), "has version " + std::to_string(version) +
                                       ", but this program supports versions up to " +
                                       std::to_string(steps.size()));
  }
  for (std::size_t done = version; done < steps.size(); ++done) {
    transaction step(file, transaction::kind::writes);
    steps[done](file);
    file.execute("PRAGMA user_version = " + std::to_string(done + 1));
    step.commit();
  }
}

}  // namespace inngest::inline INNGEST_ABI::detail::sqlite
