#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/error.hpp>
#include <inngest/execution/replay.hpp>
#include <inngest/protocol/memo.hpp>
#include <inngest/protocol/operation.hpp>

namespace inngest::inline INNGEST_ABI {

namespace detail {

template <class Result>
Result read_memo(execution::replay& replay, execution::step_call& call) {
  return replay.read_memo(call, true, [&](const protocol::memo& memo) -> Result {
    if constexpr (std::is_void_v<Result>)
      replay.failure_thrower()(memo, call.id);
    else
      return protocol::read_result<Result>(memo, call.id, replay.failure_thrower());
  });
}

/// The operation that reports the step to a server. \throws payload_error with the step in its path.
template <class Describe>
protocol::operation described(const execution::step_call& call, Describe&& describe) {
  try {
    if constexpr (std::invocable<Describe&, const execution::step_call&>)
      return describe(call);
    else
      return describe();
  } catch (const payload_error& problem) {
    const std::string within = problem.path().empty() ? "" : "." + problem.path();
    throw payload_error(protocol::memo_path(call.id) + within, problem.problem());
  }
}

}  // namespace detail

/// A started step whose result has not been read yet. It must not outlive its handler's call.
template <class Result, class Run>
class [[nodiscard]] step_handle {
 public:
  /// Used by the library. `enter` returns the step's call, which is constructed in place because it is large.
  /// `plan` describes the step to the server if it has no result yet.
  template <class Enter, class Plan>
  step_handle(execution::replay& replay, const Enter& enter, const Plan& plan, Run run)
      : replay_(&replay), call_(enter()), run_(std::move(run)) {
    if (call_.memo) return;
    plan_.emplace(detail::described(call_, plan));
    replay_->discover(call_, *plan_, body());
  }

  /// The step's result.
  /// \throws step_error when the step failed permanently.
  Result get() {
    if (!call_.memo) replay_->await(call_, *plan_, body());
    return detail::read_memo<Result>(*replay_, call_);
  }

 private:
  auto body() {
    return [this](std::string& out) { run_(call_, out); };
  }

  execution::replay* replay_;
  execution::step_call call_;
  std::optional<protocol::operation> plan_;
  Run run_;
};

}  // namespace inngest::inline INNGEST_ABI
