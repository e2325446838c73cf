#pragma once

#include <chrono>
#include <exception>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/cancellation_api.hpp>
#include <inngest/embedded/detail/registered_names.hpp>
#include <inngest/error.hpp>
#include <inngest/json/detail/dom.hpp>

namespace inngest::inline INNGEST_ABI::embedded::cancellation_api {

INNGEST_INLINE std::string member_of(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return {};
  if (!found->is_string()) throw payload_error(name, "Invalid cancellation request");
  return found->get<std::string>();
}

INNGEST_INLINE std::optional<timestamp> time_of(const json& object, const char* name) {
  const std::string text = member_of(object, name);
  if (text.empty()) return std::nullopt;
  const auto out = parse_timestamp(text);
  if (!out) throw payload_error(name, "Invalid cancellation request");
  return out;
}

INNGEST_INLINE wanted read(const std::string& body) {
  const json object = detail::parse_dom(body);
  if (!object.is_object()) throw payload_error("body", "Invalid cancellation request");
  wanted out{.app_id = member_of(object, "app_id"), .function_id = member_of(object, "function_id")};
  out.cancellation.started_after = time_of(object, "started_after");
  const auto before = time_of(object, "started_before");
  out.cancellation.started_before = before.value_or(timestamp());
  out.cancellation.condition = member_of(object, "if");
  std::string problem;
  const auto need = [&](bool is_there, const char* name) {
    if (!is_there) problem += (problem.empty() ? "" : "\n") + std::string(name) + " is required";
  };
  need(!out.app_id.empty(), "app_id");
  need(!out.function_id.empty(), "function_id");
  need(before.has_value(), "started_before");
  if (!problem.empty()) throw payload_error("body", problem);
  return out;
}

INNGEST_INLINE json described(const bulk_cancellation& cancellation, const std::string& app_id) {
  json out{{"id", cancellation.id},
           {"created_at", to_text(cancellation.created_at)},
           {"name", nullptr},
           {"app_id", app_uuid(app_id)},
           {"function_internal_id", function_uuid(cancellation.function)},
           {"function_id", cancellation.function},
           {"started_after", nullptr},
           {"started_before", to_text(cancellation.started_before)},
           {"kind", "bulk_run"},
           {"cause", "API"},
           {"queue_name", nullptr}};
  if (cancellation.started_after) out["started_after"] = to_text(*cancellation.started_after);
  if (!cancellation.condition.empty()) out["if"] = cancellation.condition;
  return out;
}

INNGEST_INLINE std::string text_of(const bulk_cancellation& cancellation) {
  json out{{"id", cancellation.id},
           {"function", cancellation.function},
           {"before", to_text(cancellation.started_before)},
           {"if", cancellation.condition},
           {"created", to_text(cancellation.created_at)}};
  if (cancellation.started_after) out["after"] = to_text(*cancellation.started_after);
  return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

INNGEST_INLINE std::optional<bulk_cancellation> from_text(const std::string& text) {
  try {
    const json object = detail::parse_dom(text);
    return bulk_cancellation{.id = member_of(object, "id"),
                             .function = member_of(object, "function"),
                             .started_after = time_of(object, "after"),
                             .started_before = time_of(object, "before").value_or(timestamp()),
                             .condition = member_of(object, "if"),
                             .created_at = time_of(object, "created").value_or(timestamp())};
  } catch (const std::exception&) {  // another version's, or damaged
    return std::nullopt;
  }
}

INNGEST_INLINE http::response answer(const json& data) {
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  const json body{{"data", data}, {"metadata", {{"fetched_at", to_text(now)}}}};
  return {.status = 200, .headers = {{"content-type", "application/json"}}, .body = body.dump()};
}

INNGEST_INLINE http::response refusal(int status, const std::string& problem) {
  const json body{{"error", problem}, {"data", nullptr}, {"status", status}};
  return {.status = status,
          .headers = {{"content-type", "application/json"}},
          .body = body.dump(-1, ' ', false, json::error_handler_t::replace)};
}

}  // namespace inngest::inline INNGEST_ABI::embedded::cancellation_api
