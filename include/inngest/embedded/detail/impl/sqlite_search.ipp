#pragma once

#include <algorithm>
#include <deque>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/embedded/detail/sqlite_search.hpp>

namespace inngest::inline INNGEST_ABI::detail::sqlite {

/// If a query selects more functions or statuses than this, they are filtered instead of read from the index.
inline constexpr std::size_t max_streams = 20;

INNGEST_INLINE sql_part& sql_part::add(const sql_part& more) {
  text += more.text;
  values.insert(values.end(), more.values.begin(), more.values.end());
  return *this;
}

/// Question marks for a list of values.
INNGEST_INLINE std::string marks(std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += i == 0 ? "?" : ", ?";
  return "(" + out + ")";
}

INNGEST_INLINE sql_part one_of(const std::string& column, const std::vector<std::string>& values) {
  return {column + " IN " + marks(values.size()), {values.begin(), values.end()}};
}

/// Whether a run was repeated: see run_query::is_repeated. Every repetition of a run is later than it,
/// whatever its id: the system's clock may have been set back.
inline constexpr std::string_view later_repetition =
    "EXISTS (SELECT 1 FROM runs AS again INDEXED BY runs_by_original WHERE "
    "again.original_run_id = coalesce(runs.original_run_id, runs.id) AND "
    "again.id > CASE WHEN runs.original_run_id IS NULL THEN '' ELSE runs.id END)";

INNGEST_INLINE std::int64_t count_of(timestamp time) { return time.time_since_epoch().count(); }

// ---- conditions and sources ---------------------------------------------------------------------------

INNGEST_INLINE run_search::run_search(database& file, const embedded::run_query& query,
                                      const search_limits& limits)
    : file_(file),
      query_(query),
      limits_(limits),
      time_(query.by == embedded::run_query::time::queued    ? "queued_at"
            : query.by == embedded::run_query::time::started ? "started_at"
                                                             : "ended_at") {
  add_conditions();
  if (query.before.empty()) return;
  after_ = embedded::place_of_cursor(query.before, is_by_queue(), [&](const std::string& id) {
    std::optional<timestamp> out;
    rows found =
        file_.query("SELECT " + time_ + " FROM runs WHERE id = ?1 AND typeof(" + time_ + ") = 'integer'", id);
    if (found.next()) found.read(out.emplace());
    return out;
  });
  is_empty_ |= !after_;
}

INNGEST_INLINE void run_search::add_condition(search_index index, sql_part test) {
  conditions_.push_back({index, std::move(test)});
}

INNGEST_INLINE void run_search::add_source(search_index index, std::vector<search_stream> streams,
                                           bool is_ordered) {
  if (streams.size() <= max_streams)
    sources_.push_back({index, std::move(streams), is_ordered, conditions_.size() - 1});
}

INNGEST_INLINE search_stream run_search::stream_of_runs(const std::string& name_of_index,
                                                        sql_part where) const {
  const std::string from = "runs INDEXED BY " + name_of_index;
  return {.from = from, .where = std::move(where), .time = "runs.queued_at", .count_of = from};
}

INNGEST_INLINE search_stream run_search::stream_of(const std::string& table, sql_part where) const {
  return {.from = table + " CROSS JOIN runs ON runs.number = " + table + ".run",
          .where = std::move(where),
          .time = table + ".queued_at",
          .count_of = table};
}

INNGEST_INLINE void run_search::add_conditions() {
  if (!query_.event_id.empty()) {
    add_condition(search_index::event_id,
                  {"EXISTS (SELECT 1 FROM run_events WHERE run = runs.number AND run_events.event_id = ?)",
                   {query_.event_id}});
    search_stream stream = stream_of("run_events", {"run_events.event_id = ?", {query_.event_id}});
    stream.time = "runs.queued_at";
    add_source(search_index::event_id, {stream}, false);
  }
  if (embedded::is_id(query_.search)) {
    add_condition(search_index::id, {"(runs.id = ? OR runs.event_id = ?)", {query_.search, query_.search}});
    const sql_part where{
        "runs.number IN (SELECT number FROM runs WHERE id = ? UNION SELECT run FROM run_events WHERE "
        "event_id = ?)",
        {query_.search, query_.search}};
    add_source(search_index::id,
               {{.from = "runs", .where = where, .time = "runs.queued_at", .count_of = "runs"}}, false);
    sources_.back().condition = no_condition;  // other events of a batch do not count
  } else if (!query_.search.empty()) {
    add_condition(search_index::none,
                  {"(instr(runs.id, ?) > 0 OR instr(runs.event_id, ?) > 0 OR instr(runs.event_name, ?) > 0)",
                   {query_.search, query_.search, query_.search}});
  }
  for (const embedded::run_tag& tag : query_.tags) {
    add_condition(search_index::tag,
                  {"EXISTS (SELECT 1 FROM run_tags WHERE run = runs.number AND name = ? AND value = ?)",
                   {tag.name, tag.value}});
    add_source(search_index::tag,
               {stream_of("run_tags", {"run_tags.name = ? AND run_tags.value = ?", {tag.name, tag.value}})});
  }
  add_keys();
  if (!query_.event_name.empty()) {
    const sql_part test{"runs.event_name = ?", {query_.event_name}};
    add_condition(search_index::event_name, test);
    add_source(search_index::event_name, {stream_of_runs("runs_by_event", test)});
  }
  add_functions();
  if (query_.is_deferred)
    add_condition(search_index::none, {*query_.is_deferred ? "runs.event_name = ?" : "runs.event_name <> ?",
                                       {std::string(embedded::deferred_event)}});
  if (query_.is_repeated)
    add_condition(search_index::none,
                  {(*query_.is_repeated ? "" : "NOT ") + std::string(later_repetition), {}});
  if (!query_.error.empty()) {
    const std::string wanted = lower_case(query_.error);
    add_condition(search_index::none,
                  {"runs.error_name IS NOT NULL AND (instr(lower(runs.error_name), ?) > 0 OR "
                   "instr(lower(coalesce(runs.error_message, '')), ?) > 0)",
                   {wanted, wanted}});
  }
}

INNGEST_INLINE void run_search::add_keys() {
  const auto add = [&](const std::string& key, const char* what) {
    if (key.empty()) return;
    add_condition(
        search_index::key,
        {std::string("EXISTS (SELECT 1 FROM run_keys WHERE run = runs.number AND key = ?") + what + ")",
         {key}});
    add_source(search_index::key, {stream_of("run_keys", {std::string("run_keys.key = ?") + what, {key}})});
  };
  add(query_.key, "");
  add(query_.concurrency_key, " AND run_keys.what = 0");
  add(query_.idempotency_key, " AND run_keys.what = 1");
}

INNGEST_INLINE std::vector<std::string> run_search::slugs_of_app(const std::string& app) {
  std::vector<std::string> out;
  std::string last = app + "-";
  const std::string end = app + ".";  // '.' follows '-'
  while (out.size() <= max_streams) {
    rows found = file_.query(
        "SELECT function_slug FROM runs INDEXED BY runs_by_function WHERE function_slug > ?1 AND "
        "function_slug < ?2 AND typeof(function_slug) = 'text' ORDER BY function_slug LIMIT 1",
        last, end);
    std::string next;
    if (!found.next()) break;
    found.read(next);
    last = out.emplace_back(std::move(next));
  }
  return out;
}

INNGEST_INLINE void run_search::add_functions() {
  std::optional<std::vector<std::string>> slugs = query_.functions;
  const auto keep = [&](const std::vector<std::string>& others) {
    if (!slugs) slugs = others;
    std::erase_if(*slugs, [&](const std::string& slug) {
      return std::find(others.begin(), others.end(), slug) == others.end();
    });
  };
  if (!query_.function.empty()) keep({query_.function});
  if (slugs) {
    std::sort(slugs->begin(), slugs->end());
    slugs->erase(std::unique(slugs->begin(), slugs->end()), slugs->end());
    is_empty_ |= slugs->empty();
    add_condition(search_index::function, one_of("runs.function_slug", *slugs));
  }
  if (!query_.app.empty()) {
    add_condition(slugs ? search_index::none : search_index::function,
                  {"runs.function_slug = ? || runs.function_id", {query_.app + "-"}});
    if (!slugs) slugs = slugs_of_app(query_.app);
  }
  if (slugs) {
    std::vector<search_stream> streams;
    for (const std::string& slug : *slugs)
      streams.push_back(stream_of_runs("runs_by_function", {"runs.function_slug = ?", {slug}}));
    add_source(search_index::function, std::move(streams));
    if (!sources_.empty() && sources_.back().index == search_index::function && !query_.app.empty())
      sources_.back().condition = no_condition;  // the app must also be compared
  }
  std::vector<embedded::run_status> statuses = query_.statuses;
  if (query_.status) {
    const bool fits =
        statuses.empty() || std::find(statuses.begin(), statuses.end(), *query_.status) != statuses.end();
    is_empty_ |= !fits;
    statuses = {*query_.status};
  }
  if (statuses.empty()) return;
  std::sort(statuses.begin(), statuses.end());
  statuses.erase(std::unique(statuses.begin(), statuses.end()), statuses.end());
  std::vector<search_stream> streams;
  sql_part test{"runs.status IN " + marks(statuses.size()), {}};
  for (const embedded::run_status status : statuses) {
    test.values.emplace_back(static_cast<std::int64_t>(status));
    streams.push_back(
        stream_of_runs("runs_by_status", {"runs.status = ?", {static_cast<std::int64_t>(status)}}));
  }
  add_condition(search_index::status, std::move(test));
  add_source(search_index::status, std::move(streams));
}

// ---- the choice ---------------------------------------------------------------------------------------

INNGEST_INLINE sql_part run_search::span(const std::string& column) const {
  sql_part out;
  if (query_.from) out.add_and({column + " >= ?", {count_of(*query_.from)}});
  if (query_.until) out.add_and({column + " < ?", {count_of(*query_.until)}});
  return out;
}

INNGEST_INLINE search_source run_search::time_source() const {
  const char* index = is_by_queue()                                     ? "runs_by_queue"
                      : query_.by == embedded::run_query::time::started ? "runs_by_start"
                                                                        : "runs_by_end";
  search_stream stream = stream_of_runs(index, {"runs." + time_ + " IS NOT NULL", {}});
  stream.time = "runs." + time_;
  return {.index = search_index::time, .streams = {stream}, .condition = no_condition};
}

INNGEST_INLINE std::size_t run_search::count(const search_source& source, std::size_t most) {
  std::size_t out = 0;
  for (const search_stream& stream : source.streams) {
    if (out >= most) break;
    sql_part text{"SELECT count(*) FROM (SELECT 1 FROM " + stream.count_of + " WHERE ", {}};
    text.add(stream.where);
    const bool has_span = source.is_ordered && stream.time.ends_with("." + time_);
    if (has_span) text.add(span(stream.time));
    text.add(sql_part{" LIMIT ?)", {static_cast<std::int64_t>(most - out)}});
    rows found = file_.query_once(text.text, text.values);
    std::int64_t counted = 0;
    if (found.next()) found.read(counted);
    out += static_cast<std::size_t>(counted);
  }
  return out;
}

INNGEST_INLINE std::pair<search_source, bool> run_search::choose() {
  const search_source by_time = time_source();
  std::vector<search_source> all = sources_;
  if (query_.from || query_.until) all.push_back(by_time);
  if (all.empty()) return {by_time, false};
  const search_source* best = nullptr;
  std::size_t least = limits_.few;
  for (const search_source& source : all) {
    const std::size_t found = count(source, least);
    if (found >= least) continue;
    least = found;
    best = &source;
  }
  if (best) return {*best, true};
  const auto first_ordered =
      std::find_if(all.begin(), all.end(), [](const search_source& source) { return source.is_ordered; });
  const bool is_usable = is_by_queue() && first_ordered != all.end();
  return {is_usable ? *first_ordered : by_time, false};
}

INNGEST_INLINE sql_part run_search::statement(const search_source& source, const search_stream& stream,
                                              bool is_small, bool with_status) const {
  const std::string time = is_small ? "runs." + time_ : stream.time;
  sql_part test;
  for (std::size_t i = 0; i < conditions_.size(); ++i) {
    if (i == source.condition) continue;
    (test.text.empty() ? test : test.add(" AND ")).add("(").add(conditions_[i].test).add(")");
  }
  if (test.text.empty()) test.text = "1";
  sql_part out{"SELECT runs.number, " + time + ", runs.id, ", {}};
  out.add(with_status ? "runs.status" : "NULL").add(", ").add(test);
  out.add(" FROM " + stream.from + " WHERE ").add(stream.where).add(span(time));
  if (is_small) return out.add(" AND " + time + " IS NOT NULL");
  const char *behind = query_.oldest_first ? ">" : "<", *direction = query_.oldest_first ? " ASC" : " DESC";
  if (after_) {
    const std::int64_t last = count_of(after_->time);
    out.add_and({time + " " + behind + "= ? AND (" + time + " " + behind + " ? OR runs.id " + behind + " ?)",
                 {last, last, after_->id}});
  }
  return out.add(" ORDER BY " + time + direction + ", runs.id" + direction);
}

INNGEST_INLINE std::vector<sql_part> run_search::statements(bool with_status) {
  const auto [source, is_small] = choose();
  std::vector<sql_part> out;
  for (const search_stream& stream : source.streams)
    out.push_back(statement(source, stream, is_small, with_status));
  return out;
}

// ---- reading ------------------------------------------------------------------------------------------

INNGEST_INLINE bool run_search::is_before(const embedded::order_place& a,
                                          const embedded::order_place& b) const {
  return query_.oldest_first ? a < b : b < a;
}

/// Reads a row of a search. Returns false when it can't be read.
INNGEST_INLINE bool read_hit(rows& from, run_search::hit& out, bool& fits) {
  try {
    from.read(out.number, out.place.time, out.place.id, out.status, fits);
    return true;
  } catch (const bad_value&) {
    return false;
  }
}

INNGEST_INLINE std::string run_search::visit(bool with_status, const std::function<bool(const hit&)>& visit) {
  if (is_empty_) return {};
  const auto [source, is_small] = choose();
  return is_small ? visit_small(source, with_status, visit) : visit_large(source, with_status, visit);
}

INNGEST_INLINE std::string run_search::visit_small(const search_source& source, bool with_status,
                                                   const std::function<bool(const hit&)>& visit) {
  std::vector<hit> all;
  for (const search_stream& stream : source.streams) {
    const sql_part text = statement(source, stream, true, with_status);
    rows found = file_.query_once(text.text, text.values);
    while (found.next()) {
      hit next;
      bool fits = false;
      if (read_hit(found, next, fits) && fits && (!after_ || is_before(*after_, next.place)))
        all.push_back(std::move(next));
    }
  }
  std::sort(all.begin(), all.end(), [&](const hit& a, const hit& b) { return is_before(a.place, b.place); });
  const auto is_same = [](const hit& a, const hit& b) { return a.number == b.number; };
  all.erase(std::unique(all.begin(), all.end(), is_same), all.end());
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!visit(all[i])) return i + 1 < all.size() ? embedded::cursor_of(all[i].place) : std::string();
  }
  return {};
}

/// The rows of one stream, and the next one of them.
struct open_stream {
  open_stream(database& file, const sql_part& text) : found(file.query_once(text.text, text.values)) {
    move_on();
  }

  rows found;
  run_search::hit next{};
  bool fits = false;
  bool is_over = false;

  void move_on() {
    do {
      is_over = !found.next();
    } while (!is_over && !read_hit(found, next, fits));
  }
};

INNGEST_INLINE std::string run_search::visit_large(const search_source& source, bool with_status,
                                                   const std::function<bool(const hit&)>& visit) {
  std::deque<sql_part> texts;  // outlive the rows
  std::deque<open_stream> streams;
  for (const search_stream& stream : source.streams) {
    const sql_part& text = texts.emplace_back(statement(source, stream, false, with_status));
    streams.emplace_back(file_, text);
  }
  const auto next_stream = [&] {
    open_stream* out = nullptr;
    for (open_stream& stream : streams) {
      if (!stream.is_over && (!out || is_before(stream.next.place, out->next.place))) out = &stream;
    }
    return out;
  };
  std::int64_t last = 0;  // a run may have a key twice
  std::size_t looked_at = 0;
  for (open_stream* from = next_stream(); from; from = next_stream()) {
    const hit found = from->next;
    const bool wanted = from->fits && found.number != last;
    last = found.number;
    from->move_on();
    const bool goes_on = !wanted || visit(found);
    if (goes_on && ++looked_at < limits_.most) continue;
    return next_stream() ? embedded::cursor_of(found.place) : std::string();
  }
  return {};
}

INNGEST_INLINE std::optional<std::size_t> run_search::quick_count() {
  if (is_empty_) return 0;
  if (!is_by_queue() || !query_.before.empty() || conditions_.size() > 1) return std::nullopt;
  if (conditions_.empty()) return count(time_source(), static_cast<std::size_t>(-1) / 2);
  if (sources_.empty() || sources_.front().condition >= conditions_.size()) return std::nullopt;
  const search_index index = sources_.front().index;
  const bool may_repeat = index == search_index::event_id || index == search_index::key;
  if (may_repeat) return std::nullopt;
  return count(sources_.front(), static_cast<std::size_t>(-1) / 2);
}

// ---- events -------------------------------------------------------------------------------------------

INNGEST_INLINE sql_part statement_of_events(const embedded::event_query& query,
                                            const std::optional<embedded::order_place>& after) {
  const bool is_one = !query.id.empty() || embedded::is_id(query.search);
  sql_part test{"1", {}};
  if (!query.search.empty() && !embedded::is_id(query.search))
    test = {"(instr(id, ?) > 0 OR instr(name, ?) > 0)", {query.search, query.search}};
  sql_part out{"SELECT number, received_at, id, NULL, ", {}};
  out.add(test).add(" FROM events");
  if (!is_one) out.add(query.name.empty() ? " INDEXED BY events_by_time" : " INDEXED BY events_by_name");
  out.add(" WHERE typeof(received_at) = 'integer'");
  if (!query.id.empty()) out.add_and({"id = ?", {query.id}});
  if (embedded::is_id(query.search)) out.add_and({"id = ?", {query.search}});
  if (!query.name.empty()) out.add_and({"name = ?", {query.name}});
  if (query.from) out.add_and({"received_at >= ?", {count_of(*query.from)}});
  if (query.until) out.add_and({"received_at < ?", {count_of(*query.until)}});
  if (after) {
    const std::int64_t last = count_of(after->time);
    out.add_and({"received_at <= ? AND (received_at < ? OR id < ?)", {last, last, after->id}});
  }
  return out.add(" ORDER BY received_at DESC, id DESC");
}

INNGEST_INLINE std::pair<std::vector<std::int64_t>, std::string> search_events(
    database& file, const embedded::event_query& query) {
  std::vector<std::int64_t> out;
  std::optional<embedded::order_place> after;
  if (!query.before.empty()) {
    after = embedded::place_of_cursor(query.before, true, [&](const std::string& id) {
      std::optional<timestamp> time;
      rows found =
          file.query("SELECT received_at FROM events WHERE id = ?1 AND typeof(received_at) = 'integer'", id);
      if (found.next()) found.read(time.emplace());
      return time;
    });
    if (!after) return {};
  }
  const sql_part text = statement_of_events(query, after);
  open_stream events(file, text);
  for (std::size_t looked_at = 1; !events.is_over; ++looked_at) {
    const run_search::hit found = events.next;
    if (events.fits && out.size() < query.limit) out.push_back(found.number);
    events.move_on();
    if (!events.is_over && (out.size() >= query.limit || looked_at >= search_limits().most))
      return {std::move(out), embedded::cursor_of(found.place)};
  }
  return {std::move(out), std::string()};
}

}  // namespace inngest::inline INNGEST_ABI::detail::sqlite
