#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/set_aside.hpp>
#include <inngest/embedded/detail/sqlite.hpp>
#include <inngest/embedded/detail/sqlite_records.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/embedded/store.hpp>

namespace inngest::inline INNGEST_ABI::detail::sqlite {

/// Reads whole tables of a store: the unfinished work when an engine starts, and everything to check it.
class loader : records {
 public:
  explicit loader(database& file) : records(file) {}

  embedded::unfinished_work load();

  /// Reads all tables.
  std::vector<embedded::unreadable_record> unreadable();

 private:
  /// Matches runs that have not ended, or have an invalid status.
  inline static const std::string is_unfinished = "(status < ?1 OR status > ?2)";
  static constexpr auto first_ended = embedded::run_status::completed;
  static constexpr auto last_status = embedded::run_status::skipped;
  /// An upper limit for ids of jobs, which no engine reaches.
  static constexpr std::int64_t last_id = std::int64_t{1} << 62;

  // ---- the parts of load() --------------------------------------------------------------------------------

  std::vector<embedded::event_record> undispatched_events();

  /// The readable runs. Lists the others, whose steps and jobs will not be read.
  std::vector<embedded::run_record> unfinished_runs();
  /// Adds the tags and keys of all unfinished runs. `find` returns the run with the id, or null.
  void read_labels_of_unfinished(const std::function<embedded::run*(const std::string& id)>& find);

  std::vector<embedded::memo_record> unfinished_memos();
  std::vector<embedded::metadata_amount> metadata_of_unfinished();
  std::vector<embedded::job> jobs();
  std::vector<embedded::wait_record> waits();
  std::vector<embedded::remembered_value> values();
  std::vector<embedded::app_record> apps();
  std::vector<embedded::bulk_operation> running_bulk_operations();

  /// Adds the step that invoked a run that is set aside, if it can be read.
  void add_parent(const std::string& run_id, std::vector<embedded::parent_step>& out);

  // ---- the parts of unreadable() --------------------------------------------------------------------------

  void list_parts_of_runs();
  void list_notes();
  void list_labels();
  void list_audit_trail();

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
};

}  // namespace inngest::inline INNGEST_ABI::detail::sqlite

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/sqlite_loader.ipp>
#endif
