#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/hex.hpp>
#include <inngest/http.hpp>
#include <inngest/json/detail/text.hpp>
#include <inngest/middleware/otlp.hpp>
#include <inngest/version.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE std::int64_t nanoseconds_of(std::chrono::system_clock::time_point time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

INNGEST_INLINE std::string otlp_attribute_json(std::string_view key, std::string_view value) {
  return json_object_text()
      .add("key", key)
      .add_raw("value", json_object_text().add("stringValue", value).text())
      .text();
}

INNGEST_INLINE std::string otlp_span_json(const span& of) {
  json_object_text out;
  out.add("traceId", of.trace_id).add("spanId", of.span_id).add_if("parentSpanId", of.parent_span_id);
  out.add("name", of.name).add("kind", 1);  // internal
  out.add("startTimeUnixNano", std::to_string(nanoseconds_of(of.start)));
  out.add("endTimeUnixNano", std::to_string(nanoseconds_of(of.end)));
  std::string attributes = "[";
  for (const auto& [key, value] : of.attributes)
    attributes += (attributes.size() > 1 ? "," : "") + otlp_attribute_json(key, value);
  out.add_raw("attributes", attributes + "]");
  json_object_text status;
  status.add("code", static_cast<int>(of.status)).add("message", of.status_message);
  return out.add_raw("status", status.text()).text();
}

/// The value of a member of a W3C `tracestate`. Some HTTP libraries decode the %xx of header fields, so a
/// value may be a JSON object with commas.
INNGEST_INLINE std::string_view trace_state_member(std::string_view state, std::string_view key) {
  while (!state.empty()) {
    const std::size_t first = state.find_first_not_of(" \t,");
    state.remove_prefix(first == state.npos ? state.size() : first);
    const std::size_t equals = state.find('=');
    if (equals == state.npos) return {};
    const std::string_view name = state.substr(0, equals);
    state.remove_prefix(equals + 1);
    const std::size_t object = state.starts_with('{') ? state.find('}') : 0;
    const std::size_t end = (std::min)(state.find(',', object), state.size());
    std::string_view value = state.substr(0, end);
    state.remove_prefix(end);
    if (name == key) return value.substr(0, value.find_last_not_of(" \t") + 1);
  }
  return {};
}

INNGEST_INLINE std::string_view attribute_of(const span& of, std::string_view key) {
  for (const auto& [name, value] : of.attributes) {
    if (name == key) return value;
  }
  return {};
}

INNGEST_INLINE std::vector<otlp_attribute> attributes_in_run(const span& of) {
  const std::string_view place = trace_state_member(of.trace_state, "inngest@traceref");
  const std::string_view function = trace_state_member(of.trace_state, "inngest@fn");
  if (!of.is_user_span || place.empty() || function.empty()) return {};
  const bool is_decoded = place.starts_with('{');
  std::vector<otlp_attribute> out{
      {"inngest.traceref", is_decoded ? http::percent_encoded(place) : std::string(place)},
      {"sdk.run.id", std::string(attribute_of(of, "inngest.run.id"))},
      {"sys.function.id", std::string(function)}};
  if (const auto app = trace_state_member(of.trace_state, "inngest@app"); !app.empty())
    out.push_back({"sys.app.id", std::string(app)});
  if (!of.parent_in_run.empty()) out.push_back({"inngest.step.parentSpanId", of.parent_in_run});
  const std::string_view hash = attribute_of(of, "inngest.step.hash");
  if (!hash.empty()) {
    const std::string_view index = attribute_of(of, "inngest.step.index");
    out.push_back({"inngest.step.id", std::string(attribute_of(of, "inngest.step.id"))});
    out.push_back({"inngest.step.index", index.empty() ? "0" : std::string(index), true});
    out.push_back({"inngest.step.hash", std::string(hash)});
    out.push_back({"inngest.step.attempt", std::string(attribute_of(of, "inngest.attempt")), true});
  }
  return out;
}

/// Writes protobuf messages.
class protobuf_text {
 public:
  protobuf_text& bytes(unsigned field, std::string_view value) {
    varint(field << 3 | 2);
    varint(value.size());
    text_ += value;
    return *this;
  }
  protobuf_text& number(unsigned field, std::uint64_t value) {
    varint(field << 3);
    varint(value);
    return *this;
  }
  protobuf_text& fixed64(unsigned field, std::uint64_t value) {
    varint(field << 3 | 1);
    for (int i = 0; i < 8; ++i) text_ += static_cast<char>(value >> (8 * i) & 0xff);
    return *this;
  }
  const std::string& text() const { return text_; }

 private:
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) text_ += static_cast<char>((value & 0x7f) | 0x80);
    text_ += static_cast<char>(value);
  }

  std::string text_;
};

INNGEST_INLINE std::string bytes_of_hex(std::string_view hex) {
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    out += static_cast<char>(hex_digit(hex[i]) * 16 + hex_digit(hex[i + 1]));
  return out;
}

INNGEST_INLINE std::string otlp_attribute_bytes(const otlp_attribute& of) {
  protobuf_text value;
  if (of.is_number)
    value.number(3, std::stoull("0" + of.value));
  else
    value.bytes(1, to_printable(of.value));
  return protobuf_text().bytes(1, to_printable(of.key)).bytes(2, value.text()).text();
}

INNGEST_INLINE std::string otlp_span_bytes(const span& of, const std::vector<otlp_attribute>& in_run) {
  protobuf_text out;
  out.bytes(1, bytes_of_hex(of.trace_id)).bytes(2, bytes_of_hex(of.span_id));
  if (!of.parent_in_run.empty()) out.bytes(4, bytes_of_hex(of.parent_in_run));
  // the server would reject all spans because of text that is not UTF-8
  out.bytes(5, to_printable(of.name)).number(6, 1);  // internal
  out.fixed64(7, static_cast<std::uint64_t>(nanoseconds_of(of.start)));
  out.fixed64(8, static_cast<std::uint64_t>(nanoseconds_of(of.end)));
  for (const otlp_attribute& attribute : in_run) out.bytes(9, otlp_attribute_bytes(attribute));
  for (const auto& [key, value] : of.attributes) {
    if (!key.starts_with("inngest.")) out.bytes(9, otlp_attribute_bytes({key, value}));
  }
  protobuf_text status;
  if (!of.status_message.empty()) status.bytes(2, to_printable(of.status_message));
  status.number(3, static_cast<std::uint64_t>(of.status));
  return out.bytes(15, status.text()).text();
}

INNGEST_INLINE std::string otlp_for_server(const std::vector<span>& spans, std::string_view service) {
  protobuf_text scope;
  scope.bytes(1, protobuf_text().bytes(1, "inngest-cpp").bytes(2, INNGEST_VERSION).text());
  for (const span& exported : spans) {
    const std::vector<otlp_attribute> in_run = attributes_in_run(exported);
    if (!in_run.empty()) scope.bytes(2, otlp_span_bytes(exported, in_run));
  }
  const std::string name = otlp_attribute_bytes({"service.name", std::string(service)});
  const std::string resource = protobuf_text().bytes(1, name).text();
  return protobuf_text().bytes(1, protobuf_text().bytes(1, resource).bytes(2, scope.text()).text()).text();
}

}  // namespace inngest::inline INNGEST_ABI::detail

namespace inngest::inline INNGEST_ABI {

INNGEST_INLINE std::string otlp_json(const std::vector<span>& spans, std::string_view service) {
  using detail::json_object_text;
  std::string list = "[";
  for (const span& ended : spans) list += (list.size() > 1 ? "," : "") + detail::otlp_span_json(ended);
  json_object_text scope;
  scope.add_raw("scope",
                json_object_text().add("name", "inngest-cpp").add("version", INNGEST_VERSION).text());
  scope.add_raw("spans", list + "]");
  const std::string attributes = "[" + detail::otlp_attribute_json("service.name", service) + "]";
  json_object_text resource;
  resource.add_raw("resource", json_object_text().add_raw("attributes", attributes).text());
  resource.add_raw("scopeSpans", "[" + scope.text() + "]");
  return json_object_text().add_raw("resourceSpans", "[" + resource.text() + "]").text();
}

}  // namespace inngest::inline INNGEST_ABI
