#pragma once

#include <functional>

#include <inngest/config.hpp>

namespace inngest::inline INNGEST_ABI {

/// Decides where calls of functions run when an adapter answers without blocking: see
/// `serve_options::executor`. Implement it to use your own threads, such as those of
/// `boost::asio::thread_pool`:
///
///     struct asio_executor final : inngest::executor {
///       explicit asio_executor(boost::asio::thread_pool& pool) : pool(pool) {}
///       bool post(std::function<void()> work) override {
///         boost::asio::post(pool, std::move(work));
///         return true;
///       }
///       boost::asio::thread_pool& pool;
///     };
///
/// A call takes as long as its steps, so don't run calls on I/O threads. An app holds its executor until its
/// last call has ended, and may destroy it on the thread that ran that call.
class executor {
 public:
  virtual ~executor() = default;

  /// Runs `work` later, on any thread but not inside post(). Returns false when it accepts no more work: it
  /// then does not run the work, and the caller gets status 503 with `retry-after`. Called from any thread.
  /// The work does not throw. If the work is destroyed without having run, the request gets status 500. An
  /// exception thrown by post() counts as false.
  virtual bool post(std::function<void()> work) = 0;
};

}  // namespace inngest::inline INNGEST_ABI
