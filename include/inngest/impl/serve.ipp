#pragma once

#include <exception>

#include <inngest/config.hpp>
#include <inngest/serve.hpp>

namespace inngest::inline INNGEST_ABI::serving {

/// The stream of an endpoint's response, which logs what its function throws. The adapter then breaks off the
/// answer.
INNGEST_INLINE decltype(http::response::stream) with_logged_failure(std::shared_ptr<const served_app> app,
                                                                    decltype(http::response::stream) stream) {
  return [app = std::move(app), stream = std::move(stream)](const http::chunk_writer& write) {
    try {
      stream(write);
    } catch (const std::exception& problem) {
      app->client.log().error(std::string("serve: a streamed response was broken off: ") + problem.what());
      throw;
    } catch (...) {
      app->client.log().error("serve: a streamed response was broken off");
      throw;
    }
  };
}

}  // namespace inngest::inline INNGEST_ABI::serving

namespace inngest::inline INNGEST_ABI {

INNGEST_INLINE handler::handler(inngest::client client, std::vector<any_function> functions,
                                serve_options options)
    : app_(std::make_shared<const serving::served_app>(std::move(client), functions, std::move(options))) {}

INNGEST_INLINE handler::handler(inngest::client client, std::vector<any_function> functions,
                                serve_options options, std::shared_ptr<const serving::route> route)
    : app_(std::make_shared<const serving::served_app>(std::move(client), functions, std::move(options),
                                                       std::move(route))) {}

INNGEST_INLINE http::response handler::operator()(http::request request) const {
  const bool is_head = request.method == "HEAD";
  http::response out = serving::guarded(*app_, [&] { return answer(std::move(request)); });
  serving::drop_forbidden_body(out, is_head);  // also of answers that are not signed
  return out;
}

INNGEST_INLINE http::response handler::operator()(http::request request,
                                                  const execution::call_stop& stop) const {
  const bool is_head = request.method == "HEAD";
  http::response out = serving::guarded(*app_, [&] { return answer_whole(std::move(request), stop); });
  serving::drop_forbidden_body(out, is_head);
  return out;
}

INNGEST_INLINE void handler::operator()(http::request request, http::reply reply) const {
  try {
    std::shared_ptr<serving::pending_call> call;
    bool streams = false;
    const bool is_head = request.method == "HEAD";
    http::response answer = serving::guarded(*app_, [&] {
      http::response out;
      call = defer(std::move(request), out, streams);
      return out;
    });
    if (!call) {
      serving::drop_forbidden_body(answer, is_head);
      return reply.send(std::move(answer));
    }
    streams = streams && reply.streams();
    serving::post(call, *app_, std::move(reply), streams);
  } catch (const std::exception& problem) {  // destroying the unanswered reply sends 500
    app_->client.log().error(std::string("serve: ") + problem.what());
  } catch (...) {
    app_->client.log().error("serve: a request could not be answered");
  }
}

INNGEST_INLINE http::response handler::answer_in_process(http::request request, const save_results& save,
                                                         const execution::call_stop& stop) const {
  return serving::guarded(*app_, [&] {
    return serving::answer_if_running(*app_, std::move(request), save ? &save : nullptr, stop);
  });
}

INNGEST_INLINE bool handler::drain(std::chrono::milliseconds grace) const { return app_->calls.drain(grace); }

INNGEST_INLINE std::string handler::read_result(std::string_view slug, std::string_view run_id,
                                                const step_info& step, std::string result) const {
  const auto found = app_->by_slug.find(slug);
  const bool is_here = found != app_->by_slug.end();
  const execution::hooks& hooks = is_here ? found->second.hooks : app_->client_hooks;
  const std::string function_id = is_here ? found->second.function->id() : "";
  const call_info call{
      .function_id = function_id, .run_id = run_id, .function = is_here ? found->second.function : nullptr};
  return hooks.read_result(call, step, std::move(result));
}

INNGEST_INLINE std::string handler::read_output(std::string_view slug, std::string_view run_id,
                                                std::string output) const {
  return read_result(slug, run_id, execution::output_step(), std::move(output));
}

INNGEST_INLINE http::response handler::answer(http::request request) const {
  if (request.body.size() > options().max_body_size)
    return serving::bare_answer(413, "the body is too large");
  serving::identity caller = identify(request);
  if (is_streamed(request) && !caller.refused) return streamed(std::move(request), std::move(caller));
  http::response out = signed_answer(std::move(request), caller, {});
  if (out.stream) out.stream = serving::with_logged_failure(app_, std::move(out.stream));
  return out;
}

INNGEST_INLINE http::response handler::answer_whole(http::request request,
                                                    const execution::call_stop& stop) const {
  if (request.body.size() > options().max_body_size)
    return serving::bare_answer(413, "the body is too large");
  const serving::identity caller = identify(request);
  return signed_answer(std::move(request), caller, stop);
}

INNGEST_INLINE serving::identity handler::identify(http::request& request) const {
  serving::identity out =
      app_->route ? serving::identify_caller(*app_, request) : serving::identify(*app_, request);
  out.is_head = request.method == "HEAD";
  return out;
}

INNGEST_INLINE bool handler::is_streamed(const http::request& request) const {
  return options().streaming && !app_->route && serving::is_call(request);
}

INNGEST_INLINE std::shared_ptr<serving::pending_call> handler::defer(http::request request,
                                                                     http::response& answer,
                                                                     bool& streams) const {
  if (request.body.size() > options().max_body_size) {
    answer = serving::bare_answer(413, "the body is too large");
    return nullptr;
  }
  serving::identity caller = identify(request);
  const bool is_call = (app_->route || serving::is_call(request)) && !caller.refused;
  const bool registers =
      !app_->route && request.method == "PUT" && serving::may_register(*app_, request, caller);
  if (!is_call && !registers) {
    answer = signed_answer(std::move(request), caller, {});
    return nullptr;
  }
  streams = is_streamed(request);
  auto call = pending(std::move(request), caller);
  if (call->enter_registry()) return call;
  answer = serving::stopping_answer(*app_);
  serving::complete_answer(answer, caller);
  return nullptr;
}

INNGEST_INLINE std::shared_ptr<serving::pending_call> handler::pending(http::request request,
                                                                       serving::identity caller) const {
  const auto asked = std::make_shared<http::request>(std::move(request));
  auto make_answer = [app = app_, asked, caller](const execution::call_stop& stop) {
    return serving::guarded(*app, [&] {
      if (app->route) return app->route->answer(*app, std::move(*asked), stop);
      if (asked->method == "PUT") return serving::register_functions(*app, *asked, caller);
      return serving::answer_call(*app, std::move(*asked), nullptr, stop);
    });
  };
  return std::make_shared<serving::pending_call>(app_, std::move(caller), std::move(make_answer));
}

INNGEST_INLINE http::response handler::streamed(http::request request, serving::identity caller) const {
  const auto call = pending(std::move(request), caller);
  if (call->enter_registry()) return serving::streamed_on_this_thread(call, *app_);
  http::response out = serving::stopping_answer(*app_);
  serving::complete_answer(out, caller);
  return out;
}

INNGEST_INLINE http::response handler::signed_answer(http::request request, const serving::identity& caller,
                                                     const execution::call_stop& stop) const {
  http::response out = serving::guarded(*app_, [&] { return route(std::move(request), caller, stop); });
  serving::complete_answer(out, caller);
  return out;
}

INNGEST_INLINE http::response handler::route(http::request request, const serving::identity& caller,
                                             const execution::call_stop& stop) const {
  if (app_->route && !caller.refused) return serving::answer_if_running(*app_, std::move(request), stop);
  if (request.method == "PUT" && !app_->route) return serving::register_if_running(*app_, request, caller);
  if (caller.refused) return serving::refuse(*app_, caller);
  if (request.method == "GET") return serving::json_answer(*app_, 200, serving::describe_app(*app_, caller));
  if (request.method == "HEAD") return serving::json_answer(*app_, 200, {});
  if (request.method != "POST") return serving::method_not_allowed(*app_);
  if (const auto probe = request.query("probe")) {
    return *probe == "trust" ? serving::json_answer(*app_, 200, "null")
                             : serving::message_answer(*app_, 400, "unknown probe");
  }
  return serving::answer_if_running(*app_, std::move(request), nullptr, stop);
}

}  // namespace inngest::inline INNGEST_ABI
