#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/hex.hpp>
#include <inngest/embedded/detail/received_json.hpp>
#include <inngest/embedded/detail/run_notes.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/error.hpp>
#include <inngest/json.hpp>
#include <inngest/json/detail/codec.hpp>
#include <inngest/limits.hpp>
#include <inngest/protocol/step_kinds.hpp>
#include <inngest/step_id.hpp>
#include <inngest/time/duration.hpp>
#include <inngest/time/timestamp.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// What an operation requests or reports.
enum class operation_kind {
  step_completed,
  step_failed,  ///< a step failed permanently
  step_error,   ///< a step failed and will be retried while attempts are left
  step_planned,
  sleep,
  wait_for_event,
  wait_for_signal,
  invoke,
  request,  ///< step.fetch or step.ai.infer
  nothing,
  run_completed,
  defer,
  abort_deferred,
};

/// How the engine handles an operation of this SDK.
constexpr operation_kind kind_of(protocol::opcode code) {
  switch (code) {
    case protocol::opcode::step_run:
      return operation_kind::step_completed;
    case protocol::opcode::step_planned:
      return operation_kind::step_planned;
    case protocol::opcode::step_error:
      return operation_kind::step_error;
    case protocol::opcode::step_failed:
      return operation_kind::step_failed;
    case protocol::opcode::sleep:
      return operation_kind::sleep;
    case protocol::opcode::wait_for_event:
      return operation_kind::wait_for_event;
    case protocol::opcode::wait_for_signal:
      return operation_kind::wait_for_signal;
    case protocol::opcode::invoke_function:
      return operation_kind::invoke;
    case protocol::opcode::gateway:
    case protocol::opcode::ai_gateway:
      return operation_kind::request;
    case protocol::opcode::defer_add:
      return operation_kind::defer;
    case protocol::opcode::defer_abort:
      return operation_kind::abort_deferred;
    case protocol::opcode::run_complete:
      return operation_kind::run_completed;
  }
  return operation_kind::nothing;
}

/// An operation reported by an app, with any SDK.
struct reported_operation {
  std::string op{};
  operation_kind kind = operation_kind::nothing;
  step_hash id{};
  std::string name{};
  std::string display_name{};
  std::string options{};  // a JSON object; empty when absent
  std::string data{};     // JSON
  std::string error{};    // a JSON object; empty when absent
  std::int64_t took = 0;  // nanoseconds
  std::string user_id{};  // as the function wrote it; empty when absent
  std::int64_t user_index = 0;
  step_metadata metadata{};  // that the step's body has set

  const std::string& shown_name() const { return display_name.empty() ? name : display_name; }

  /// A text option; `nullopt` when absent.
  std::optional<std::string> option(const char* key) const;
  /// A text option, or the operation's name when it is absent or empty.
  std::string option_or_name(const char* key) const;
};

/// The kind of an operation. \throws protocol_error for an unknown one.
operation_kind kind_of_operation(std::string_view op);

/// The validated JSON text of a member.
std::string received_text(detail::json_value& member, const detail::json_path& at);

/// The text options that the engine reads of an operation, and the one that it cannot do without.
struct known_options {
  std::vector<const char*> texts{};
  const char* needed = nullptr;
  /// Whether the operation's name may be in place of the needed option.
  bool may_be_name = false;
};

known_options known_options_of(operation_kind kind);

/// Checks that every option which the engine reads can be read. It would otherwise be ignored: a wait would
/// be for another event, or end at once. `has_name` is whether the operation has a name, which may be empty.
/// \throws payload_error that names the option.
void check_options(const reported_operation& op, bool has_name, const detail::json_path& at);

/// Reads one operation. \throws payload_error, protocol_error when it is malformed.
reported_operation read_operation(detail::json_value& value, const detail::json_path& at);

/// The most operations in an answer: the steps that a run may have on a server that was asked for as many as
/// possible.
inline constexpr std::size_t max_reported_operations = 10'000;

/// Reads the operations of an answer: an array or a single object.
/// \throws payload_error, protocol_error when the answer is malformed.
std::vector<reported_operation> read_operations(std::string body);

/// Reads the end of a wait like a server: a duration from now, which may be negative, or a timestamp with its
/// zone.
std::optional<timestamp> time_of(const std::string& text, timestamp now);

/// Reads the end of a sleep like a server: everything that time_of() reads, a date with or without a time and
/// without a zone (UTC), or an HTTP date. An empty text means now.
std::optional<timestamp> sleep_end_of(const std::string& text, timestamp now);

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/reported_operation.ipp>
#endif
