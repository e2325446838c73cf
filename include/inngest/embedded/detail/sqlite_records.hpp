#pragma once

#include <cstddef>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/set_aside.hpp>
#include <inngest/embedded/detail/sqlite.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/embedded/store.hpp>

namespace inngest::inline INNGEST_ABI::detail::sqlite {

/// Reads rows of a store's tables as records. It reads a snapshot: the tables do not change during its
/// lifetime. Results omit unreadable rows, which are listed. What the loader and the reader have in common.
class records {
 protected:
  explicit records(database& file) : file_(file), snapshot_(file, transaction::kind::reads) {}

  inline static const std::string events = "events", runs_table = "runs";
  inline static const std::string event_record_columns =
      "id, name, text, received_at, dispatched, resent_from";
  inline static const std::string run_columns =
      "id, status, function_slug, function_id, event_id, event_name, queued_at, started_at, ended_at, "
      "error_name, error_message, error_text, output, original_run_id";
  inline static const std::string record_columns =
      ", gathering, parent_run_id, parent_step, parent_name, replaced_step, replaced_input";
  inline static const std::string memo_query =
      "SELECT memos.number AS number, runs.id AS run_id, step, text, name, begun FROM memos JOIN runs ON "
      "runs.number = run ";
  inline static const std::string timeline_columns = "at, what, step, attempt, duration, detail, step_id";
  inline static const std::string note_columns = "what, at, subject, name, target, text";
  inline static const std::string audit_columns = "id, at, actor, action, target, details";

  // ---- records that can't be read -----------------------------------------------------------------------

  /// Reads a row. If that fails, lists the row and returns false. The first columns are the row's key.
  template <class Read>
  bool try_row(const std::string& table, rows& row, int key_columns, Read read,
               const std::string& run_id = {}) {
    try {
      read();
      return true;
    } catch (const bad_value& problem) {
      list(table, row.key(key_columns), problem.reason(), run_id);
      return false;
    }
  }

  /// Reads all readable rows. Returns false when some were not.
  template <class Read>
  bool in(const std::string& table, rows found, int key_columns, Read read) {
    bool all = true;
    while (found.next()) all &= try_row(table, found, key_columns, [&] { read(found); });
    return all;
  }

  void list(const std::string& table, std::string key, std::string reason, const std::string& run_id);

  // ---- several rows ---------------------------------------------------------------------------------------

  /// Reads rows that begin with the event's number.
  std::vector<embedded::event_record> events_of(rows found, std::size_t limit);

  /// Reads rows that begin with the run's number.
  std::vector<embedded::run_record> records_of(rows found);

  std::vector<embedded::memo_record> memos(rows found);

  /// Newest first.
  std::vector<embedded::bulk_operation> bulk_operations();

  // ---- one row --------------------------------------------------------------------------------------------

  /// The id of a row's run; empty when it can't be read.
  static std::string run_of(rows& row, int column) { return row.text_at(column); }

  /// Reads a row's position in its run. The order of the rows is correct only if all positions are numbers.
  static void read_position(rows& from);
  static void read_place(rows& from);

  static void add_key(embedded::run& out, int what, std::string key);

  static void read(rows& from, embedded::timeline_entry& out);
  static void read(rows& from, embedded::run_note& out);
  static void read(rows& from, embedded::run_log_line& out) {
    from.read(out.at, out.level, out.step, out.attempt, out.text);
  }
  static void read(rows& from, embedded::run& out);
  static void read(rows& from, embedded::bulk_operation& out);
  static void read(rows& from, embedded::run_record& out);
  static void read(rows& from, embedded::memo_record& out);
  static void read(rows& from, embedded::run_event& out) { from.read(out.id, out.text); }
  static void read(rows& from, embedded::deferred_call& out) { from.read(out.id, out.slug, out.input); }
  static void read(rows& from, embedded::audit_entry& out) {
    from.read(out.id, out.at, out.actor, out.action, out.target, out.details);
  }

  /// Reads a row that begins with the event's number.
  static embedded::event_record event_of(rows& from);

  static constexpr std::size_t no_limit = (std::numeric_limits<std::size_t>::max)();

  database& file_;
  transaction snapshot_;
  std::vector<embedded::unreadable_record> unreadable_;
  std::set<std::string> set_aside_;  // ids of runs
};

}  // namespace inngest::inline INNGEST_ABI::detail::sqlite

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/sqlite_records.ipp>
#endif
