#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/sqlite_unreadable.hpp>
#include <inngest/embedded/detail/sqlite_writer.hpp>
#include <inngest/error.hpp>

namespace inngest::inline INNGEST_ABI::detail::sqlite {

/// The columns of a table by which the reader names its rows.
struct row_name {
  std::string_view table{};
  std::string_view columns{};
  int count = 1;
};

inline constexpr auto row_names = std::to_array<row_name>({
    {"events", "number, id", 2},
    {"runs", "number, id", 2},
    {"run_events", "run, position", 2},
    {"deferred_calls", "run, position", 2},
    {"timeline", "run, position", 2},
    {"memos", "number"},
    {"notes", "run, id", 2},
    {"run_logs", "run, position", 2},
    {"run_tags", "run, name", 2},
    {"run_keys", "run, what, key", 3},
    {"jobs", "id"},
    {"waits", "run_id, step", 2},
    {"remembered_values", "key"},
    {"apps", "id"},
    {"run_tags", "run, name", 2},
    {"run_keys", "run, what, key", 3},
    {"audit_trail", "id"},
    {"bulk_operations", "id"},
});

/// A condition that selects fewer rows, if the key begins with an integer: "run = 7, position = ..." becomes
/// "run = 7".
INNGEST_INLINE std::string integer_condition(std::string_view key) {
  const std::size_t value = key.find(" = ");
  if (value == std::string_view::npos) return "1";
  const std::string_view first = key.substr(0, key.find(','));
  const std::string_view digits = first.substr(value + 3);
  const bool is_number = !digits.empty() && std::all_of(digits.begin(), digits.end(),
                                                        [](char c) { return c >= '0' && c <= '9'; });
  return is_number ? std::string(first) : "1";
}

INNGEST_INLINE unreadable_rows::place unreadable_rows::find(const std::string& table,
                                                            const std::string& key) {
  const auto known = std::find_if(row_names.begin(), row_names.end(),
                                  [&](const row_name& row) { return row.table == table; });
  if (known == row_names.end()) return {};
  place out{.columns = std::string(known->columns), .condition = "1"};
  if (key.starts_with(out.columns.substr(0, out.columns.find(',')) + " = "))
    out.condition = integer_condition(key);
  rows found = file_.query("SELECT " + out.columns + " FROM " + table + " WHERE " + out.condition +
                           " ORDER BY " + out.columns);
  for (std::int64_t at = 0; found.next(); ++at) {
    if (found.key(known->count) != key) continue;
    out.offset = at;
    break;
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
