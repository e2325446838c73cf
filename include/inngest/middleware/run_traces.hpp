#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <thread>

#include <inngest/client.hpp>
#include <inngest/config.hpp>
#include <inngest/middleware/tracing.hpp>
#include <inngest/time/duration.hpp>

namespace inngest::inline INNGEST_ABI {

/// Options of run_traces.
struct run_traces_options {
  /// The maximum time that a span waits for others before it is sent.
  duration_ms interval = std::chrono::seconds(1);
  /// The maximum number of spans in one request.
  std::size_t batch = 512;
  /// The maximum number of spans in memory. Further spans are dropped, with a warning.
  std::size_t capacity = 8192;
};

/// Sends each user_span to the app's server, which shows it in the trace of its run, below its step.
///
///     inngest::run_traces traces;
///     inngest::client app({.id = "shop", .middleware = {inngest::tracing(traces.sink())}});
///     traces.start(app);
///
/// Spans of runs that a server did not mark, such as those of an embedded engine, are not sent. To also
/// export spans to a collector, call both sinks in one function. Thread-safe.
class run_traces {
 public:
  /// \throws configuration_error for an option that is zero or negative.
  explicit run_traces(run_traces_options options = {});
  /// Tries once to send the remaining spans, and ends the thread.
  ~run_traces();
  run_traces(const run_traces&) = delete;
  run_traces& operator=(const run_traces&) = delete;

  /// The sink for tracing(). It only adds to a queue, and may outlive this object.
  [[nodiscard]] span_sink sink() const;

  /// Starts a thread that sends spans with the client's signing key. Spans that ended earlier are also sent.
  /// \throws configuration_error when it is called a second time.
  void start(client app);

  /// Waits until all spans so far were sent or dropped. Returns false after the timeout, or if start() was
  /// not called.
  bool flush(duration_ms timeout = std::chrono::seconds(10));

  /// The number of spans that were dropped because the memory was full or the server rejected them.
  std::size_t dropped() const;

 private:
  struct state;

  std::shared_ptr<state> state_;
  std::thread thread_;
};

}  // namespace inngest::inline INNGEST_ABI

#if !defined(INNGEST_COMPILED)
#include <inngest/middleware/impl/run_traces.ipp>
#endif
