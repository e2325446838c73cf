#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include <inngest/config.hpp>
#include <inngest/time/duration.hpp>

namespace inngest::inline INNGEST_ABI {

/// Options of serving.
struct serve_options {
  /// Where the app answers; the same for GET, PUT and POST.
  std::string path = "/api/inngest";
  /// Bytes of a request body; a larger one is answered with 413.
  std::size_t max_body_size = INNGEST_MAX_BODY_SIZE;
  /// Answers at once and sends white space while a function runs, so that nothing in between takes the
  /// connection for dead. For functions with steps of minutes behind a proxy or on a platform with a limit.
  bool streaming = false;
  /// The time between two pieces of that white space.
  duration_ms heartbeat = std::chrono::seconds(3);
  /// For tests: calls each handler a second time, and fails the call without a retry when the second pass
  /// reaches other steps. Checkpointing is off meanwhile.
  bool strict = false;
  /// The name of the HTTP framework, shown by the server. An adapter fills it in.
  std::string framework{};
};

}  // namespace inngest::inline INNGEST_ABI
