#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <inngest/detail/hex.hpp>
#include <inngest/detail/json_codec.hpp>
#include <inngest/protocol/error_info.hpp>
#include <inngest/step_id.hpp>

namespace inngest::protocol {

/// The operations that we report of a run's steps.
enum class opcode { step_run, step_planned, step_error, step_failed, sleep, wait_for_event, invoke_function };

constexpr std::string_view to_string(opcode code) {
  switch (code) {
    case opcode::step_run:
      return "StepRun";
    case opcode::step_planned:
      return "StepPlanned";
    case opcode::step_error:
      return "StepError";
    case opcode::step_failed:
      return "StepFailed";
    case opcode::sleep:
      return "Sleep";
    case opcode::wait_for_event:
      return "WaitForEvent";
    case opcode::invoke_function:
      return "InvokeFunction";
  }
  return "None";
}

/// When a step's body ran, in nanoseconds.
struct timing {
  std::int64_t started = 0;  // since 1970
  std::int64_t took = 0;
};

struct operation {
  opcode code{};
  step_hash id{};
  /// A run step's and a wait's is the step's id, a sleep's the time it takes.
  std::string name{};
  std::string display_name{};
  std::string user_id{};
  std::size_t index = 0;  // of the id's repeats
  std::string options{};  // a JSON object; empty when there is nothing to say
  std::string data{};     // JSON; empty for null
  std::optional<error_info> error{};
  std::optional<protocol::timing> timing{};
};

/// Appends the operation as a JSON object.
inline void write_operation(std::string& out, const operation& op) {
  using detail::write_quoted;
  out += "{\"id\":\"";
  detail::append_hex(out, op.id);
  out += "\",\"op\":\"";
  out += to_string(op.code);
  out += "\",\"name\":";
  write_quoted(out, op.name);
  out += ",\"displayName\":";
  write_quoted(out, op.display_name);
  out += ",\"userland\":{\"id\":";
  write_quoted(out, op.user_id);
  if (op.index > 0) out += ",\"index\":" + std::to_string(op.index);
  out += '}';
  if (!op.options.empty()) {
    out += ",\"opts\":";
    out += op.options;
  }
  out += ",\"data\":";
  out += op.data.empty() ? "null" : op.data;
  if (op.error) {
    out += ",\"error\":";
    write_error(out, *op.error);
  }
  if (op.timing) {
    out += ",\"timing\":{\"a\":" + std::to_string(op.timing->started) +
           ",\"b\":" + std::to_string(op.timing->took) + "}";
  }
  out += '}';
}

inline std::string write_operations(const std::vector<operation>& operations) {
  std::string out = "[";
  for (const operation& each : operations) {
    if (out.size() > 1) out += ',';
    write_operation(out, each);
  }
  return out += ']';
}

}  // namespace inngest::protocol
