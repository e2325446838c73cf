#pragma once

#include <inngest/config.hpp>
#include <inngest/serve.hpp>

namespace inngest::inline INNGEST_ABI {

INNGEST_INLINE handler::handler(inngest::client client, std::vector<any_function> functions,
                                serve_options options)
    : app_(std::make_shared<const serving::served_app>(std::move(client), functions, std::move(options))) {}

INNGEST_INLINE http::response handler::operator()(http::request request) const {
  return serving::guarded(*app_, [&] { return answer(std::move(request)); });
}

INNGEST_INLINE http::response handler::answer_in_process(http::request request, const save_results& save,
                                                         const execution::call_stop& stop) const {
  return serving::guarded(
      *app_, [&] { return serving::answer_call(*app_, std::move(request), save ? &save : nullptr, stop); });
}

INNGEST_INLINE bool handler::drain(std::chrono::milliseconds grace) const { return app_->calls.drain(grace); }

INNGEST_INLINE std::string handler::read_result(std::string_view slug, std::string_view run_id,
                                                const step_info& step, std::string result) const {
  const auto found = app_->by_slug.find(slug);
  const bool is_here = found != app_->by_slug.end();
  const execution::hooks& hooks = is_here ? found->second.hooks : app_->client_hooks;
  const std::string function_id = is_here ? found->second.function->id() : "";
  return hooks.read_result({.function_id = function_id, .run_id = run_id}, step, std::move(result));
}

INNGEST_INLINE std::string handler::read_output(std::string_view slug, std::string_view run_id,
                                                std::string output) const {
  return read_result(slug, run_id,
                     {.id = "output", .name = "output", .kind = step_kind::invoke, .memoized = true},
                     std::move(output));
}

INNGEST_INLINE http::response handler::answer(http::request request) const {
  if (request.body.size() > options().max_body_size)
    return serving::bare_answer(413, "the body is too large");
  serving::identity caller = serving::identify(*app_, request);
  const bool is_call = request.method == "POST" && !request.query("probe");
  if (is_call && options().streaming && !caller.refused)
    return streamed(std::move(request), std::move(caller));
  return signed_answer(std::move(request), caller, {});
}

INNGEST_INLINE http::response handler::streamed(http::request request, serving::identity caller) const {
  using asked = std::pair<http::request, serving::identity>;
  const auto call = std::make_shared<asked>(std::move(request), std::move(caller));
  return serving::streamed(*app_, [self = *this, call](const execution::call_stop& stop) {
    return self.signed_answer(std::move(call->first), call->second, stop);
  });
}

INNGEST_INLINE http::response handler::signed_answer(http::request request, const serving::identity& caller,
                                                     const execution::call_stop& stop) const {
  http::response out = serving::guarded(*app_, [&] { return route(std::move(request), caller, stop); });
  serving::sign_answer(out, caller);
  return out;
}

INNGEST_INLINE http::response handler::route(http::request request, const serving::identity& caller,
                                             const execution::call_stop& stop) const {
  if (request.method == "PUT") return serving::register_functions(*app_, request, caller);
  if (caller.refused) return serving::refuse(*app_, caller);
  if (request.method == "GET") return serving::json_answer(*app_, 200, serving::describe_app(*app_, caller));
  if (request.method != "POST")
    return serving::message_answer(*app_, 405, "method not allowed: use GET, PUT or POST");
  if (const auto probe = request.query("probe")) {
    return *probe == "trust" ? serving::json_answer(*app_, 200, "null")
                             : serving::message_answer(*app_, 400, "unknown probe");
  }
  return serving::answer_call(*app_, std::move(request), nullptr, stop);
}

}  // namespace inngest::inline INNGEST_ABI
