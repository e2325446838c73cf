#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>

#include <inngest/config.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/http.hpp>
#include <inngest/time/duration.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// Options of an engine.
struct engine_options {
  /// Threads that run handlers and wait for the answers of remote apps: the most calls at the same time. At
  /// least 1.
  std::size_t workers = 8;
  /// Keeps the state. Default: a new memory_store. sqlite_store keeps it on disk.
  std::shared_ptr<embedded::store> store{};
  /// The delay between the failed attempt (0 is the first) and the next one. Default: the delays of an
  /// Inngest server, from 15 seconds to two hours. When it throws, the engine logs that and uses the default.
  std::function<duration_ms(int attempt)> retry_delay{};
  /// Makes the requests of step.fetch and step.ai.infer. Default: the transport of
  /// <inngest/transport/httplib.hpp> if that header is included; otherwise these steps fail.
  std::shared_ptr<http::transport> requests{};
  /// The timeout of each of these requests.
  duration_ms request_timeout = std::chrono::minutes(10);
  /// How long the store keeps ended runs and their events.
  duration_ms history = std::chrono::hours(7 * 24);
  /// The engine calls this for each timeline entry after the store has it: one call at a time, in order, from
  /// any of the engine's threads. The run has an empty timeline. The callback may send events, but must not
  /// wait for the engine. The engine logs what it throws. Empty disables it.
  std::function<void(const run&, const timeline_entry&)> on_progress{};
  /// The longest chain of runs in which each run sends the event that starts the next less than a second
  /// after it began. The engine rejects the event that would make the chain longer, because a function that
  /// triggers itself would never end.
  std::size_t max_chain = 10'000;
  /// Replaces the system clock in tests. Default: std::chrono::system_clock.
  std::function<std::chrono::system_clock::time_point()> system_time{};
};

}  // namespace inngest::inline INNGEST_ABI::embedded
