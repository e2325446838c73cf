#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/event.hpp>
#include <inngest/sql_outbox/sql.hpp>
#include <inngest/time/timestamp.hpp>

namespace inngest::inline INNGEST_ABI {

/// Options of one event in an outbox.
struct outbox_entry {
  /// Events with the same stream are sent in the order in which their transactions committed, one request at
  /// a time. A transaction that adds to a stream waits for open transactions that have added to it. Empty: no
  /// order.
  std::string stream{};
  /// Whether the commit wakes relays. If not, they find the event when they poll: see
  /// sql_relay_options::poll. PostgreSQL's PREPARE TRANSACTION requires false, because it can't send
  /// notifications.
  bool wakes = true;
};

/// An event that is waiting or was given up.
struct outbox_event {
  /// Its number in its table.
  std::int64_t number = 0;
  /// The id that it is sent with; the same in every attempt.
  std::string event_id{};
  /// Its stream; empty when it has none.
  std::string stream{};
  /// The event as JSON.
  std::string event{};
  /// When it was added, by the database's clock.
  timestamp added_at{};
  /// How often the server has rejected it.
  int attempts = 0;
  /// Why the last attempt failed; empty before the first attempt.
  std::string reason{};
};

/// The state of an outbox.
struct outbox_depth {
  /// Events that are committed but not sent yet.
  std::int64_t waiting = 0;
  /// How long the oldest of them has been waiting, by the database's clock; 0 when there is none.
  std::chrono::milliseconds lag{};
  /// Events that were given up: see sql_outbox::dead().
  std::int64_t dead = 0;
};

/// One change of the schema. Apply them in order, each once, with your own migration tool or with
/// sql_outbox::create_tables().
struct sql_migration {
  /// The version that it leads to, starting at 1.
  int version = 0;
  /// The statements, without semicolons.
  std::vector<std::string> statements{};

  /// The statements as one script.
  [[nodiscard]] std::string text() const;
};

/// Adds events to tables of your database, in your own transaction: an event is committed together with your
/// rows, or not at all.
///
///     inngest::sql_outbox outbox;
///     ...
///     pqxx::work tx(connection);
///     tx.exec_params("INSERT INTO orders (id, total) VALUES ($1, $2)", id, total);
///     outbox.add(tx, OrderPlaced{{.orderId = id}});
///     tx.commit();
///
/// Include the header of your database driver: <inngest/sql_outbox/sqlite.hpp> for `sqlite3*`, postgresql.hpp
/// for `PGconn*`, pqxx.hpp for libpqxx; see sql_driver for others. An inngest::sql_relay sends the committed
/// events. The object holds only names. Thread-safe.
class sql_outbox {
 public:
  /// `table` is the prefix of all table names. It may include a schema: "shop.inngest_outbox". With SQLite
  /// use only the file of your own tables: several attached files in WAL mode do not commit together. \throws
  /// configuration_error for characters other than letters, digits and "_".
  explicit sql_outbox(std::string table = "inngest_outbox");

  /// Adds an event to the open transaction of the database and returns the id that it will be sent with: its
  /// own, or a new one. Without an open transaction it is committed immediately. In a handler, on its own
  /// thread, the event inherits the run's sessions, like one that the handler sends.
  /// \throws sql_error; payload_error for an id or stream that is not UTF-8 or has a zero byte.
  template <class Database>
  std::string add(Database&& database, any_event event, const outbox_entry& entry = {}) const {
    std::string id = identify(event);
    execute(database, insert(dialect_of<Database>(), event, entry));
    detail::added_events::notify();
    return id;
  }

  /// Creates the tables, or updates those of an earlier version.
  /// \throws sql_error; configuration_error in an open transaction.
  template <class Database>
  void create_tables(Database&& database) const {
    const sql_dialect& dialect = dialect_of<Database>();
    in_transaction(database, [&] {
      for (const auto& statement : version_statements(dialect)) execute(database, statement);
      const sql_rows found = execute(database, version_query());
      for (const auto& statement : missing_migrations(dialect, found)) execute(database, statement);
    });
  }

  /// The number of waiting and dead events, and the lag. It counts rows: do not call it for every event.
  /// \throws sql_error
  template <class Database>
  outbox_depth depth(Database&& database) const {
    return read_depth(execute(database, depth_query(dialect_of<Database>())));
  }

  /// Events that were given up because the server rejected them too often, oldest first. They stay until you
  /// requeue() or drop() them.
  /// \throws sql_error
  template <class Database>
  std::vector<outbox_event> dead(Database&& database, std::size_t limit = 100) const {
    return read_events(execute(database, dead_query(limit)));
  }

  /// Queues dead events again, behind the events that already wait. Returns their number.
  /// \throws sql_error; configuration_error in an open transaction.
  template <class Database>
  std::size_t requeue(Database&& database, const std::vector<std::int64_t>& numbers) const {
    if (numbers.empty()) return 0;
    std::size_t count = 0;
    in_transaction(database, [&] {
      const sql_rows taken = execute(database, take_dead_statement(numbers));
      for (const sql_statement& insert : requeue_statements(dialect_of<Database>(), taken))
        execute(database, insert);
      count = taken.size();
    });
    detail::added_events::notify();
    return count;
  }

  /// Deletes dead events. Returns their number.
  /// \throws sql_error
  template <class Database>
  std::size_t drop(Database&& database, const std::vector<std::int64_t>& numbers) const {
    return numbers.empty() ? 0 : execute(database, drop_statement(numbers)).size();
  }

  /// Deletes the results of a run's transactional steps: see step::transaction. Call it after the run has
  /// ended, such as in an on_success() handler. That the steps have run stays recorded for a day, so that a
  /// late attempt does not run them again: it fails with a non_retriable_error. A relay deletes these records
  /// after the day, and all others after sql_relay_options::keep_steps.
  /// \throws sql_error
  template <class Database>
  void forget_steps(Database&& database, std::string_view run_id) const {
    execute(database, forget_steps_statement(dialect_of<Database>(), run_id));
  }

  // ---- for databases without a driver -------------------------------------------------------------------

  /// The statement that adds the event, for you to execute. Gives `event` an id if it has none. The event
  /// inherits sessions like those of add().
  [[nodiscard]] sql_statement insert_statement(const sql_dialect& dialect, any_event& event,
                                               const outbox_entry& entry = {}) const;

  /// The schema's migrations, oldest first.
  [[nodiscard]] std::vector<sql_migration> migrations(const sql_dialect& dialect) const;

  // ---- used by relays and steps -------------------------------------------------------------------------

  /// The common prefix of the table names.
  [[nodiscard]] const std::string& table() const { return table_; }
  /// The channel on which relays are notified.
  [[nodiscard]] std::string channel() const;
  /// Counts waiting and dead events.
  [[nodiscard]] sql_statement depth_query(const sql_dialect& dialect) const;
  /// Reads the rows of depth_query().
  [[nodiscard]] static outbox_depth read_depth(const sql_rows& rows);
  /// Claims the lanes of a batch; nullopt when the dialect needs no claims. An event never waits longer than
  /// `longest` for its next attempt, even if the clock was set back.
  [[nodiscard]] std::optional<sql_statement> claim_query(const sql_dialect& dialect,
                                                         std::chrono::milliseconds longest) const;
  /// Reads a batch, in order. `lanes` contains the rows of claim_query().
  [[nodiscard]] sql_statement batch_query(const sql_dialect& dialect, const std::optional<sql_rows>& lanes,
                                          std::size_t events, std::size_t bytes,
                                          std::chrono::milliseconds longest) const;
  /// Reads the rows of batch_query() and dead_query().
  [[nodiscard]] static std::vector<outbox_event> read_events(const sql_rows& rows);
  /// Copies sent events to the table of sent events, for users who retain them for a while.
  [[nodiscard]] sql_statement keep_sent_statement(const sql_dialect& dialect,
                                                  const std::vector<std::int64_t>& numbers) const;
  /// Deletes events that were sent.
  [[nodiscard]] sql_statement remove_statement(const std::vector<std::int64_t>& numbers) const;
  /// Postpones an event's next attempt.
  [[nodiscard]] sql_statement postpone_statement(const sql_dialect& dialect, const outbox_event& event,
                                                 std::chrono::milliseconds delay) const;
  /// Copies an event to the table of dead events.
  [[nodiscard]] sql_statement bury_statement(const sql_dialect& dialect, const outbox_event& event) const;
  /// Returns a row if older records exist. `records` are "sent", "dead" or "steps", or "emptied steps": those
  /// whose results forget_steps() has deleted.
  [[nodiscard]] sql_statement old_query(const sql_dialect& dialect, std::string_view records,
                                        std::chrono::milliseconds age) const;
  /// Deletes older records.
  [[nodiscard]] sql_statement forget_statement(const sql_dialect& dialect, std::string_view records,
                                               std::chrono::milliseconds age) const;
  /// Waits until no other attempt of the step has an open transaction; nullopt when the database serializes
  /// transactions anyway.
  [[nodiscard]] std::optional<sql_statement> begin_step(const sql_dialect& dialect, std::string_view run_id,
                                                        std::string_view step) const;
  /// Finds the recorded result of a step: null after forget_steps().
  [[nodiscard]] sql_statement find_step(std::string_view run_id, std::string_view step) const;
  /// Records a step's result. Returns one row, or none if the step already has a result.
  [[nodiscard]] sql_statement record_step(const sql_dialect& dialect, std::string_view run_id,
                                          std::string_view step, std::string_view name,
                                          std::string result) const;

 private:
  template <class Database>
  static const sql_dialect& dialect_of() {
    static_assert(
        sql_database<Database>,
        "inngest: there is no driver for this database: include <inngest/sql_outbox/sqlite.hpp> for "
        "sqlite3*, postgresql.hpp for PGconn*, pqxx.hpp for libpqxx, or specialise "
        "inngest::sql_driver");
    return sql_driver<std::remove_cvref_t<Database>>::dialect();
  }

  template <class Database>
  static sql_rows execute(Database& database, const sql_statement& statement) {
    using plain = std::remove_cvref_t<Database>;
    return sql_driver<plain>::execute(const_cast<plain&>(database), statement);
  }

  /// Commits everything that the work does, or nothing.
  template <class Database, class Work>
  static void in_transaction(Database& database, const Work& work) {
    using driver = sql_driver<std::remove_cvref_t<Database>>;
    if constexpr (requires { driver::in_transaction(database); }) {
      if (driver::in_transaction(database))
        throw configuration_error(
            "the outbox needs a transaction of its own here, and one is open: end it before");
    }
    execute(database, {std::string(dialect_of<Database>().begin)});
    try {
      work();
      execute(database, {"COMMIT"});
    } catch (...) {
      try {
        execute(database, {"ROLLBACK"});
      } catch (const sql_error&) {  // keep the first error, which names the cause
      }
      throw;
    }
  }

  static std::string identify(any_event& event);
  /// The event's text, with the sessions of the run whose handler runs on this thread. The event itself stays
  /// as it is: a caller may add it again after a conflict.
  static std::string text_to_send(const any_event& event);
  [[nodiscard]] sql_statement insert(const sql_dialect& dialect, const any_event& event,
                                     const outbox_entry& entry) const;
  [[nodiscard]] std::vector<sql_statement> version_statements(const sql_dialect& dialect) const;
  [[nodiscard]] sql_statement version_query() const;
  [[nodiscard]] std::vector<sql_statement> missing_migrations(const sql_dialect& dialect,
                                                              const sql_rows& found) const;
  /// The condition for an event `o` to be sent now. An event that waits for its next attempt blocks its
  /// stream.
  [[nodiscard]] std::string ready(const sql_dialect& dialect, std::chrono::milliseconds longest) const;
  [[nodiscard]] std::string from_old(const sql_dialect& dialect, std::string_view records) const;
  [[nodiscard]] sql_statement dead_query(std::size_t limit) const;
  [[nodiscard]] sql_statement take_dead_statement(const std::vector<std::int64_t>& numbers) const;
  /// Inserts the rows of take_dead_statement(), in order.
  [[nodiscard]] std::vector<sql_statement> requeue_statements(const sql_dialect& dialect,
                                                              sql_rows taken) const;
  [[nodiscard]] sql_statement drop_statement(const std::vector<std::int64_t>& numbers) const;
  [[nodiscard]] sql_statement forget_steps_statement(const sql_dialect& dialect,
                                                     std::string_view run_id) const;

  std::string table_;
};

}  // namespace inngest::inline INNGEST_ABI

#if !defined(INNGEST_COMPILED)
#include <inngest/impl/sql_outbox.ipp>
#endif
