#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/error.hpp>
#include <inngest/http/detail/status.hpp>
#include <inngest/json/detail/text.hpp>
#include <inngest/protocol/api.hpp>
#include <inngest/protocol/headers.hpp>
#include <inngest/protocol/http_run.hpp>
#include <inngest/serving/pending_responses.hpp>
#include <inngest/stop_token.hpp>

namespace inngest::inline INNGEST_ABI::serving {

namespace endpoints {

INNGEST_INLINE http::response message(int status, const std::string& text) {
  return {.status = status,
          .headers = {{protocol::header::content_type, "application/json"}},
          .body = detail::json_object_text().add("message", text).text()};
}

INNGEST_INLINE http::response see_other(const std::string& location) {
  return {.status = 303, .headers = {{"location", location}, {"cache-control", "no-store"}}};
}

INNGEST_INLINE bool is_run_id(std::string_view text) {
  return text.size() == 26 && std::all_of(text.begin(), text.end(), [](char c) {
           return detail::is_digit(c) || detail::is_upper_case(c);
         });
}

}  // namespace endpoints

// ------------------------------------------------------------------------

INNGEST_INLINE http::response failure_response(const protocol::failure& failure) {
  return {.status = 500,
          .headers = {{protocol::header::content_type, "application/json"}},
          .body = detail::json_object_text()
                      .add("name", failure.info.name)
                      .add("message", failure.info.message)
                      .text()};
}

namespace endpoints {

/// The response as the handler returned it.
INNGEST_INLINE std::optional<http::response> opened(const execution::hooks& hooks, const std::string& id,
                                                    const std::string& run_id, protocol::http_result found) {
  if (!found.is_sealed) return std::move(found.response);
  const step_info output{.id = "output", .name = "output", .kind = step_kind::invoke, .memoized = true};
  const std::string text =
      hooks.read_result({.function_id = id, .run_id = run_id}, output, std::move(found.response.body));
  auto inner = protocol::read_http_result(std::string_view(text));
  if (!inner || inner->is_sealed) return std::nullopt;
  return std::move(inner->response);
}

/// The response to a client whose run has failed. The server's answer is the run's error.
INNGEST_INLINE http::response failed(const std::string& body) {
  const detail::json_buffer whole(body);
  std::string error(body);
  try {
    if (const auto inner = detail::find_member(whole, "error"); inner.starts_with('{')) error = inner;
  } catch (const payload_error&) {  // not JSON
  }
  return failure_response({.info = {.name = detail::find_text(error, "name"),
                                    .message = "the run failed: " + detail::find_text(error, "message")}});
}

/// Counts a waiting client. Waiting clients must leave enough threads for the server's calls, or no run would
/// end.
class waiting_client {
 public:
  explicit waiting_client(const served_app& app) : count_(app.waiting_clients), number_(++count_) {}
  ~waiting_client() { --count_; }
  waiting_client(const waiting_client&) = delete;
  waiting_client& operator=(const waiting_client&) = delete;
  bool are_many() const { return number_ > 32; }

 private:
  std::atomic<int>& count_;
  const int number_;
};

/// Whether the server's answer says that the run has not ended.
INNGEST_INLINE bool is_running(const http::response& answer) {
  if (protocol::read_http_result(answer)) return false;  // a handler may have returned the same
  return answer.status == 302 || answer.status == 303 ||
         detail::find_text(answer.body, "status") == "running";
}

/// Sleeps until the time is over or the call is asked to stop.
INNGEST_INLINE void pause(std::chrono::steady_clock::duration time, const execution::call_stop& stop) {
  std::mutex mutex;
  std::condition_variable woken;
  // The callback may run in its constructor, and its destructor waits for it: both without the lock.
  const stop_callback wake(stop.token(), [&] {
    const std::lock_guard held(mutex);
    woken.notify_all();
  });
  std::unique_lock lock(mutex);
  woken.wait_for(lock, time, [&] { return stop.is_requested(); });
}

/// Whether to ask again: there is no output yet, or the server, or a proxy before it, has a passing problem.
INNGEST_INLINE bool may_come_later(const http::response& answer) {
  if (protocol::read_http_result(answer)) return false;
  return is_running(answer) || detail::may_pass(answer.status);
}

/// Asks the server for a run's output until there is one. `nullopt` when there is none in time, or the call
/// was asked to stop.
///
/// A stop is seen between requests only, so these are short, and an answer that there is no output yet leads
/// to the next one. Each tells the engine to answer before this side gives up: the engine does not notice
/// that, and would hold several requests of one client. A pause follows an answer that came at once, and a
/// server that stops or restarts is asked again, too: clients follow a redirect at once, and only so often.
/// An engine of this process that stops has held the request for a moment.
///
/// \throws unreachable when the server could not be reached during the whole time
INNGEST_INLINE std::optional<http::response> wait_for_output(const served_app& app,
                                                             const http::request& request,
                                                             std::chrono::milliseconds wait,
                                                             const execution::call_stop& stop) {
  using clock = std::chrono::steady_clock;
  using std::chrono::milliseconds;
  constexpr milliseconds longest_request{5'000};
  constexpr clock::duration max_backoff = milliseconds(500);
  const auto end = clock::now() + wait;
  const auto almost_end = end - (std::min)(wait / 10, milliseconds(1000));
  // An engine in this process does not come back: the client's next request would go to another server.
  const bool had_engine = app.client.has_engine();
  bool was_there = false;
  while (true) {
    if (had_engine && !app.client.has_engine()) return std::nullopt;
    const auto began = clock::now();
    const auto most =
        std::clamp(std::chrono::ceil<milliseconds>(end - began), milliseconds(1), longest_request);
    const milliseconds held = most * 4 / 5;
    http::request asked = request;
    asked.headers.add(protocol::header::max_wait, std::to_string(held.count()));
    std::optional<http::response> answer;
    std::exception_ptr problem;
    try {
      answer = app.client.call_api(std::move(asked), most);
      if (!may_come_later(*answer)) return answer;
      if (had_engine && answer->headers.find(protocol::header::retry_after)) return std::nullopt;  // it stops
      was_there = true;
    } catch (const unreachable&) {
      problem = std::current_exception();
      was_there = was_there || clock::now() + most / 10 >= began + most;  // it held the request
    }
    if (clock::now() < began + held / 2)
      pause(std::clamp(end - clock::now(), clock::duration::zero(), max_backoff), stop);
    if (stop.is_requested()) return std::nullopt;
    if (clock::now() < almost_end) continue;
    if (problem && !was_there) std::rethrow_exception(problem);
    return answer && !is_running(*answer) ? answer : std::nullopt;
  }
}

/// The stored response of a run that reported other operations together with it, which a server shows only to
/// the app. The token has already been checked.
INNGEST_INLINE std::optional<protocol::http_result> result_of_run(const served_app& app,
                                                                  const std::string& run_id) {
  const http::response answer =
      app.client.call_api({.method = "GET", .url = "/v2/runs/" + run_id + "?includeOutput=true"});
  if (answer.status != 200) return std::nullopt;
  const detail::json_buffer whole(answer.body);
  const detail::json_buffer data{std::string(detail::find_member(whole, "data"))};
  return protocol::read_http_result(detail::find_member(data, "output"));
}

}  // namespace endpoints

INNGEST_INLINE http::response answer_pending(const served_app& app, const execution::hooks& hooks,
                                             const std::string& run_id, const std::string& token,
                                             const std::string& target, std::chrono::milliseconds wait,
                                             const execution::call_stop& stop) {
  if (!endpoints::is_run_id(run_id)) return endpoints::message(400, "not the id of a run");
  const endpoints::waiting_client counted(app);
  if (counted.are_many()) wait = (std::min)(wait, std::chrono::milliseconds(1000));
  http::response answer;
  try {
    auto received = endpoints::wait_for_output(app, protocol::run_output_request(run_id, token), wait, stop);
    if (!received) return endpoints::see_other(target);
    answer = *std::move(received);
  } catch (const unreachable& problem) {
    app.client.log().error("the response of run " + run_id + " can't be read: " + problem.what());
    return endpoints::message(502, "the response can't be read now: try again later");
  }
  if (answer.status == 401 || answer.status == 403)
    return endpoints::message(401, "the token is not valid for this run, or it has expired");
  auto found = protocol::read_http_result(answer);
  if (!found && answer.status == 200 && answer.body == "null") found = endpoints::result_of_run(app, run_id);
  if (found) {
    const std::string id = app.functions.empty() ? std::string() : app.functions.front().id();
    if (auto out = endpoints::opened(hooks, id, run_id, *std::move(found))) return *std::move(out);
    return endpoints::message(500, "the response can't be read: has the middleware changed?");
  }
  if (answer.status == 200) return endpoints::failed(answer.body);
  app.client.log().error("the response of run " + run_id + " can't be read: " + protocol::refusal(answer));
  return endpoints::message(answer.status == 404 ? 404 : 502, "there is no such response");
}

}  // namespace inngest::inline INNGEST_ABI::serving
