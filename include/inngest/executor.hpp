#pragma once

#include <functional>

#include <inngest/config.hpp>

namespace inngest::inline INNGEST_ABI {

/// Decides where calls of functions run when an adapter answers without blocking: see
/// `serve_options::executor`. Implement it to run calls on threads that you have, such as those of
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
/// A call may take as long as its steps, so don't run calls on the threads that do input and output. An app
/// keeps its executor until its last call has ended, and may destroy it on the thread that ran that call.
class executor {
 public:
  virtual ~executor() = default;

  /// Runs `work` later, on any thread but not within post(). Returns false when it can take no more: then it
  /// doesn't run the work, and the caller gets 503 with `retry-after`. Called from any thread. The work does
  /// not throw. Work that is destroyed instead of being run is answered with 500. An exception counts as
  /// false.
  virtual bool post(std::function<void()> work) = 0;
};

}  // namespace inngest::inline INNGEST_ABI
