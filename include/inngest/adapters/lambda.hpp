#pragma once

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <concepts>
#include <condition_variable>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <inngest/client.hpp>
#include <inngest/config.hpp>
#include <inngest/detail/crypto.hpp>
#include <inngest/detail/utf8.hpp>
#include <inngest/error.hpp>
#include <inngest/execution/call_stop.hpp>
#include <inngest/http.hpp>
#include <inngest/json/detail/document.hpp>
#include <inngest/json/detail/text.hpp>
#include <inngest/protocol/headers.hpp>
#include <inngest/serve.hpp>
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
/// run() is a whole bootstrap program. With a runtime of your own, answer() converts an event to a response.
namespace inngest::inline INNGEST_ABI::lambda {

/// The most bytes of a response that Lambda passes on. It refuses larger ones.
inline constexpr std::size_t max_response_size = 6'291'556;
/// The most bytes of a response that an Application Load Balancer accepts.
inline constexpr std::size_t max_balancer_response_size = 1024 * 1024;

/// The sources of HTTP events. Their events and responses have different forms.
enum class event_source {
  gateway_v1,     ///< API Gateway's REST APIs, and HTTP APIs with payload format 1.0
  gateway_v2,     ///< API Gateway's HTTP APIs with payload format 2.0, and function URLs
  load_balancer,  ///< Application Load Balancers
};

/// An HTTP event of Lambda.
struct http_event {
  /// Where it comes from.
  event_source source = event_source::gateway_v2;
  /// Whether the response must list all values of a header field: the event did.
  bool lists_values = false;
  /// The request that it contains.
  http::request request{};
};

namespace detail {

using inngest::detail::json_path;
using inngest::detail::json_type;
using inngest::detail::json_value;
using inngest::detail::take;

using fields = std::vector<std::pair<std::string, std::string>>;

/// The members of an event that matter, as they are.
struct event_members {
  std::string method{};     // httpMethod, or requestContext.http.method
  std::string path{};       // as the event says
  std::string raw_path{};   // rawPath: only in format 2.0
  std::string full_path{};  // requestContext.path: with the stage, as the client sent it
  std::string raw_query{};
  fields headers{};
  fields query{};
  std::string body{};
  bool is_format_2 = false;
  bool is_base64 = false;
  bool is_from_balancer = false;
  bool lists_values = false;
};

/// A text; empty for null.
inline std::string read_text(json_value& value, const json_path& at) {
  if (inngest::detail::is_null(value, at)) return {};
  inngest::detail::expect(value, json_type::string, at, "text");
  return std::string(take(value.get_string(), at));
}

inline bool read_flag(json_value& value, const json_path& at) {
  if (inngest::detail::is_null(value, at)) return false;
  inngest::detail::expect(value, json_type::boolean, at, "true or false");
  return take(value.get_bool(), at);
}

/// Adds the members of an object whose values are texts, or lists of texts.
inline void read_fields(json_value& value, const json_path& at, fields& out) {
  if (inngest::detail::is_null(value, at)) return;
  inngest::detail::expect(value, json_type::object, at, "object");
  for (auto item : inngest::detail::members_of(value, at)) {
    auto field = take(item, at);
    const std::string name(field.key);
    const json_path here(at, name);
    if (inngest::detail::type_of(field.value, here) != json_type::array) {
      out.emplace_back(name, read_text(field.value, here));
      continue;
    }
    for (auto element : inngest::detail::elements_of(field.value, here)) {
      auto text = take(element, here);
      out.emplace_back(name, read_text(text, here));
    }
  }
}

/// Reads the fields, unless the event also lists all their values, and those were read.
inline void read_single_fields(json_value& value, const json_path& at, fields& out) {
  fields single;
  read_fields(value, at, single);
  if (out.empty()) out = std::move(single);
}

/// Reads lists of values, which replace the single values that API Gateway sends as well.
inline bool read_listed_fields(json_value& value, const json_path& at, fields& out) {
  fields listed;
  read_fields(value, at, listed);
  if (listed.empty()) return false;
  out = std::move(listed);
  return true;
}

inline void read_http_context(json_value& value, const json_path& at, event_members& out) {
  if (inngest::detail::is_null(value, at)) return;
  for (auto item : inngest::detail::members_of(value, at)) {
    auto field = take(item, at);
    if (field.key == "method") out.method = read_text(field.value, json_path(at, "method"));
  }
}

inline void read_context(json_value& value, const json_path& at, event_members& out) {
  if (inngest::detail::is_null(value, at)) return;
  for (auto item : inngest::detail::members_of(value, at)) {
    auto field = take(item, at);
    if (field.key == "elb") out.is_from_balancer = true;
    if (field.key == "path") out.full_path = read_text(field.value, json_path(at, "path"));
    if (field.key == "http") read_http_context(field.value, json_path(at, "http"), out);
  }
}

inline void read_member(std::string_view name, json_value& value, event_members& out) {
  const json_path at(name);
  if (name == "httpMethod") out.method = read_text(value, at);
  if (name == "path") out.path = read_text(value, at);
  if (name == "rawPath") {
    out.raw_path = read_text(value, at);
    out.is_format_2 = true;
  }
  if (name == "rawQueryString") out.raw_query = read_text(value, at);
  if (name == "headers") read_single_fields(value, at, out.headers);
  if (name == "multiValueHeaders" && read_listed_fields(value, at, out.headers)) out.lists_values = true;
  if (name == "queryStringParameters") read_single_fields(value, at, out.query);
  if (name == "multiValueQueryStringParameters") read_listed_fields(value, at, out.query);
  if (name == "requestContext") read_context(value, at, out);
  if (name == "body") out.body = read_text(value, at);
  if (name == "isBase64Encoded") out.is_base64 = read_flag(value, at);
}

inline event_members read_members(std::string_view event_json) {
  const inngest::detail::json_buffer buffer{std::string(event_json)};
  inngest::detail::json_document document(buffer.text());
  event_members out;
  for (auto item : document.object()) {
    auto field = take(item, json_path());
    const std::string name(field.key);
    read_member(name, field.value, out);
  }
  document.expect_end();
  return out;
}

/// API Gateway decodes parameters, and load balancers pass them as they were sent.
inline std::string query_of(const event_members& event) {
  if (event.is_format_2) return event.raw_query;
  std::string out;
  for (const auto& [name, value] : event.query) {
    if (!out.empty()) out += '&';
    out += event.is_from_balancer ? name + '=' + value
                                  : http::percent_encoded(name) + '=' + http::percent_encoded(value);
  }
  return out;
}

inline const std::string& path_of(const event_members& event) {
  if (event.is_format_2) return event.raw_path;
  return event.full_path.empty() ? event.path : event.full_path;
}

inline std::string body_of(event_members& event) {
  if (!event.is_base64) return std::move(event.body);
  auto decoded = inngest::detail::from_base64(event.body);
  if (!decoded) throw payload_error("body", "not base64, though isBase64Encoded says so");
  return std::move(*decoded);
}

/// The reason phrase after a status code.
inline std::string_view reason_of(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 206:
      return "Partial Content";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 413:
      return "Content Too Large";
    case 500:
      return "Internal Server Error";
    case 503:
      return "Service Unavailable";
    default:
      return "Status";
  }
}

/// Fields of the same name one after the other, in the order of the first of each.
inline std::vector<std::pair<std::string, std::vector<std::string>>> grouped(const http::headers& headers) {
  std::vector<std::pair<std::string, std::vector<std::string>>> out;
  for (const auto& field : headers) {
    const auto known =
        std::find_if(out.begin(), out.end(), [&](const auto& one) { return one.first == field.first; });
    if (known != out.end())
      known->second.push_back(field.second);
    else
      out.push_back({field.first, {field.second}});
  }
  return out;
}

inline std::string listed_headers(const http::headers& headers) {
  inngest::detail::json_object_text out;
  for (const auto& [name, values] : grouped(headers)) {
    std::string list;
    for (const std::string& value : values) {
      list += list.empty() ? '[' : ',';
      inngest::detail::write_quoted(list, inngest::detail::to_printable(value));
    }
    out.add_raw(name, list + ']');
  }
  return out.text();
}

inline std::string joined_headers(const http::headers& headers) {
  inngest::detail::json_object_text out;
  for (const auto& [name, values] : grouped(headers)) {
    std::string joined;
    for (const std::string& value : values) joined += (joined.empty() ? "" : ", ") + value;
    out.add(name, joined);
  }
  return out.text();
}

inline std::string write(const http_event& event, const http::response& answer, bool as_base64) {
  inngest::detail::json_object_text out;
  out.add("statusCode", answer.status);
  if (event.source == event_source::load_balancer)
    out.add("statusDescription", std::to_string(answer.status) + ' ' + std::string(reason_of(answer.status)));
  if (event.lists_values)
    out.add_raw("multiValueHeaders", listed_headers(answer.headers));
  else
    out.add_raw("headers", joined_headers(answer.headers));
  out.add("isBase64Encoded", as_base64);
  if (!as_base64) return out.add("body", answer.body).text();
  const std::span bytes(reinterpret_cast<const std::uint8_t*>(answer.body.data()), answer.body.size());
  return out.add("body", inngest::detail::to_base64(bytes)).text();
}

inline bool ends_with_path(std::string path, std::string_view wanted) {
  while (path.size() > wanted.size() && path.ends_with('/')) path.pop_back();
  return path.ends_with(wanted);
}

}  // namespace detail

/// Reads an event. Its path and query are as the client sent them: with the stage of API Gateway, and
/// encoded. \throws payload_error when it is not JSON, or not an HTTP event.
inline http_event read_event(std::string_view event_json) {
  detail::event_members event = detail::read_members(event_json);
  if (event.method.empty() || detail::path_of(event).empty()) {
    throw payload_error({},
                        "not an HTTP event of API Gateway, a function URL or a load balancer: it has no "
                        "method or no path");
  }
  http_event out{.lists_values = event.lists_values};
  if (event.is_from_balancer) out.source = event_source::load_balancer;
  if (!event.is_from_balancer && !event.is_format_2) out.source = event_source::gateway_v1;
  if (event.is_format_2) out.lists_values = false;  // this format has no lists
  const std::string query = detail::query_of(event);
  out.request.method = event.method;
  out.request.url = detail::path_of(event) + (query.empty() ? "" : "?" + query);
  out.request.body = detail::body_of(event);
  for (auto& [name, value] : event.headers) out.request.headers.add(std::move(name), std::move(value));
  return out;
}

/// Writes a response in the form that the event's source expects. A response that is larger than Lambda or
/// the load balancer accept becomes an error that is not retried, because they would refuse it each time.
inline std::string write_response(const http_event& event, const http::response& answer) {
  const std::size_t limit =
      event.source == event_source::load_balancer ? max_balancer_response_size : max_response_size;
  // API Gateway's REST APIs decode base64 only if they are told to.
  const bool decodes = event.source != event_source::gateway_v1;
  const bool is_text = inngest::detail::is_utf8(answer.body);
  std::string out = detail::write(event, answer, decodes && !is_text);
  // Escapes may double the size of JSON within JSON, and base64 adds a third.
  if (out.size() > limit && decodes && is_text) out = detail::write(event, answer, true);
  if (out.size() <= limit) return out;
  http::response refusal{.status = 500};
  for (const auto& [name, value] : answer.headers) {
    if (name != protocol::header::no_retry && name != protocol::header::signature)
      refusal.headers.add(name, value);
  }
  refusal.headers.add(protocol::header::no_retry, "true");
  refusal.body = inngest::detail::json_object_text()
                     .add("name", "inngest::too_large")
                     .add("message", "the answer has " + std::to_string(out.size()) +
                                         " bytes, and AWS passes on at most " + std::to_string(limit) +
                                         ": return less from steps, or store large results elsewhere")
                     .text();
  return detail::write(event, refusal, false);
}

/// Answers an HTTP event of API Gateway (payload formats 1.0 and 2.0), a function URL or an Application Load
/// Balancer: JSON to JSON, for any runtime. It takes as long as the call. The path must end with
/// `serve_options::path`, after the stage or base path of the API; others are answered with 404. `stop` asks
/// the call to stop. \throws payload_error when the text is not JSON, or not an HTTP event.
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
  /// answer; at most a quarter of the call's time. Lambda kills a call that goes on, and the server retries
  /// it.
  duration_ms stop_before = std::chrono::seconds(1);
  /// Makes run() return when the call that is running has ended. SIGTERM does the same.
  stop_token stop{};
};

namespace detail {

/// An event to handle.
struct invocation {
  std::string id{};
  std::string event{};
  std::string trace_id{};
  std::optional<std::chrono::system_clock::time_point> deadline{};
};

/// A value of a header of the runtime API.
inline std::string header_of(const http::response& answer, std::string_view name) {
  return std::string(answer.headers.find(name).value_or(""));
}

inline std::optional<std::chrono::system_clock::time_point> deadline_of(std::string_view milliseconds) {
  std::int64_t since_epoch = 0;
  const char* end = milliseconds.data() + milliseconds.size();
  const auto read = std::from_chars(milliseconds.data(), end, since_epoch);
  constexpr std::int64_t latest = 253'402'300'799'000;  // the year 9999
  if (milliseconds.empty() || read.ec != std::errc() || read.ptr != end || since_epoch < 0 ||
      since_epoch > latest)
    return std::nullopt;
  return std::chrono::system_clock::time_point(std::chrono::milliseconds(since_epoch));
}

/// The requests of the runtime API.
class runtime_api {
 public:
  /// \throws configuration_error when there is no address or no transport.
  explicit runtime_api(const run_options& options)
      : base_(options.api.empty() ? address() : options.api), transport_(options.transport) {
    if (base_.empty()) {
      throw configuration_error(
          "lambda: the environment variable AWS_LAMBDA_RUNTIME_API is not set. AWS Lambda sets it; to run "
          "the "
          "program elsewhere, use Lambda's runtime interface emulator");
    }
    base_ = "http://" + base_ + "/2018-06-01/runtime/";
    if (!transport_) transport_ = inngest::detail::default_transport();
    if (!transport_) {
      throw configuration_error(
          "lambda: no HTTP transport: include <inngest/transport/httplib.hpp> or set run_options::transport");
    }
  }

  /// Waits for the next event, which may take days. \throws error when the runtime API does not work.
  invocation next() const {
    const http::response answer =
        transport_->send({.method = "GET", .url = base_ + "invocation/next"}, std::chrono::hours(24 * 20));
    invocation out{.id = header_of(answer, "lambda-runtime-aws-request-id"),
                   .event = answer.body,
                   .trace_id = header_of(answer, "lambda-runtime-trace-id"),
                   .deadline = deadline_of(header_of(answer, "lambda-runtime-deadline-ms"))};
    if (answer.status != 200 || out.id.empty())
      throw protocol_error("lambda: the runtime API gave no event, and status " +
                           std::to_string(answer.status));
    return out;
  }

  /// Sends a response. Returns the status: 413 when it is too large.
  int respond(const std::string& id, std::string response) const {
    return post("invocation/" + id + "/response", {}, std::move(response));
  }

  /// Reports that an event could not be handled.
  int fail(const std::string& id, const std::string& type, const std::string& message) const {
    return post("invocation/" + id + "/error", type, error_text(type, message));
  }

  /// Reports that the program can't start.
  int fail_init(const std::string& type, const std::string& message) const {
    return post("init/error", type, error_text(type, message));
  }

 private:
  static std::string address() {
    const char* value = std::getenv("AWS_LAMBDA_RUNTIME_API");
    return value == nullptr ? std::string() : std::string(value);
  }

  static std::string error_text(const std::string& type, const std::string& message) {
    return inngest::detail::json_object_text()
        .add("errorMessage", message)
        .add("errorType", type)
        .add_raw("stackTrace", "[]")
        .text();
  }

  int post(const std::string& path, const std::string& error_type, std::string body) const {
    http::request request{.method = "POST", .url = base_ + path, .body = std::move(body)};
    request.headers.add("content-type", "application/json");
    if (!error_type.empty()) request.headers.add("lambda-runtime-function-error-type", error_type);
    const int status = transport_->send(request, std::chrono::minutes(1)).status;
    if (status >= 500)  // Lambda's documentation: the program should exit
      throw protocol_error("lambda: the runtime API answered POST " + path + " with status " +
                           std::to_string(status));
    return status;
  }

  std::string base_;
  std::shared_ptr<http::transport> transport_;
};

/// Set by SIGTERM.
inline std::atomic<bool> is_terminated = false;
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler sets it");

/// Notices SIGTERM during its lifetime.
class termination_signal {
 public:
  termination_signal() : previous_(std::signal(SIGTERM, [](int) { is_terminated = true; })) {}
  ~termination_signal() {
    if (previous_ != SIG_ERR) std::signal(SIGTERM, previous_);
    is_terminated = false;
  }
  termination_signal(const termination_signal&) = delete;
  termination_signal& operator=(const termination_signal&) = delete;

 private:
  void (*previous_)(int);
};

constexpr auto look_interval = std::chrono::milliseconds(20);  // for a signal, which can't notify a thread

/// Asks a call to stop before its deadline, or when the program is to end.
class call_watch {
 public:
  call_watch(execution::call_stop call, std::optional<std::chrono::steady_clock::time_point> until,
             stop_token program)
      : call_(std::move(call)), until_(until), program_(std::move(program)), thread_([this] { look(); }) {}
  ~call_watch() {
    {
      const std::lock_guard lock(mutex_);
      has_ended_ = true;
    }
    ended_.notify_all();
    thread_.join();
  }
  call_watch(const call_watch&) = delete;
  call_watch& operator=(const call_watch&) = delete;

 private:
  bool is_over() const { return until_ && std::chrono::steady_clock::now() >= *until_; }
  bool is_ending() const { return is_terminated || program_.stop_requested(); }

  void look() {
    std::unique_lock lock(mutex_);
    while (!has_ended_ && !is_over() && !is_ending()) ended_.wait_for(lock, look_interval);
    if (has_ended_) return;
    lock.unlock();  // the call's callbacks run here
    if (is_ending())
      call_.request_shutdown();
    else
      call_.request();
  }

  execution::call_stop call_;
  std::optional<std::chrono::steady_clock::time_point> until_;
  stop_token program_;
  std::mutex mutex_;
  std::condition_variable ended_;
  bool has_ended_ = false;
  std::thread thread_;
};

/// When to ask a call to stop.
inline std::optional<std::chrono::steady_clock::time_point> stop_time(const invocation& call,
                                                                      std::chrono::milliseconds before) {
  if (!call.deadline) return std::nullopt;
  using std::chrono::milliseconds;
  const auto left = (std::max)(
      milliseconds(0), std::chrono::floor<milliseconds>(*call.deadline - std::chrono::system_clock::now()));
  return std::chrono::steady_clock::now() + left - (std::min)(before, left / 4);
}

/// The trace that AWS X-Ray's libraries go on with.
inline void set_trace_id(const std::string& id) {
#ifndef _WIN32
  if (!id.empty()) ::setenv("_X_AMZN_TRACE_ID", id.c_str(), 1);
#else
  (void)id;
#endif
}

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

/// Waits for an event on a thread of its own, because the request can't be interrupted. The thread lasts as
/// long as the request, also after the loop has ended.
inline std::future<invocation> ask_for_next(std::shared_ptr<const runtime_api> api) {
  std::packaged_task<invocation()> task([api = std::move(api)] { return api->next(); });
  std::future<invocation> out = task.get_future();
  std::thread(std::move(task)).detach();
  return out;
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

/// Handles events of AWS Lambda, one after the other: the main loop of a custom runtime, for the program
/// `bootstrap` of an `al2023` function. Events that are no HTTP requests are reported as errors. The
/// environment variable _X_AMZN_TRACE_ID is set to the trace of each event. SIGTERM, which Lambda sends only
/// to functions with an extension, asks the running call to stop, and run() returns. It returns 0.
/// \throws configuration_error outside of Lambda; error when the runtime API fails: then let the program end,
/// and Lambda starts another.
inline int run(const handler& handler, const run_options& options = {}) {
  detail::loop(handler, std::make_shared<const detail::runtime_api>(options), options);
  return 0;
}

/// The same, with a handler that `make` makes. What it throws is reported as the error of the start, and
/// thrown again.
template <class Make>
  requires std::convertible_to<std::invoke_result_t<Make&>, handler>
int run(Make make, const run_options& options = {}) {
  const auto api = std::make_shared<const detail::runtime_api>(options);
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

  /// Makes the handler the runtime's only one.
  static void mount(lambda::runtime& runtime, const handler& handler) { runtime.handler_ = handler; }
};

}  // namespace inngest::inline INNGEST_ABI
