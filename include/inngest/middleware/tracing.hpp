#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/crypto.hpp>
#include <inngest/detail/hex.hpp>
#include <inngest/error.hpp>
#include <inngest/http.hpp>
#include <inngest/middleware.hpp>
#include <inngest/middleware/call_state.hpp>
#include <inngest/protocol/headers.hpp>

// Spans in OpenTelemetry's form, for any exporter.

namespace inngest::inline INNGEST_ABI {

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
  /// "inngest.request", "inngest.run", "inngest.step", or the name of a user_span.
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
  /// Whether it is a user_span.
  bool is_user_span = false;
  /// For a user_span: its parent in the server's trace of the run, which is another user_span or the server's
  /// span of the step. Empty when the parent is the run.
  std::string parent_in_run{};
  /// For a user_span: the `tracestate` of the server's request, which tells where the span belongs.
  std::string trace_state{};
};

class user_span;

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
std::optional<trace_parent> read_traceparent(std::string_view text);

/// A random id that is not all zeros.
template <std::size_t Bytes>
std::string random_span_id() {
  for (;;) {
    const auto bytes = random_bytes<Bytes>();
    if (std::any_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte != 0; }))
      return to_hex(bytes);
  }
}

std::string traceparent_of(const span& of);

/// The open spans of one call.
struct open_spans {
  span request{};
  std::optional<span> run{};
  std::optional<span> step{};
  std::string step_hash{};
  std::shared_ptr<const span_sink> sink{};
  user_span* user = nullptr;  // the innermost

  const span& innermost() const { return step ? *step : run ? *run : request; }
};

/// The middleware behind tracing().
class tracing_middleware : public middleware {
 public:
  explicit tracing_middleware(span_sink sink);

  std::string open_traceparent(const call_info&) override;

  http::response wrap_request(const http::request& request, next_call<http::response> next) override;

  /// An interrupt usually leaves the handler, so the span ends with its scope.
  std::string wrap_function_handler(const call_info& call, next_call<std::string> next) override;

  void on_run_complete(const call_info&, std::string_view) override;

  void on_run_error(const call_info&, const failure_info& failure) override;

  void on_step_start(const call_info& call, const step_info& step) override;

  void on_step_complete(const call_info&, const step_info&, std::string_view) override;

  void on_step_error(const call_info&, const step_info&, const failure_info& failure) override;

 private:
  using spans = open_spans;

  struct end_of_scope {
    span& ended;
    ~end_of_scope() { ended.end = std::chrono::system_clock::now(); }
  };

  static span begin(std::string name, std::string_view traceparent);

  static span child(std::string name, const span& parent);

  static void add(span& to, std::string key, std::string value);

  static void describe(span& to, const call_info& call);

  static void fail(span& failed, std::string message);
  static void fail(span& failed, const failure_info& failure);

  void finish_step(spans& open) const;

  /// Hooks report the run's outcome after the handler has returned or thrown, so its span ends only now.
  void finish_call(spans& open) const;

  void finish(span& ended) const;

  void report(const span& ended) const;

  std::shared_ptr<const span_sink> sink_;
};

/// Passes a span to a sink, whose exceptions are ignored: a run must not fail because of its trace.
void report_to(const span_sink& sink, const span& ended) noexcept;

}  // namespace detail

/// Makes middleware that passes spans to `sink`: one per request of the server, which contains one for the
/// handler's call, which contains one per step that ran. Their parent is the server's `traceparent`; without
/// a valid one, a new trace begins.
///
///     .middleware = {inngest::tracing([&](const inngest::span& span) { exporter.add(span); })}
///
/// \throws configuration_error for an empty sink.
std::shared_ptr<middleware> tracing(span_sink sink);

/// A span of your own, from its construction to the end of its scope. Its parent is the span open on this
/// thread: another user_span, the step's or the run's. Outside of calls, or without tracing(), it does
/// nothing.
///
///     ctx.step.run("resize", [&] {
///       inngest::user_span decoding("decode");
///       decoding.set("image.format", "png");
///       ...
///     });
///
/// A handler runs several times, so a user_span outside of steps is reported by each call. An exception that
/// leaves the scope does not change the status: call fail().
class user_span {
 public:
  /// Begins a child of the span open on this thread.
  explicit user_span(std::string name);
  /// Begins a child of a span of another thread, which must not have ended.
  user_span(const user_span& parent, std::string name);
  /// Ends the span and reports it to the sink of tracing().
  ~user_span();
  user_span(const user_span&) = delete;
  user_span& operator=(const user_span&) = delete;

  /// Adds an attribute.
  user_span& set(std::string key, std::string value);
  /// Sets the status to `ok`.
  void succeed();
  /// Sets the status to `error`, with a message.
  void fail(std::string message);
  /// The W3C `traceparent` for requests made within the span; empty if it does nothing.
  [[nodiscard]] std::string traceparent() const;

 private:
  void begin(std::string name, const span& parent);

  span span_;
  std::vector<std::pair<std::string, std::string>> inherited_;  // attributes of the step or run
  std::shared_ptr<const span_sink> sink_;                       // null: it does nothing
  detail::open_spans* open_ = nullptr;  // of this thread; null for a span of another thread
  user_span* outer_ = nullptr;
};

/// The W3C `traceparent` of the innermost span open on this thread; empty when there is none. For code that
/// has no context; see basic_context::traceparent.
[[nodiscard]] std::string current_traceparent();

}  // namespace inngest::inline INNGEST_ABI

#if !defined(INNGEST_COMPILED)
#include <inngest/middleware/impl/tracing.ipp>
#endif
