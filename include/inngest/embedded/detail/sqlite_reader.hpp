#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/set_aside.hpp>
#include <inngest/embedded/detail/sqlite.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/step_id.hpp>

namespace inngest::inline INNGEST_ABI::detail::sqlite {

/// Queries the tables of a store. It reads a snapshot: the tables do not change during its lifetime. Results
/// omit unreadable rows, which are listed.
class reader {
 public:
  explicit reader(database& file) : file_(file), snapshot_(file, transaction::kind::reads) {}

  embedded::unfinished_work load();

  /// Reads all tables.
  std::vector<embedded::unreadable_record> unreadable();

  std::optional<embedded::event_record> find_event(std::string_view id);

  std::vector<embedded::event_record> find_events(const embedded::event_query& query);

  /// The run; `nullopt` when it does not exist, or can't be read completely.
  std::optional<embedded::run_record> find_run(std::string_view id);

  std::vector<embedded::run> find_runs(const embedded::run_query& query);
  embedded::run_page find_page(const embedded::run_query& query);
  std::string visit_page(const embedded::run_query& query,
                         const std::function<void(const embedded::run_point&)>& visit);
  std::optional<std::size_t> quick_count(const embedded::run_query& query);
  embedded::event_page find_event_page(const embedded::event_query& query);
  std::vector<embedded::run_event> events_of(std::string_view run_id);
  std::vector<embedded::run_times> times_of_runs(const std::string& function, std::size_t most);

  std::vector<embedded::run> runs_of(std::string_view event_id);

  std::vector<embedded::run> reruns_of(std::string_view run_id);
  std::vector<embedded::bulk_operation> bulk_operations();

  std::vector<embedded::run> runs();

  std::vector<embedded::memo_record> memos_of(std::string_view run_id);

  std::vector<embedded::run_note> notes_of(std::string_view run_id);
  std::vector<embedded::run_log_line> logs_of(std::string_view run_id);

  std::vector<embedded::audit_entry> audit_trail(const embedded::audit_query& query);

  embedded::run_counts count_runs();

 private:
  inline static const std::string events = "events", runs_table = "runs";
  inline static const std::string event_record_columns =
      "id, name, text, received_at, dispatched, resent_from";
  inline static const std::string run_columns =
      "id, status, function_slug, function_id, event_id, event_name, queued_at, started_at, ended_at, "
      "error_name, error_message, error_text, output, original_run_id";
  inline static const std::string record_columns =
      ", gathering, parent_run_id, parent_step, parent_name, replaced_step, replaced_input";
  inline static const std::string event_columns =
      "event_id, coalesce(run_events.text, events.text) AS text FROM run_events "
      "LEFT JOIN events ON run_events.text IS NULL AND events.id = event_id ";
  inline static const std::string memo_query =
      "SELECT memos.number AS number, runs.id AS run_id, step, text, name, begun FROM memos JOIN runs ON "
      "runs.number = "
      "run ";
  inline static const std::string timeline_columns = "at, what, step, attempt, duration, detail, step_id";
  inline static const std::string note_columns = "what, at, subject, name, target, text";
  /// Matches runs that have not ended, or have an invalid status.
  inline static const std::string is_unfinished = "(status < ?1 OR status > ?2)";
  static constexpr auto first_ended = embedded::run_status::completed;
  static constexpr auto last_status = embedded::run_status::skipped;
  /// An upper limit for ids of jobs, which no engine reaches.
  static constexpr std::int64_t last_id = std::int64_t{1} << 62;

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

  // The parts of unreadable().
  void list_parts_of_runs();
  void list_notes();
  void list_labels();

  /// Reads the readable rows of a whole table whose rows belong to runs.
  template <class Read>
  void in_runs(const std::string& table, const std::string& key, int key_columns, const std::string& columns,
               Read read, const std::string& join = {}) {
    in(table,
       file_.query("SELECT " + key + ", runs.number IS NULL, " + columns + " FROM " + table +
                   " LEFT JOIN runs ON runs.number = run " + join),
       key_columns, [&](rows& found) {
         bool is_orphan = false;
         if (key_columns == 2)
           read_place(found);
         else
           found.skip(key_columns);
         found.read(is_orphan);
         read(found);
         if (is_orphan) list(table, found.key(key_columns), "its run does not exist", {});
       });
  }

  void list(const std::string& table, std::string key, std::string reason, const std::string& run_id);

  /// Adds the step that invoked a run that is set aside, if it can be read.
  void add_parent(const std::string& run_id, std::vector<embedded::parent_step>& out);

  // ---- unfinished work ------------------------------------------------------------------------------------

  std::vector<embedded::event_record> undispatched_events();

  /// The readable runs. Lists the others, whose steps and jobs will not be read.
  std::vector<embedded::run_record> unfinished_runs();

  std::vector<embedded::memo_record> unfinished_memos();
  std::vector<embedded::metadata_amount> metadata_of_unfinished();

  std::vector<embedded::job> jobs();

  std::vector<embedded::wait_record> waits();

  std::vector<embedded::remembered_value> values();

  std::vector<embedded::app_record> apps();

  std::vector<embedded::bulk_operation> running_bulk_operations();

  // ---- rows -----------------------------------------------------------------------------------------------

  /// The id of a row's run; empty when it can't be read.
  static std::string run_of(rows& row, int column) { return row.text_at(column); }

  /// Reads rows that begin with the event's number.
  std::vector<embedded::event_record> events_of(rows found, std::size_t limit);

  /// Reads rows that begin with the run's number.
  std::vector<embedded::run_record> records_of(rows found);

  std::vector<embedded::memo_record> memos(rows found);

  /// Reads rows that begin with the run's number.
  std::vector<embedded::run> with_timelines(rows found);

  /// Adds a run's tags and keys.
  void read_labels(std::int64_t number, embedded::run& out);
  /// Adds the tags and keys of all unfinished runs. `find` returns the run with the id, or null.
  void read_labels_of_unfinished(const std::function<embedded::run*(const std::string& id)>& find);
  static void add_key(embedded::run& out, int what, std::string key);

  std::vector<embedded::timeline_entry> timeline_of(std::int64_t run);

  /// Reads a row's position in its run. The order of the rows is correct only if all positions are numbers.
  static void read_position(rows& from);
  static void read_place(rows& from);

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
#include <inngest/embedded/detail/impl/sqlite_reader.ipp>
#endif
