#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/execution/replay.hpp>
#include <inngest/json.hpp>
#include <inngest/json/detail/text.hpp>
#include <inngest/protocol/operation.hpp>
#include <inngest/protocol/step_kinds.hpp>
#include <inngest/step/detail/step_body.hpp>
#include <inngest/step/step_handle.hpp>
#include <inngest/step_id.hpp>

namespace inngest::inline INNGEST_ABI {

namespace detail {

/// The common part of all kinds of steps.
class step_base {
 public:
  explicit step_base(execution::replay& replay) : replay_(&replay) {}

 protected:
  /// Starts a step that runs in this process: `run` receives the call and appends the result.
  template <class Result, class Plan, class Run>
  auto start_run(step_options&& options, step_kind kind, const Plan& plan, Run run) {
    return step_handle<Result, Run>(
        *replay_, [&] { return replay_->enter(std::move(options), kind); }, plan, std::move(run));
  }

  static protocol::operation plan_of(std::string name = {}, std::string options = {});

  /// Enters a step that the server executes, and leaves the handler while it has no result. `describe`
  /// returns the operation; its code is set to the kind's.
  template <class Describe>
  execution::step_call ask_server(step_options&& options, step_kind kind, Describe describe,
                                  std::string* input = nullptr) {
    execution::step_call call = replay_->enter(std::move(options), kind, input);
    if (call.memo) return call;
    protocol::operation op = described(call, describe);
    op.code = protocol::row_of(kind).begins_with;
    replay_->wait_for_server(call, std::move(op));
  }

  /// Starts a body with arguments. The arguments are recorded, and the server may replace them.
  template <class Body, class... Arguments>
  auto start_with_input(step_options&& options, step_kind kind, std::string_view type, Body body,
                        const Arguments&... arguments) {
    using result = step_result_t<Body, json_form<Arguments>&...>;
    using inputs = std::tuple<json_form<Arguments>...>;
    std::string input = "[";
    ((input += encode(arguments, "input"), input += ','), ...);
    input.back() = ']';
    auto call = replay_->enter(std::move(options), kind, &input);
    const auto plan = [text = input, type] {
      return plan_of({}, json_object_text().add_raw("input", text).add_if("type", type).text());
    };
    auto run = [body = std::move(body), input = std::move(input)](const execution::step_call& at,
                                                                  std::string& out) mutable {
      if (at.input) {
        const json_buffer replaced{std::string(at.input->text)};
        input = std::string(find_member(replaced, "input"));
      }
      auto given = decode<inputs>(input, "input");
      std::apply([&](auto&... values) { run_body(body, at.deadline, at.stop, out, values...); }, given);
    };
    return step_handle<result, decltype(run)>(
        *replay_, [&] { return std::move(call); }, plan, std::move(run));
  }

  execution::replay* replay_;
};

/// A reference to the caller's body, for a step that is awaited immediately.
template <class Body>
struct body_ref {
  Body* body;
  template <class... Arguments>
    requires std::invocable<Body&, Arguments...>
  decltype(auto) operator()(Arguments&&... arguments) const {
    return (*body)(std::forward<Arguments>(arguments)...);
  }
};

}  // namespace detail

}  // namespace inngest::inline INNGEST_ABI

#if !defined(INNGEST_COMPILED)
#include <inngest/step/detail/impl/step_base.ipp>
#endif
