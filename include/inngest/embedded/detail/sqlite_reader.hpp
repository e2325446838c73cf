#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/sqlite.hpp>
#include <inngest/embedded/detail/sqlite_records.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/embedded/store.hpp>

namespace inngest::inline INNGEST_ABI::detail::sqlite {

/// Answers questions about events and runs from the tables of a store.
class reader : records {
 public:
  explicit reader(database& file) : records(file) {}

  // ---- events ---------------------------------------------------------------------------------------------

  std::optional<embedded::event_record> find_event(std::string_view id);
  std::vector<embedded::event_record> find_events(const embedded::event_query& query);
  embedded::event_page find_event_page(const embedded::event_query& query);

  // ---- runs -----------------------------------------------------------------------------------------------

  /// The run; `nullopt` when it does not exist, or can't be read completely.
  std::optional<embedded::run_record> find_run(std::string_view id);
  std::vector<embedded::run> find_runs(const embedded::run_query& query);
  embedded::run_page find_page(const embedded::run_query& query);
  std::string visit_page(const embedded::run_query& query,
                         const std::function<void(const embedded::run_point&)>& visit);
  std::optional<std::size_t> quick_count(const embedded::run_query& query);
  embedded::run_counts count_runs();
  std::vector<embedded::run_times> times_of_runs(const std::string& function, std::size_t most);
  std::vector<embedded::run> runs();
  std::vector<embedded::run> runs_of(std::string_view event_id);
  std::vector<embedded::run> reruns_of(std::string_view run_id);

  // ---- parts of a run -------------------------------------------------------------------------------------

  std::vector<embedded::run_event> events_of(std::string_view run_id);
  std::vector<embedded::memo_record> memos_of(std::string_view run_id);
  std::vector<embedded::run_note> notes_of(std::string_view run_id);
  std::vector<embedded::run_log_line> logs_of(std::string_view run_id);

  // ---- operations -----------------------------------------------------------------------------------------

  using records::bulk_operations;
  std::vector<embedded::audit_entry> audit_trail(const embedded::audit_query& query);

 private:
  inline static const std::string event_columns =
      "event_id, coalesce(run_events.text, events.text) AS text FROM run_events "
      "LEFT JOIN events ON run_events.text IS NULL AND events.id = event_id ";

  /// Reads rows that begin with the run's number.
  std::vector<embedded::run> with_timelines(rows found);
  std::vector<embedded::timeline_entry> timeline_of(std::int64_t run);
  /// Adds a run's tags and keys.
  void read_labels(std::int64_t number, embedded::run& out);

  using records::events_of;
};

}  // namespace inngest::inline INNGEST_ABI::detail::sqlite

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/sqlite_reader.ipp>
#endif
