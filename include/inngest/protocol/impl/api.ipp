#pragma once

#include <utility>

#include <inngest/config.hpp>
#include <inngest/protocol/api.hpp>

namespace inngest::inline INNGEST_ABI::protocol {

INNGEST_INLINE std::string refusal(const http::response& answer) {
  for (const char* key : {"error", "message"}) {
    std::string text = detail::find_text(answer.body.substr(0, 64 * 1024), key);
    if (!text.empty()) return std::to_string(answer.status) + " " + text;
  }
  constexpr std::string_view list = "{\"errors\":[";  // version 2: {"errors":[{"code","message"}]}
  if (const std::size_t end = answer.body.find('}'); answer.body.starts_with(list) && end < 64 * 1024) {
    const std::string text =
        detail::find_text(answer.body.substr(list.size(), end + 1 - list.size()), "message");
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

}  // namespace inngest::inline INNGEST_ABI::protocol
