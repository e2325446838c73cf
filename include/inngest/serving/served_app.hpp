#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <inngest/client.hpp>
#include <inngest/detail/log_limiter.hpp>
#include <inngest/execution/hooks.hpp>
#include <inngest/execution/replay.hpp>
#include <inngest/function.hpp>
#include <inngest/http.hpp>
#include <inngest/serving/call_registry.hpp>
#include <inngest/serving/serve_options.hpp>

namespace inngest::serving {

struct served_function {
  const any_function* function;
  execution::hooks hooks;
};

/// What a handler serves. All copies of the handler share it, from many threads at once.
struct served_app {
  /// \throws configuration_error when two functions have the same id, or one is of another app.
  served_app(inngest::client served, const std::vector<any_function>& list, serve_options chosen)
      : client(std::move(served)),
        functions(with_companions(list)),
        options(std::move(chosen)),
        client_hooks(client.settings().middleware(), {}) {
    for (const any_function& function : functions) add(function);
    services.now = [] { return std::chrono::system_clock::now(); };
    services.send = [sender = client](const std::vector<any_event>& events, const execution::replay& replay) {
      return sender.send(events, replay.hooks(), replay.info().traceparent).ids;
    };
    services.call_api = [caller = client](http::request request) {
      return caller.call_api(std::move(request));
    };
  }
  served_app(const served_app&) = delete;
  served_app& operator=(const served_app&) = delete;

  const inngest::settings& settings() const { return client.settings(); }

  inngest::client client;
  /// With the companions of the functions that were given.
  std::vector<any_function> functions;
  serve_options options;
  /// The client's middleware, for what belongs to no function of this app.
  execution::hooks client_hooks;
  std::map<std::string, served_function, std::less<>> by_slug;
  execution::environment services;
  /// When results may be saved again, in milliseconds of the steady clock: after a failure there is a pause.
  mutable std::atomic<std::int64_t> checkpoints_from{(std::numeric_limits<std::int64_t>::min)()};
  /// Limits the log of refused requests, by the reason.
  mutable detail::log_limiter refusals;
  mutable call_registry calls;

 private:
  static std::vector<any_function> with_companions(const std::vector<any_function>& list) {
    std::vector<any_function> out;
    for (const any_function& function : list) {
      out.push_back(function);
      out.insert(out.end(), function.companions().begin(), function.companions().end());
    }
    return out;
  }

  void add(const any_function& function) {
    if (function.app_id() != client.id()) {
      throw configuration_error("function \"" + function.id() + "\" belongs to app \"" + function.app_id() +
                                "\", not to \"" + client.id() + "\"");
    }
    execution::hooks hooks(client.settings().middleware(), function.options().middleware);
    hooks.each([&](middleware& one) { one.on_register(function); });
    if (!by_slug.emplace(function.slug(), served_function{&function, std::move(hooks)}).second) {
      throw configuration_error("two functions of app \"" + client.id() + "\" have the id \"" +
                                function.id() + "\"");
    }
  }
};

}  // namespace inngest::serving
