#pragma once

#include <string>
#include <type_traits>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/execution/replay.hpp>
#include <inngest/json/detail/text.hpp>
#include <inngest/protocol/operation.hpp>
#include <inngest/protocol/step_kinds.hpp>
#include <inngest/step/detail/step_base.hpp>
#include <inngest/step/detail/step_body.hpp>
#include <inngest/step/step_handle.hpp>
#include <inngest/step_id.hpp>

namespace inngest::inline INNGEST_ABI {

/// Steps for language models: `ctx.step.ai`.
class ai_steps : private detail::step_base {
 public:
  using step_base::step_base;

  /// The server calls a model, and the step returns the provider's answer. The app need not keep running in
  /// the meantime. See <inngest/ai.hpp> for models and requests.
  /// \throws step_error when the call failed.
  template <class Model, class Request = typename Model::request_type>
  auto infer(step_options options, const Model& model, const Request& request) ->
      typename Model::answer_type {
    auto call = ask_server(std::move(options), step_kind::ai_infer, [&] {
      const auto made = make_request(model, request);
      detail::json_object_text headers;
      for (const auto& [name, value] : made.headers) headers.add_exact(name, value);
      detail::json_object_text text;
      text.add("type", "step.ai.infer").add_exact("url", made.url).add_exact("auth_key", made.auth_key);
      text.add("format", made.format).add_raw("body", made.body);
      if (headers.text() != "{}") text.add_raw("headers", headers.text());
      return protocol::operation{.options = text.text()};
    });
    return detail::read_memo<typename Model::answer_type>(*replay_, call);
  }
  /// Like the other overload, without options.
  template <class Model, class Request = typename Model::request_type>
  auto infer(step_id id, const Model& model, const Request& request) -> typename Model::answer_type {
    return infer(step_options{.id = id}, model, request);
  }

  /// Like step.run, for a body that calls a model with your own library; the server shows it as a model call.
  /// Arguments after the body are recorded with the step and passed to the body.
  template <class Body, class... Arguments>
  auto wrap(step_options options, Body&& body, const Arguments&... arguments) {
    if constexpr (sizeof...(Arguments) > 0) {
      return start_with_input(std::move(options), step_kind::ai_wrap, "step.ai.wrap",
                              detail::body_ref<std::remove_reference_t<Body>>{&body}, arguments...)
          .get();
    } else {
      using result = detail::step_result_t<Body>;
      return start_run<result>(
                 std::move(options), step_kind::ai_wrap,
                 [] { return plan_of({}, "{\"type\":\"step.ai.wrap\"}"); },
                 [&body](const execution::step_call& at, std::string& out) {
                   detail::run_body(body, at.deadline, at.stop, out);
                 })
          .get();
    }
  }
  /// Like the other overload, without options.
  template <class Body, class... Arguments>
  auto wrap(step_id id, Body&& body, const Arguments&... arguments) {
    return wrap(step_options{.id = id}, std::forward<Body>(body), arguments...);
  }
};

}  // namespace inngest::inline INNGEST_ABI
