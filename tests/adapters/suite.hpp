#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <inngest/endpoint.hpp>
#include <inngest/serve.hpp>

// One suite for all adapters: suite.cpp has its tests, and each adapter's test file defines traits() and
// start(). Requests are sent over real sockets.

namespace suite {

/// A server of a framework that serves functions on 127.0.0.1. Its destructor stops it.
class running_server {
 public:
  virtual ~running_server() = default;
  virtual int port() const = 0;
  virtual const inngest::handler& handler() const = 0;
  /// Stops the server: it accepts no more connections and returns when its threads have ended. May be called
  /// twice.
  virtual void stop() = 0;
};

/// What is special about a framework.
struct framework {
  /// As in the header x-inngest-framework.
  std::string name{};
  bool streams = true;
  /// Whether calls run on serve_options::executor instead of the server's threads.
  bool uses_executor = true;
  /// Whether a call is asked to stop when its client disconnects, also without streaming.
  bool notices_gone_clients = true;
  /// Whether a body that is declared as too large is refused before it arrives.
  bool refuses_early = true;
  /// Whether OPTIONS, PATCH and DELETE reach the handler.
  bool passes_all_methods = true;
  /// Whether the answer before the end of a connection says so. Some versions add a keep-alive of their own.
  bool says_when_it_closes = true;
  /// Whether several requests may be sent before their answers are read.
  bool pipelines = true;
  /// Whether an answer counts as a running call until the framework has written it. Only with an executor.
  bool knows_when_written = true;
  /// Whether one server serves several handlers, at different paths.
  bool serves_several = true;
  /// Whether the connection is closed when a streamed answer fails, instead of ending the answer.
  bool breaks_off = true;
  /// Whether a call may run longer than its server.
  bool outlives_server = true;
};

/// Defined by the adapter's test file.
const framework& traits();

/// An endpoint that start() serves, too, at the path "/checkout"; `nullopt` for none.
inline std::optional<inngest::durable_endpoint> endpoint_to_serve;
/// Its handler. Some frameworks must not be stopped before all handlers have ended their calls.
inline std::optional<inngest::handler> endpoint_handler;

/// Serves functions, and the endpoint if there is one.
template <class Server>
inngest::handler serve(Server& server, const inngest::client& app,
                       std::vector<inngest::any_function> functions, inngest::serve_options options) {
  if (endpoint_to_serve) endpoint_handler = inngest::serve(server, "/checkout", *endpoint_to_serve);
  return inngest::serve(server, app, std::move(functions), std::move(options));
}

/// Serves functions with suite::serve() at options.path; port 0 means any free one. Throws when the port is
/// in use. Defined by the adapter's test file.
std::unique_ptr<running_server> start(const inngest::client& app,
                                      std::vector<inngest::any_function> functions,
                                      inngest::serve_options options, int port = 0);

}  // namespace suite
