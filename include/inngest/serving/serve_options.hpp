#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include <inngest/config.hpp>
#include <inngest/executor.hpp>
#include <inngest/log.hpp>
#include <inngest/step_id.hpp>
#include <inngest/time/duration.hpp>

namespace inngest::inline INNGEST_ABI {

/// Options of serving.
struct serve_options {
  /// The path at which the app answers GET, PUT and POST.
  std::string path = "/api/inngest";
  /// The maximum size of a request body in bytes; larger ones get status 413.
  std::size_t max_body_size = INNGEST_MAX_BODY_SIZE;
  /// Starts the answer immediately and sends white space while a function runs, so that no proxy closes the
  /// connection as idle. For steps that take minutes behind a proxy or on a platform with a time limit.
  bool streaming = false;
  /// The interval at which white space is sent, and at which it is checked whether the client has
  /// disconnected. Limited to the range from a millisecond to an hour.
  duration_ms heartbeat = std::chrono::seconds(3);
  /// Runs calls where the adapter doesn't block, such as those of Beast, RESTinio and Qt. Default: a
  /// `thread_pool` owned by the app. Blocking adapters, such as cpp-httplib's, call functions on their
  /// server's threads instead.
  std::shared_ptr<inngest::executor> executor{};
  /// How long a call with checkpoints may start further steps, unless `checkpointing::max_runtime` is set.
  duration_ms max_runtime = std::chrono::seconds(10);
  /// For tests: calls every handler twice, and fails the call without a retry when the second pass reaches
  /// different steps. Disables checkpointing.
  bool strict = false;
  /// The name of the HTTP framework, shown by the server. An adapter fills it in.
  std::string framework{};
  /// Also receives each line that a handler logs with ctx.log, regardless of the level of the client's log.
  /// Called from any thread; it must not throw. Its texts are valid only during the call.
  std::function<void(const log_record&)> on_log{};
  /// For tests: the current time, by which the times of steps and retries are judged. Called from any thread.
  /// Default: the system's clock.
  std::function<std::chrono::system_clock::time_point()> clock{};
  /// For tests: whether the test has stored the step's result before the run began. No run has to ask for
  /// such a result, and no call has made it. Default: none is.
  std::function<bool(const step_hash&)> is_preloaded{};
  /// For engines and tests: the name of a run's step, for messages; a call has only the hash of its id. Empty
  /// for an unknown step. Called from any thread; it must not throw. Default: the hash alone is shown.
  std::function<std::string(const std::string& run_id, const step_hash&)> name_of_step{};
};

}  // namespace inngest::inline INNGEST_ABI
