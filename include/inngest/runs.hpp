#pragma once

#include <algorithm>
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
#include <inngest/duration.hpp>
#include <inngest/function.hpp>
#include <inngest/protocol/api.hpp>

namespace inngest {

/// Where a run is.
enum class run_status { scheduled, running, completed, failed, cancelled, skipped, unknown };

constexpr std::string_view to_string(run_status status) {
  constexpr std::string_view names[] = {"scheduled", "running", "completed", "failed",
                                        "cancelled", "skipped", "unknown"};
  return names[static_cast<std::size_t>(status)];
}

/// A run as its server tells of it.
struct run_info {
  std::string id;
  /// The server's own id of the function: see runs::functions.
  std::string function_uuid;
  std::string event_id;
  run_status status = run_status::unknown;
  std::optional<timestamp> started_at{};
  std::optional<timestamp> ended_at{};
  /// What the function returned, or its error, as JSON text; empty while there is none.
  std::string output_text{};

  bool ended() const {
    return status == run_status::completed || status == run_status::failed ||
           status == run_status::cancelled || status == run_status::skipped;
  }

  /// What the function returned. \throws payload_error when it is of another type, or there is nothing.
  template <json_convertible T>
  T output() const {
    return decode<T>(output_text, "output");
  }
};

/// A run that was waited for did not complete: it failed, was cancelled or skipped.
class run_not_completed : public error {
 public:
  explicit run_not_completed(run_info run)
      : error(error_code::step_failed, words(run)), run_(std::move(run)) {}
  const run_info& run() const noexcept { return run_; }

 private:
  static std::string words(const run_info& run) {
    const std::string message = detail::find_text(run.output_text, "message");
    return "run " + run.id + " " +
           (run.status == run_status::failed ? "failed" : "was " + std::string(to_string(run.status))) +
           (message.empty() ? "" : ": " + message);
  }
  run_info run_;
};

/// A run that was waited for is not there, or not ended, when the time is up.
class run_timed_out : public error {
 public:
  explicit run_timed_out(const std::string& message) : error(error_code::unreachable, message) {}
};

/// Follows runs from outside: what became of an event, what a function returned. It asks the server's REST
/// API with the client's signing key.
///
///     inngest::runs runs(app);
///     Receipt receipt = runs.send_and_wait(charge, Ordered{...}, 30s);
///
/// Every call may throw unauthorized, request_rejected, unreachable and protocol_error.
class runs {
 public:
  explicit runs(client app) : app_(std::move(app)) {}

  /// The run; nothing when the server knows none of the id.
  std::optional<run_info> find(const std::string& run_id) const {
    const http::response answer = get("/v1/runs/" + http::percent_encoded(run_id));
    if (answer.status == 404) return std::nullopt;
    protocol::expect_success(answer, "asking for run " + run_id);
    return reading("a run", [&] {
      const detail::json_buffer body(answer.body);
      const std::string_view data = detail::find_member(body, "data");
      if (data.empty() || data == "null") return std::optional<run_info>();
      return std::optional<run_info>(read_run(data));
    });
  }

  /// The runs that an event started, of all functions.
  std::vector<run_info> of_event(const std::string& event_id) const {
    const http::response answer = get("/v1/events/" + http::percent_encoded(event_id) + "/runs");
    if (answer.status == 404) return {};
    protocol::expect_success(answer, "asking for the runs of event " + event_id);
    return reading("a list of runs", [&] {
      std::vector<run_info> out;
      const detail::json_buffer body(answer.body);
      const std::string_view data = detail::find_member(body, "data");
      if (data.empty() || data == "null") return out;
      for_each_element(data, [&](std::string_view each) { out.push_back(read_run(each)); });
      return out;
    });
  }

  /// Waits until the run has ended; asks again and again, at first after 100 ms, later after up to 2 s.
  /// \throws run_timed_out when it has not, or is not there, in time.
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

  /// Sends the event, waits for the function's run of it and gives what it returned.
  /// \throws run_not_completed, run_timed_out, and what client::send throws.
  template <class Output, event_type... Events, event_type Event>
  auto send_and_wait(const function<Output, Events...>& called, const Event& event,
                     duration_ms timeout) const {
    static_assert((std::is_same_v<Event, Events> || ...),
                  "inngest: the function is not triggered by this event");
    const run_info run = wait_for_run(called, app_.send(event).ids.at(0), timeout);
    if constexpr (!std::is_void_v<Output>) return run.template output<Output>();
  }

  /// Stops the run: no further step of it begins.
  void cancel(const std::string& run_id) const {
    http::request request{.method = "DELETE", .url = "/v1/runs/" + http::percent_encoded(run_id)};
    protocol::expect_success(app_.call_api(std::move(request)), "cancelling run " + run_id);
  }

  /// Runs the function once more with the same event, and gives the new run's id. A self-hosted server may
  /// not offer it: then request_rejected has the status 501 or 404.
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

  /// A function as the server has it registered.
  struct registered_function {
    std::string uuid;
    std::string slug;
    /// Its registration, as JSON text.
    std::string config;
  };

  /// The app's functions as the server has them.
  std::vector<registered_function> functions() const {
    const http::response answer = get("/v1/apps/" + http::percent_encoded(app_.id()) + "/functions");
    if (answer.status == 404) return {};
    protocol::expect_success(answer, "asking for the functions of app \"" + app_.id() + "\"");
    return reading("a list of functions", [&] {
      std::vector<registered_function> out;
      if (answer.body.find_first_not_of(" \n") == answer.body.find("null")) return out;
      const detail::json_buffer body(answer.body);
      for_each_element(body.text(), [&](std::string_view each) {
        const detail::json_buffer function{std::string(each)};
        out.push_back({.uuid = detail::find_text(each, "internal_id"),
                       .slug = detail::find_text(each, "id"),
                       .config = std::string(detail::find_member(function, "config"))});
      });
      return out;
    });
  }

 private:
  http::response get(std::string path) const {
    return app_.call_api({.method = "GET", .url = std::move(path)});
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
    for (auto item : detail::take(root.get_array(), {})) {
      detail::json_value each = detail::take(std::move(item), {});
      elements.push_back(detail::raw_text(each, {}));
    }
    for (const std::string_view each : elements) use(each);
  }

  static run_info read_run(std::string_view text) {
    const detail::json_buffer run{std::string(text)};
    run_info out{.id = detail::find_text(text, "run_id"),
                 .function_uuid = detail::find_text(text, "function_id"),
                 .event_id = detail::find_text(text, "event_id")};
    if (out.id.empty()) throw payload_error("run_id", "missing");
    out.status = status_of(detail::find_text(text, "status"));
    out.started_at = parse_timestamp(detail::find_text(text, "run_started_at"));
    out.ended_at = parse_timestamp(detail::find_text(text, "ended_at"));
    out.output_text = detail::find_member(run, "output");
    return out;
  }

  /// Servers write "Completed" or "COMPLETED".
  static run_status status_of(std::string text) {
    for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
    if (text == "queued") return run_status::scheduled;
    if (text == "overflowed") return run_status::failed;
    for (const run_status each : {run_status::scheduled, run_status::running, run_status::completed,
                                  run_status::failed, run_status::cancelled, run_status::skipped}) {
      if (text == to_string(each)) return each;
    }
    return run_status::unknown;
  }

  run_info wait_for_run(const any_function& called, const std::string& event_id, duration_ms timeout) const {
    std::string uuid;
    for (const registered_function& each : functions()) {
      if (each.slug == called.slug()) uuid = each.uuid;
    }
    std::optional<run_info> found;
    const bool ended = poll(timeout, [&] {
      for (run_info& each : of_event(event_id)) {
        if (uuid.empty() || each.function_uuid == uuid) found = std::move(each);
      }
      return found && found->ended();
    });
    if (!ended) {
      throw run_timed_out("function \"" + called.id() + "\" has not ended for event " + event_id +
                          " in time" + (found ? "" : ": the server knows no run of it"));
    }
    if (found->status != run_status::completed) throw run_not_completed(std::move(*found));
    return std::move(*found);
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
      std::this_thread::sleep_for(std::min(pause, left));
      pause = std::min(pause * 3 / 2, std::chrono::milliseconds(2000));
    }
  }

  client app_;
};

}  // namespace inngest
