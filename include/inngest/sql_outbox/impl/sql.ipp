#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>

#include <inngest/config.hpp>
#include <inngest/sql_outbox/sql.hpp>

namespace inngest::inline INNGEST_ABI {

INNGEST_INLINE std::string sql_statement::text_with(
    const std::function<std::string(std::size_t)>& name) const {
  std::string out;
  std::size_t next = 1;
  for (std::size_t at = 0; at < text.size();) {
    const std::string parameter = "$" + std::to_string(next);
    if (next <= values.size() && text.compare(at, parameter.size(), parameter) == 0) {
      out += name(next++);
      at += parameter.size();
    } else {
      out += text[at++];
    }
  }
  return out;
}

INNGEST_INLINE const sql_dialect& sqlite_dialect() {
  static constexpr sql_dialect dialect{
      .name = "SQLite",
      .row_number = "INTEGER PRIMARY KEY AUTOINCREMENT",
      .now = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
      .begin = "BEGIN IMMEDIATE",
      .begin_relay = "BEGIN IMMEDIATE",
      .skip_locked = "",
      .take_turn = "",
      .notify = "",
      .quiet = "",
      .index_has_schema = true,
  };
  return dialect;
}

INNGEST_INLINE const sql_dialect& postgresql_dialect() {
  static constexpr sql_dialect dialect{
      .name = "PostgreSQL",
      .row_number = "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
      // Constant within a statement: otherwise a query that compares two events may see two times, and send
      // the second event of a stream without the first.
      .now = "CAST(extract(epoch FROM statement_timestamp()) * 1000 AS bigint)",
      .begin = "BEGIN",
      .begin_relay = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
      .skip_locked = " FOR UPDATE SKIP LOCKED",
      .take_turn = "CAST(pg_advisory_xact_lock(%) AS text)",  // some libraries do not know its type void
      // NOTIFY serializes commits. A waiting relay holds the lock exclusively, so that the first half fails.
      .notify = "(pg_try_advisory_xact_lock_shared(#) OR pg_notify('%', '') IS NOT NULL)",
      .quiet = "SET LOCAL client_min_messages = warning",
      .now_of_row = "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)",
  };
  return dialect;
}

INNGEST_INLINE void sql_connection::wait(std::chrono::milliseconds at_most, const stop_token& stop) {
  detail::added_events::wait(at_most, stop);
}

namespace detail {

INNGEST_INLINE std::uint64_t number_of_text(std::string_view text) {
  std::uint64_t hash = 14695981039346656037u;  // FNV-1a
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return hash ^ (hash >> 32);
}

INNGEST_INLINE std::string lock_number(std::string_view scope, std::string_view name) {
  const std::string whole = std::string(scope) + '\n' + std::string(name);
  return std::to_string(static_cast<std::int64_t>(number_of_text(whole)));
}

struct added_events::state {
  std::mutex mutex;
  std::condition_variable announced;
  std::uint64_t count = 0;
  std::atomic<std::chrono::steady_clock::rep> last{
      (std::chrono::steady_clock::now() - std::chrono::hours(1)).time_since_epoch().count()};
};

INNGEST_INLINE added_events::state& added_events::shared() {
  static auto* all = new state;  // never destroyed: relays may live as long as the process
  return *all;
}

INNGEST_INLINE void added_events::notify() {
  state& all = shared();
  all.last = std::chrono::steady_clock::now().time_since_epoch().count();
  {
    const std::lock_guard lock(all.mutex);
    ++all.count;
  }
  all.announced.notify_all();
}

INNGEST_INLINE void added_events::wait(std::chrono::milliseconds limit, const stop_token& stop) {
  state& all = shared();
  const stop_callback wake(stop, [&all] {
    { const std::lock_guard lock(all.mutex); }  // not between the check and the wait
    all.announced.notify_all();
  });
  std::unique_lock lock(all.mutex);
  const auto before = all.count;
  all.announced.wait_for(lock, limit, [&] { return all.count != before || stop.stop_requested(); });
}

INNGEST_INLINE bool added_events::are_recent() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return now - std::chrono::steady_clock::duration(shared().last) < std::chrono::milliseconds(100);
}

}  // namespace detail
}  // namespace inngest::inline INNGEST_ABI
