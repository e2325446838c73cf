#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/embedded/detail/set_aside.hpp>
#include <inngest/embedded/detail/sqlite_unreadable.hpp>
#include <inngest/embedded/detail/sqlite_writer.hpp>
#include <inngest/error.hpp>

namespace inngest::inline INNGEST_ABI::detail::sqlite {

/// The columns that name the rows of a table in the keys of unreadable records.
struct row_name {
  std::string_view table{};
  std::string_view columns{};
  int count = 1;
  std::string_view order = columns;  // columns of the table that tell all rows apart

  /// The name of the first column, with which a key begins.
  std::string_view first() const;
};

inline constexpr auto row_names = std::to_array<row_name>({
    {"events", "number, id", 2},
    {"runs", "number, id", 2},
    {"run_events", "run, position", 2},
    {"deferred_calls", "run, position", 2},
    {"timeline", "run, position", 2},
    {"memos", "number"},
    // Names of records that only the engine's check finds, which does not know their numbers.
    {"events", "id", 1, "number, id"},
    {"runs", "id", 1, "number, id"},
    {"memos", "(SELECT id FROM runs WHERE number = memos.run) AS run_id, step", 2, "number"},
    {"notes", "run, id", 2},
    {"run_logs", "run, position", 2},
    {"run_tags", "run, name", 2},
    {"run_keys", "run, what, key", 3},
    {"jobs", "id"},
    {"waits", "run_id, step", 2},
    {"remembered_values", "key"},
    {"apps", "id"},
    {"audit_trail", "id"},
    {"bulk_operations", "id"},
});

static_assert(std::all_of(embedded::checked_tables.begin(), embedded::checked_tables.end(),
                          [](std::string_view table) {
                            return std::any_of(row_names.begin(), row_names.end(),
                                               [&](const row_name& name) { return name.table == table; });
                          }),
              "a file can remove the records that an engine finds unreadable");

INNGEST_INLINE std::string_view row_name::first() const {
  const std::string_view out = columns.substr(0, columns.find(','));
  const std::size_t alias = out.rfind(' ');
  return alias == std::string_view::npos ? out : out.substr(alias + 1);
}

/// The quoted text of a key as SQL; empty if there is none.
INNGEST_INLINE std::string text_in_key(std::string_view key) {
  const std::size_t begin = key.find('"'), end = key.rfind('"');
  if (begin == end) return "";
  std::string out = "'";
  for (const char c : key.substr(begin + 1, end - begin - 1)) out += c == '\'' ? "''" : std::string(1, c);
  return out + "'";
}

/// A condition that selects fewer rows, if the key begins with an integer or names a run or an event: "run =
/// 7, position = ..." becomes "run = 7".
INNGEST_INLINE std::string condition_of(std::string_view table, std::string_view key) {
  const std::string_view first = key.substr(0, key.find(','));
  const std::string_view digits = first.substr((std::min)(first.size(), first.find(" = ") + 3));
  if (has_only_digits(digits)) return std::string(first);
  const std::string text = text_in_key(key);
  if (text.empty()) return "1";
  if (table == "memos") return "run = (SELECT number FROM runs WHERE id = " + text + ")";
  return table == "runs" || table == "events" ? "id = " + text : "1";
}

INNGEST_INLINE unreadable_rows::place unreadable_rows::find(const std::string& table,
                                                            const std::string& key) {
  place out;
  for (const row_name& name : row_names) {
    if (name.table != table) continue;
    out = {.columns = std::string(name.order), .condition = condition_of(table, key)};
    if (!key.starts_with(std::string(name.first()) + " = ")) continue;
    rows found = file_.query("SELECT " + std::string(name.columns) + " FROM " + table + " WHERE " +
                             out.condition + " ORDER BY " + out.columns);
    for (std::int64_t at = 0; found.next(); ++at) {
      if (found.key(name.count) != key) continue;
      out.offset = at;
      return out;
    }
  }
  return out;
}

INNGEST_INLINE std::string unreadable_rows::export_lines(
    const std::vector<embedded::unreadable_record>& all) {
  std::string out;
  for (const embedded::unreadable_record& record : all) {
    const place at = find(record.table, record.key);
    std::string values;
    if (at.offset >= 0) {
      rows found = file_.query("SELECT * FROM " + record.table + " WHERE " + at.condition + " ORDER BY " +
                                   at.columns + " LIMIT 1 OFFSET ?1",
                               at.offset);
      if (found.next()) values = found.as_json();
    }
    out += embedded::line_of(record, values) + "\n";
  }
  return out;
}

INNGEST_INLINE bool unreadable_rows::remove(const std::string& table, const std::string& key) {
  const place at = find(table, key);
  if (at.columns.empty())
    throw store_error(file_.path(), "records of the table \"" + table + "\" can't be removed");
  if (at.offset < 0) return false;
  if (table == "runs") {
    remove_run(at);
    return true;
  }
  file_.run("DELETE FROM " + table + " WHERE (" + at.columns + ") = (SELECT " + at.columns + " FROM " +
                table + " WHERE " + at.condition + " ORDER BY " + at.columns + " LIMIT 1 OFFSET ?1)",
            at.offset);
  return true;
}

INNGEST_INLINE void unreadable_rows::remove_run(const place& at) {
  const std::int64_t number = file_.number(
      "SELECT number FROM runs WHERE " + at.condition + " ORDER BY number, id LIMIT 1 OFFSET ?1", at.offset);
  const std::string of_run = " WHERE run_id = (SELECT id FROM runs WHERE number = ?1)";
  file_.run("DELETE FROM jobs" + of_run + " AND what <> ?2", number, embedded::job::kind::schedule);
  file_.run("DELETE FROM waits" + of_run, number);
  writer(file_).forget_run(number);
}

}  // namespace inngest::inline INNGEST_ABI::detail::sqlite
