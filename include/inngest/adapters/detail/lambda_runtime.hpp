#pragma once

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include <inngest/client.hpp>
#include <inngest/config.hpp>
#include <inngest/error.hpp>
#include <inngest/execution/call_stop.hpp>
#include <inngest/http.hpp>
#include <inngest/json/detail/text.hpp>
#include <inngest/stop_token.hpp>

// The parts of the loop on AWS Lambda: the runtime API, the deadline of a call, and SIGTERM.

namespace inngest::inline INNGEST_ABI::lambda::detail {

/// An event to handle.
struct invocation {
  std::string id{};
  std::string event{};
  std::string trace_id{};
  std::optional<std::chrono::system_clock::time_point> deadline{};
};

/// A header value from the runtime API.
inline std::string header_of(const http::response& answer, std::string_view name) {
  return std::string(answer.headers.find(name).value_or(""));
}

inline std::optional<std::chrono::system_clock::time_point> deadline_of(std::string_view milliseconds) {
  std::int64_t since_epoch = 0;
  const char* end = milliseconds.data() + milliseconds.size();
  const auto read = std::from_chars(milliseconds.data(), end, since_epoch);
  constexpr std::int64_t latest = 9'000'000'000'000;  // the year 2255; a clock can't count much further
  if (milliseconds.empty() || read.ec != std::errc() || read.ptr != end || since_epoch < 0 ||
      since_epoch > latest)
    return std::nullopt;
  return std::chrono::system_clock::time_point(std::chrono::milliseconds(since_epoch));
}

/// The requests of the runtime API.
class runtime_api {
 public:
  /// `api` is its host and port; empty for those in the environment.
  /// \throws configuration_error when the address or the transport is missing.
  runtime_api(const std::string& api, std::shared_ptr<http::transport> transport)
      : base_(api.empty() ? address() : api), transport_(std::move(transport)) {
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

  /// Waits for the next event, which may take days.
  /// \throws error when the runtime API fails.
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

  /// Reports that an event could not be processed.
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

/// Handles SIGTERM during its lifetime.
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

constexpr auto look_interval = std::chrono::milliseconds(20);  // polls for a signal

/// Asks a call to stop before its deadline, or when the program is about to end.
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
  return std::chrono::steady_clock::now() + left - std::clamp(before, milliseconds(0), left / 4);
}

/// The trace that AWS X-Ray's libraries continue.
inline void set_trace_id(const std::string& id) {
#ifndef _WIN32
  if (!id.empty()) ::setenv("_X_AMZN_TRACE_ID", id.c_str(), 1);
#else
  (void)id;
#endif
}

/// Waits for an event on its own thread, because the request can't be interrupted. The thread lasts as long
/// as the request, even after the loop has ended.
inline std::future<invocation> ask_for_next(std::shared_ptr<const runtime_api> api) {
  std::packaged_task<invocation()> task([api = std::move(api)] { return api->next(); });
  std::future<invocation> out = task.get_future();
  std::thread(std::move(task)).detach();
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::lambda::detail
