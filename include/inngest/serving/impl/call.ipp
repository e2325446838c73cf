#pragma once

#include <utility>

#include <inngest/config.hpp>
#include <inngest/serving/call.hpp>

namespace inngest::inline INNGEST_ABI::serving {

INNGEST_INLINE bool is_call(const http::request& request) {
  return request.method == "POST" && !request.query("probe");
}

INNGEST_INLINE std::optional<step_hash> target_of(const http::request& request) {
  const auto step = request.query("stepId");
  if (!step || *step == "step" || step->empty()) return std::nullopt;
  step_hash out{};
  if (!detail::from_hex(*step, out))
    throw protocol_error("stepId is neither \"step\" nor a step's hashed id");
  return out;
}

INNGEST_INLINE protocol::call_request& incoming_call::get() const {
  if (problem) std::rethrow_exception(problem);
  return *request;
}

INNGEST_INLINE incoming_call read_call(const http::request& request, std::string body) {
  const auto began = std::chrono::steady_clock::now();
  incoming_call out;
  try {
    out.request = std::make_unique<protocol::call_request>(std::move(body), target_of(request));
  } catch (...) {
    out.problem = std::current_exception();
  }
  out.took = std::chrono::steady_clock::now() - began;
  return out;
}

INNGEST_INLINE call_info info_of(const served_function& served, const http::request& request,
                                 const protocol::call_request* call) {
  call_info out{.function_id = served.function->id(),
                .traceparent = request.headers.find(protocol::header::traceparent).value_or(""),
                .function = served.function,
                .request_id = request.headers.find(protocol::header::request_id).value_or(""),
                .job_id = request.headers.find(protocol::header::job_id).value_or("")};
  if (call == nullptr) return out;
  out.run_id = call->run_id();
  out.attempt = call->attempt();
  out.max_attempts = call->max_attempts();
  out.event = call->event();
  out.events = call->events();
  return out;
}

INNGEST_INLINE void fetch_state(const served_app& app, protocol::call_request& call) {
  const auto get = [&](const char* what) {
    const std::string path = "/v0/runs/" + http::percent_encoded(call.run_id()) + "/" + what;
    http::response answer = app.client.call_api({.method = "GET", .url = path});
    protocol::expect_success(answer, std::string("fetching the run's ") + what);
    if (answer.body.size() > app.options.max_body_size) throw too_large("the run's state is too large");
    return std::move(answer.body);
  };
  call.adopt_events(get("batch"));
  call.adopt_steps(get("actions"));
}

INNGEST_INLINE void transform_input(const served_function& served, protocol::call_request& call,
                                    const http::request& request) {
  if (served.hooks.empty()) return;
  const call_info info = info_of(served, request, &call);
  function_input input{.event = std::string(call.event()), .events = std::string(call.events())};
  served.hooks.for_each([&](middleware& layer) { layer.transform_function_input(info, input); });
  call.replace_events(std::move(input.event), std::move(input.events));
}

INNGEST_INLINE void add_call_headers(http::response& out, const http::request& request,
                                     std::chrono::steady_clock::duration parsing,
                                     std::chrono::steady_clock::duration running) {
  const auto text_of = [](std::chrono::steady_clock::duration duration) {
    return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
  };
  out.headers.add(protocol::header::server_timing,
                  "parse;dur=" + text_of(parsing) + ", handler;dur=" + text_of(running));
  for (const char* name : {protocol::header::traceparent, protocol::header::tracestate}) {
    if (const auto value = request.headers.find(name)) out.headers.add(name, std::string(*value));
  }
}

INNGEST_INLINE http::response answer_to_exception(const served_app& app, const served_function& served,
                                                  const http::request& request,
                                                  const protocol::call_request& call,
                                                  const execution::hooks* told,
                                                  const execution::call_stop& stop) {
  const call_info info = info_of(served, request, &call);
  execution::replay replay(call, app.services,
                           {.function_id = info.function_id,
                            .function = info.function,
                            .traceparent = info.traceparent,
                            .request_id = info.request_id,
                            .job_id = info.job_id,
                            .hooks = told,
                            .stop = stop});
  execution::outcome outcome = replay.fail_before_handler(std::current_exception());
  app.client.log().error("serve: " + outcome.failure->info.message);
  log_warnings(app, served, call, outcome);
  return answer_for(app, std::move(outcome), request);
}

INNGEST_INLINE void log_warnings(const served_app& app, const served_function& served,
                                 const protocol::call_request& call, const execution::outcome& outcome) {
  for (const std::string& warning : outcome.warnings) {
    app.client.log().warn("function \"" + served.function->id() + "\", run " + call.run_id() + ": " +
                          warning);
  }
}

INNGEST_INLINE http::response call_function(const served_app& app, const served_function& served,
                                            const http::request& request, const incoming_call& incoming,
                                            const save_results* save, const execution::call_stop& stop) {
  using clock = std::chrono::steady_clock;
  const auto began = clock::now() - incoming.took;
  protocol::call_request& call = incoming.get();
  if (call.use_api()) fetch_state(app, call);
  const call_info info = info_of(served, request, &call);
  execution::replay_options replay_options{.function_id = served.function->id(),
                                           .function = served.function,
                                           .propagate_sessions = app.settings().session_propagation(),
                                           .traceparent = info.traceparent,
                                           .request_id = info.request_id,
                                           .job_id = info.job_id,
                                           .hooks = &served.hooks,
                                           .limits = app.settings().limits(),
                                           .trace_steps = app.options.strict,
                                           .stop = stop};
  auto checkpoints = save ? checkpoints_in_process(app, *served.function, call, *save)
                          : checkpoints_with_server(app, *served.function, call);
  if (checkpoints) replay_options.checkpoints = &*checkpoints;
  try {
    transform_input(served, call, request);
  } catch (const protocol_error&) {
    throw;  // the request is refused
  } catch (...) {
    return answer_to_exception(app, served, request, call, &served.hooks, stop);
  }
  const auto parsed = clock::now();

  execution::outcome outcome = run_handler(app, served, call, replay_options);
  seal_response(outcome);
  using kind = execution::outcome::kind;
  if (app.options.strict && outcome.ended != kind::interrupted && outcome.ended != kind::overtaken)
    check_determinism(app, served, call, replay_options, outcome);
  log_warnings(app, served, call, outcome);
  http::response out = answer_for(app, std::move(outcome), request);
  add_call_headers(out, request, parsed - began, clock::now() - parsed);
  return out;
}

INNGEST_INLINE http::response answer_call(const served_app& app, http::request request,
                                          const save_results* save, const execution::call_stop& stop) {
  const auto slug = request.query("fnId");
  if (!slug) return message_answer(app, 400, "the parameter fnId, which names the function, is missing");
  const auto found = app.by_slug.find(*slug);
  if (found == app.by_slug.end()) {
    return message_answer(app, 500,
                          "app \"" + app.client.id() + "\" has no function \"" + *slug +
                              "\": has it been synced since it changed?");
  }
  const served_function& served = found->second;
  if (served.hooks.empty()) {
    const incoming_call incoming = read_call(request, std::move(request.body));
    return call_function(app, served, request, incoming, save, stop);
  }
  const incoming_call incoming = read_call(request, request.body);
  const call_info info = info_of(served, request, incoming.request.get());
  bool was_called = false;
  bool is_from_inside = false;  // the exception is not that of a hook
  const auto innermost = [&] {
    is_from_inside = false;
    try {
      if (!std::exchange(was_called, true)) return call_function(app, served, request, incoming, save, stop);
      return call_function(app, served, request, read_call(request, request.body), save, stop);
    } catch (...) {
      is_from_inside = true;
      throw;
    }
  };
  try {
    return served.hooks.template wrap<http::response>(
        [&](middleware& layer, next_call<http::response> next) {
          return layer.wrap_request(info, request, next);
        },
        innermost);
  } catch (const protocol_error&) {
    throw;  // the request is refused
  } catch (...) {
    if (is_from_inside || !incoming.request) throw;
    // no hooks are told: on_run_error is only called inside of wrap_request
    return answer_to_exception(app, served, request, *incoming.request, nullptr, stop);
  }
}

INNGEST_INLINE void seal_response(execution::outcome& outcome) {
  if (!outcome.response) return;
  const auto seal = [&](std::string& result) {
    if (!protocol::is_http_result(result))
      result = protocol::sealed_http_result(outcome.response->status, result);
  };
  if (outcome.is_result_among_operations)
    seal(outcome.operations.back().data);
  else if (outcome.ended == execution::outcome::kind::completed)
    seal(outcome.result);
}

INNGEST_INLINE http::response answer_if_running(const served_app& app, http::request request,
                                                const execution::call_stop& stop) {
  const registered_call registered(app.calls, stop);
  return registered.is_refused() ? stopping_answer(app) : app.route->answer(app, std::move(request), stop);
}

INNGEST_INLINE http::response answer_if_running(const served_app& app, http::request request,
                                                const save_results* save, const execution::call_stop& stop) {
  const registered_call registered(app.calls, stop);
  return registered.is_refused() ? stopping_answer(app) : answer_call(app, std::move(request), save, stop);
}

}  // namespace inngest::inline INNGEST_ABI::serving
