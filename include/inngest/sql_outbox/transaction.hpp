#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/detail/hex.hpp>
#include <inngest/error.hpp>
#include <inngest/execution/step_call.hpp>
#include <inngest/sql_outbox.hpp>
#include <inngest/sql_outbox/sql.hpp>
#include <inngest/step.hpp>
#include <inngest/step/detail/step_body.hpp>

// Implements step::transaction for a database. Included by the drivers.

namespace inngest::inline INNGEST_ABI {

/// A step's transaction, which the step's body receives. It converts to the database, so you can pass it to
/// your own functions and to sql_outbox::add(). The step commits it, or rolls it back when the body throws.
template <class Database>
class sql_transaction {
 public:
  /// Used by the library.
  /// \throws sql_error; configuration_error when a transaction is already open.
  explicit sql_transaction(Database& database) : database_(&database) {
    if constexpr (requires { sql_driver<Database>::in_transaction(database); }) {
      if (sql_driver<Database>::in_transaction(database)) {
        throw configuration_error(
            "step.transaction() was given a database with an open transaction: give it a connection that no "
            "other code uses meanwhile");
      }
    }
    run({std::string(sql_driver<Database>::dialect().begin)});
    is_open_ = true;
  }
  ~sql_transaction() {
    if (!is_open_) return;
    try {
      run({"ROLLBACK"});
    } catch (...) {  // the connection is lost, and with it the transaction
    }
  }
  sql_transaction(const sql_transaction&) = delete;
  sql_transaction& operator=(const sql_transaction&) = delete;

  /// Used by the library. \throws sql_error
  void commit() {
    run({"COMMIT"});
    is_open_ = false;
  }

  /// The database.
  Database& database() const { return *database_; }
  /// The database.
  operator Database&() const { return *database_; }

  /// Executes a statement with the parameters `$1`, `$2`, ... \throws sql_error
  template <class... Values>
  sql_rows execute(std::string statement, const Values&... values) const {
    return run({std::move(statement), {to_value(values)...}});
  }

 private:
  template <class Value>
  static sql_value to_value(const Value& value) {
    if constexpr (std::is_integral_v<Value> && !std::is_same_v<Value, bool>)
      return static_cast<std::int64_t>(value);
    else if constexpr (std::is_same_v<Value, std::nullopt_t> || std::is_same_v<Value, std::nullptr_t>)
      return std::monostate();
    else
      return std::string(value);
  }

  sql_rows run(const sql_statement& statement) const {
    return sql_driver<Database>::execute(*database_, statement);
  }

  Database* database_;
  bool is_open_ = false;
};

/// Executes statements in a step's transaction.
template <sql_database Database>
struct sql_driver<sql_transaction<Database>> {
  /// The database's dialect.
  static const sql_dialect& dialect() { return sql_driver<Database>::dialect(); }
  /// Always true: it is open until the step ends.
  static bool in_transaction(const sql_transaction<Database>&) { return true; }
  /// Executes the statement and returns its rows. \throws sql_error
  static sql_rows execute(const sql_transaction<Database>& tx, const sql_statement& statement) {
    return sql_driver<Database>::execute(tx.database(), statement);
  }
};

namespace detail {

/// The type of transaction that a step begins on a database: sql_transaction, unless a driver has its own.
template <class Database>
struct transaction_of {
  using type = sql_transaction<Database>;
};

/// How often a transaction is repeated immediately after a conflict with another one.
inline constexpr int transaction_repeats = 10;

template <class Database>
  requires requires {
    typename transaction_of<Database>::type;
  } && sql_database<typename transaction_of<Database>::type>
struct transactional_step<Database> {
  using transaction = typename transaction_of<Database>::type;
  template <class Body>
  using result = step_result_t<Body, transaction&>;

  template <class Body>
  static void run(Database& database, Body& body, const std::string& run_id, const execution::step_call& at,
                  std::string& out, const sql_outbox& tables = sql_outbox()) {
    for (int repeats = 0;; ++repeats) {
      try {
        out.clear();
        return with_sql_errors([&] { run_once(database, body, run_id, at, out, tables); });
      } catch (const sql_error& problem) {
        const bool gives_up = problem.why() != sql_error::kind::conflict || repeats == transaction_repeats;
        if (gives_up || at.stop.stop_requested()) throw;
        std::this_thread::sleep_for(std::chrono::milliseconds(5 * (repeats + 1)));
      }
    }
  }

 private:
  /// The body and the commit may throw conflicts as errors of the driver's library.
  template <class Once>
  static void with_sql_errors(Once once) {
    if constexpr (requires { sql_driver<transaction>::translate_errors(once); })
      sql_driver<transaction>::translate_errors(once);
    else
      once();
  }

  template <class Body>
  static void run_once(Database& database, Body& body, const std::string& run_id,
                       const execution::step_call& at, std::string& out, const sql_outbox& tables) {
    using driver = sql_driver<transaction>;
    const std::string step = to_hex(at.hash);
    transaction tx(database);
    // Take the lock first, so that the query sees what the lock's previous holder has committed.
    if (const auto turn = tables.begin_step(driver::dialect(), run_id, step)) driver::execute(tx, *turn);
    const sql_rows found = driver::execute(tx, tables.find_step(run_id, step));
    if (!found.empty()) {
      if (!found.front().front())
        throw non_retriable_error("step \"" + at.id +
                                  "\" has run already, and forget_steps() of the outbox has " +
                                  "deleted its result: call it only after the run has ended");
      out = *found.front().front();
      return;
    }
    run_body(body, at.deadline, at.stop, out, tx);
    if constexpr (requires { sql_driver<Database>::in_transaction(database); }) {
      if (!sql_driver<Database>::in_transaction(database)) {
        throw configuration_error(
            "the body of step.transaction() has ended the transaction: what it wrote may happen again. The "
            "step "
            "commits it");
      }
    }
    // Empty when another attempt has recorded its result in the meantime.
    if (driver::execute(tx, tables.record_step(driver::dialect(), run_id, step, at.id, out)).empty())
      throw sql_error("another attempt has already executed this step", sql_error::kind::conflict);
    tx.commit();
  }
};

}  // namespace detail
}  // namespace inngest::inline INNGEST_ABI
