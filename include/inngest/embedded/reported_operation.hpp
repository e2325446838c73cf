#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/detail/hex.hpp>
#include <inngest/detail/json_codec.hpp>
#include <inngest/duration.hpp>
#include <inngest/error.hpp>
#include <inngest/json.hpp>
#include <inngest/step_id.hpp>

namespace inngest::embedded {

/// An operation as an app reported it, of whatever SDK.
struct reported_operation {
  std::string op{};
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
};

/// \throws payload_error, protocol_error for what is not an operation.
inline reported_operation read_operation(detail::json_value& value, const detail::json_path& at) {
  detail::expect(value, detail::json_type::object, at, "object");
  reported_operation out;
  bool has_id = false;
  for (auto item : detail::take(value.get_object(), at)) {
    simdjson::ondemand::field each = detail::take(std::move(item), at);
    const std::string key(detail::take(each.unescaped_key(), at));
    detail::json_value& member = each.value();
    const detail::json_path here(at, key);
    const bool is_object = detail::type_of(member, here) == detail::json_type::object;
    if (key == "op") {
      out.op = detail::read<std::string>(member, here);
    } else if (key == "id") {
      has_id = detail::from_hex(detail::read<std::string>(member, here), out.id);
    } else if (key == "name") {
      out.name = detail::read<std::optional<std::string>>(member, here).value_or("");
    } else if (key == "displayName") {
      out.display_name = detail::read<std::optional<std::string>>(member, here).value_or("");
    } else if (key == "data") {
      out.data = detail::raw_text(member, here);
    } else if (key == "opts" && is_object) {
      out.options = detail::raw_text(member, here);
    } else if (key == "error" && is_object) {
      out.error = detail::raw_text(member, here);
    } else if (key == "timing" && is_object) {
      out.took = detail::read<std::map<std::string, std::int64_t>>(member, here)["b"];
    }
  }
  if (!has_id) throw protocol_error(at.text() + ": the operation has no id, or one that is not a SHA-1");
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
    return out;
  }
  detail::expect(root, detail::json_type::array, at, "array");
  for (auto item : detail::take(root.get_array(), at)) {
    const detail::json_path here(at, out.size());
    detail::json_value each = detail::take(std::move(item), here);
    out.push_back(read_operation(each, here));
  }
  return out;
}

/// The time that an option names: a duration from now, or a moment.
inline std::optional<timestamp> time_of(const std::string& text, timestamp now) {
  if (const auto duration = parse_duration(text)) return now + *duration;
  return parse_timestamp(text);
}

}  // namespace inngest::embedded
