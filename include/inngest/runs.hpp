#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <inngest/client.hpp>
#include <inngest/function.hpp>
#include <inngest/protocol/api.hpp>
#include <inngest/protocol/step_kinds.hpp>
#include <inngest/time/duration.hpp>
#include <inngest/time/timestamp.hpp>

namespace inngest {

/// The status of a run on a server.
enum class run_status {
  scheduled,  ///< queued
  running,    ///< started, not ended
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

/// The JSON text of the object's member if it is the only one; otherwise empty.
inline std::string only_member(std::string_view object, std::string_view name) {
  try {
    const json_buffer buffer{std::string(object)};
    json_document document(buffer.text());
    std::string out;
    int members = 0;
    for (auto item : document.object()) {
      json_field member = take(item, {});
      ++members;
      const bool wanted = member.key == name;
      const std::string_view text = raw_text(member.value, {});
      if (wanted) out = text;
    }
    return members == 1 ? out : std::string();
  } catch (const payload_error&) {
    return {};
  }
}

}  // namespace detail

/// A run, as described by its server.
struct run_info {
  /// The run's id.
  std::string id;
  /// The server's own id of the function: see runs::functions. Only older servers return it.
  std::string function_uuid{};
  /// The event that started the run; the first one of a batch.
  std::string event_id{};
  /// The run's status. It may be temporary: see ended().
  run_status status = run_status::unknown;
  /// When it started; empty if it has not.
  std::optional<timestamp> started_at{};
  /// When it ended; empty if it has not.
  std::optional<timestamp> ended_at{};
  /// The function's output, or its error, as JSON text; empty if there is none. A server may wrap a value
  /// that is not an object: {"data": 7}. output() reads both forms.
  std::string output_text{};
  /// The function's id as returned by the server, with or without the app's id as a prefix.
  std::string function_id{};

  /// Whether the run has ended. A server may report a run as completed or failed between two steps, so such a
  /// run has ended only if it also has an end time.
  bool ended() const {
    if (status == run_status::completed || status == run_status::failed) return ended_at.has_value();
    return status == run_status::cancelled || status == run_status::skipped;
  }

  /// The function's output. \throws payload_error when there is none, or it does not fit the type.
  template <json_convertible T>
  T output() const {
    const std::string inside = detail::only_member(output_text, "data");
    if (inside.empty()) return decode<T>(output_text, "output");
    try {
      return decode<T>(inside, "output");
    } catch (const payload_error&) {
      try {
        return decode<T>(output_text, "output");  // not wrapped: the type has a member "data"
      } catch (const payload_error&) {
      }
      throw;
    }
  }
};

/// Thrown when a run did not complete: it failed, was cancelled or skipped.
class run_not_completed : public error {
 public:
  /// Takes the message from the run's error.
  explicit run_not_completed(run_info run)
      : error(error_code::step_failed, words(run)), run_(std::move(run)) {}
  /// The run, with its status and error.
  const run_info& run() const noexcept { return run_; }

 private:
  static std::string words(const run_info& run) {
    const std::string message = message_of(run.output_text);
    return "run " + run.id + " " +
           (run.status == run_status::failed ? "failed" : "was " + std::string(to_string(run.status))) +
           (message.empty() ? "" : ": " + message);
  }
  /// Servers wrap errors in different ways.
  static std::string message_of(const std::string& output) {
    std::string out = detail::find_text(output, "message");
    for (const char* wrapping : {"error", "data"}) {
      if (out.empty()) out = detail::find_text(detail::only_member(output, wrapping), "message");
    }
    return out;
  }

  run_info run_;
};

/// A run that was waited for is not there, or not ended, when the time is up.
class run_timed_out : public detail::error_of<error_code::unreachable> {
  using error_of::error_of;
};

/// Follows runs from other code: the runs of an event, the output of a function. Uses the server's REST API
/// with the client's signing key.
///
///     inngest::runs runs(app);
///     Receipt receipt = runs.send_and_wait(charge, Ordered{...}, 30s);
///
/// Uses version 2 of the API, or version 1 if the server has no version 2; version 1 does not return the
/// output of runs with checkpoints. Every call may throw unauthorized, request_rejected, unreachable and
/// protocol_error.
class runs {
 public:
  /// Uses the client's settings and keys.
  explicit runs(client app) : app_(std::move(app)) {}

  /// The run with the id; `nullopt` when the server has none.
  [[nodiscard]] std::optional<run_info> find(const std::string& run_id) const {
    const std::string path = "/runs/" + http::percent_encoded(run_id), what = "asking for run " + run_id;
    http::response answer = get("/v2" + path + "?includeOutput=true");
    if (!is_missing(answer)) return reading_run(answer, what);
    const bool has_v2 = says_why(answer);
    answer = get_uncached("/v1" + path);
    if (answer.status == 404 || (has_v2 && answer.status >= 400 && answer.status != 401)) return std::nullopt;
    return reading_run(answer, what);
  }

  /// The runs of all functions that an event started.
  [[nodiscard]] std::vector<run_info> of_event(const std::string& event_id) const {
    const std::string path = "/events/" + http::percent_encoded(event_id) + "/runs";
    const std::string what = "asking for the runs of event " + event_id;
    std::vector<run_info> out;
    std::string page = "?includeOutput=true&limit=40";
    while (true) {
      http::response answer = get("/v2" + path + page);
      if (is_missing(answer)) break;
      std::string cursor = reading_runs(answer, what, out);
      if (cursor.empty()) return out;
      page = "?includeOutput=true&limit=40&cursor=" + http::percent_encoded(cursor);
    }
    const http::response answer = get_uncached("/v1" + path);
    if (answer.status != 404) reading_runs(answer, what, out);
    return out;
  }

  /// Waits until the run has ended. Polls after 100 ms, later up to every 2 s.
  /// \throws run_timed_out when the run has not ended, or does not exist, by the end of the timeout.
  run_info wait(const std::string& run_id, duration_ms timeout) const {
    std::optional<run_info> last;
    const bool ended = poll(timeout, [&] {
      last = find(run_id);
      return last && last->ended();
    });
    if (!ended)
      throw run_timed_out("run " + run_id +
                          (last ? " has not ended in time" : " is not known to the server"));
    return std::move(*last);
  }

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

  /// Cancels the run: no further step of it starts.
  void cancel(const std::string& run_id) const {
    http::request request{.method = "DELETE", .url = "/v1/runs/" + http::percent_encoded(run_id)};
    protocol::expect_success(app_.call_api(std::move(request)), "cancelling run " + run_id);
  }

  /// Runs the function again with the same event and returns the new run's id. A self-hosted server may not
  /// support this: then request_rejected has the status 501 or 404.
  std::string rerun(const std::string& run_id) const {
    const http::response answer =
        app_.call_api(protocol::json_request("/v2/runs/" + http::percent_encoded(run_id) + "/rerun", "{}"));
    protocol::expect_success(answer, "rerunning run " + run_id);
    return reading("a rerun", [&] {
      const detail::json_buffer body(answer.body);
      std::string id = detail::find_text(detail::find_member(body, "data"), "runId");
      if (id.empty()) throw payload_error("data.runId", "missing");
      return id;
    });
  }

  /// A function as registered with the server.
  struct registered_function {
    /// The server's own id.
    std::string uuid;
    /// "<app id>-<function id>".
    std::string slug;
    /// Its registration, as JSON text.
    std::string config;
  };

  /// The app's functions as registered with the server.
  [[nodiscard]] std::vector<registered_function> functions() const {
    const http::response answer = get("/v1/apps/" + http::percent_encoded(app_.id()) + "/functions");
    if (answer.status == 404) return {};
    protocol::expect_success(answer, "asking for the functions of app \"" + app_.id() + "\"");
    return reading("a list of functions", [&] {
      std::vector<registered_function> out;
      if (answer.body.find_first_not_of(" \n") == answer.body.find("null")) return out;
      const detail::json_buffer body(answer.body);
      for_each_element(body.text(), [&](std::string_view text) {
        const detail::json_buffer function{std::string(text)};
        out.push_back({.uuid = detail::find_text(text, "internal_id"),
                       .slug = detail::find_text(text, "id"),
                       .config = std::string(detail::find_member(function, "config"))});
      });
      return out;
    });
  }

 private:
  /// A missing output is read as null if the type allows it.
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

  http::response get(std::string path) const {
    return app_.call_api(
        {.method = "GET", .url = std::move(path), .headers = {{"cache-control", "no-cache"}}});
  }
  /// Version 1 caches answers by URL for up to 15 s, so every URL is made unique.
  http::response get_uncached(const std::string& path) const {
    static std::atomic<unsigned> number = 0;
    const auto now = std::chrono::system_clock::now().time_since_epoch().count();
    return get(path + "?nocache=" + std::to_string(now) + "-" + std::to_string(++number));
  }

  /// Whether the server does not have the object, or not this route.
  static bool is_missing(const http::response& answer) {
    return answer.status == 404 || answer.status == 405 || answer.status == 501;
  }
  /// Whether the refusal comes from version 2 of the API.
  static bool says_why(const http::response& answer) {
    try {
      const detail::json_buffer body(answer.body);
      return detail::find_member(body, "errors").starts_with('[');
    } catch (const payload_error&) {
      return false;
    }
  }

  static std::optional<run_info> reading_run(const http::response& answer, const std::string& what) {
    protocol::expect_success(answer, what);
    return reading("a run", [&] {
      const detail::json_buffer body(answer.body);
      const std::string_view data = detail::find_member(body, "data");
      if (data.empty() || data == "null") return std::optional<run_info>();
      return std::optional<run_info>(read_run(data));
    });
  }

  /// Adds the answer's runs and returns the cursor of the next page; empty on the last page.
  static std::string reading_runs(const http::response& answer, const std::string& what,
                                  std::vector<run_info>& out) {
    protocol::expect_success(answer, what);
    return reading("a list of runs", [&]() -> std::string {
      const detail::json_buffer body(answer.body);
      const std::string data(detail::find_member(body, "data"));
      if (data.empty() || data == "null") return {};
      const std::size_t before = out.size();
      for_each_element(data, [&](std::string_view run) { out.push_back(read_run(run)); });
      const detail::json_buffer page{std::string(detail::find_member(body, "page"))};
      const bool more = page.text() != "" && detail::find_member(page, "hasMore") == "true";
      return more && out.size() > before ? detail::find_text(page.text(), "cursor") : std::string();
    });
  }

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

  /// Reads a run of version 2 or 1; the second name is that of version 1.
  static run_info read_run(std::string_view text) {
    const detail::json_buffer run{std::string(text)};
    const auto text_of = [&](const char* name, const char* earlier) {
      std::string out = detail::find_text(text, name);
      return out.empty() ? detail::find_text(text, earlier) : out;
    };
    run_info out{.id = text_of("id", "run_id"),
                 .function_uuid = detail::find_text(text, "function_id"),
                 .event_id = detail::find_text(text, "event_id")};
    if (out.id.empty()) throw payload_error("id", "missing");
    out.status = status_of(detail::find_text(text, "status"));
    out.started_at = parse_timestamp(text_of("startedAt", "run_started_at"));
    out.ended_at = parse_timestamp(text_of("endedAt", "ended_at"));
    out.output_text = output_of(std::string(detail::find_member(run, "output")));
    const std::string_view function = detail::find_member(run, "function");
    out.function_id = detail::find_text(function, "id");
    if (out.event_id.empty()) out.event_id = first_event_of(detail::find_member(run, "trigger"));
    return out;
  }

  static std::string first_event_of(std::string_view trigger) {
    if (trigger.empty()) return {};
    const detail::json_buffer buffer{std::string(trigger)};
    std::string out;
    const std::string_view ids = detail::find_member(buffer, "eventIds");
    if (!ids.starts_with('[')) return out;
    for_each_element(ids, [&](std::string_view id) {
      if (out.empty()) out = decode<std::string>(id);
    });
    return out;
  }

  /// The function's output. Version 1 returns "" for none, or the operations of the last call, where
  /// RunComplete contains the output.
  static std::string output_of(std::string output) {
    if (output == "\"\"" || output == "null") return {};
    constexpr std::string_view run_complete = to_string(protocol::opcode::run_complete);
    if (output.find(run_complete) == std::string::npos) return output;
    try {
      std::string operations = output.starts_with('"') ? decode<std::string>(output) : output;
      std::string result;
      if (!operations.starts_with('[')) return output;
      for_each_element(operations, [&](std::string_view operation) {
        if (!operation.starts_with('{')) return;
        const detail::json_buffer buffer{std::string(operation)};
        const bool ends = detail::find_text(operation, "op").ends_with(run_complete);
        if (ends) result = detail::find_member(buffer, "data");
      });
      return result.empty() ? output : result;
    } catch (const payload_error&) {
      return output;
    }
  }

  /// Servers write "Completed" or "COMPLETED".
  static run_status status_of(std::string text) {
    for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
    if (text == "queued") return run_status::scheduled;
    if (text == "overflowed") return run_status::failed;
    for (const run_status status : {run_status::scheduled, run_status::running, run_status::completed,
                                    run_status::failed, run_status::cancelled, run_status::skipped}) {
      if (text == to_string(status)) return status;
    }
    return run_status::unknown;
  }

  run_info wait_for_run(const any_function& called, const std::string& event_id, duration_ms timeout,
                        bool returns_something) const {
    using clock = std::chrono::steady_clock;
    std::optional<run_info> found;
    std::optional<std::string> uuid;
    std::optional<clock::time_point> completed;
    const auto is_of_function = [&](const run_info& run) {
      if (!run.function_id.empty() && (run.function_id == called.slug() || run.function_id == called.id()))
        return true;
      if (!uuid) uuid = uuid_of(called);
      const std::string& its = run.function_id.empty() ? run.function_uuid : run.function_id;
      return its == *uuid || (uuid->empty() && run.function_id.empty());
    };
    const bool ended = poll(timeout, [&] {
      for (run_info& run : of_event(event_id)) {
        if (is_of_function(run)) found = std::move(run);
      }
      if (!found || !found->ended()) return false;
      if (found->status != run_status::completed || !returns_something || !found->output_text.empty())
        return true;
      // a server may report the end before the output
      if (!completed) completed = clock::now();
      return clock::now() - *completed > std::chrono::seconds(5);
    });
    if (!found) {
      throw run_timed_out("function \"" + called.id() + "\" has not ended for event " + event_id +
                          " in time: the server has no run for it");
    }
    if (!ended && !found->ended())
      throw run_timed_out("function \"" + called.id() + "\" has not ended for event " + event_id +
                          " in time");
    if (found->status != run_status::completed) throw run_not_completed(std::move(*found));
    return std::move(*found);
  }

  /// The server's own id of the function; empty when it is not registered.
  std::string uuid_of(const any_function& called) const {
    for (const registered_function& function : functions()) {
      if (function.slug == called.slug()) return function.uuid;
    }
    return {};
  }

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

}  // namespace inngest
