#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/detail/enumeration.hpp>

// The kinds of steps, one row each, and the operations that report them. All code that depends on a step's
// kind uses this table: the steps of a handler, middleware, the embedded engine, its page and the test
// harness.
//
// To add a kind, add an enumerator to step_kind and a row to protocol::step_kinds. If it has its own
// operation, add an enumerator to opcode and its name to the table. The compiler reports everything else that
// is missing, through the static assertions below and the `switch` statements over these enumerations, which
// have no default.

namespace inngest::inline INNGEST_ABI {

/// The kind of a step.
enum class step_kind {
  run,              ///< step.run and step.start
  send_event,       ///< step.send_event
  send_signal,      ///< step.send_signal
  publish,          ///< step.publish
  ai_wrap,          ///< step.ai.wrap
  experiment,       ///< group.experiment: the choice of the variant
  sleep,            ///< step.sleep and step.sleep_until
  wait_for_event,   ///< step.wait_for_event
  wait_for_signal,  ///< step.wait_for_signal
  invoke,           ///< step.invoke
  fetch,            ///< step.fetch
  ai_infer,         ///< step.ai.infer
  defer             ///< not a step: the call of a deferred function
};

}  // namespace inngest::inline INNGEST_ABI

namespace inngest::inline INNGEST_ABI::protocol {

/// The operations with which an app reports the steps of a run.
enum class opcode {
  step_run,
  step_planned,
  step_error,
  step_failed,
  sleep,
  wait_for_event,
  wait_for_signal,
  invoke_function,
  gateway,
  ai_gateway,
  defer_add,
  defer_abort,
  run_complete
};

}  // namespace inngest::inline INNGEST_ABI::protocol

namespace inngest::inline INNGEST_ABI::detail {

/// The names of the operations in the protocol.
template <>
inline constexpr auto enumerators<protocol::opcode> = std::to_array<enumerator<protocol::opcode>>({
    {protocol::opcode::step_run, "StepRun"},
    {protocol::opcode::step_planned, "StepPlanned"},
    {protocol::opcode::step_error, "StepError"},
    {protocol::opcode::step_failed, "StepFailed"},
    {protocol::opcode::sleep, "Sleep"},
    {protocol::opcode::wait_for_event, "WaitForEvent"},
    {protocol::opcode::wait_for_signal, "WaitForSignal"},
    {protocol::opcode::invoke_function, "InvokeFunction"},
    {protocol::opcode::gateway, "Gateway"},
    {protocol::opcode::ai_gateway, "AIGateway"},
    {protocol::opcode::defer_add, "DeferAdd"},
    {protocol::opcode::defer_abort, "DeferAbort"},
    {protocol::opcode::run_complete, "RunComplete"},
});

}  // namespace inngest::inline INNGEST_ABI::detail

namespace inngest::inline INNGEST_ABI::protocol {

/// The operation's name in the protocol, such as "StepRun".
constexpr std::string_view to_string(opcode code) { return detail::name_of(code); }

/// The operation with the name; nullopt for unknown names. Some SDKs spell two of them differently.
constexpr std::optional<opcode> opcode_of(std::string_view name) {
  if (name == "Step") return opcode::step_run;
  if (name == "AiGateway") return opcode::ai_gateway;
  for (const auto& row : detail::enumerators<opcode>) {
    if (row.name == name) return row.value;
  }
  return std::nullopt;
}

/// Who executes a step.
enum class step_work {
  body,     ///< the app runs a body, and retries it
  request,  ///< the server makes an HTTP request, and retries it
  wait,     ///< the server waits for a time, an event, a signal or another run
  none,     ///< not a step, so nothing executes it
};

/// The input of a step that middleware may read and change.
enum class step_takes {
  arguments,   ///< the arguments of its body, if any
  event_data,  ///< the data for another function
};

/// The form of a step's result on the server.
enum class step_gives {
  value,   ///< JSON of any kind
  event,   ///< {"name", "data", ...}, or null
  signal,  ///< {"signal", "data"}, or null
};

/// The properties of a step kind.
struct step_kind_row {
  /// The kind.
  step_kind kind;
  /// The name in middleware, metrics and traces.
  std::string_view name;
  /// Who executes it.
  step_work work;
  /// The operation that starts it on the server.
  opcode begins_with;
  /// The word shown on the page; the page's script knows these words.
  std::string_view shown_as;
  /// The input.
  step_takes takes = step_takes::arguments;
  /// The form of the result.
  step_gives gives = step_gives::value;
};

/// The kinds of steps, in the order of the enumeration.
inline constexpr auto step_kinds = std::to_array<step_kind_row>({
    {step_kind::run, "run", step_work::body, opcode::step_planned, "run"},
    {step_kind::send_event, "send_event", step_work::body, opcode::step_planned, "run"},
    {step_kind::send_signal, "send_signal", step_work::body, opcode::step_planned, "run"},
    {step_kind::publish, "publish", step_work::body, opcode::step_planned, "run"},
    {step_kind::ai_wrap, "ai_wrap", step_work::body, opcode::step_planned, "run"},
    {step_kind::experiment, "experiment", step_work::body, opcode::step_planned, "run"},
    {step_kind::sleep, "sleep", step_work::wait, opcode::sleep, "sleep"},
    {step_kind::wait_for_event, "wait_for_event", step_work::wait, opcode::wait_for_event, "wait",
     step_takes::arguments, step_gives::event},
    {step_kind::wait_for_signal, "wait_for_signal", step_work::wait, opcode::wait_for_signal, "wait",
     step_takes::arguments, step_gives::signal},
    {step_kind::invoke, "invoke", step_work::wait, opcode::invoke_function, "invoke", step_takes::event_data},
    {step_kind::fetch, "fetch", step_work::request, opcode::gateway, "request"},
    {step_kind::ai_infer, "ai_infer", step_work::request, opcode::ai_gateway, "request"},
    {step_kind::defer, "defer", step_work::none, opcode::defer_add, "run", step_takes::event_data},
});

/// The kind's row.
constexpr const step_kind_row& row_of(step_kind kind) { return step_kinds[static_cast<std::size_t>(kind)]; }

/// The row of the step kind that the operation begins. Null for operations that begin bodies of several
/// kinds, and for operations that begin nothing.
constexpr const step_kind_row* row_begun_by(opcode code) {
  for (const step_kind_row& row : step_kinds) {
    if (row.begins_with == code && row.work != step_work::body) return &row;
  }
  return nullptr;
}

}  // namespace inngest::inline INNGEST_ABI::protocol

namespace inngest::inline INNGEST_ABI::detail {

template <>
inline constexpr auto enumerators<step_kind> = [] {
  std::array<enumerator<step_kind>, protocol::step_kinds.size()> out{};
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = {protocol::step_kinds[i].kind, protocol::step_kinds[i].name};
  return out;
}();

}  // namespace inngest::inline INNGEST_ABI::detail

namespace inngest::inline INNGEST_ABI::protocol {

/// Whether all bodies begin with the shared operation, every other kind begins with its own operation, and
/// every kind has a word for the page.
consteval bool has_sound_rows() {
  for (const step_kind_row& row : step_kinds) {
    std::size_t uses = 0;
    for (const step_kind_row& other : step_kinds) uses += other.begins_with == row.begins_with ? 1 : 0;
    const bool is_planned = row.begins_with == opcode::step_planned;
    const bool is_body = row.work == step_work::body;
    if (row.shown_as.empty() || is_planned != is_body || (!is_body && uses != 1)) return false;
  }
  return true;
}
static_assert(
    has_sound_rows(),
    "in protocol::step_kinds a body does not begin with step_planned, two other kinds begin with the "
    "same operation, or a kind has no word for the page");

}  // namespace inngest::inline INNGEST_ABI::protocol

namespace inngest::inline INNGEST_ABI {

/// The kind's name, such as "send_event".
constexpr std::string_view to_string(step_kind kind) { return detail::name_of(kind); }

}  // namespace inngest::inline INNGEST_ABI
