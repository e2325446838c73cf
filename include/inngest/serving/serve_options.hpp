#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include <inngest/config.hpp>
#include <inngest/executor.hpp>
#include <inngest/time/duration.hpp>

namespace inngest::inline INNGEST_ABI {

/// Options of serving.
struct serve_options {
  /// The path at which the app answers GET, PUT and POST.
  std::string path = "/api/inngest";
  /// The maximum size of a request body in bytes; a larger one is answered with 413.
  std::size_t max_body_size = INNGEST_MAX_BODY_SIZE;
  /// Answers at once and sends white space while a function runs, so that no proxy closes the connection as
  /// idle. For steps that take minutes behind a proxy or on a platform with a time limit.
  bool streaming = false;
  /// The time between two pieces of white space, and between two looks whether the client of a call is gone.
  /// From a millisecond to an hour; other times are corrected to these.
  duration_ms heartbeat = std::chrono::seconds(3);
  /// Runs calls where the adapter doesn't block, such as those of Beast, RESTinio and Qt. Null means a
  /// `thread_pool` of the app's own. Blocking adapters, such as cpp-httplib's, call functions on the threads
  /// of their server instead.
  std::shared_ptr<inngest::executor> executor{};
  /// For tests: calls every handler twice, and fails the call without a retry when the second pass
  /// reaches other steps. Checkpointing is off meanwhile.
  bool strict = false;
  /// The name of the HTTP framework, shown by the server. An adapter fills it in.
  std::string framework{};
};

}  // namespace inngest::inline INNGEST_ABI
