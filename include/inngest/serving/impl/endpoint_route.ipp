#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <exception>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/detail/ulid.hpp>
#include <inngest/error.hpp>
#include <inngest/http/detail/status.hpp>
#include <inngest/json/detail/text.hpp>
#include <inngest/protocol/api.hpp>
#include <inngest/protocol/error_info.hpp>
#include <inngest/protocol/headers.hpp>
#include <inngest/protocol/metadata.hpp>
#include <inngest/serving/answers.hpp>
#include <inngest/serving/call.hpp>
#include <inngest/serving/checkpoints.hpp>
#include <inngest/serving/description.hpp>
#include <inngest/serving/endpoint_route.hpp>
#include <inngest/serving/identity.hpp>
#include <inngest/serving/pending_responses.hpp>
#include <inngest/serving/running.hpp>

namespace inngest::inline INNGEST_ABI::serving {

namespace endpoints {

// The parameters of a request for a pending response, at the endpoint's own URL.
inline constexpr const char* run_parameter = "inngestRun";
inline constexpr const char* token_parameter = "inngestToken";

INNGEST_INLINE std::string with_query(const std::string& url, const char* run_name, const char* token_name,
                                      const std::string& run_id, const std::string& token) {
  return url + (url.find('?') == std::string::npos ? "?" : "&") + run_name + "=" +
         http::percent_encoded(run_id) + "&" + token_name + "=" + http::percent_encoded(token);
}

/// The client's address. Proxies append theirs to the list.
INNGEST_INLINE std::string client_of(const http::request& request) {
  const std::string_view through = request.headers.find("x-forwarded-for").value_or("");
  if (!through.empty()) return std::string(through.substr(0, through.find(',')));
  return std::string(request.headers.find("x-real-ip").value_or(""));
}

INNGEST_INLINE std::optional<step_hash> step_of(const http::request& request) {
  const auto step = request.headers.find(protocol::header::step_id);
  if (!step || step->empty() || *step == "step") return std::nullopt;
  step_hash out{};
  if (!detail::from_hex(*step, out))
    throw protocol_error(std::string(protocol::header::step_id) + " is not a step's hashed id");
  return out;
}

/// A signature covers the body but not the run: the signature of another request must not allow its holder to
/// continue this run.
/// \throws protocol_error
INNGEST_INLINE void check_belongs(std::string_view event, const std::string& id,
                                  const http::request& request) {
  const protocol::http_event begun = protocol::read_http_event(event);
  if (begun.function != id) throw protocol_error("the run belongs to another endpoint");
  if (begun.request.body != request.body) throw protocol_error("the run was begun by another request");
}

/// Waits before another attempt at a request. The first attempt has the number 0, and comes at once.
INNGEST_INLINE void pause_before(int number) {
  if (number > 0) std::this_thread::sleep_for(std::chrono::milliseconds(50 << number));
}

/// A handler that passes on another server's response has that server's fields, too. Names become lower case,
/// because adapters compare some of them.
INNGEST_INLINE http::response without_framing(http::response answer) {
  http::headers kept;
  for (const auto& [name, value] : answer.headers) {
    std::string field = detail::lower_case(name);
    if (!detail::is_framing_field(field)) kept.add(std::move(field), value);
  }
  answer.headers = std::move(kept);
  return answer;
}

INNGEST_INLINE void log_warnings(const served_app& app, const served_function& served,
                                 std::string_view run_id, const execution::outcome& outcome) {
  for (const std::string& warning : outcome.warnings) {
    app.client.log().warn("endpoint \"" + served.function->id() + "\", run " + std::string(run_id) + ": " +
                          warning);
  }
}

}  // namespace endpoints

// ---- the route ----------------------------------------------------------------------------------------

INNGEST_INLINE http::response endpoint_route::answer(const served_app& app, http::request request,
                                                     const execution::call_stop& stop) const {
  return endpoints::without_framing(respond(app, std::move(request), stop));
}

INNGEST_INLINE http::response endpoint_route::respond(const served_app& app, http::request request,
                                                      const execution::call_stop& stop) const {
  const served_function& served = app.by_slug.begin()->second;
  const auto run_id = is_continuation(request) ? std::nullopt : request.query(endpoints::run_parameter);
  if (const auto token = request.query(endpoints::token_parameter); run_id && token) {
    const std::string here =
        endpoints::with_query("", endpoints::run_parameter, endpoints::token_parameter, *run_id, *token);
    http::response out = answer_pending(app, served.hooks, *run_id, *token, here, options_.wait, stop);
    if (request.method == "HEAD") out.body.clear();
    return out;
  }
  if (served.hooks.empty()) return answer_inside(app, served, request, stop);
  const call_info info = info_of(served, request, nullptr);
  return served.hooks.template wrap<http::response>(
      [&](middleware& layer, next_call<http::response> next) {
        return layer.wrap_request(info, request, next);
      },
      [&] { return answer_inside(app, served, request, stop); });
}

INNGEST_INLINE http::response endpoint_route::answer_inside(const served_app& app,
                                                            const served_function& served,
                                                            http::request& request,
                                                            const execution::call_stop& stop) const {
  if (is_continuation(request)) return continue_run(app, served, request, stop);
  if (!begins_run(request.method)) {
    http::response out{.status = request.method == "OPTIONS" ? 204 : 405};
    std::string allowed = "OPTIONS";
    for (const std::string& method : options_.methods) allowed += ", " + method;
    out.headers.add("allow", allowed);
    return out;
  }
  if (options_.keep_body && request.body.size() > options_.max_body_size)
    return endpoints::message(413, "the body is too large");
  return begun_run(app, served, options_, request).answer(stop);
}

INNGEST_INLINE bool endpoint_route::begins_run(const std::string& method) const {
  return std::find(options_.methods.begin(), options_.methods.end(), method) != options_.methods.end();
}

// ---- a new run ----------------------------------------------------------------------------------------

INNGEST_INLINE begun_run::begun_run(const served_app& app, const served_function& served,
                                    const endpoint_options& options, http::request& request)
    : app_(app),
      served_(served),
      options_(options),
      request_(request),
      run_id_(detail::make_ulid(std::chrono::system_clock::now())),
      event_(protocol::write_http_event(described(), milliseconds_now<std::chrono::system_clock>())) {}

INNGEST_INLINE http::response begun_run::answer(const execution::call_stop& stop) {
  execution::outcome outcome = run(stop);
  endpoints::log_warnings(app_, served_, run_id_, outcome);
  http::response out = finish(std::move(outcome));
  if (!out.headers.find(protocol::header::run_id)) out.headers.add(protocol::header::run_id, run_id_);
  return out;
}

INNGEST_INLINE protocol::http_event begun_run::described() const {
  protocol::http_event out{.ip = endpoints::client_of(request_), .function = served_.function->id()};
  out.request.method = request_.method;
  const std::size_t mark = request_.url.find('?');
  out.request.url = origin_of(app_, request_) + request_.path() +
                    (mark == std::string::npos ? "" : request_.url.substr(mark));
  if (const auto type = request_.headers.find(protocol::header::content_type))
    out.request.headers.add(protocol::header::content_type, std::string(*type));
  if (options_.keep_body) out.request.body = request_.body;
  return out;
}

INNGEST_INLINE std::string begun_run::call_text() const {
  const std::string context = detail::json_object_text()
                                  .add("run_id", run_id_)
                                  .add("attempt", 0)
                                  .add("max_attempts", options_.retries + 1)
                                  .text();
  return detail::json_object_text()
      .add_raw("ctx", context)
      .add_raw("event", event_)
      .add_raw("events", "[" + event_ + "]")
      .text();
}

INNGEST_INLINE execution::outcome begun_run::run(const execution::call_stop& stop) {
  constexpr std::chrono::milliseconds unlimited = detail::a_year;
  protocol::call_request call(call_text());
  const call_info info = info_of(served_, request_, &call);
  execution::checkpoints checkpoints(
      {.max_runtime = options_.max_runtime.value_or(unlimited)}, execution::checkpoints::clock::now,
      [this](const std::vector<protocol::operation>& operations) { return save(operations); });
  const execution::replay_options replay_options{.function_id = served_.function->id(),
                                                 .function = served_.function,
                                                 .propagate_sessions = app_.settings().session_propagation(),
                                                 .traceparent = info.traceparent,
                                                 .hooks = &served_.hooks,
                                                 .checkpoints = &checkpoints,
                                                 .limits = app_.settings().limits(),
                                                 .stop = stop,
                                                 .caller = &request_};
  try {
    transform_input(served_, call, request_);
  } catch (const protocol_error&) {
    throw;  // the request is refused
  } catch (...) {
    return failed_before_handler(call, replay_options);
  }
  execution::host_services services = app_.services;
  services.call_api = [this](http::request asked) { return call_api(std::move(asked)); };
  execution::outcome out;
  try {
    out = run_handler(app_, served_, call, replay_options, services);
  } catch (...) {  // middleware threw after the handler had ended
    if (!is_begun_) throw;
    out = failed(std::current_exception());
  }
  seal_response(out);
  return out;
}

INNGEST_INLINE execution::outcome begun_run::failed_before_handler(
    const protocol::call_request& call, const execution::replay_options& replay_options) const {
  execution::replay replay(call, app_.services, replay_options);
  execution::outcome out = replay.fail_before_handler(std::current_exception());
  if (out.failure->retriable) {  // fail() logs the others
    app_.client.log().error("endpoint \"" + served_.function->id() + "\", run " + run_id_ + ": " +
                            out.failure->info.message);
  }
  return out;
}

INNGEST_INLINE execution::outcome begun_run::failed(const std::exception_ptr& thrown) const {
  protocol::failure failure =
      protocol::describe(thrown, app_.services.now(), "endpoint \"" + served_.function->id() + "\"");
  if (options_.retries == 0) failure.retriable = false;
  execution::outcome out;
  out.ended = execution::outcome::kind::failed;
  out.failure = std::move(failure);
  return out;
}

INNGEST_INLINE http::response begun_run::finish(execution::outcome outcome) {
  if (!problem_.empty()) return not_saved();
  if (is_stale_) return pending();
  if (outcome.is_result_among_operations) return complete(std::move(outcome));
  if (outcome.failure && !outcome.failure->retriable &&
      (outcome.ended == execution::outcome::kind::failed || outcome.is_failure_among_operations))
    return fail(std::move(outcome));
  if (outcome.ended == execution::outcome::kind::failed)
    return hand_over({protocol::run_failed(*outcome.failure)}, outcome.failure);
  return hand_over(outcome.operations, outcome.failure);
}

INNGEST_INLINE http::response begun_run::complete(execution::outcome outcome) {
  const bool has_steps = is_begun_ || outcome.operations.size() > 1;
  const bool is_recorded = has_steps || options_.record_without_steps;
  if (is_recorded && save(outcome.operations) == execution::checkpoints::saved::no) {
    // Nothing is left to run, and the client must not repeat the steps that have run.
    app_.client.log().error("endpoint \"" + served_.function->id() + "\", run " + run_id_ +
                            ": the end of the run could not be saved: " + problem_);
  }
  http::response out = *std::move(outcome.response);
  if (request_.method == "HEAD") out.body.clear();
  return out;
}

INNGEST_INLINE http::response begun_run::fail(execution::outcome outcome) {
  app_.client.log().error("endpoint \"" + served_.function->id() + "\", run " + run_id_ +
                          " failed: " + outcome.failure->info.message);
  if (outcome.is_failure_among_operations) outcome.operations.pop_back();
  outcome.response = failure_response(*outcome.failure);
  std::string result;
  protocol::write_http_result(result, *outcome.response);
  outcome.operations.push_back(protocol::run_complete(std::move(result)));
  return complete(std::move(outcome));
}

INNGEST_INLINE http::response begun_run::hand_over(const std::vector<protocol::operation>& operations,
                                                   const std::optional<protocol::failure>& failure) {
  const bool is_saved = save(operations, failure) != execution::checkpoints::saved::no;
  return is_saved || is_begun_unheard_ ? pending() : not_saved();
}

INNGEST_INLINE http::response begun_run::pending() const {
  if (ids_.token.empty())
    app_.client.log().warn("endpoint \"" + served_.function->id() + "\", run " + run_id_ +
                           ": the server gave no token for the response");
  if (options_.custom_answer)
    return options_.custom_answer(request_, {.run_id = run_id_, .token = ids_.token});
  if (options_.when_async == async_answer::token || ids_.token.empty()) {
    return {.headers = {{protocol::header::content_type, "application/json"}, {"cache-control", "no-store"}},
            .body = detail::json_object_text().add("run_id", run_id_).add("token", ids_.token).text()};
  }
  if (options_.redirect_url.empty())
    return endpoints::see_other(
        endpoints::with_query("", endpoints::run_parameter, endpoints::token_parameter, run_id_, ids_.token));
  return endpoints::see_other(
      endpoints::with_query(options_.redirect_url, "runId", "token", run_id_, ids_.token));
}

INNGEST_INLINE http::response begun_run::not_saved() const {
  app_.client.log().error("endpoint \"" + served_.function->id() + "\", run " + run_id_ +
                          ": the server did not save the steps that have run: " + problem_);
  return endpoints::message(500, "run " + run_id_ +
                                     " has stopped, because its progress could not be saved: repeating the "
                                     "request begins a new run, which repeats the steps that have run");
}

INNGEST_INLINE execution::checkpoints::saved begun_run::save(
    const std::vector<protocol::operation>& operations, const std::optional<protocol::failure>& failure) {
  using saved = execution::checkpoints::saved;
  if (is_stale_) return saved::stale;
  if (!problem_.empty()) return saved::no;
  const std::string text = protocol::write_operations(operations);
  http::request request = is_begun_ ? protocol::report_request(run_id_, ids_, text)
                                    : protocol::begin_run_request(run_id_, event_, options_.retries, text);
  if (failure) {  // an engine reads the same fields as in the answer to a call; a server chooses the delay
    http::response fields;
    add_retry_headers(fields, *failure);
    for (const auto& [name, value] : fields.headers) request.headers.add(name, value);
  }
  const auto answer = send(request);
  if (answer || is_begun_unheard_) send_kept_metadata();
  if (is_stale_) return saved::stale;
  if (!answer) return saved::no;
  if (std::exchange(is_begun_, true)) return saved::yes;
  try {
    ids_ = protocol::read_begun_run(*answer);
  } catch (const payload_error& problem) {
    problem_ = std::string("the server's answer can't be read: ") + problem.what();
    return saved::no;
  }
  return saved::yes;
}

INNGEST_INLINE std::optional<std::string> begun_run::send(const http::request& request) {
  constexpr int attempts = 5;
  bool was_unanswered = false;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    endpoints::pause_before(attempt);
    try {
      http::response answer = app_.client.call_api(request);
      if (answer.status >= 200 && answer.status < 300) {
        problem_.clear();
        return std::move(answer.body);
      }
      is_stale_ = answer.status == 409 && is_begun_;
      is_begun_unheard_ = answer.status == 409 && !is_begun_ && was_unanswered;
      problem_ = protocol::refusal(answer);
      // a server that failed to save the run, or a proxy before it, may answer so although the run has begun
      was_unanswered = was_unanswered || answer.status >= 500 || answer.status == 408;
      if (!detail::may_pass(answer.status)) break;
    } catch (const unreachable& failed) {
      problem_ = failed.what();
      was_unanswered = true;
    }
  }
  if (is_stale_) problem_.clear();
  return std::nullopt;
}

INNGEST_INLINE http::response begun_run::call_api(http::request request) {
  if (request.url == protocol::metadata_path(run_id_)) {
    const std::lock_guard lock(metadata_mutex_);
    if (!sends_metadata_) {
      kept_metadata_.push_back(std::move(request));
      return {};
    }
  }
  return app_.services.call_api(std::move(request));
}

INNGEST_INLINE void begun_run::send_kept_metadata() {
  const std::lock_guard lock(metadata_mutex_);  // until all is sent: later metadata must not overtake it
  sends_metadata_ = true;
  int retries = 4;  // of all requests together: the client waits
  for (const http::request& request : std::exchange(kept_metadata_, {})) {
    const std::string problem = problem_of_sending(request, retries);
    if (problem.empty()) continue;
    app_.client.log().warn("endpoint \"" + served_.function->id() + "\", run " + run_id_ +
                           ": metadata from before the run had begun was not stored: " + problem);
  }
}

INNGEST_INLINE std::string begun_run::problem_of_sending(const http::request& request, int& retries) const {
  std::string problem = "the server has stopped answering";
  for (int attempt = 0; retries >= 0; ++attempt, --retries) {
    endpoints::pause_before(attempt);
    try {
      const http::response answer = app_.client.call_api(request);
      if (answer.status >= 200 && answer.status < 300) return {};
      problem = protocol::refusal(answer);
      if (!detail::may_pass(answer.status)) break;
    } catch (const unreachable& failed) {
      problem = failed.what();
    }
  }
  return problem;
}

// ---- the server's calls -------------------------------------------------------------------------------

INNGEST_INLINE http::response continue_run(const served_app& app, const served_function& served,
                                           const http::request& request, const execution::call_stop& stop) {
  const std::string run_id(request.headers.find(protocol::header::run_id).value_or(""));
  if (!endpoints::is_run_id(run_id)) throw protocol_error("x-run-id is not the id of a run");
  const bool plans = request.headers.find(protocol::header::force_step_plan) == "true";
  const std::string context = detail::json_object_text()
                                  .add("run_id", run_id)
                                  .add("disable_immediate_execution", plans)
                                  .add("use_api", true)
                                  .text();
  protocol::call_request call(detail::json_object_text().add_raw("ctx", context).text(),
                              endpoints::step_of(request));
  fetch_state(app, call);
  endpoints::check_belongs(call.event(), served.function->id(), request);
  const call_info info = info_of(served, request, &call);
  const execution::replay_options replay_options{.function_id = served.function->id(),
                                                 .function = served.function,
                                                 .propagate_sessions = app.settings().session_propagation(),
                                                 .traceparent = info.traceparent,
                                                 .request_id = info.request_id,
                                                 .job_id = info.job_id,
                                                 .hooks = &served.hooks,
                                                 .limits = app.settings().limits(),
                                                 .stop = stop};
  try {
    transform_input(served, call, request);
  } catch (const protocol_error&) {
    throw;  // the request is refused
  } catch (...) {
    return answer_to_exception(app, served, request, call, &served.hooks, stop);
  }
  execution::outcome outcome = run_handler(app, served, call, replay_options);
  seal_response(outcome);
  endpoints::log_warnings(app, served, run_id, outcome);
  if (outcome.ended == execution::outcome::kind::completed) {
    // As a single object: a server does not show a list at the response's URL.
    std::string body;
    protocol::write_operation(body, protocol::run_complete(std::move(outcome.result)));
    return json_answer(app, 206, std::move(body));
  }
  return answer_for(app, std::move(outcome), request);
}

}  // namespace inngest::inline INNGEST_ABI::serving
