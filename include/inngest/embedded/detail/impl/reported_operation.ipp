#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/reported_operation.hpp>
#include <inngest/time/detail/http_date.hpp>
#include <inngest/time/detail/saturated.hpp>
#include <inngest/time/detail/server_duration.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE std::optional<std::string> reported_operation::option(const char* key) const {
  if (options.empty()) return std::nullopt;
  const json object = detail::parse_dom(options);
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? std::optional<std::string>(*found) : std::nullopt;
}

INNGEST_INLINE std::string reported_operation::option_or_name(const char* key) const {
  const std::string found = option(key).value_or("");
  return found.empty() ? name : found;
}

INNGEST_INLINE operation_kind kind_of_operation(std::string_view op) {
  if (const auto code = protocol::opcode_of(op)) return kind_of(*code);
  if (op == "None" || op == "DiscoveryRequest") return operation_kind::nothing;
  throw protocol_error("the embedded engine does not support the operation \"" + std::string(op) + "\"");
}

INNGEST_INLINE std::string received_text(detail::json_value& member, const detail::json_path& at) {
  std::string out(detail::raw_text(member, at));
  check_received_json(out, at);
  return out;
}

/// Reads the id that the function wrote, and the number of its use.
INNGEST_INLINE void read_userland(detail::json_value& value, const detail::json_path& at,
                                  reported_operation& out) {
  for (auto& item : detail::members_of(value, at)) {
    detail::json_field& field = detail::take(item, at);
    const detail::json_path here(at, field.key);
    const detail::json_type type = detail::type_of(field.value, here);
    if (field.key == "id" && type == detail::json_type::string)
      out.user_id = detail::read<std::string>(field.value, here);
    else if (field.key == "index" && type == detail::json_type::number)
      out.user_index = detail::read<std::int64_t>(field.value, here);
    else
      received_text(field.value, here);  // not used, but it must be JSON
  }
}

INNGEST_INLINE known_options known_options_of(operation_kind kind) {
  switch (kind) {
    case operation_kind::sleep:
      return {.texts = {"duration"}, .needed = "duration", .may_be_name = true};
    case operation_kind::wait_for_event:
      return {.texts = {"event", "if", "timeout"}, .needed = "event", .may_be_name = true};
    case operation_kind::wait_for_signal:
      return {.texts = {"signal", "timeout", "conflict"}, .needed = "signal", .may_be_name = true};
    case operation_kind::invoke:
      return {.texts = {"function_id", "timeout"}, .needed = "function_id"};
    case operation_kind::defer:
      return {.texts = {"fn_slug"}, .needed = "fn_slug"};
    case operation_kind::abort_deferred:
      return {.texts = {"target_hashed_id"}, .needed = "target_hashed_id"};
    case operation_kind::step_completed:
    case operation_kind::step_failed:
    case operation_kind::step_error:
    case operation_kind::step_planned:
    case operation_kind::request:  // see outgoing_request
    case operation_kind::nothing:
    case operation_kind::run_completed:
      return {};
  }
  return {};
}

INNGEST_INLINE void check_options(const reported_operation& op, bool has_name, const detail::json_path& at) {
  const known_options known = known_options_of(op.kind);
  if (!known.needed) return;
  const detail::json_path here(at, "opts");
  // A wait without a timeout ends at once, which nobody means who sends no options at all.
  if (op.kind == operation_kind::wait_for_event && op.options.empty())
    throw payload_error(here.text(), "missing");
  const json options = op.options.empty() ? json::object() : detail::parse_dom(op.options);
  for (const char* key : known.texts) {
    const auto found = options.find(key);
    if (found != options.end() && !found->is_null() && !found->is_string())
      throw payload_error(detail::json_path(here, key).text(), "expected a string");
  }
  const std::string needed = options.value(known.needed, json()).is_null() ? "" : options.at(known.needed);
  // SDKs send a time to sleep that is over as an empty text.
  const bool may_be_empty = op.kind == operation_kind::sleep && (has_name || options.contains(known.needed));
  if (needed.empty() && !may_be_empty && !(known.may_be_name && !op.name.empty()))
    throw payload_error(detail::json_path(here, known.needed).text(), "missing");
}

INNGEST_INLINE reported_operation read_operation(detail::json_value& value, const detail::json_path& at) {
  detail::expect(value, detail::json_type::object, at, "object");
  reported_operation out;
  bool has_id = false, has_name = false, has_other_options = false;
  std::set<std::string, std::less<>> keys;
  for (auto item : detail::members_of(value, at)) {
    detail::json_field field = detail::take(item, at);
    const std::string key(field.key);
    detail::json_value& member = field.value;
    const detail::json_path here(at, key);
    if (!keys.insert(key).second) throw payload_error(here.text(), "twice in the operation");
    const bool is_object = detail::type_of(member, here) == detail::json_type::object;
    if (key == "op") {
      out.op = detail::read<std::string>(member, here);
      out.kind = kind_of_operation(out.op);
    } else if (key == "id") {
      has_id = detail::from_hex(detail::read<std::string>(member, here), out.id);
    } else if (key == "name") {
      const auto name = detail::read<std::optional<std::string>>(member, here);
      has_name = name.has_value();
      out.name = name.value_or("");
    } else if (key == "displayName") {
      out.display_name = detail::read<std::optional<std::string>>(member, here).value_or("");
    } else if (key == "data") {
      out.data = received_text(member, here);
    } else if (key == "opts" && is_object) {
      out.options = received_text(member, here);
    } else if (key == "opts") {
      has_other_options = received_text(member, here) != "null";
    } else if (key == "error" && is_object) {
      out.error = received_text(member, here);
    } else if (key == "timing" && is_object) {
      out.took = detail::read<std::map<std::string, std::int64_t>>(member, here)["b"];
    } else if (key == "userland" && is_object) {
      read_userland(member, here, out);
    } else if (key == "metadata") {
      const json changes = received_json_value(received_text(member, here));
      if (changes.is_array()) out.metadata = read_step_metadata(changes);
    } else {
      received_text(member, here);  // the operation omits this member, but it must be JSON
    }
  }
  if (out.data.size() > size_limits{}.step_output)
    throw protocol_error("step \"" + out.shown_name() + "\": its result has " +
                         std::to_string(out.data.size()) + " bytes, and a server accepts at most " +
                         std::to_string(size_limits{}.step_output) +
                         ": store large data elsewhere and return its location");
  if (out.op.empty()) throw protocol_error(at.text() + ": the operation has no \"op\"");
  if (!has_id && out.kind != operation_kind::nothing)
    throw protocol_error(at.text() + ": the operation has no id, or one that is not a SHA-1");
  if (has_other_options && known_options_of(out.kind).needed)
    throw payload_error(detail::json_path(at, "opts").text(), "expected an object");
  check_options(out, has_name, at);
  return out;
}

INNGEST_INLINE std::vector<reported_operation> read_operations(std::string body) {
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
    if (out.size() == max_reported_operations)
      throw protocol_error("the answer reports more than " + std::to_string(max_reported_operations) +
                           " operations");
    const detail::json_path here(at, out.size());
    detail::json_value operation = detail::take(item, here);
    out.push_back(read_operation(operation, here));
  }
  document.expect_end(at);
  return out;
}

INNGEST_INLINE std::optional<timestamp> time_of(const std::string& text, timestamp now) {
  const auto duration = detail::parse_server_duration(text);
  return duration ? std::optional(detail::add_saturated(now, *duration)) : parse_timestamp(text);
}

INNGEST_INLINE std::optional<timestamp> sleep_end_of(const std::string& text, timestamp now) {
  if (text.empty()) return now;
  if (const auto out = time_of(text, now)) return out;
  if (const auto out = parse_timestamp(text + "Z")) return out;
  if (const auto out = parse_timestamp(text + "T00:00:00Z")) return out;
  return detail::http_date_reader(text, std::chrono::floor<std::chrono::seconds>(now)).run();
}

}  // namespace inngest::inline INNGEST_ABI::embedded
