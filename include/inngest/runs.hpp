#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <inngest/client.hpp>
#include <inngest/config.hpp>
#include <inngest/function.hpp>
#include <inngest/protocol/api.hpp>
#include <inngest/protocol/step_kinds.hpp>
#include <inngest/runs/requests.hpp>
#include <inngest/time/duration.hpp>
#include <inngest/time/timestamp.hpp>

namespace inngest::inline INNGEST_ABI {

/// The status of a run on a server.
enum class run_status {
  scheduled,  ///< queued
  running,    ///< started, not ended yet
  completed,  ///< the function returned
  failed,     ///< the function failed permanently
  cancelled,  ///< cancelled by an event, a timeout or the API
  skipped,    ///< not started, for example by a singleton
  unknown     ///< a status that this version of the library does not know
};

/// The status's name, such as "completed".
constexpr std::string_view to_string(run_status status) {
  constexpr std::string_view names[] = {"scheduled", "running", "completed", "failed",
                                        "cancelled", "skipped", "unknown"};
  return names[static_cast<std::size_t>(status)];
}

namespace detail {

/// The JSON text of the object's member if the object has no other; otherwise empty.
std::string only_member(std::string_view object, std::string_view name);

}  // namespace detail

/// A run, as described by its server.
struct run_info {
  /// The run's id.
  std::string id;
  /// The server's own id of the function: see runs::functions. Only older servers send it.
  std::string function_uuid{};
  /// The event that started the run; for a batch, the first one.
  std::string event_id{};
  /// The run's status. It may be preliminary: see ended().
  run_status status = run_status::unknown;
  /// When it started; empty if it has not.
  std::optional<timestamp> started_at{};
  /// When it ended; empty if it has not.
  std::optional<timestamp> ended_at{};
  /// The function's output, or its error, as JSON text; empty if there is none. Some servers wrap a value
  /// that is not an object: {"data": 7}. Middleware may have changed it. output() reads all of these forms.
  std::string output_text{};
  /// The function's id as returned by the server, with or without the app's id as a prefix.
  std::string function_id{};

  /// Whether the run has ended. A server may report a run as completed or failed between two steps, so such a
  /// run has ended only if it also has an end time.
  bool ended() const;

  /// The function's output, as it was before middleware such as encryption() changed it.
  /// \throws payload_error when there is none, or it does not fit the type; what the middleware throws.
  template <json_convertible T>
  T output() const {
    const std::string inside = detail::only_member(output_text, "data");
    if (inside.empty()) return decode<T>(readable(output_text), "output");
    try {
      return decode<T>(readable(inside), "output");
    } catch (const payload_error&) {
      try {
        return decode<T>(readable(output_text), "output");  // not wrapped: the type has a member "data"
      } catch (const payload_error&) {
      }
      throw;
    }
  }

  /// Reverts what middleware did to the output. `runs` sets it for completed runs: the client's middleware,
  /// and in send_and_wait() and invoke_and_wait() also that of the function.
  std::function<std::string(const std::string&)> output_reader{};

 private:
  std::string readable(const std::string& text) const {
    return output_reader && !text.empty() ? output_reader(text) : text;
  }
};

/// A page of runs.
struct run_page {
  /// The runs.
  std::vector<run_info> runs{};
  /// Pass it in run_filter to request the next page; empty on the last page.
  std::string cursor{};
};

/// Thrown when a run did not complete: it failed, was cancelled or was skipped.
class run_not_completed : public error {
 public:
  /// Takes the message from the run's error.
  explicit run_not_completed(run_info run);
  /// The run, with its status and error.
  const run_info& run() const noexcept { return run_; }

 private:
  static std::string words(const run_info& run);
  /// Servers wrap errors in different ways.
  static std::string message_of(const std::string& output);

  run_info run_;
};

/// Thrown when a run does not exist, or has not ended, by the end of the timeout.
class run_timed_out : public detail::error_of<error_code::timed_out> {
  using error_of::error_of;
};

/// Follows runs from other code: the runs of an event, the output of a function. Uses the server's REST API
/// with the client's signing key.
///
///     inngest::runs runs(app);
///     Receipt receipt = runs.send_and_wait(charge, Ordered{...}, 30s);
///
/// Uses version 2 of the API, or version 1 if the server has no version 2. Version 1 does not return the
/// output of runs with checkpoints. Every call may throw unauthorized, request_rejected, unreachable and
/// protocol_error.
class runs {
 public:
  /// Uses the client's settings and keys.
  explicit runs(client app) : app_(std::move(app)) {}

  /// The run with the id; `nullopt` when the server does not know it.
  [[nodiscard]] std::optional<run_info> find(const std::string& run_id) const;

  /// The runs of all functions that an event started.
  [[nodiscard]] std::vector<run_info> of_event(const std::string& event_id) const;

  /// A page of runs, newest first unless the filter says otherwise. Needs version 2 of the API.
  /// \throws configuration_error when the filter has a status that servers can't select.
  [[nodiscard]] run_page list(const run_filter& filter = {}) const;

  /// The run's trace: a span for the run that contains one for each step. Returns `nullopt` when the server
  /// does not know the run. `with_output` also requests inputs and outputs. Needs version 2 of the API.
  [[nodiscard]] std::optional<trace_span> trace(const std::string& run_id, bool with_output = true) const;

  /// Waits until the run has ended. Polls after 100 ms at first, later every 2 s.
  /// \throws run_timed_out when the run has not ended, or does not exist, by the end of the timeout.
  run_info wait(const std::string& run_id, duration_ms timeout) const;

  /// Sends the event, waits for the function's run and returns the function's output.
  /// \throws run_not_completed, run_timed_out, and what client::send throws.
  template <class Output, event_type... Events, event_type Event>
  auto send_and_wait(const function<Output, Events...>& called, const Event& event,
                     duration_ms timeout) const {
    static_assert((std::is_same_v<Event, Events> || ...),
                  "inngest: the function is not triggered by this event");
    const std::vector<std::string> ids = app_.send(event).ids;
    if (ids.empty()) {
      throw unreachable("event \"" + std::string(Event::name) +
                        "\" was not sent, so there is no run to wait for: no server answered, and the "
                        "client kept or dropped the event");
    }
    const run_info run = wait_for_run(called, ids.front(), timeout, !std::is_void_v<Output>);
    if constexpr (!std::is_void_v<Output>) return output_or_nothing<Output>(run);
  }

  /// Runs the function without an event and returns the new run's id. `data` must be a JSON object; it
  /// becomes the data of the run's event. Calls with the same `key` run the function only once in the
  /// server's idempotency period (24 hours), and return the same id. Needs version 2 of the API.
  /// \throws request_rejected, for example when a rate limit rejects the call.
  template <json_convertible Data>
  std::string invoke(const any_function& called, const Data& data, const std::string& key = {}) const {
    return invoke_text(called.app_id(), called.id(), encode(data, "data"), key);
  }
  /// Like invoke() above, for a function of any app, by its ids.
  template <json_convertible Data>
  std::string invoke(const std::string& app_id, const std::string& function_id, const Data& data,
                     const std::string& key = {}) const {
    return invoke_text(app_id, function_id, encode(data, "data"), key);
  }

  /// Runs the function without an event, waits for the run and returns its output.
  /// \throws run_not_completed, run_timed_out, and what invoke() throws.
  template <class Output, event_type... Events, json_convertible Data>
  auto invoke_and_wait(const function<Output, Events...>& called, const Data& data,
                       duration_ms timeout) const {
    run_info run = wait(invoke(called, data), timeout);
    make_readable(run, called.options().middleware);
    if (run.status != run_status::completed) throw run_not_completed(std::move(run));
    if constexpr (!std::is_void_v<Output>) return output_or_nothing<Output>(run);
  }

  /// Cancels the run. None of its further steps start.
  void cancel(const std::string& run_id) const;

  /// Runs the function again with the same event and returns the new run's id.
  /// \throws request_rejected with status 501 or 404 when a self-hosted server does not support it.
  std::string rerun(const std::string& run_id) const;

  /// Runs the function again from one of the run's steps and returns the new run's id. The new run reuses the
  /// results of the steps that began earlier. `step` is the step's name or its hashed id. `inputs`, if any,
  /// replace the arguments of the step's body, as given to `step.run(id, body, arguments...)`.
  /// \throws request_rejected when no step, or more than one, has the name.
  template <json_convertible... Inputs>
  std::string rerun_from(const std::string& run_id, const std::string& step, const Inputs&... inputs) const {
    std::string text;
    ((text += (text.empty() ? "" : ",") + encode(inputs, "inputs")), ...);
    return rerun_text(run_id, step, sizeof...(Inputs) == 0 ? std::string() : "[" + text + "]");
  }

  /// Cancels many runs of a function and returns the id of the bulk cancellation. Uses version 1 of the API;
  /// dev servers have no bulk cancellations.
  /// \throws request_rejected when the server does not know the function or rejects the condition.
  std::string cancel_many(const bulk_cancel& wanted) const;
  /// The bulk cancellations on the server.
  [[nodiscard]] std::vector<bulk_cancellation> bulk_cancellations() const;
  /// Removes a bulk cancellation, so that it cancels no further runs. Returns false when it does not exist.
  bool remove_bulk_cancellation(const std::string& id) const;

  /// A function as registered with the server.
  struct registered_function {
    /// The server's own id.
    std::string uuid;
    /// The app's id, a hyphen and the function's id.
    std::string slug;
    /// Its registration, as JSON text.
    std::string config;
  };

  /// The app's functions as registered with the server.
  [[nodiscard]] std::vector<registered_function> functions() const;

 private:
  /// Reads a missing output as null if the type allows it.
  template <class Output>
  static Output output_or_nothing(const run_info& run) {
    if (!run.output_text.empty()) return run.template output<Output>();
    try {
      return decode<Output>("null", "output");
    } catch (const payload_error&) {
      throw protocol_error(
          "run " + run.id +
          " has completed, but the server did not return its output: version 1 of the API has "
          "none for runs with checkpoints. Use a newer server, or disable "
          "client_options::checkpointing");
    }
  }

  std::string invoke_text(const std::string& app_id, const std::string& function_id, const std::string& data,
                          const std::string& key) const;
  std::string rerun_text(const std::string& run_id, const std::string& step, const std::string& input) const;
  /// The member `data.runId` of an answer.
  static std::string run_id_of(const http::response& answer, const char* what);
  std::string query_of(const run_filter& filter) const;
  static trace_span read_span(std::string_view text, int depth);

  http::response get(std::string path) const;
  /// Version 1 caches answers by URL for up to 15 s, so every URL is made unique.
  http::response get_uncached(const std::string& path) const;

  /// Whether the server lacks the object or the whole route.
  static bool is_missing(const http::response& answer);
  /// Whether the refusal comes from version 2 of the API, which states a reason.
  static bool says_why(const http::response& answer);

  std::optional<run_info> reading_run(const http::response& answer, const std::string& what) const;

  /// Adds the answer's runs and returns the cursor of the next page; empty on the last page.
  std::string reading_runs(const http::response& answer, const std::string& what,
                           std::vector<run_info>& out) const;

  /// Sets run_info::output_reader, if there is middleware.
  void make_readable(run_info& run, const middleware_list& of_function) const;

  template <class Read>
  static auto reading(const char* what, Read read) -> decltype(read()) {
    try {
      return read();
    } catch (const payload_error& problem) {
      throw protocol_error(std::string("the server's answer is not ") + what + ": " + problem.what());
    }
  }

  template <class Use>
  static void for_each_element(std::string_view array, Use use) {
    const detail::json_buffer buffer{std::string(array)};
    detail::json_document document(buffer.text());
    detail::json_value root = document.root();
    detail::expect(root, detail::json_type::array, detail::json_path("data"), "array");
    std::vector<std::string_view> elements;
    for (auto item : detail::elements_of(root, {})) {
      detail::json_value element = detail::take(item, {});
      elements.push_back(detail::raw_text(element, {}));
    }
    for (const std::string_view element : elements) use(element);
  }

  /// Reads a run in the format of version 2 or 1. Where names differ, the second is that of version 1.
  run_info read_run(std::string_view text) const;

  static std::string first_event_of(std::string_view trigger);

  /// The function's output. For a run without output, version 1 returns "" or the operations of the last
  /// call; there, RunComplete contains the output.
  static std::string output_of(std::string output);

  /// Servers write "Completed" or "COMPLETED".
  static run_status status_of(std::string_view given);

  run_info wait_for_run(const any_function& called, const std::string& event_id, duration_ms timeout,
                        bool returns_something) const;

  /// The server's own id of the function; empty when it is not registered.
  std::string uuid_of(const any_function& called) const;

  template <class Done>
  static bool poll(std::chrono::milliseconds timeout, Done done) {
    using clock = std::chrono::steady_clock;
    const auto end = detail::add_saturated(clock::now(), timeout);
    std::chrono::milliseconds pause{100};
    while (true) {
      if (done()) return true;
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - clock::now());
      if (left <= std::chrono::milliseconds::zero()) return false;
      std::this_thread::sleep_for((std::min)(pause, left));
      pause = (std::min)(pause * 3 / 2, std::chrono::milliseconds(2000));
    }
  }

  client app_;
};

}  // namespace inngest::inline INNGEST_ABI

#if !defined(INNGEST_COMPILED)
#include <inngest/impl/runs.ipp>
#endif
