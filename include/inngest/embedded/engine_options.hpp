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

struct engine_options {
  /// Threads that run handlers, and wait for apps elsewhere: so many calls are under way at once.
  std::size_t workers = 8;
  /// Keeps the state. Default: a new memory_store. On disk: see sqlite_store.
  std::shared_ptr<embedded::store> store{};
  /// How long after the given attempt (0 is the first) the next one starts. Default: as an Inngest server
  /// does, from 15 seconds to two hours.
  std::function<duration_ms(int attempt)> retry_delay{};
  /// Makes the requests of step.fetch and step.ai.infer. Default: as a client's, that of
  /// <inngest/transport/httplib.hpp> if it is included.
  std::shared_ptr<http::transport> requests{};
  /// How long each of them may take.
  duration_ms request_timeout = std::chrono::minutes(10);
  /// How long ended runs and their events stay to be looked at.
  duration_ms history = std::chrono::hours(7 * 24);
  /// Told what happened, once it is in the store, one thing at a time and in order. The run comes without its
  /// timeline. Called from the engine's threads; it may send events, but must not wait for the engine.
  std::function<void(const run&, const timeline_entry&)> on_progress{};
  /// So many runs in a row may start each other, each sending the event of the next less than a second after
  /// it began itself. The event of a further one is refused: a function that triggers itself would never end.
  std::size_t max_chain = 10'000;
  /// Gives the system's time, for tests of what happens when the clock is set. Default:
  /// std::chrono::system_clock.
  std::function<std::chrono::system_clock::time_point()> system_time{};
};

}  // namespace inngest::inline INNGEST_ABI::embedded
