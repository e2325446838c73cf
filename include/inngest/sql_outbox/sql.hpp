#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/error.hpp>
#include <inngest/stop_token.hpp>

// The interface of an outbox to a SQL database: it executes statements. It requires no particular database:
// <inngest/sql_outbox/sqlite.hpp>, postgresql.hpp and pqxx.hpp are drivers, and you can write your own.

namespace inngest::inline INNGEST_ABI {

/// A parameter of a statement: null, a number or a text.
using sql_value = std::variant<std::monostate, std::int64_t, std::string>;

/// A row of a result: each column as text, `nullopt` for null.
using sql_row = std::vector<std::optional<std::string>>;
/// The rows of a result.
using sql_rows = std::vector<sql_row>;

/// One SQL statement. Its text has the parameters `$1`, `$2` and so on, each once and in this order.
struct sql_statement {
  /// The SQL text.
  std::string text;
  /// The parameters: values[0] is `$1`.
  std::vector<sql_value> values{};

  /// The text with other parameter names. `name` receives 1, 2, ...: `[](std::size_t) { return "?"; }` or
  /// `[](std::size_t n) { return ":p" + std::to_string(n); }`.
  [[nodiscard]] std::string text_with(const std::function<std::string(std::size_t)>& name) const;
};

/// A database failed to execute a statement.
class sql_error : public error {
 public:
  /// What the failure means for the next attempt.
  enum class kind {
    failed,      ///< the statement is invalid, or the database can't execute it
    conflict,    ///< a conflict with another transaction: the whole transaction may succeed when repeated
    connection,  ///< the connection is lost
  };

  /// `message` becomes what().
  explicit sql_error(const std::string& message, kind why = kind::failed)
      : error(error_code::database, message), kind_(why) {}

  /// What the failure means for the next attempt.
  kind why() const noexcept { return kind_; }

 private:
  kind kind_;
};

/// The SQL dialect of a kind of database. Define a constant for other kinds.
struct sql_dialect {
  /// The database's name, for messages.
  std::string_view name;
  /// The type of a column `id` that numbers rows in the order of their insertion.
  std::string_view row_number;
  /// An expression for the time in milliseconds since 1970, constant within a statement.
  std::string_view now;
  /// Begins a transaction that writes.
  std::string_view begin;
  /// Begins a relay's transaction. Each of its queries sees what was committed before it.
  std::string_view begin_relay;
  /// Ends a query that claims rows for its transaction and skips rows that others have claimed. Empty: rows
  /// are not claimed, and only one relay sends at a time, see sql_connection::may_send().
  std::string_view skip_locked;
  /// A call that takes a lock until the end of the transaction, and waits for it: `%` becomes the lock's
  /// number. Empty when the database serializes writing transactions anyway.
  std::string_view take_turn;
  /// A condition that is always true, and makes the commit wake the relays if one of them has asked for it
  /// with a lock. `%` becomes the channel, `#` the lock's number. Empty: relays poll.
  std::string_view notify;
  /// A statement that suppresses notices about existing tables until the end of the transaction. Empty: there
  /// are none.
  std::string_view quiet;
  /// Whether an index's schema is named before the index, and not before its table.
  bool index_has_schema = false;
  /// Like `now`, for the column `added_at` of an inserted row: the time after the statement has waited for
  /// locks, so that the times of a stream's events have the order of their numbers. Empty: `now` is that.
  std::string_view now_of_row{};
};

/// SQLite 3.35 or later.
[[nodiscard]] const sql_dialect& sqlite_dialect();
/// PostgreSQL 12 or later.
[[nodiscard]] const sql_dialect& postgresql_dialect();

/// Executes statements on a database of type `Database`: `sqlite3*`, `PGconn*`, or your own. Specialize it
/// for another library:
///
///     template <>
///     struct inngest::sql_driver<soci::session> {
///       static const inngest::sql_dialect& dialect() { return inngest::postgresql_dialect(); }
///       static inngest::sql_rows execute(soci::session& database, const inngest::sql_statement& statement);
///     };
///
/// `execute` throws sql_error. If there is also `static bool in_transaction(Database&)`, a step's transaction
/// throws instead of beginning inside another one.
template <class Database>
struct sql_driver {};

/// Whether there is a driver for the database.
template <class Database>
concept sql_database = requires(std::remove_cvref_t<Database>& database, const sql_statement& statement) {
  { sql_driver<std::remove_cvref_t<Database>>::dialect() } -> std::convertible_to<const sql_dialect&>;
  { sql_driver<std::remove_cvref_t<Database>>::execute(database, statement) } -> std::same_as<sql_rows>;
};

/// A relay's own connection to the database.
class sql_connection {
 public:
  virtual ~sql_connection() = default;

  /// The database's dialect.
  virtual const sql_dialect& dialect() const = 0;
  /// \throws sql_error
  virtual sql_rows execute(const sql_statement& statement) = 0;
  /// Whether this relay may send. Where relays do not claim rows, only one of them may. Default: true.
  virtual bool may_send() { return true; }
  /// Called once with the channel of the notifications. Default: does nothing.
  virtual void listen(const std::string& channel) { static_cast<void>(channel); }
  /// Called when there is nothing to send: asks transactions that add events to wake relays from now on.
  /// Returns true if that was not yet the case; the relay then polls once more before it waits, for events
  /// added earlier. Default: false.
  /// \throws sql_error
  virtual bool prepare_to_wait() { return false; }
  /// Waits until events may have been committed, but no longer than `at_most`, and returns soon after `stop`
  /// is requested. Default: waits until this process adds events.
  /// \throws sql_error
  virtual void wait(std::chrono::milliseconds at_most, const stop_token& stop);
};

/// Opens a relay's connection. Called again after the connection was lost.
/// \throws sql_error
using sql_connector = std::function<std::unique_ptr<sql_connection>()>;

/// Makes a connector from a function that returns an owning pointer to a database with a driver:
/// `inngest::connect_with([] { return std::make_unique<soci::session>("postgresql://..."); })`.
template <class Open>
sql_connector connect_with(Open open) {
  using owner = decltype(open());
  using database = std::remove_cvref_t<decltype(*std::declval<owner&>())>;
  static_assert(sql_database<database>, "inngest: specialize inngest::sql_driver for the database");
  class connection final : public sql_connection {
   public:
    explicit connection(owner database) : database_(std::move(database)) {}
    const sql_dialect& dialect() const override { return sql_driver<database>::dialect(); }
    sql_rows execute(const sql_statement& statement) override {
      return sql_driver<database>::execute(*database_, statement);
    }

   private:
    owner database_;
  };
  return [open = std::move(open)] { return std::make_unique<connection>(open()); };
}

namespace detail {

/// A number for a text; the same in every process and version.
std::uint64_t number_of_text(std::string_view text);
/// The number of a lock, as SQL.
std::string lock_number(std::string_view scope, std::string_view name);

/// Wakes the relays of this process when an event was added; they then poll more often for its commit.
class added_events {
 public:
  static void notify();
  /// Waits for a new event, `limit` or `stop`.
  static void wait(std::chrono::milliseconds limit, const stop_token& stop);
  /// Whether events were added within the last 100 ms.
  static bool are_recent();

 private:
  struct state;
  static state& shared();
};

}  // namespace detail
}  // namespace inngest::inline INNGEST_ABI

#if !defined(INNGEST_COMPILED)
#include <inngest/sql_outbox/impl/sql.ipp>
#endif
