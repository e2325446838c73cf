#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/detail/hex.hpp>
#include <inngest/embedded/detail/received_json.hpp>
#include <inngest/error.hpp>
#include <inngest/json.hpp>
#include <inngest/json/detail/codec.hpp>
#include <inngest/limits.hpp>
#include <inngest/protocol/step_kinds.hpp>
#include <inngest/step_id.hpp>
#include <inngest/time/duration.hpp>
#include <inngest/time/timestamp.hpp>

namespace inngest::embedded {

/// What an operation asks for, or reports.
enum class operation_kind {
  step_completed,
  step_failed,  ///< permanently
  step_error,   ///< to be retried while attempts are left
  step_planned,
  sleep,
  wait_for_event,
  wait_for_signal,
  invoke,
  request,  ///< of step.fetch or step.ai.infer
  nothing,
  run_completed,
  defer,
};

/// What the engine does with one of our operations.
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
    case protocol::opcode::run_complete:
      return operation_kind::run_completed;
  }
  return operation_kind::nothing;
}

/// An operation as an app reported it, of whatever SDK.
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

  const std::string& shown_name() const { return display_name.empty() ? name : display_name; }

  /// A text among the options.
  std::optional<std::string> option(const char* key) const {
    if (options.empty()) return std::nullopt;
    const json object = detail::parse_dom(options);
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? std::optional<std::string>(*found) : std::nullopt;
  }
  /// The same, or the operation's name where it is absent or empty.
  std::string option_or_name(const char* key) const {
    const std::string found = option(key).value_or("");
    return found.empty() ? name : found;
  }
};

/// The kind of an operation. \throws protocol_error for one that the engine does not know.
inline operation_kind kind_of_operation(std::string_view op) {
  if (const auto code = protocol::opcode_of(op)) return kind_of(*code);
  if (op == "None" || op == "DiscoveryRequest") return operation_kind::nothing;
  throw protocol_error("the embedded engine does not support the operation \"" + std::string(op) + "\"");
}

/// A member's JSON text, which is checked completely.
inline std::string received_text(detail::json_value& member, const detail::json_path& at) {
  std::string out(detail::raw_text(member, at));
  check_received_json(out, at);
  return out;
}

/// \throws payload_error, protocol_error for what is not an operation.
inline reported_operation read_operation(detail::json_value& value, const detail::json_path& at) {
  detail::expect(value, detail::json_type::object, at, "object");
  reported_operation out;
  bool has_id = false;
  for (auto item : detail::members_of(value, at)) {
    detail::json_field field = detail::take(item, at);
    const std::string key(field.key);
    detail::json_value& member = field.value;
    const detail::json_path here(at, key);
    const bool is_object = detail::type_of(member, here) == detail::json_type::object;
    if (key == "op") {
      out.op = detail::read<std::string>(member, here);
      out.kind = kind_of_operation(out.op);
    } else if (key == "id") {
      has_id = detail::from_hex(detail::read<std::string>(member, here), out.id);
    } else if (key == "name") {
      out.name = detail::read<std::optional<std::string>>(member, here).value_or("");
    } else if (key == "displayName") {
      out.display_name = detail::read<std::optional<std::string>>(member, here).value_or("");
    } else if (key == "data") {
      out.data = received_text(member, here);
    } else if (key == "opts" && is_object) {
      out.options = received_text(member, here);
    } else if (key == "error" && is_object) {
      out.error = received_text(member, here);
    } else if (key == "timing" && is_object) {
      out.took = detail::read<std::map<std::string, std::int64_t>>(member, here)["b"];
    } else {
      received_text(member, here);  // it is left out, but it must be JSON
    }
  }
  if (out.data.size() > size_limits{}.step_output)
    throw protocol_error("step \"" + out.shown_name() + "\": its result has " +
                         std::to_string(out.data.size()) + " bytes, and a server takes at most " +
                         std::to_string(size_limits{}.step_output) +
                         ": keep large data elsewhere and return where it is");
  if (out.op.empty()) throw protocol_error(at.text() + ": the operation has no \"op\"");
  if (!has_id && out.kind != operation_kind::nothing)
    throw protocol_error(at.text() + ": the operation has no id, or one that is not a SHA-1");
  return out;
}

/// Reads the operations of an answer: an array, or a single object.
/// \throws payload_error, protocol_error for an answer that can't be read.
inline std::vector<reported_operation> read_operations(std::string body) {
  const detail::json_buffer buffer(std::move(body));
  detail::json_document document(buffer.text());
  const detail::json_path at("operations");
  detail::json_value root = document.root(at);
  std::vector<reported_operation> out;
  if (detail::type_of(root, at) == detail::json_type::object) {
    out.push_back(read_operation(root, at));
    document.expect_end(at);
    return out;
  }
  detail::expect(root, detail::json_type::array, at, "array");
  for (auto item : detail::elements_of(root, at)) {
    const detail::json_path here(at, out.size());
    detail::json_value operation = detail::take(item, here);
    out.push_back(read_operation(operation, here));
  }
  document.expect_end(at);
  return out;
}

/// The longest sleep or wait, as an Inngest server takes it, and a day for clocks that differ.
inline constexpr std::chrono::milliseconds max_wait = std::chrono::hours(24 * 366);

/// The time that an option names: a duration from now, or a moment; in a year at most.
inline std::optional<timestamp> time_of(const std::string& text, timestamp now) {
  const auto duration = parse_duration(text);
  if (duration && (*duration > max_wait || *duration < -max_wait)) return std::nullopt;
  const auto out = duration ? std::optional(now + *duration) : parse_timestamp(text);
  return out && *out > now + max_wait ? std::nullopt : out;
}

}  // namespace inngest::embedded
