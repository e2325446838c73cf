#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <inngest/client.hpp>
#include <inngest/config.hpp>
#include <inngest/connect/detail/session_calls.hpp>
#include <inngest/connect/detail/session_connections.hpp>
#include <inngest/connect/detail/session_timers.hpp>
#include <inngest/connect/detail/worker_body.hpp>
#include <inngest/connect/detail/worker_connections.hpp>
#include <inngest/connect/detail/worker_setup.hpp>
#include <inngest/connect/detail/worker_work.hpp>
#include <inngest/connect/worker_options.hpp>
#include <inngest/error.hpp>
#include <inngest/function.hpp>
#include <inngest/stop_token.hpp>

namespace inngest::inline INNGEST_ABI::connect {

/// Runs functions over a WebSocket that it opens to the server, instead of serving HTTP: the server does not
/// have to reach the program. The functions are registered through the connection.
///
///     inngest::connect::worker worker{app, {ingest, synthesize}, {.max_concurrency = 16}};
///     worker.run(stop_token);
///
/// It reconnects when the connection is lost, and replaces it when its gateway shuts down; running calls
/// continue in the meantime. Thread-safe. Include <inngest/connect.hpp> to use Boost.Beast for the WebSocket.
class worker {
 public:
  /// Makes a worker of one app.
  /// \throws configuration_error for invalid options or environment variables, and without a signing key in
  /// cloud mode.
  worker(const inngest::client& client, std::vector<any_function> functions, worker_options options = {})
      : worker(std::vector<app>{{client, std::move(functions)}}, std::move(options)) {}

  /// Makes a worker of up to 100 apps, whose clients have the same environment and API URL. Uses the first
  /// client's keys.
  /// \throws configuration_error like the other constructor.
  explicit worker(std::vector<app> apps, worker_options options = {})
      : body_(std::make_shared<detail::worker_body>(std::move(apps), with_connector(std::move(options)))) {}

  /// Like drain(options.grace), but also waits for calls that ignore their stop token. Do not destroy a
  /// worker inside a call.
  ~worker() {
    if (body_) body_->finish();
  }
  /// A moved-from worker may only be destroyed.
  worker(worker&&) noexcept = default;
  worker& operator=(worker&&) = delete;

  /// Connects and runs calls until `stop` is requested, then drains with the grace period of the options.
  /// Returns whether all calls have ended. After other failures than the one below it keeps trying.
  /// \throws unauthorized when the server refuses all keys before the first connection.
  bool run(const stop_token& stop) {
    start();
    body_->wait_for(stop);
    if (const std::string problem = body_->fatal_problem(); !problem.empty()) throw unauthorized(problem);
    return drain(body_->options().grace);
  }

  /// Connects in the background, and returns immediately.
  void start() { body_->start(); }

  /// The worker's current state.
  [[nodiscard]] worker_state state() const { return body_->state(); }

  /// Tells the server to send no more calls to this worker. Calls under way continue.
  void pause() { body_->pause(); }
  /// Ends pause(). It opens a new connection.
  void resume() { body_->resume(); }

  /// Stops: accepts no more calls, waits for running calls and until the server has confirmed their replies,
  /// and disconnects. After `grace`, calls are asked to stop through their stop tokens, and get a fifth of
  /// that time, but at least two seconds, to end. Returns whether all calls ended and all replies were
  /// confirmed; the server repeats the others on another worker. Do not call it inside a call.
  bool drain(std::chrono::milliseconds grace) { return body_->stop(grace); }

  /// The number of calls that are running, or waiting for a free place or thread.
  [[nodiscard]] std::size_t calls_under_way() const { return body_->calls_under_way(); }
  /// The connection's id, as the server shows it; empty when there is no connection.
  [[nodiscard]] std::string connection_id() const { return body_->connection_id(); }
  /// Why there is no connection; empty when there is one.
  [[nodiscard]] std::string last_problem() const { return body_->last_problem(); }

 private:
  static worker_options with_connector(worker_options options);

  std::shared_ptr<detail::worker_body> body_;
};

namespace detail {

/// The connector of workers whose options name none. Set by the header of a WebSocket library.
inline std::function<websocket_connector()>& default_connector() {
  static std::function<websocket_connector()> make;
  return make;
}

}  // namespace detail

inline worker_options worker::with_connector(worker_options options) {
  if (!options.connector && detail::default_connector()) options.connector = detail::default_connector()();
  return options;
}

}  // namespace inngest::inline INNGEST_ABI::connect
