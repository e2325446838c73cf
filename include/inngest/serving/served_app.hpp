#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <inngest/client.hpp>
#include <inngest/config.hpp>
#include <inngest/detail/log_limiter.hpp>
#include <inngest/execution/hooks.hpp>
#include <inngest/execution/replay.hpp>
#include <inngest/function.hpp>
#include <inngest/http.hpp>
#include <inngest/serving/call_registry.hpp>
#include <inngest/serving/heartbeats.hpp>
#include <inngest/serving/route.hpp>
#include <inngest/serving/serve_options.hpp>
#include <inngest/thread_pool.hpp>

namespace inngest::inline INNGEST_ABI::serving {

struct served_function {
  const any_function* function;
  execution::hooks hooks;
};

/// The state of a handler. All copies of the handler share it. Thread-safe.
struct served_app {
  /// \throws configuration_error when two functions have the same id, or a function belongs to another app.
  served_app(inngest::client served, const std::vector<any_function>& list, serve_options chosen,
             std::shared_ptr<const serving::route> answers_all = {});
  served_app(const served_app&) = delete;
  served_app& operator=(const served_app&) = delete;

  const inngest::settings& settings() const { return client.settings(); }

  inngest::client client;
  /// The given functions and their end handlers.
  std::vector<any_function> functions;
  serve_options options;
  /// Answers all requests instead of the functions; null for an app that serves its functions.
  std::shared_ptr<const serving::route> route;
  /// The client's middleware, for results of functions that are not in this app.
  execution::hooks client_hooks;
  std::map<std::string, served_function, std::less<>> by_slug;
  execution::host_services services;
  /// When the pause after a failed save ends, in milliseconds of the steady clock.
  mutable std::atomic<std::int64_t> checkpoints_from{(std::numeric_limits<std::int64_t>::min)()};
  /// Limits the log messages about rejected requests, by reason.
  mutable detail::log_limiter refusals;
  mutable call_registry calls;
  /// The number of clients that wait for responses of endpoints.
  mutable std::atomic<int> waiting_clients{0};
  /// Runs the calls of adapters that don't block.
  std::shared_ptr<inngest::executor> executor;
  mutable heartbeats beats;
  /// Asks calls to stop whose clients have left.
  mutable thread_pool stops{{.threads = 8}};

 private:
  static std::vector<any_function> with_end_handlers(const std::vector<any_function>& list);

  void add(const any_function& function);
};

}  // namespace inngest::inline INNGEST_ABI::serving

#if !defined(INNGEST_COMPILED)
#include <inngest/serving/impl/served_app.ipp>
#endif
