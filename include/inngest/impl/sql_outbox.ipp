#pragma once

#include <algorithm>
#include <charconv>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/detail/crypto.hpp>
#include <inngest/detail/ulid.hpp>
#include <inngest/detail/utf8.hpp>
#include <inngest/error.hpp>
#include <inngest/execution/replay.hpp>
#include <inngest/json/detail/text.hpp>
#include <inngest/sql_outbox.hpp>

namespace inngest::inline INNGEST_ABI {
namespace detail::outbox_sql {

/// Events of a stream are in one lane, and only one relay at a time reads a lane. Stored in rows: never
/// change it.
inline constexpr unsigned lanes = 32;
/// The number of lanes that a relay claims at a time. More than `lanes / lanes_per_claim` relays are not
/// faster.
inline constexpr int lanes_per_claim = 8;

inline std::string with(std::string_view pattern, std::string_view value, char place = '%') {
  std::string out(pattern);
  const auto at = out.find(place);
  return at == std::string::npos ? out : out.replace(at, 1, value);
}

/// See sql_dialect::notify.
inline std::string notify_call(const sql_dialect& dialect, const std::string& channel) {
  return with(with(dialect.notify, channel), lock_number(channel, "waiting"), '#');
}

/// The call that waits for the lock with a name. Different tables have different locks.
inline std::string turn_call(const sql_dialect& dialect, const std::string& table, std::string_view kind,
                             std::string_view name) {
  return with(dialect.take_turn, lock_number(table, std::string(kind) + '\n' + std::string(name)));
}

inline std::string list_of(const std::vector<std::int64_t>& numbers) {
  std::string out = "(";
  for (const auto number : numbers) out += (out.size() > 1 ? "," : "") + std::to_string(number);
  return out + ")";
}

inline std::int64_t integer_of(const std::optional<std::string>& text) {
  std::int64_t out = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), out);
  return out;
}

/// Names of indexes have no schema.
inline std::string without_schema(const std::string& table) {
  return table.substr(table.find('.') == std::string::npos ? 0 : table.find('.') + 1);
}

/// `CREATE INDEX` with the index's name and its table, both without schema.
inline std::string create_index(const sql_dialect& dialect, const std::string& schema,
                                const std::string& index, const std::string& table) {
  return dialect.index_has_schema ? "CREATE INDEX " + schema + index + " ON " + table
                                  : "CREATE INDEX " + index + " ON " + schema + table;
}

/// The name as PostgreSQL reads it without quotes, limited to the maximum length of its names.
inline std::string channel_of(const std::string& table) {
  if (table.size() > 60) return "inngest_" + std::to_string(number_of_text(table));
  std::string out;
  for (const char c : table) out += c == '.' ? '_' : to_lower(c);
  return out;
}

/// Checks for text that all databases store and compare unchanged.
inline void require_text(std::string_view text, const char* member) {
  if (!is_utf8(text)) throw payload_error(member, "it must be UTF-8");
  if (text.find('\0') != std::string_view::npos)
    throw payload_error(member, "it has a zero byte, which databases do not store");
}

/// The words of an error as all databases store them, and not endless.
inline std::string reason_text(std::string_view reason) {
  constexpr std::size_t most = 4'000;
  std::string out = to_printable(reason);
  std::replace(out.begin(), out.end(), '\0', ' ');
  return out.size() <= most ? out : to_printable(std::string_view(out).substr(0, most)) + "...";
}

inline sql_value text_or_null(std::string_view text) {
  return text.empty() ? sql_value() : sql_value(std::string(text));
}

inline bool is_table_name(std::string_view name) {
  const auto part = [](std::string_view text) {
    const auto allowed = [](char c) { return is_letter_or_digit(c) || c == '_'; };
    return !text.empty() && text.size() <= 40 && !is_digit(text[0]) &&
           std::all_of(text.begin(), text.end(), allowed);
  };
  const auto dot = name.find('.');
  return dot == std::string_view::npos ? part(name) : part(name.substr(0, dot)) && part(name.substr(dot + 1));
}

}  // namespace detail::outbox_sql

INNGEST_INLINE std::string sql_migration::text() const {
  std::string out;
  for (const auto& statement : statements) out += statement + ";\n";
  return out;
}

INNGEST_INLINE sql_outbox::sql_outbox(std::string table) : table_(std::move(table)) {
  if (detail::outbox_sql::is_table_name(table_)) return;
  throw configuration_error(
      "not a name for the tables of an outbox: \"" + detail::to_printable(table_) +
      "\": use letters, digits and \"_\", and one \".\" after a schema, at most 40 each");
}

INNGEST_INLINE std::string sql_outbox::channel() const { return detail::outbox_sql::channel_of(table_); }

// ---- adding -----------------------------------------------------------------------------------------------

INNGEST_INLINE std::string sql_outbox::identify(any_event& event) {
  if (std::string id = event.id(); !id.empty()) return id;
  std::string id = detail::make_ulid(std::chrono::system_clock::now());
  event.set_id(id);
  return id;
}

INNGEST_INLINE std::string sql_outbox::text_to_send(const any_event& event) {
  execution::replay* run = execution::replay::current();
  const std::string inherited = run ? run->propagated_sessions() : std::string();
  if (inherited.empty()) return event.text();
  any_event out = event;
  out.set_propagated_sessions(inherited);
  return out.text();
}

INNGEST_INLINE sql_statement sql_outbox::insert_statement(const sql_dialect& dialect, any_event& event,
                                                          const outbox_entry& entry) const {
  identify(event);
  return insert(dialect, event, entry);
}

INNGEST_INLINE sql_statement sql_outbox::insert(const sql_dialect& dialect, const any_event& event,
                                                const outbox_entry& entry) const {
  namespace sql = detail::outbox_sql;
  const std::string id = event.id();
  sql::require_text(id, "id");
  sql::require_text(entry.stream, "stream");
  const auto lane = static_cast<std::int64_t>(
      detail::number_of_text(entry.stream.empty() ? id : entry.stream) % sql::lanes);
  const bool has_turn = !entry.stream.empty() && !dialect.take_turn.empty();
  const bool wakes = entry.wakes && !dialect.notify.empty();
  const std::string lane_value =
      wakes ? "CASE WHEN " + sql::notify_call(dialect, channel()) + " THEN CAST($3 AS integer) END"
            : "CAST($3 AS integer)";
  const std::string values = "CAST($1 AS text), CAST($2 AS text), " + lane_value + ", CAST($4 AS text)";
  std::string text = "INSERT INTO " + table_ + " (event_id, stream, lane, event) ";
  if (has_turn) {  // in a subquery, so that it comes before the row gets its number
    text = "WITH turn AS MATERIALIZED (SELECT " + sql::turn_call(dialect, table_, "stream", entry.stream) +
           ") " + text + "SELECT " + values + " FROM turn";
  } else {
    text += "VALUES (" + values + ")";  // databases plan it faster than a query
  }
  return {std::move(text), {id, sql::text_or_null(entry.stream), lane, text_to_send(event)}};
}

// ---- the schema -------------------------------------------------------------------------------------------

INNGEST_INLINE std::vector<sql_migration> sql_outbox::migrations(const sql_dialect& dialect) const {
  const std::string name = detail::outbox_sql::without_schema(table_);
  const std::string schema = table_.substr(0, table_.size() - name.size());  // with its point
  const auto index = [&](const std::string& suffix, const std::string& of) {
    return detail::outbox_sql::create_index(dialect, schema, name + suffix, name + of);
  };
  const std::string row_number(dialect.row_number);
  const std::string now(dialect.now_of_row.empty() ? dialect.now : dialect.now_of_row);
  const std::string event_columns =
      "event_id text NOT NULL, stream text, lane integer NOT NULL DEFAULT 0, event text NOT NULL, "
      "added_at bigint NOT NULL DEFAULT (" +
      now + "), attempts integer NOT NULL DEFAULT 0, ";
  sql_migration first{.version = 1};
  first.statements = {
      "CREATE TABLE " + table_ + " (id " + row_number + ", " + event_columns +
          "due_at bigint NOT NULL DEFAULT 0, reason text)",
      index("_lane", "") + " (lane, id)",
      index("_late", "") + " (stream, id) WHERE due_at > 0",
      "CREATE TABLE " + table_ + "_dead (id " + row_number + ", " + event_columns +
          "reason text, died_at bigint NOT NULL)",
      "CREATE TABLE " + table_ + "_sent (id bigint NOT NULL, " + event_columns + "sent_at bigint NOT NULL)",
      index("_sent_at", "_sent") + " (sent_at)",
      "CREATE TABLE " + table_ +
          "_steps (run_id text NOT NULL, step text NOT NULL, name text NOT NULL, "
          "result text, done_at bigint NOT NULL, PRIMARY KEY (run_id, step))",
      index("_steps_at", "_steps") + " (done_at)",
      "CREATE TABLE " + table_ + "_lanes (lane integer PRIMARY KEY)",
  };
  std::string lanes = "INSERT INTO " + table_ + "_lanes (lane) VALUES ";
  for (unsigned lane = 0; lane < detail::outbox_sql::lanes; ++lane)
    lanes += (lane == 0 ? "(" : ", (") + std::to_string(lane) + ")";
  first.statements.push_back(std::move(lanes));
  first.statements.push_back("INSERT INTO " + table_ + "_version (version) VALUES (1)");
  first.statements.insert(first.statements.begin(), version_statements(dialect).back().text);
  return {std::move(first)};
}

INNGEST_INLINE std::vector<sql_statement> sql_outbox::version_statements(const sql_dialect& dialect) const {
  std::vector<sql_statement> out;
  if (!dialect.quiet.empty()) out.push_back({std::string(dialect.quiet)});
  // Two processes that create a table at the same time may fail even with IF NOT EXISTS.
  if (!dialect.take_turn.empty())
    out.push_back({"SELECT " + detail::outbox_sql::turn_call(dialect, table_, "schema", "")});
  out.push_back({"CREATE TABLE IF NOT EXISTS " + table_ + "_version (version integer PRIMARY KEY)"});
  return out;
}

INNGEST_INLINE sql_statement sql_outbox::version_query() const {
  return {"SELECT max(version) FROM " + table_ + "_version"};
}

INNGEST_INLINE std::vector<sql_statement> sql_outbox::missing_migrations(const sql_dialect& dialect,
                                                                         const sql_rows& found) const {
  const auto have = found.empty() ? 0 : detail::outbox_sql::integer_of(found.front().front());
  const auto all = migrations(dialect);
  if (have > all.back().version) {
    throw sql_error("the tables \"" + table_ + "\" have the version " + std::to_string(have) +
                    ", and this library knows versions up to " + std::to_string(all.back().version) +
                    ": update the library");
  }
  std::vector<sql_statement> out;
  for (const auto& migration : all) {
    if (migration.version <= have) continue;
    for (const auto& statement : migration.statements) out.push_back({statement});
  }
  return out;
}

// ---- reading ----------------------------------------------------------------------------------------------

INNGEST_INLINE sql_statement sql_outbox::depth_query(const sql_dialect& dialect) const {
  return {"SELECT count(*), " + std::string(dialect.now) + " - min(added_at), (SELECT count(*) FROM " +
          table_ + "_dead) FROM " + table_};
}

INNGEST_INLINE outbox_depth sql_outbox::read_depth(const sql_rows& rows) {
  if (rows.empty() || rows.front().size() < 3) return {};
  const auto number = [&](std::size_t at) { return detail::outbox_sql::integer_of(rows.front()[at]); };
  return {.waiting = number(0),
          .lag = std::chrono::milliseconds((std::max)(number(1), std::int64_t{0})),
          .dead = number(2)};
}

INNGEST_INLINE std::string sql_outbox::ready(const sql_dialect& dialect,
                                             std::chrono::milliseconds longest) const {
  const std::string now(dialect.now), latest = now + " + " + std::to_string(longest.count());
  const auto waits = [&](const std::string& event) {
    return event + ".due_at > 0 AND " + event + ".due_at > " + now + " AND " + event + ".due_at <= " + latest;
  };
  return "NOT (" + waits("o") + ") AND (o.stream IS NULL OR NOT EXISTS (SELECT 1 FROM " + table_ +
         " AS e WHERE " + waits("e") + " AND e.stream = o.stream AND e.id < o.id))";
}

INNGEST_INLINE std::optional<sql_statement> sql_outbox::claim_query(const sql_dialect& dialect,
                                                                    std::chrono::milliseconds longest) const {
  if (dialect.skip_locked.empty()) return std::nullopt;
  return sql_statement{"SELECT lane FROM " + table_ + "_lanes AS l WHERE EXISTS (SELECT 1 FROM " + table_ +
                       " AS o WHERE o.lane = l.lane AND " + ready(dialect, longest) +
                       ") ORDER BY random() LIMIT " + std::to_string(detail::outbox_sql::lanes_per_claim) +
                       std::string(dialect.skip_locked)};
}

INNGEST_INLINE sql_statement sql_outbox::batch_query(const sql_dialect& dialect,
                                                     const std::optional<sql_rows>& lanes, std::size_t events,
                                                     std::size_t bytes,
                                                     std::chrono::milliseconds longest) const {
  std::string of_lanes;
  if (lanes) {
    for (const auto& row : *lanes)
      of_lanes += (of_lanes.empty() ? "o.lane IN (" : ",") +
                  std::to_string(detail::outbox_sql::integer_of(row.front()));
    of_lanes += ") AND ";
  }
  const std::string page = "SELECT id, event_id, stream, event, added_at, attempts, reason FROM " + table_ +
                           " AS o WHERE " + of_lanes + ready(dialect, longest) + " ORDER BY id LIMIT " +
                           std::to_string(events);
  return {
      "SELECT id, event_id, stream, event, added_at, attempts, reason FROM (SELECT page.*, "
      "sum(length(event)) OVER (ORDER BY id) - length(event) AS before FROM (" +
      page + ") AS page) AS summed WHERE before < " + std::to_string(bytes) + " ORDER BY id"};
}

INNGEST_INLINE std::vector<outbox_event> sql_outbox::read_events(const sql_rows& rows) {
  std::vector<outbox_event> out;
  for (const sql_row& row : rows) {
    if (row.size() < 7) continue;
    out.push_back({.number = detail::outbox_sql::integer_of(row[0]),
                   .event_id = row[1].value_or(""),
                   .stream = row[2].value_or(""),
                   .event = row[3].value_or(""),
                   .added_at = timestamp(std::chrono::milliseconds(detail::outbox_sql::integer_of(row[4]))),
                   .attempts = static_cast<int>(detail::outbox_sql::integer_of(row[5])),
                   .reason = row[6].value_or("")});
  }
  return out;
}

// ---- after an attempt to send -----------------------------------------------------------------------------

INNGEST_INLINE sql_statement sql_outbox::keep_sent_statement(const sql_dialect& dialect,
                                                             const std::vector<std::int64_t>& numbers) const {
  return {"INSERT INTO " + table_ +
          "_sent (id, event_id, stream, lane, event, added_at, attempts, sent_at) " +
          "SELECT id, event_id, stream, lane, event, added_at, attempts, " + std::string(dialect.now) +
          " FROM " + table_ + " WHERE id IN " + detail::outbox_sql::list_of(numbers)};
}

INNGEST_INLINE sql_statement sql_outbox::remove_statement(const std::vector<std::int64_t>& numbers) const {
  return {"DELETE FROM " + table_ + " WHERE id IN " + detail::outbox_sql::list_of(numbers)};
}

INNGEST_INLINE sql_statement sql_outbox::postpone_statement(const sql_dialect& dialect,
                                                            const outbox_event& event,
                                                            std::chrono::milliseconds delay) const {
  return {"UPDATE " + table_ + " SET attempts = CAST($1 AS integer), reason = CAST($2 AS text), due_at = " +
              std::string(dialect.now) + " + CAST($3 AS bigint) WHERE id = CAST($4 AS bigint)",
          {std::int64_t{event.attempts}, detail::outbox_sql::reason_text(event.reason),
           std::int64_t{delay.count()}, event.number}};
}

INNGEST_INLINE sql_statement sql_outbox::bury_statement(const sql_dialect& dialect,
                                                        const outbox_event& event) const {
  return {"INSERT INTO " + table_ + "_dead (event_id, stream, lane, event, added_at, attempts, reason, " +
              "died_at) SELECT event_id, stream, lane, event, added_at, CAST($1 AS integer), " +
              "CAST($2 AS text), " + std::string(dialect.now) + " FROM " + table_ +
              " WHERE id = CAST($3 AS bigint)",
          {std::int64_t{event.attempts}, detail::outbox_sql::reason_text(event.reason), event.number}};
}

INNGEST_INLINE sql_statement sql_outbox::dead_query(std::size_t limit) const {
  return {"SELECT id, event_id, stream, event, added_at, attempts, reason FROM " + table_ +
          "_dead ORDER BY id LIMIT " + std::to_string(limit)};
}

INNGEST_INLINE sql_statement sql_outbox::take_dead_statement(const std::vector<std::int64_t>& numbers) const {
  return {"DELETE FROM " + table_ + "_dead WHERE id IN " + detail::outbox_sql::list_of(numbers) +
          " RETURNING id, event_id, stream, lane, event, added_at"};
}

INNGEST_INLINE std::vector<sql_statement> sql_outbox::requeue_statements(const sql_dialect& dialect,
                                                                         sql_rows taken) const {
  namespace sql = detail::outbox_sql;
  const std::string wake = dialect.notify.empty() ? "" : " WHERE " + sql::notify_call(dialect, channel());
  const std::string text = "INSERT INTO " + table_ +
                           " (event_id, stream, lane, event, added_at) SELECT CAST($1 AS text), "
                           "CAST($2 AS text), CAST($3 AS integer), CAST($4 AS text), CAST($5 AS bigint)" +
                           wake;
  std::sort(taken.begin(), taken.end(), [](const sql_row& left, const sql_row& right) {
    return sql::integer_of(left.at(0)) < sql::integer_of(right.at(0));
  });
  std::vector<sql_statement> out;
  for (const sql_row& row : taken) {
    out.push_back({text,
                   {row.at(1).value_or(""), sql::text_or_null(row.at(2).value_or("")),
                    sql::integer_of(row.at(3)), row.at(4).value_or(""), sql::integer_of(row.at(5))}});
  }
  return out;
}

INNGEST_INLINE sql_statement sql_outbox::drop_statement(const std::vector<std::int64_t>& numbers) const {
  return {"DELETE FROM " + table_ + "_dead WHERE id IN " + detail::outbox_sql::list_of(numbers) +
          " RETURNING id"};
}

INNGEST_INLINE sql_statement sql_outbox::old_query(const sql_dialect& dialect, std::string_view records,
                                                   std::chrono::milliseconds age) const {
  return {"SELECT 1" + from_old(dialect, records) + " LIMIT 1", {std::int64_t{age.count()}}};
}

INNGEST_INLINE sql_statement sql_outbox::forget_statement(const sql_dialect& dialect,
                                                          std::string_view records,
                                                          std::chrono::milliseconds age) const {
  return {"DELETE" + from_old(dialect, records), {std::int64_t{age.count()}}};
}

INNGEST_INLINE std::string sql_outbox::from_old(const sql_dialect& dialect, std::string_view records) const {
  const bool are_emptied = records == "emptied steps";
  const std::string table(are_emptied ? "steps" : records);
  const std::string column = table == "sent" ? "sent_at" : table == "dead" ? "died_at" : "done_at";
  return " FROM " + table_ + "_" + table + " WHERE " + column + " < " + std::string(dialect.now) +
         " - CAST($1 AS bigint)" + (are_emptied ? " AND result IS NULL" : "");
}

// ---- steps ------------------------------------------------------------------------------------------------

INNGEST_INLINE std::optional<sql_statement> sql_outbox::begin_step(const sql_dialect& dialect,
                                                                   std::string_view run_id,
                                                                   std::string_view step) const {
  if (dialect.take_turn.empty()) return std::nullopt;
  const std::string name = std::string(run_id) + '\n' + std::string(step);
  return sql_statement{"SELECT " + detail::outbox_sql::turn_call(dialect, table_, "step", name)};
}

INNGEST_INLINE sql_statement sql_outbox::find_step(std::string_view run_id, std::string_view step) const {
  return {
      "SELECT result FROM " + table_ + "_steps WHERE run_id = CAST($1 AS text) AND step = CAST($2 AS text)",
      {std::string(run_id), std::string(step)}};
}

INNGEST_INLINE sql_statement sql_outbox::record_step(const sql_dialect& dialect, std::string_view run_id,
                                                     std::string_view step, std::string_view name,
                                                     std::string result) const {
  return {"INSERT INTO " + table_ +
              "_steps (run_id, step, name, result, done_at) VALUES (CAST($1 AS text), " +
              "CAST($2 AS text), CAST($3 AS text), CAST($4 AS text), " + std::string(dialect.now) +
              ") ON CONFLICT DO NOTHING RETURNING step",
          {std::string(run_id), std::string(step), std::string(name), std::move(result)}};
}

INNGEST_INLINE sql_statement sql_outbox::forget_steps_statement(const sql_dialect& dialect,
                                                                std::string_view run_id) const {
  return {"UPDATE " + table_ + "_steps SET result = NULL, done_at = " + std::string(dialect.now) +
              " WHERE run_id = CAST($1 AS text)",
          {std::string(run_id)}};
}

}  // namespace inngest::inline INNGEST_ABI
