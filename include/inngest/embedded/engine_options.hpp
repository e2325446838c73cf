#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/retention.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/http.hpp>
#include <inngest/time/duration.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// Options of an engine.
struct engine_options {
  /// The number of threads that run handlers and wait for answers of remote apps, and so the maximum number
  /// of concurrent calls. At least 1.
  std::size_t workers = 8;
  /// Stores the engine's state. Default: a new memory_store. sqlite_store stores it on disk.
  std::shared_ptr<embedded::store> store{};
  /// The delay between the given failed attempt (0 is the first) and the next one. Default: an Inngest
  /// server's delays, from 15 seconds to two hours. When the function throws, the engine logs the error and
  /// uses the default.
  std::function<duration_ms(int attempt)> retry_delay{};
  /// Makes the requests of step.fetch and step.ai.infer. Default: the transport of
  /// <inngest/transport/httplib.hpp> if that header is included; otherwise these steps fail.
  std::shared_ptr<http::transport> requests{};
  /// The timeout of such a request.
  duration_ms request_timeout = std::chrono::minutes(10);
  /// How long the store keeps ended runs and their events. Not negative.
  duration_ms history = std::chrono::hours(7 * 24);
  /// Exceptions from `history`: for example failed runs for 30 days, and runs of one function for a day:
  /// `.retention = {{.status = run_status::failed, .keep = 720h}, {.function = "shop-poll", .keep = 24h}}`.
  std::vector<retention_rule> retention{};
  /// How long the store keeps the audit trail: see engine::audit_trail(). Not negative.
  duration_ms audit_history = std::chrono::hours(365 * 24);
  /// Whether the engine also accepts an event "inngest-cpp/audit" for each entry of the audit trail. Its data
  /// has the members of audit_entry.
  bool audit_events = false;
  /// The maximum size of all records in bytes. Above it, the engine removes the oldest ended runs even if
  /// they are within `history`, failed ones last, and logs that. Checked every ten minutes, and every
  /// ten seconds while commits fail. Default: 0, no limit; a memory_store has no limit. See
  /// sqlite_options::max_size for a limit that is never exceeded.
  std::uint64_t size_budget = 0;
  /// The maximum number of log lines that the store keeps for each run: lines that its handler logs with
  /// ctx.log, of level `info` and above, and the engine's lines about it. The newest lines are kept. 0 keeps
  /// none.
  std::size_t run_log_lines = 500;
  /// Called for each timeline entry after it is stored: one call at a time, in order, from any of the
  /// engine's threads. The run has an empty timeline. The callback may send events, but must not wait for the
  /// engine. Exceptions are logged. Empty disables it.
  std::function<void(const run&, const timeline_entry&)> on_progress{};
  /// The longest chain of runs in which each run sends the event that starts the next less than a second
  /// after it began. The engine rejects the event that would make the chain longer, because a function that
  /// triggers itself would never end.
  std::size_t max_chain = 10'000;
  /// Replaces the system clock in tests. Default: std::chrono::system_clock.
  std::function<std::chrono::system_clock::time_point()> system_time{};
};

}  // namespace inngest::inline INNGEST_ABI::embedded
