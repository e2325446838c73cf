#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <inngest/embedded/detail/sqlite.hpp>
#include <inngest/embedded/store.hpp>

namespace inngest::detail::sqlite {

template <>
inline constexpr auto last_enumerator<embedded::run_status> = embedded::run_status::cancelled;
template <>
inline constexpr auto last_enumerator<embedded::progress> = embedded::progress::request_started;
template <>
inline constexpr auto last_enumerator<embedded::job::kind> = embedded::job::kind::request;

/// Answers a store's questions from its tables. For as long as it lives they stay as they are.
class reader {
 public:
  explicit reader(database& file) : file_(file), snapshot_(file, transaction::kind::reads) {}

  embedded::unfinished_work load() {
    return {.runs = unfinished_runs(),
            .memos = memos("WHERE status IN (0, 1)"),
            .jobs = jobs(),
            .waits = waits(),
            .values = values(),
            .apps = apps()};
  }

  std::optional<embedded::event_record> find_event(std::string_view id) {
    rows found = file_.query("SELECT id, name, text, received_at FROM events WHERE id = ?1", id);
    if (!found.next()) return std::nullopt;
    return event_of(found);
  }

  std::vector<embedded::event_record> find_events(const embedded::event_query& query) {
    std::string text = "SELECT id, name, text, received_at FROM events";
    if (!query.before.empty()) text += " WHERE id < ?1";
    text += " ORDER BY id DESC LIMIT ?2";
    std::vector<embedded::event_record> out;
    rows found = file_.query(text, query.before, limit_of(query.limit));
    while (found.next()) out.push_back(event_of(found));
    return out;
  }

  std::optional<embedded::run_record> find_run(std::string_view id) {
    std::optional<embedded::run_record> out;
    std::int64_t number = 0;
    rows found =
        file_.query("SELECT number, " + run_columns + record_columns + " FROM runs WHERE id = ?1", id);
    if (!found.next()) return out;
    found.read(number);
    read(found, out.emplace());
    out->run.timeline = timeline_of(number);
    rows events = file_.query("SELECT " + event_columns + "WHERE run = ?1 ORDER BY position", number);
    while (events.next()) read(events, out->events.emplace_back());
    rows deferred =
        file_.query("SELECT step, slug, input FROM deferred_calls WHERE run = ?1 ORDER BY position", number);
    while (deferred.next()) read(deferred, out->deferred.emplace_back());
    return out;
  }

  std::vector<embedded::run> find_runs(const embedded::run_query& query) {
    std::string where = " WHERE 1";
    if (query.status) where += " AND status = ?1";
    if (!query.function.empty()) where += " AND function_slug = ?2";
    if (!query.search.empty())
      where += " AND (instr(id, ?3) > 0 OR instr(event_id, ?3) > 0 OR instr(event_name, ?3) > 0)";
    if (!query.before.empty()) where += " AND id < ?4";
    std::vector<embedded::run> out;
    rows found = file_.query("SELECT " + run_columns + " FROM runs" + where + " ORDER BY id DESC LIMIT ?5",
                             query.status, query.function, query.search, query.before, limit_of(query.limit));
    while (found.next()) read(found, out.emplace_back());
    return out;
  }

  std::vector<embedded::run> runs_of(std::string_view event_id) {
    return with_timelines(
        file_.query("SELECT number, " + run_columns +
                        " FROM runs WHERE number IN (SELECT run FROM run_events WHERE event_id = ?1) "
                        "ORDER BY id",
                    event_id));
  }

  std::vector<embedded::run> runs() {
    return with_timelines(file_.query("SELECT number, " + run_columns + " FROM runs ORDER BY id"));
  }

  std::vector<embedded::memo_record> memos_of(std::string_view run_id) {
    return memos("WHERE runs.id = ?1", run_id);
  }

  embedded::run_counts count_runs() {
    embedded::run_counts out;
    rows found = file_.query("SELECT status, count(*) FROM runs GROUP BY status");
    while (found.next()) {
      embedded::run_status status{};
      std::size_t count = 0;
      found.read(status, count);
      out.of(status) = count;
    }
    return out;
  }

 private:
  inline static const std::string run_columns =
      "id, status, function_slug, function_id, event_id, event_name, queued_at, started_at, ended_at, "
      "error_name, error_message, error_text, output";
  inline static const std::string record_columns = ", gathering, parent_run_id, parent_step";
  inline static const std::string event_columns =
      "event_id, coalesce(run_events.text, events.text) FROM run_events "
      "LEFT JOIN events ON run_events.text IS NULL AND events.id = event_id ";

  std::vector<embedded::run_record> unfinished_runs() {
    std::vector<embedded::run_record> out;
    std::unordered_map<std::int64_t, std::size_t> places;  // by number
    std::int64_t number = 0;
    rows found = file_.query("SELECT number, " + run_columns + record_columns +
                             " FROM runs WHERE status IN (0, 1) ORDER BY id");
    while (found.next()) {
      found.read(number);
      places.emplace(number, out.size());
      read(found, out.emplace_back());
    }
    const std::string of_unfinished =
        "WHERE run IN (SELECT number FROM runs WHERE status IN (0, 1)) ORDER BY run, position";
    rows events = file_.query("SELECT run, " + event_columns + of_unfinished);
    while (events.next()) {
      events.read(number);
      read(events, out[places.at(number)].events.emplace_back());
    }
    rows deferred = file_.query("SELECT run, step, slug, input FROM deferred_calls " + of_unfinished);
    while (deferred.next()) {
      deferred.read(number);
      read(deferred, out[places.at(number)].deferred.emplace_back());
    }
    return out;
  }

  template <class... Values>
  std::vector<embedded::memo_record> memos(const std::string& where, const Values&... values) {
    std::vector<embedded::memo_record> out;
    rows found = file_.query("SELECT runs.id, step, text FROM memos JOIN runs ON runs.number = run " + where +
                                 " ORDER BY memos.number",
                             values...);
    while (found.next()) {
      embedded::memo_record& each = out.emplace_back();
      found.read(each.run_id, each.step, each.text);
    }
    return out;
  }

  std::vector<embedded::job> jobs() {
    std::vector<embedded::job> out;
    rows found = file_.query(
        "SELECT id, what, run_id, step, step_name, attempt, due, begun, text FROM jobs ORDER BY id");
    while (found.next()) {
      embedded::job& each = out.emplace_back();
      found.read(each.id, each.what, each.run_id, each.step, each.step_name, each.attempt, each.due,
                 each.begun, each.text);
    }
    return out;
  }

  std::vector<embedded::wait_record> waits() {
    std::vector<embedded::wait_record> out;
    rows found = file_.query(
        "SELECT run_id, step, step_name, event_name, expression, signal, begun FROM waits "
        "ORDER BY run_id, step");
    while (found.next()) {
      embedded::wait_record& each = out.emplace_back();
      found.read(each.run_id, each.step, each.step_name, each.event_name, each.expression, each.signal,
                 each.begun);
    }
    return out;
  }

  std::vector<embedded::remembered_value> values() {
    std::vector<embedded::remembered_value> out;
    rows found = file_.query("SELECT key, text, expires FROM remembered_values ORDER BY key");
    while (found.next()) {
      embedded::remembered_value& each = out.emplace_back();
      found.read(each.key, each.text, each.expires);
    }
    return out;
  }

  std::vector<embedded::app_record> apps() {
    std::vector<embedded::app_record> out;
    rows found = file_.query("SELECT id, text FROM apps ORDER BY id");
    while (found.next()) {
      embedded::app_record& each = out.emplace_back();
      found.read(each.id, each.text);
    }
    return out;
  }

  /// Of rows that begin with a run's number.
  std::vector<embedded::run> with_timelines(rows found) {
    std::vector<embedded::run> out;
    std::int64_t number = 0;
    while (found.next()) {
      found.read(number);
      read(found, out.emplace_back());
      out.back().timeline = timeline_of(number);
    }
    return out;
  }

  std::vector<embedded::timeline_entry> timeline_of(std::int64_t run) {
    std::vector<embedded::timeline_entry> out;
    rows found = file_.query(
        "SELECT at, what, step, attempt, duration, detail FROM timeline WHERE run = ?1 ORDER BY position",
        run);
    while (found.next()) {
      embedded::timeline_entry& each = out.emplace_back();
      found.read(each.at, each.what, each.step, each.attempt, each.duration, each.detail);
    }
    return out;
  }

  static void read(rows& from, embedded::run& out) {
    std::optional<std::string> error_name, error_message, error_text;
    from.read(out.id, out.status, out.function_slug, out.function_id, out.event_id, out.event_name,
              out.queued_at, out.started_at, out.ended_at, error_name, error_message, error_text,
              out.output_text);
    if (!error_name) return;
    out.error = {.name = std::move(*error_name),
                 .message = std::move(error_message).value_or(""),
                 .text = std::move(error_text).value_or("")};
  }

  static void read(rows& from, embedded::run_record& out) {
    std::optional<std::string> parent_run_id;
    std::optional<step_hash> parent_step;
    read(from, out.run);
    from.read(out.gathering, parent_run_id, parent_step);
    if (parent_run_id && parent_step)
      out.parent = {.run_id = std::move(*parent_run_id), .step = *parent_step};
  }

  static void read(rows& from, embedded::run_event& out) { from.read(out.id, out.text); }
  static void read(rows& from, embedded::deferred_call& out) { from.read(out.id, out.slug, out.input); }

  static embedded::event_record event_of(rows& from) {
    embedded::event_record out;
    from.read(out.id, out.name, out.text, out.received_at);
    return out;
  }

  static std::int64_t limit_of(std::size_t limit) {
    constexpr std::size_t most = std::numeric_limits<std::int64_t>::max();
    return static_cast<std::int64_t>(std::min(limit, most));
  }

  database& file_;
  transaction snapshot_;
};

}  // namespace inngest::detail::sqlite
