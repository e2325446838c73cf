#pragma once

#include <chrono>
#include <concepts>
#include <exception>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <inngest/adapters/detail/lambda_runtime.hpp>
#include <inngest/adapters/lambda_events.hpp>
#include <inngest/client.hpp>
#include <inngest/config.hpp>
#include <inngest/error.hpp>
#include <inngest/execution/call_stop.hpp>
#include <inngest/http.hpp>
#include <inngest/serve.hpp>
#include <inngest/serving/answers.hpp>
#include <inngest/stop_token.hpp>
#include <inngest/time/duration.hpp>

#ifndef INNGEST_NO_HTTPLIB
#include <inngest/transport/httplib.hpp>
#endif

/// Serving on AWS Lambda, behind API Gateway, a function URL or an Application Load Balancer.
///
///     int main() {
///       return inngest::lambda::run([] {
///         const inngest::client app({.id = "shop"});
///         return inngest::handler(app, {ship_order(app)});
///       });
///     }
///
/// run() is a complete bootstrap program. With your own runtime, use answer() to convert an event to a
/// response.
namespace inngest::inline INNGEST_ABI::lambda {

namespace detail {

/// Slashes at the ends don't count.
inline bool ends_with_path(std::string_view path, std::string_view wanted) {
  while (path.ends_with('/')) path.remove_suffix(1);
  while (wanted.ends_with('/')) wanted.remove_suffix(1);
  return path.ends_with(wanted);
}

}  // namespace detail

/// Answers an HTTP event of API Gateway (payload formats 1.0 and 2.0), a function URL or an Application Load
/// Balancer. It converts JSON to JSON, so it works with any runtime. It takes as long as the call. The path
/// must end with `serve_options::path`, after the stage or base path of the API; other paths get status 404.
/// The path "/" takes all. `stop` asks the call to stop.
/// \throws payload_error when the text is not JSON, or not an HTTP event.
inline std::string answer(const handler& handler, std::string_view event_json,
                          const execution::call_stop& stop = {}) {
  http_event event = read_event(event_json);
  if (!detail::ends_with_path(event.request.path(), handler.options().path))
    return write_response(event, serving::bare_answer(404, "there is nothing at this path"));
  const bool wants_body = event.request.method != "HEAD";
  http::response out = handler(std::move(event.request), stop);
  if (!wants_body) out.body.clear();
  return write_response(event, out);
}

/// Options of the bootstrap loop.
struct run_options {
  /// The host and port of the runtime API. Default: the environment variable AWS_LAMBDA_RUNTIME_API.
  std::string api{};
  /// Sends requests to the runtime API. Default: the transport of <inngest/transport/httplib.hpp>.
  std::shared_ptr<http::transport> transport{};
  /// How long before its deadline a call is asked to stop through its stop token, so that it can still
  /// answer; at most a quarter of the call's time. Lambda kills a call that exceeds its deadline, and the
  /// server retries it.
  duration_ms stop_before = std::chrono::seconds(1);
  /// Makes run() return after the running call has ended. SIGTERM has the same effect.
  stop_token stop{};
};

namespace detail {

inline void handle(const handler& handler, const runtime_api& api, const invocation& call,
                   const run_options& options) {
  set_trace_id(call.trace_id);
  std::string response;
  try {
    const execution::call_stop stop;
    const call_watch watch(stop, stop_time(call, options.stop_before), options.stop);
    response = answer(handler, call.event, stop);
  } catch (const payload_error& problem) {
    handler.client().log().error(std::string("lambda: ") + problem.what());
    api.fail(call.id, "Function.InvalidEvent", problem.what());
    return;
  }
  const int status = api.respond(call.id, std::move(response));
  if (status < 300) return;
  handler.client().log().error("lambda: the runtime API refused a response with status " +
                               std::to_string(status));
  if (status == 413) api.fail(call.id, "Function.ResponseTooLarge", "the response is too large for Lambda");
}

inline void loop(const handler& handler, const std::shared_ptr<const runtime_api>& api,
                 const run_options& options) {
  const termination_signal signal;
  const auto is_ending = [&] { return is_terminated || options.stop.stop_requested(); };
  while (!is_ending()) {
    std::future<invocation> next = ask_for_next(api);
    while (next.wait_for(look_interval) != std::future_status::ready) {
      if (is_ending()) return;
    }
    handle(handler, *api, next.get(), options);
  }
}

}  // namespace detail

/// Processes events of AWS Lambda, one after the other: the main loop of a custom runtime, for the program
/// `bootstrap` of an `al2023` function. Events that are not HTTP requests are reported as errors. Sets the
/// environment variable _X_AMZN_TRACE_ID to the trace of each event. On SIGTERM, which Lambda sends only to
/// functions with an extension, it asks the running call to stop and returns. Always returns 0.
/// \throws configuration_error outside of Lambda; error when the runtime API fails. Let the program end then:
/// Lambda starts a new one.
inline int run(const handler& handler, const run_options& options = {}) {
  detail::loop(handler, std::make_shared<const detail::runtime_api>(options.api, options.transport), options);
  return 0;
}

/// Like run() above, with the handler that `make` returns. An exception from `make` is reported to Lambda as
/// an initialization error, and rethrown.
template <class Make>
  requires std::convertible_to<std::invoke_result_t<Make&>, handler>
int run(Make make, const run_options& options = {}) {
  const auto api = std::make_shared<const detail::runtime_api>(options.api, options.transport);
  std::optional<handler> made;
  try {
    made.emplace(make());
  } catch (const std::exception& problem) {
    api->fail_init("Runtime.InitError", problem.what());
    throw;
  }
  detail::loop(*made, api, options);
  return 0;
}

/// A runtime to serve functions on, like the server of a framework:
///
///     inngest::lambda::runtime lambda;
///     inngest::serve(lambda, app, {ship_order});
///     return lambda.run();
class runtime {
 public:
  /// Does nothing yet.
  explicit runtime(run_options options = {}) : options_(std::move(options)) {}

  /// Calls lambda::run() with the handler that serve() has added.
  /// \throws configuration_error when nothing was served.
  int run() const {
    if (!handler_) throw configuration_error("lambda: call inngest::serve() with the runtime before run()");
    return lambda::run(*handler_, options_);
  }

  /// The options as given.
  const run_options& options() const { return options_; }

 private:
  friend struct inngest::adapter<runtime>;
  run_options options_;
  std::optional<handler> handler_;
};

}  // namespace inngest::inline INNGEST_ABI::lambda

namespace inngest::inline INNGEST_ABI {

/// Serves a handler on AWS Lambda.
template <>
struct adapter<lambda::runtime> {
  /// The name of the framework, which the server shows.
  static constexpr const char* framework = "aws-lambda";

  /// Sets the runtime's only handler.
  static void mount(lambda::runtime& runtime, const handler& handler) { runtime.handler_ = handler; }
};

}  // namespace inngest::inline INNGEST_ABI
