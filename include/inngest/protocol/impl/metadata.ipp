#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/error.hpp>
#include <inngest/json/detail/codec.hpp>
#include <inngest/json/detail/text.hpp>
#include <inngest/protocol/api.hpp>
#include <inngest/protocol/metadata.hpp>

namespace inngest::inline INNGEST_ABI::protocol {

INNGEST_INLINE std::string metadata_object(std::string_view scope, std::string_view kind,
                                           std::string_view change, std::string_view values) {
  detail::json_object_text out;
  if (!scope.empty()) out.add("scope", scope);
  return out.add_exact("kind", kind).add("op", change).add_raw("values", values).text();
}

INNGEST_INLINE std::string target_text(const metadata_target& target) {
  const auto refuse = [](const char* rule) {
    throw configuration_error(std::string("metadata_target: ") + rule);
  };
  const bool names_part = target.step_index > 0 || target.attempt || !target.span_id.empty();
  if (target.step_id.empty() && names_part) refuse("an index, an attempt and a span need step_id");
  if (!target.span_id.empty() && !target.attempt) refuse("a span needs the attempt that it belongs to");
  if (target.attempt && *target.attempt < 0) refuse("attempt must not be negative");
  detail::json_object_text out;
  if (!target.step_id.empty()) out.add_exact("step_id", target.step_id);
  if (target.step_index > 0) out.add("step_index", static_cast<std::int64_t>(target.step_index));
  if (target.attempt) out.add("step_attempt", *target.attempt);
  if (!target.span_id.empty()) out.add_exact("span_id", target.span_id);
  return out.text();
}

INNGEST_INLINE std::string metadata_path(std::string_view run_id) {
  return "/v1/runs/" + http::percent_encoded(run_id) + "/metadata";
}

INNGEST_INLINE http::request metadata_request(std::string_view run_id, const metadata_target& target,
                                              const std::string& metadata) {
  return json_request(metadata_path(run_id), detail::json_object_text()
                                                 .add_raw("target", target_text(target))
                                                 .add_raw("metadata", "[" + metadata + "]")
                                                 .text());
}

INNGEST_INLINE std::string score_values(std::string_view name, const score_value& value) {
  detail::require_utf8(name, "a score's name");
  bool printable = !name.empty() && name.size() <= 128;
  for (const char c : name) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f' || c == '\'') printable = false;
  }
  if (!printable) {
    throw configuration_error(
        "a score's name must have 1 to 128 bytes and no quotes or control characters: \"" +
        std::string(name) + "\"");
  }
  std::string text = value.number() != 0 ? "true" : "false";
  if (!value.is_bool()) {
    text.clear();
    detail::codec<double>::write(text, value.number(), detail::json_path("value"));
  }
  return detail::json_object_text()
      .add_raw(name, detail::json_object_text().add_raw("value", text).text())
      .text();
}

}  // namespace inngest::inline INNGEST_ABI::protocol
