#pragma once

#include <inngest/config.hpp>
#include <inngest/protocol/api.hpp>

namespace inngest::inline INNGEST_ABI::protocol {

INNGEST_INLINE std::string refusal(const http::response& answer) {
  for (const char* key : {"error", "message"}) {
    std::string text = detail::find_text(answer.body.substr(0, 64 * 1024), key);
    if (!text.empty()) return std::to_string(answer.status) + " " + text;
  }
  return std::to_string(answer.status);
}

INNGEST_INLINE void expect_success(const http::response& answer, const std::string& what) {
  if (answer.status >= 200 && answer.status < 300) return;
  if (answer.status == 401 || answer.status == 403)
    throw unauthorized(what + ": the signing key was refused: " + refusal(answer));
  throw request_rejected(what + ": the server answered " + refusal(answer), answer.status);
}

INNGEST_INLINE http::request json_request(std::string path, std::string body) {
  return {.method = "POST",
          .url = std::move(path),
          .headers = {{"content-type", "application/json"}},
          .body = std::move(body)};
}

INNGEST_INLINE http::request signal_request(std::string_view signal, std::string_view data) {
  detail::require_name(signal, "the name of a signal");
  return json_request("/v1/signals",
                      detail::json_object_text().add_exact("signal", signal).add_raw("data", data).text());
}

INNGEST_INLINE std::optional<std::string> read_signal_answer(const http::response& answer) {
  if (answer.status == 404) return std::nullopt;
  expect_success(answer, "sending a signal");
  const detail::json_buffer body(answer.body);
  const std::string run = detail::find_text(detail::find_member(body, "data"), "run_id");
  return run.empty() ? std::nullopt : std::optional<std::string>(run);
}

INNGEST_INLINE http::request publish_request(std::string_view channel, std::string_view topic,
                                             std::string_view run_id, std::string data) {
  detail::require_name(channel, "the channel");
  detail::require_name(topic, "the topic");
  std::string path = "/v1/realtime/publish?channel=" + http::percent_encoded(channel);
  if (!run_id.empty()) path += "&run_id=" + http::percent_encoded(run_id);
  return json_request(path + "&topic=" + http::percent_encoded(topic), std::move(data));
}

INNGEST_INLINE std::string metadata_object(std::string_view scope, std::string_view kind,
                                           std::string_view change, std::string_view values) {
  detail::json_object_text out;
  if (!scope.empty()) out.add("scope", scope);
  return out.add_exact("kind", kind).add("op", change).add_raw("values", values).text();
}

INNGEST_INLINE http::request metadata_request(std::string_view run_id, std::string_view step_id,
                                              const std::string& metadata) {
  detail::json_object_text target;
  target.add_if("step_id", step_id);
  return json_request("/v1/runs/" + http::percent_encoded(run_id) + "/metadata",
                      detail::json_object_text()
                          .add_raw("target", target.text())
                          .add_raw("metadata", "[" + metadata + "]")
                          .text());
}

INNGEST_INLINE std::string score_values(std::string_view name, double value) {
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
  std::string number;
  detail::codec<double>::write(number, value, detail::json_path("value"));
  return detail::json_object_text()
      .add_raw(name, detail::json_object_text().add_raw("value", number).text())
      .text();
}

}  // namespace inngest::inline INNGEST_ABI::protocol
