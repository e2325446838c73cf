#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include <inngest/config.hpp>
#include <inngest/execution/call_stop.hpp>
#include <inngest/http.hpp>
#include <inngest/http/reply.hpp>
#include <inngest/serving/call_registry.hpp>
#include <inngest/serving/heartbeats.hpp>
#include <inngest/serving/identity.hpp>
#include <inngest/serving/served_app.hpp>

// A request whose answer is sent later, or in pieces while its function runs.

namespace inngest::inline INNGEST_ABI::serving {

/// A request that is being answered. In the meantime the app's heartbeats watch the client: they write white
/// space into a streamed answer, and ask the call to stop when the client disconnects.
class pending_call {
 public:
  /// Produces the answer. Must not throw.
  using make_answer = std::function<http::response(const execution::call_stop&)>;

  /// All answers are signed for the caller.
  pending_call(std::shared_ptr<const served_app> app, identity caller, make_answer answer)
      : app_(std::move(app)), caller_(std::move(caller)), answer_(std::move(answer)) {}
  /// If the client still waits, sends status 500: the executor dropped the call.
  ~pending_call();
  pending_call(const pending_call&) = delete;
  pending_call& operator=(const pending_call&) = delete;

  /// Counts the call as running until its answer is sent. Returns false when the app is stopping.
  bool enter_registry();

  /// Makes `reply` wait for the answer, which is sent in pieces if it is `streamed`.
  static void wait_with(const std::shared_ptr<pending_call>& call, http::reply reply, bool streamed);

  /// Sends the head of a streamed answer.
  void begin();

  /// Produces and sends the answer. Does nothing if an answer was already sent: an executor that fails may
  /// have accepted the call before, and run it later. If the client has left since, the call
  /// does not run: the server makes it again.
  void run();

  /// Sends a complete answer without running the call.
  void refuse(http::response answer);

 private:
  void beat();
  void finish(http::response answer);
  void send(http::response answer);
  void begin_reply();

  std::shared_ptr<const served_app> app_;
  identity caller_;
  make_answer answer_;
  execution::call_stop stop_;
  std::shared_ptr<registered_call> registered_;
  std::mutex mutex_;                  // guards the members below
  std::optional<http::reply> reply_;  // empty once the answer was sent
  bool is_streamed_ = false;
  bool has_begun_ = false;
  std::optional<heartbeat> heartbeat_;
};

/// The last piece of a streamed answer: the whole answer as JSON, after white space.
std::string streamed_text(const http::response& answer);

/// An answer in pieces, for a framework whose thread waits for it.
http::response streamed_on_this_thread(const std::shared_ptr<pending_call>& call, const served_app& app);

/// Produces the answer on the app's executor. If the executor is full, the answer is 503.
void post(const std::shared_ptr<pending_call>& call, const served_app& app, http::reply reply, bool streamed);

}  // namespace inngest::inline INNGEST_ABI::serving

#if !defined(INNGEST_COMPILED)
#include <inngest/serving/impl/pending_call.ipp>
#endif
