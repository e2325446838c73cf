#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/run_match.hpp>
#include <inngest/embedded/detail/sqlite.hpp>
#include <inngest/embedded/store.hpp>

// How sqlite_store searches. Each filter of run_query except error, is_repeated, search and where has an
// index. A search chooses one of them:
//
// - If a filter selects few runs, it reads all of them, applies the other filters, and sorts the result.
// - Otherwise it reads an index in the order of the query and applies the other filters to each run, until
//   the page is full. It reads a limited number of runs: a page may be short or empty even if more pages
//   follow.
//   successor.

namespace inngest::inline INNGEST_ABI::detail::sqlite {

/// A part of a statement, with the values of its question marks.
struct sql_part {
  std::string text{};
  std::vector<bound_value> values{};

  sql_part& add(std::string_view more) {
    text += more;
    return *this;
  }
  sql_part& add(const sql_part& more);
  /// Adds a condition after AND.
  sql_part& add_and(const sql_part& condition) { return add(" AND ").add(condition); }
};

/// The kinds of conditions, which determine the index that answers them. In the order in which a search
/// prefers them.
enum class search_index { event_id, id, tag, key, event_name, function, status, time, none };

/// A condition on the rows of `runs`.
struct search_condition {
  search_index index = search_index::none;
  sql_part test{};
};

/// Rows of an index, which are ordered by the time in the queue, or by the time of the query.
struct search_stream {
  std::string from{};      // the tables, such as "runs INDEXED BY runs_by_status"
  sql_part where{};        // for example "status = ?"
  std::string time{};      // the column by which the index orders
  std::string count_of{};  // the tables, to count the rows only
};

/// An index that a search may read.
struct search_source {
  search_index index = search_index::none;
  std::vector<search_stream> streams{};
  bool is_ordered = true;
  std::size_t condition = 0;  // index of the condition that it answers, or no_condition
};

inline constexpr std::size_t no_condition = static_cast<std::size_t>(-1);

/// How much a search reads.
struct search_limits {
  std::size_t few = 5'000;    ///< a filter with fewer rows is read completely, and sorted
  std::size_t most = 20'000;  ///< otherwise, the maximum number of rows that a page reads
};

/// Searches a store's runs in the caller's snapshot.
class run_search {
 public:
  /// `query` must outlive the search.
  run_search(database& file, const embedded::run_query& query, const search_limits& limits = {});

  /// A run that was found.
  struct hit {
    std::int64_t number = 0;
    embedded::order_place place{};
    std::optional<embedded::run_status> status{};  // if wanted
  };

  /// Calls `visit` for the runs in their order, until it returns false or the limit of rows is reached.
  /// Returns run_page::next for continuing after the last row.
  std::string visit(bool with_status, const std::function<bool(const hit&)>& visit);

  /// The number of runs, if an index contains it.
  std::optional<std::size_t> quick_count();

  /// The statements of a page, for EXPLAIN.
  std::vector<sql_part> statements(bool with_status);

 private:
  void add_conditions();
  void add_condition(search_index index, sql_part test);
  void add_functions();
  void add_keys();

  /// The slugs of an app's functions, possibly with those of other apps that begin alike.
  std::vector<std::string> slugs_of_app(const std::string& app);

  void add_source(search_index index, std::vector<search_stream> streams, bool is_ordered = true);
  search_stream stream_of_runs(const std::string& name_of_index, sql_part where) const;
  search_stream stream_of(const std::string& table, sql_part where) const;

  /// The source to read, and whether it has so few rows that they can be sorted.
  std::pair<search_source, bool> choose();
  std::size_t count(const search_source& source, std::size_t most);
  search_source time_source() const;

  /// The limits of the query's time, applied to a column; empty if there are none.
  sql_part span(const std::string& column) const;

  sql_part statement(const search_source& source, const search_stream& stream, bool is_small,
                     bool with_status) const;

  std::string visit_small(const search_source& source, bool with_status,
                          const std::function<bool(const hit&)>& visit);
  std::string visit_large(const search_source& source, bool with_status,
                          const std::function<bool(const hit&)>& visit);
  bool is_before(const embedded::order_place& a, const embedded::order_place& b) const;
  bool is_by_queue() const { return query_.by == embedded::run_query::time::queued; }

  database& file_;
  const embedded::run_query& query_;
  const search_limits limits_;
  std::string time_;  // the column of the query's time
  std::vector<search_condition> conditions_;
  std::vector<search_source> sources_;
  std::optional<embedded::order_place> after_;  // the page begins after it
  bool is_empty_ = false;                       // no run matches the query
};

/// A page of events without unreadable ones: their numbers, and event_page::next.
std::pair<std::vector<std::int64_t>, std::string> search_events(database& file,
                                                                const embedded::event_query& query);

/// The statement of such a page, for EXPLAIN.
sql_part statement_of_events(const embedded::event_query& query,
                             const std::optional<embedded::order_place>& after);

}  // namespace inngest::inline INNGEST_ABI::detail::sqlite

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/sqlite_search.ipp>
#endif
