#pragma once

#include <concepts>
#include <string>
#include <vector>

#include <pqxx/pqxx>

#include <inngest/config.hpp>
#include <inngest/sql_outbox.hpp>
#include <inngest/sql_outbox/detail/postgresql_values.hpp>
#include <inngest/sql_outbox/sql.hpp>
#include <inngest/sql_outbox/transaction.hpp>

// An outbox in a PostgreSQL database with libpqxx 6 to 8: pass your pqxx::work to sql_outbox, and your
// pqxx::connection to step.transaction(). The relay connects with <inngest/sql_outbox/postgresql.hpp>.

namespace inngest::inline INNGEST_ABI {

/// Executes statements in your transaction: pqxx::work, pqxx::nontransaction and others.
template <class Transaction>
  requires std::derived_from<Transaction, pqxx::transaction_base>
struct sql_driver<Transaction> {
  /// The database's dialect.
  static const sql_dialect& dialect() { return postgresql_dialect(); }

  /// Whether the database is in a transaction. A pqxx::nontransaction is not.
  static bool in_transaction(const pqxx::transaction_base&) {
    return std::derived_from<Transaction, pqxx::dbtransaction>;
  }

  /// Executes the statement and returns its rows. \throws sql_error
  static sql_rows execute(pqxx::transaction_base& tx, const sql_statement& statement) {
    const detail::postgresql_values values(statement, tx.conn().get_client_encoding());
    try {
      return translate_errors([&] { return rows_of(execute_with(tx, statement.text, values.pointers())); });
    } catch (const pqxx::failure& problem) {
      throw sql_error(problem.what());
    }
  }

  /// Calls a function, and throws conflicts and lost connections of libpqxx as sql_error.
  template <class Function>
  static decltype(auto) translate_errors(Function function) {
    try {
      return function();
    } catch (const pqxx::broken_connection& problem) {
      throw sql_error(problem.what(), sql_error::kind::connection);
    } catch (const pqxx::transaction_rollback& problem) {  // serialization failures and deadlocks
      throw sql_error(problem.what(), sql_error::kind::conflict);
    }
  }

 private:
  /// A null pointer is NULL.
  static pqxx::result execute_with(pqxx::transaction_base& tx, const std::string& text,
                                   const std::vector<const char*>& values) {
#if PQXX_VERSION_MAJOR >= 8
    pqxx::params given;
    for (const char* value : values) value ? given.append(std::string(value)) : given.append();
    return tx.exec(text, given);
#else
    return tx.exec_params(text, pqxx::prepare::make_dynamic_params(values));
#endif
  }

  static sql_rows rows_of(const pqxx::result& result) {
    sql_rows rows;
    for (const auto& row : result) {
      auto& out = rows.emplace_back();
      for (const auto& field : row)
        field.is_null() ? out.emplace_back() : out.emplace_back(std::string(field.c_str(), field.size()));
    }
    return rows;
  }
};

namespace detail {

/// A step's transaction on a pqxx::connection is a pqxx::work.
template <class Connection>
  requires std::derived_from<Connection, pqxx::connection>
struct transaction_of<Connection> {
  using type = pqxx::work;
};

}  // namespace detail
}  // namespace inngest::inline INNGEST_ABI
