#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/detail/crypto.hpp>
#include <inngest/detail/hex.hpp>
#include <inngest/error.hpp>
#include <inngest/http.hpp>
#include <inngest/middleware.hpp>
#include <inngest/middleware/call_state.hpp>
#include <inngest/protocol/headers.hpp>

// Spans in the form of OpenTelemetry, for any exporter.

namespace inngest {

/// The status of a span, as in OpenTelemetry.
enum class span_status { unset, ok, error };

/// A finished span. Ids are lower-case hex, as in OpenTelemetry.
struct span {
  /// 32 digits; taken from the server's `traceparent` if it is valid.
  std::string trace_id;
  /// 16 digits.
  std::string span_id;
  /// 16 digits; empty for a root span.
  std::string parent_span_id{};
  /// "inngest.request", "inngest.run" or "inngest.step".
  std::string name;
  /// When it started.
  std::chrono::system_clock::time_point start{};
  /// When it ended.
  std::chrono::system_clock::time_point end{};
  /// Names and values, such as "inngest.run.id".
  std::vector<std::pair<std::string, std::string>> attributes{};
  /// Whether it succeeded.
  span_status status = span_status::unset;
  /// The error's message.
  std::string status_message{};
  /// Whether the server records this trace, according to its `traceparent`; true without one.
  bool sampled = true;
};

/// Receives finished spans, from many threads concurrently. Its exceptions are ignored.
using span_sink = std::function<void(const span&)>;

namespace detail {

/// A W3C trace context.
struct trace_parent {
  std::string trace_id;
  std::string span_id;
  bool sampled = true;
};

/// Reads a `traceparent` header; `nullopt` if it is invalid.
inline std::optional<trace_parent> read_traceparent(std::string_view text) {
  const auto is_hex = [](std::string_view part) {
    return std::all_of(part.begin(), part.end(),
                       [](char c) { return hex_digit(c) >= 0 && !(c >= 'A' && c <= 'F'); });
  };
  const auto is_zero = [](std::string_view part) { return part.find_first_not_of('0') == part.npos; };
  constexpr std::size_t size = 55;  // of version 00; a later one may have more, after a dash
  if (text.size() < size || text[2] != '-' || text[35] != '-' || text[52] != '-') return std::nullopt;
  const std::string_view version = text.substr(0, 2), trace = text.substr(3, 32),
                         parent = text.substr(36, 16), flags = text.substr(53, 2);
  if (!is_hex(version) || !is_hex(trace) || !is_hex(parent) || !is_hex(flags)) return std::nullopt;
  if (version == "ff" || is_zero(trace) || is_zero(parent)) return std::nullopt;
  if (text.size() > size && (version == "00" || text[size] != '-')) return std::nullopt;
  return trace_parent{std::string(trace), std::string(parent), (hex_digit(flags[1]) & 1) != 0};
}

/// A random id that is not all zeros.
template <std::size_t Bytes>
std::string random_span_id() {
  for (;;) {
    const auto bytes = random_bytes<Bytes>();
    if (std::any_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte != 0; }))
      return to_hex(bytes);
  }
}

/// The middleware behind tracing().
class tracing_middleware : public middleware {
 public:
  explicit tracing_middleware(span_sink sink) : sink_(std::move(sink)) {
    if (!sink_) throw configuration_error("tracing: the sink must not be empty");
  }

  http::response wrap_request(const http::request& request, next_call<http::response> next) override {
    call_state<spans> here(this);
    spans& open = here.state;
    open.request = begin("inngest.request", request.headers.find(protocol::header::traceparent).value_or(""));
    open.request.attributes = {{"http.request.method", request.method}, {"url.path", request.path()}};
    try {
      http::response answer = next();
      add(open.request, "http.response.status_code", std::to_string(answer.status));
      if (answer.status >= 400) open.request.status = span_status::error;
      finish_call(open);
      finish(open.request);
      return answer;
    } catch (const std::exception& problem) {
      fail(open.request, problem.what());
      finish_call(open);
      finish(open.request);
      throw;
    }
  }

  /// An interrupt usually leaves the handler, so the span ends with its scope.
  std::string wrap_function_handler(const call_info& call, next_call<std::string> next) override {
    spans* open = call_state<spans>::find(this);
    if (open == nullptr) return next();  // another middleware has changed threads: there is no parent
    open->run = child("inngest.run", open->request);
    describe(*open->run, call);
    const end_of_scope at_end{*open->run};
    return next();
  }

  void on_run_complete(const call_info&, std::string_view) override {
    if (spans* open = call_state<spans>::find(this); open && open->run) open->run->status = span_status::ok;
  }

  void on_run_error(const call_info&, const failure_info& failure) override {
    if (spans* open = call_state<spans>::find(this); open && open->run) fail(*open->run, failure);
  }

  void on_step_start(const call_info& call, const step_info& step) override {
    spans* open = call_state<spans>::find(this);
    if (open == nullptr) return;
    open->step = child("inngest.step", open->run ? *open->run : open->request);
    describe(*open->step, call);
    add(*open->step, "inngest.step.id", std::string(step.id));
    add(*open->step, "inngest.step.name", std::string(step.name));
    add(*open->step, "inngest.step.kind", std::string(to_string(step.kind)));
    if (step.index > 0) add(*open->step, "inngest.step.index", std::to_string(step.index));
  }

  void on_step_complete(const call_info&, const step_info&, std::string_view) override {
    spans* open = call_state<spans>::find(this);
    if (open == nullptr || !open->step) return;
    open->step->status = span_status::ok;
    finish_step(*open);
  }

  void on_step_error(const call_info&, const step_info&, const failure_info& failure) override {
    spans* open = call_state<spans>::find(this);
    if (open == nullptr || !open->step) return;
    fail(*open->step, failure);
    finish_step(*open);
  }

 private:
  /// The open spans of one call.
  struct spans {
    span request;
    std::optional<span> run{};
    std::optional<span> step{};
  };

  struct end_of_scope {
    span& ended;
    ~end_of_scope() { ended.end = std::chrono::system_clock::now(); }
  };

  static span begin(std::string name, std::string_view traceparent) {
    span out{.trace_id = {}, .span_id = random_span_id<8>(), .name = std::move(name)};
    if (auto parent = read_traceparent(traceparent)) {
      out.trace_id = std::move(parent->trace_id);
      out.parent_span_id = std::move(parent->span_id);
      out.sampled = parent->sampled;
    } else {
      out.trace_id = random_span_id<16>();
    }
    out.start = std::chrono::system_clock::now();
    return out;
  }

  static span child(std::string name, const span& parent) {
    return {.trace_id = parent.trace_id,
            .span_id = random_span_id<8>(),
            .parent_span_id = parent.span_id,
            .name = std::move(name),
            .start = std::chrono::system_clock::now(),
            .sampled = parent.sampled};
  }

  static void add(span& to, std::string key, std::string value) {
    to.attributes.emplace_back(std::move(key), std::move(value));
  }

  static void describe(span& to, const call_info& call) {
    add(to, "inngest.function.id", std::string(call.function_id));
    add(to, "inngest.run.id", std::string(call.run_id));
    add(to, "inngest.attempt", std::to_string(call.attempt));
  }

  static void fail(span& failed, std::string message) {
    failed.status = span_status::error;
    failed.status_message = std::move(message);
  }
  static void fail(span& failed, const failure_info& failure) {
    fail(failed, std::string(failure.message));
    add(failed, "error.type", std::string(failure.name));
    add(failed, "inngest.is_final", failure.is_final ? "true" : "false");
    if (failure.retry_after)
      add(failed, "inngest.retry_after_ms", std::to_string(failure.retry_after->count()));
  }

  void finish_step(spans& open) const {
    finish(*open.step);
    open.step.reset();
  }

  /// Hooks report the run's outcome after its handler was left, so its span is finished only now.
  void finish_call(spans& open) const {
    if (open.step) finish_step(open);
    if (open.run) report(*open.run);
  }

  void finish(span& ended) const {
    ended.end = std::chrono::system_clock::now();
    report(ended);
  }

  void report(const span& ended) const {
    try {
      sink_(ended);
    } catch (...) {  // a run must not fail because of its trace
    }
  }

  span_sink sink_;
};

}  // namespace detail

/// Makes middleware that passes spans to `sink`: one per request of the server, containing one for the
/// handler's call, containing one per step that ran. Their parent is the server's `traceparent`; without a
/// valid one, a new trace begins.
///
///     .middleware = {inngest::tracing([&](const inngest::span& span) { exporter.add(span); })}
///
/// \throws configuration_error for an empty sink.
inline std::shared_ptr<middleware> tracing(span_sink sink) {
  return std::make_shared<detail::tracing_middleware>(std::move(sink));
}

}  // namespace inngest
