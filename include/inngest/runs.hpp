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
#include <inngest/time/duration.hpp>
#include <inngest/time/timestamp.hpp>
#include <inngest/protocol/step_kinds.hpp>

namespace inngest {

/// Where a run is.
enum class run_status { scheduled, running, completed, failed, cancelled, skipped, unknown };

constexpr std::string_view to_string(run_status status) {
  constexpr std::string_view names[] = {"scheduled", "running", "completed", "failed",
                                        "cancelled", "skipped", "unknown"};
  return names[static_cast<std::size_t>(status)];
}

namespace detail {

/// The object's member, if it has no other; otherwise empty.
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

/// A run as its server tells of it.
struct run_info {
  std::string id;
  /// The server's own id of the function: see runs::functions. Only older servers tell it.
  std::string function_uuid{};
  std::string event_id{};
  run_status status = run_status::unknown;
  std::optional<timestamp> started_at{};
  std::optional<timestamp> ended_at{};
  /// What the function returned, or its error, as JSON text; empty while there is none. A server may wrap a
  /// value that is no object: {"data": 7}.
  std::string output_text{};
  /// The function's id as the server tells it, with or without the app's in front of it.
  std::string function_id{};

  /// A server may show a run as completed or failed between two steps: it has ended when it also says when.
  bool ended() const {
    if (status == run_status::completed || status == run_status::failed) return ended_at.has_value();
    return status == run_status::cancelled || status == run_status::skipped;
  }

  /// What the function returned. \throws payload_error when it is of another type, or there is nothing.
  template <json_convertible T>
  T output() const {
    const std::string inside = detail::only_member(output_text, "data");
    if (inside.empty()) return decode<T>(output_text, "output");
    try {
      return decode<T>(inside, "output");
    } catch (const payload_error&) {
      try {
        return decode<T>(output_text, "output");  // it was no wrapping: the type has a member "data"
      } catch (const payload_error&) {
      }
      throw;
    }
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

/// Follows runs from outside: what became of an event, what a function returned. It asks the server's REST
/// API with the client's signing key.
///
///     inngest::runs runs(app);
///     Receipt receipt = runs.send_and_wait(charge, Ordered{...}, 30s);
///
/// It asks version 2 of the API, and version 1 where a server has no other; that one does not tell what a run
/// with checkpoints returned. Every call may throw unauthorized, request_rejected, unreachable and
/// protocol_error.
class runs {
 public:
  explicit runs(client app) : app_(std::move(app)) {}

  /// The run; nothing when the server knows none of the id.
  [[nodiscard]] std::optional<run_info> find(const std::string& run_id) const {
    const std::string path = "/runs/" + http::percent_encoded(run_id), what = "asking for run " + run_id;
    http::response answer = get("/v2" + path + "?includeOutput=true");
    if (!is_missing(answer)) return reading_run(answer, what);
    const bool has_v2 = says_why(answer);
    answer = get_uncached("/v1" + path);
    if (answer.status == 404 || (has_v2 && answer.status >= 400 && answer.status != 401)) return std::nullopt;
    return reading_run(answer, what);
  }

  /// The runs that an event started, of all functions.
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
    const std::vector<std::string> ids = app_.send(event).ids;
    if (ids.empty()) {
      throw unreachable("event \"" + std::string(Event::name) +
                        "\" was not sent, so nothing can be waited for: no server answers, and the client "
                        "keeps or drops events then");
    }
    const run_info run = wait_for_run(called, ids.front(), timeout, !std::is_void_v<Output>);
    if constexpr (!std::is_void_v<Output>) return output_or_nothing<Output>(run);
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
  [[nodiscard]] std::vector<registered_function> functions() const {
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
  /// A server that tells no output has none to tell if the function may return null.
  template <class Output>
  static Output output_or_nothing(const run_info& run) {
    if (!run.output_text.empty()) return run.template output<Output>();
    try {
      return decode<Output>("null", "output");
    } catch (const payload_error&) {
      throw protocol_error("run " + run.id +
                           " has completed, but the server does not tell what it returned: version 1 of the "
                           "API does not, for runs with checkpoints. Use a newer server, or turn "
                           "client_options::checkpointing off");
    }
  }

  http::response get(std::string path) const {
    return app_.call_api(
        {.method = "GET", .url = std::move(path), .headers = {{"cache-control", "no-cache"}}});
  }
  /// Version 1 gives the same answer to the same question for up to 15 s: so no two are the same.
  http::response get_uncached(const std::string& path) const {
    static std::atomic<unsigned> number = 0;
    const auto now = std::chrono::system_clock::now().time_since_epoch().count();
    return get(path + "?nocache=" + std::to_string(now) + "-" + std::to_string(++number));
  }

  /// Whether the server has no such thing, or no such way to ask.
  static bool is_missing(const http::response& answer) {
    return answer.status == 404 || answer.status == 405 || answer.status == 501;
  }
  /// Whether it is version 2 that refuses.
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

  /// Adds the runs of the answer, and gives the cursor of the next page; empty when there is none.
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
    for (const std::string_view each : elements) use(each);
  }

  /// Of version 2, or of version 1, whose names are in the second column.
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

  /// What a function returned, out of what version 1 tells: nothing as "", and the operations of the last
  /// call, of which RunComplete has it.
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
    for (const run_status each : {run_status::scheduled, run_status::running, run_status::completed,
                                  run_status::failed, run_status::cancelled, run_status::skipped}) {
      if (text == to_string(each)) return each;
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
      // a server may know the end before it knows the result
      if (!completed) completed = clock::now();
      return clock::now() - *completed > std::chrono::seconds(5);
    });
    if (!found) {
      throw run_timed_out("function \"" + called.id() + "\" has not ended for event " + event_id +
                          " in time: the server knows no run of it");
    }
    if (!ended && !found->ended())
      throw run_timed_out("function \"" + called.id() + "\" has not ended for event " + event_id +
                          " in time");
    if (found->status != run_status::completed) throw run_not_completed(std::move(*found));
    return std::move(*found);
  }

  /// Empty when the server does not know the function.
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
      std::this_thread::sleep_for(std::min(pause, left));
      pause = std::min(pause * 3 / 2, std::chrono::milliseconds(2000));
    }
  }

  client app_;
};

}  // namespace inngest
