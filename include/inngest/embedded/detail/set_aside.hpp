#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/detail/hex.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/json.hpp>

// Removes runs that can't continue from unfinished work.

namespace inngest::inline INNGEST_ABI::embedded {

/// A text in the key of an unreadable record: quoted, or as hex digits if it can't be printed. Whole, because
/// the key must not find another record; but damage may have made it very long.
std::string key_text(std::string_view text);

/// The tables whose records an engine checks when it starts. Every store can remove unreadable ones; a file
/// has more tables, in which only the file itself can be damaged.
inline constexpr std::array<std::string_view, 7> checked_tables{
    "apps", "events", "remembered_values", "runs", "memos", "jobs", "waits"};

constexpr bool is_checked_table(std::string_view name) {
  return std::find(checked_tables.begin(), checked_tables.end(), name) != checked_tables.end();
}

/// The name of one of these tables: the check of an engine can name no other, which does not compile.
struct checked_table {
  const char* name;
  consteval checked_table(const char* of) : name(of) {
    if (!is_checked_table(of)) throw "not among checked_tables";
  }
};

// Conditions that find a record in its table: keys of unreadable records.

inline std::string key_of(const job& job) { return "id = " + std::to_string(job.id); }
std::string key_of(const wait_record& wait);
inline std::string key_of(const app_record& app) { return "id = " + key_text(app.id); }
inline std::string key_of(const event_record& event) { return "id = " + key_text(event.id); }
inline std::string key_of(const run& run) { return "id = " + key_text(run.id); }
inline std::string key_of(const remembered_value& value) { return "key = " + key_text(value.key); }
/// The key of the step in its run.
std::string key_of_step(std::string_view run_id, const step_hash& step);
inline std::string key_of(const memo_record& memo) { return key_of_step(memo.run_id, memo.step); }

unreadable_record without_run(const job& job);
unreadable_record without_run(const wait_record& wait);

/// The id that the sender gave the event, read from its text; empty when there is none or it can't be read.
std::string given_id_of(const event_record& event);

/// Removes the runs that have an unreadable record from the work, with everything that belongs to them.
void set_aside_runs(unfinished_work& work);

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/set_aside.ipp>
#endif
