#pragma once

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/serving/answers.hpp>

namespace inngest::inline INNGEST_ABI::serving {

INNGEST_INLINE http::response json_answer(const served_app& app, int status, std::string body) {
  http::response out{.status = status, .body = std::move(body)};
  out.headers.add(protocol::header::content_type, "application/json");
  // In falling order, see the adapter of cpp-httplib.
  out.headers.add(protocol::header::sdk, protocol::sdk_name);
  out.headers.add(protocol::header::request_version, protocol::execution_version);
  if (!app.options.framework.empty()) out.headers.add(protocol::header::framework, app.options.framework);
  if (!app.settings().env().empty()) out.headers.add(protocol::header::environment, app.settings().env());
  if (!app.settings().platform().empty())
    out.headers.add(protocol::header::platform, app.settings().platform());
  return out;
}

INNGEST_INLINE http::response message_answer(const served_app& app, int status, const std::string& text) {
  return json_answer(app, status, detail::json_object_text().add("message", text).text());
}

INNGEST_INLINE http::response method_not_allowed(const served_app& app) {
  http::response out = message_answer(app, 405, "method not allowed: use GET, PUT or POST");
  out.headers.add("allow", "GET, HEAD, PUT, POST");
  return out;
}

INNGEST_INLINE http::response bare_answer(int status, const char* why) {
  return {.status = status,
          .headers = {{protocol::header::content_type, "application/json"}},
          .body = std::string("{\"message\":\"") + why + "\"}"};
}

INNGEST_INLINE http::response busy_answer(const served_app& app, const std::string& why) {
  http::response out = message_answer(app, 503, why);
  out.headers.add(protocol::header::no_retry, "false");
  out.headers.add(protocol::header::retry_after, "1");
  return out;
}

INNGEST_INLINE http::response stopping_answer(const served_app& app) {
  return busy_answer(app, "the app is stopping and accepts no more calls");
}

INNGEST_INLINE bool may_have_body(int status, bool is_head) {
  return !is_head && status >= 200 && status != 204 && status != 304;
}

INNGEST_INLINE void drop_forbidden_body(http::response& answer, bool is_head) {
  if (may_have_body(answer.status, is_head)) return;
  answer.body.clear();
  answer.stream = nullptr;
}

INNGEST_INLINE http::response guarded(const served_app& app, detail::function_ref<http::response()> answer) {
  try {
    return answer();
  } catch (const protocol_error& problem) {
    return message_answer(app, 400, problem.what());
  } catch (const std::exception& problem) {
    app.client.log().error(std::string("serve: ") + problem.what());
    return message_answer(app, 500, problem.what());
  } catch (...) {  // for example from middleware
    const auto thrown = protocol::describe(std::current_exception(), app.services.now()).info;
    app.client.log().error("serve: " + thrown.message);
    return message_answer(app, 500, thrown.message);
  }
}

INNGEST_INLINE void add_retry_headers(http::response& out, const protocol::failure& failure) {
  out.headers.add(protocol::header::no_retry, failure.retriable ? "false" : "true");
  if (failure.retriable && failure.retry_after) {
    // A server's limits: it ignores "0" and uses its own, longer delay.
    constexpr std::chrono::seconds shortest(1), longest = std::chrono::hours(24);
    const auto seconds =
        std::clamp(std::chrono::ceil<std::chrono::seconds>(*failure.retry_after), shortest, longest);
    out.headers.add(protocol::header::retry_after, std::to_string(seconds.count()));
  }
}

INNGEST_INLINE http::response step_not_reached(const served_app& app, const execution::outcome& outcome,
                                               const http::request& request) {
  std::string found;
  for (const std::string& step : outcome.found) found += (found.empty() ? "\"" : ", \"") + step + "\"";
  const std::string text =
      protocol::unnamed_step(request.query("stepId").value_or("")) +
      " was not reached; the function reached " + (found.empty() ? "no new step" : found) +
      ": step ids must not differ between the calls of a run, or the function was changed";
  http::response out = json_answer(
      app, 500,
      detail::json_object_text().add("name", protocol::step_not_reached).add("message", text).text());
  out.headers.add(protocol::header::no_retry, "false");
  return out;
}

INNGEST_INLINE http::response answer_for(const served_app& app, execution::outcome outcome,
                                         const http::request& request) {
  using kind = execution::outcome::kind;
  switch (outcome.ended) {
    case kind::completed:
      return json_answer(app, 200, std::move(outcome.result));
    case kind::failed: {
      std::string body;
      protocol::write_error(body, outcome.failure->info);
      http::response out = json_answer(app, outcome.failure->retriable ? 500 : 400, std::move(body));
      add_retry_headers(out, *outcome.failure);
      return out;
    }
    case kind::operations: {
      http::response out = json_answer(app, 206, protocol::write_operations(outcome.operations));
      if (outcome.failure) add_retry_headers(out, *outcome.failure);
      return out;
    }
    case kind::interrupted:
      return busy_answer(app, "the call was asked to stop before its step began");
    case kind::overtaken:
      return json_answer(app, 206, std::string(protocol::no_news));
    case kind::not_reached:
      break;
  }
  return step_not_reached(app, outcome, request);
}

}  // namespace inngest::inline INNGEST_ABI::serving
