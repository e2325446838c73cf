#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <inngest/client.hpp>
#include <inngest/config.hpp>
#include <inngest/connect/websocket.hpp>
#include <inngest/executor.hpp>
#include <inngest/function.hpp>
#include <inngest/time/duration.hpp>

namespace inngest::inline INNGEST_ABI::connect {

/// The state of a worker.
enum class worker_state {
  idle,          ///< not started
  connecting,    ///< opening its first connection
  active,        ///< connected: receives calls
  paused,        ///< receives no calls; running calls continue
  reconnecting,  ///< the connection was lost or is being replaced; running calls continue
  closing,       ///< stopping: waits for running calls
  closed,        ///< stopped
};

/// The state's name, such as "active".
constexpr std::string_view to_string(worker_state state) {
  switch (state) {
    case worker_state::idle:
      return "idle";
    case worker_state::connecting:
      return "connecting";
    case worker_state::active:
      return "active";
    case worker_state::paused:
      return "paused";
    case worker_state::reconnecting:
      return "reconnecting";
    case worker_state::closing:
      return "closing";
    case worker_state::closed:
      return "closed";
  }
  return "unknown";
}

/// An app of a worker.
struct app {
  /// The app's client.
  inngest::client client;
  /// The functions that the worker runs.
  std::vector<any_function> functions;
};

/// Options of a worker.
struct worker_options {
  /// The maximum number of calls at the same time. The worker reports it to the server, which sends further
  /// calls to other workers. 0: the value of INNGEST_CONNECT_MAX_WORKER_CONCURRENCY, or without it no limit,
  /// so that calls wait for a thread of the executor.
  std::size_t max_concurrency = 0;
  /// Identifies this worker among the app's workers; should stay the same after a restart. Default: the
  /// host's name. Two workers on one host need different ids.
  std::string instance_id{};
  /// The gateway's WebSocket URL, to override the one that the server names, for example for a proxy.
  /// Default: INNGEST_CONNECT_GATEWAY_URL, or the server's.
  std::string gateway_url{};
  /// How long run() and the destructor wait for running calls. After that, the calls are asked to stop
  /// through their stop tokens, and get a fifth of that time, but at least two seconds, to end.
  duration_ms grace = std::chrono::seconds(30);
  /// Runs the calls. Default: a `thread_pool` with `max_concurrency` threads, owned by the worker.
  std::shared_ptr<inngest::executor> executor{};
  /// Opens the WebSocket. Default: Boost.Beast's, if <inngest/connect.hpp> is included.
  websocket_connector connector{};
  /// Called when the state changes, in order, on one of the worker's threads. It must not wait for the
  /// worker.
  std::function<void(worker_state)> on_state_change{};
};

}  // namespace inngest::inline INNGEST_ABI::connect
