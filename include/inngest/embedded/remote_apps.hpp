#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <inngest/config.hpp>
#include <inngest/http.hpp>
#include <inngest/stop_token.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

struct function_definition;

/// A call of a function in another process.
struct remote_call {
  /// The call as the app receives it over HTTP. The URL ends with the query that names function and step.
  http::request request{};
  /// The id of the run.
  std::string run_id{};
  /// The hashed id of the step to run, or "step" for the whole function.
  std::string step{};
  /// Identifies the call within the run. A worker's call that a stop of the engine interrupted is repeated with
  /// the same number.
  std::uint64_t job_id = 0;
  /// Requested when the engine ends and waits no longer for the answer.
  stop_token abandoned{};
};

/// A way to reach a function for one call. It may reserve capacity of a worker; the destructor releases it.
class app_route {
 public:
  virtual ~app_route() = default;

  /// Makes the call and returns the app's answer. `nullopt` means that no app received the call: it is
  /// repeated later, without counting as an attempt. The same holds for a call that was abandoned.
  /// \throws unreachable when the call failed otherwise.
  virtual std::optional<http::response> call(remote_call call) = 0;
};

/// The connected workers of an app.
struct connected_app {
  /// The number of workers.
  std::size_t workers = 0;
  /// When the last message from one of them arrived.
  std::optional<std::chrono::system_clock::time_point> heard_at{};
};

/// How an engine reaches functions in other processes: over HTTP, or over a worker's connection.
class remote_apps {
 public:
  virtual ~remote_apps() = default;

  /// A route for one call of the function. Null when there is none now: the function's calls then wait until
  /// engine::retry_remote_apps(). The engine holds a lock while it calls this function, so it must return
  /// immediately and must not use the engine.
  virtual std::unique_ptr<app_route> route_to(const function_definition& function) = 0;

  /// The app's connected workers. Default: none.
  virtual connected_app connections_of(const std::string& /*app*/) const { return {}; }
};

}  // namespace inngest::inline INNGEST_ABI::embedded
