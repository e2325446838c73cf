#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/dependencies.hpp>
#include <inngest/http.hpp>
#include <inngest/middleware.hpp>
#include <inngest/time/duration.hpp>

namespace inngest::inline INNGEST_ABI {

/// A response that is not available yet, because the endpoint's run continues in the background.
struct pending_response {
  /// The run's id.
  std::string run_id{};
  /// Grants access to the response for about an hour. Share it only with the client.
  std::string token{};
};

/// What a client receives when its run continues in the background.
enum class async_answer {
  redirect,  ///< status 303 to a URL that waits for the response
  token,     ///< status 200 and `{"run_id": "...", "token": "..."}`
};

/// Options of an endpoint. Only `id` is required.
struct endpoint_options {
  /// Identifies the endpoint within the app; it must differ from the ids of the app's functions. Runs are
  /// listed under it.
  std::string id;
  /// How often a failed step, or the handler itself, is retried: 0 to 20. The client does not wait for
  /// retries: see `when_async`.
  int retries = 3;
  /// What the client receives when its run continues in the background: at a sleep, a wait, an invoke,
  /// parallel steps and retries, when the client disconnects, and when the app stops.
  async_answer when_async = async_answer::redirect;
  /// The URL or path for `redirect`, such as "/results", the path of an endpoint_proxy. The parameters
  /// `runId` and `token` are appended. Empty: the endpoint itself, which then waits for the response.
  std::string redirect_url{};
  /// Creates the response instead of `when_async`.
  std::function<http::response(const http::request&, const pending_response&)> custom_answer{};
  /// How long a request for a pending response waits before the client is redirected to ask again. Keep it
  /// shorter than the timeouts of proxies.
  duration_ms wait = std::chrono::seconds(20);
  /// After this time, no further step begins while the client waits, and the run continues in the background.
  /// Default: no limit.
  std::optional<duration_ms> max_runtime{};
  /// The methods that start runs. Other methods get status 405, and OPTIONS gets 204.
  std::vector<std::string> methods{"GET", "POST", "PUT", "PATCH", "DELETE"};
  /// The maximum size of a request body in bytes; larger ones get status 413. An Inngest server accepts the
  /// request and the first result together in at most 4 MiB, where Base64 makes the body a third longer.
  std::size_t max_body_size = 2 * 1024 * 1024;
  /// Whether the server stores the body. If not, `ctx.request.body` is empty once the run has continued in
  /// the background: read it in a step.
  bool keep_body = true;
  /// Whether requests that execute no step are also recorded as runs on the server.
  bool record_without_steps = true;
  /// Called after the client's middleware.
  middleware_list middleware{};
  /// Values for handlers, searched before the client's: see provide().
  std::vector<dependency> dependencies{};
};

}  // namespace inngest::inline INNGEST_ABI
