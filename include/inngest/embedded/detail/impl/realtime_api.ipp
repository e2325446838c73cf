#pragma once

#include <inngest/config.hpp>
#include <inngest/embedded/detail/realtime_api.hpp>
#include <inngest/json/detail/dom.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE http::response realtime_refusal(int status, std::string_view problem) {
  const json body{{"error", detail::to_printable(problem)}, {"status", status}};
  return {.status = status, .headers = {{"content-type", "application/json"}}, .body = encode(body)};
}

INNGEST_INLINE std::string realtime_token_of(const http::request& request) {
  std::string_view given = request.headers.find("authorization").value_or("");
  const bool is_bearer =
      given.size() > 7 && (given.substr(0, 7) == "Bearer " || given.substr(0, 7) == "bearer ");
  if (is_bearer) return std::string(given.substr(7));
  return request.query("token").value_or("");
}

INNGEST_INLINE std::vector<realtime_topic> read_topics(std::string_view body) {
  constexpr std::size_t most = 100;
  const json list = detail::parse_dom(body);
  if (!list.is_array() || list.empty() || list.size() > most)
    throw payload_error("body", "must be a list of 1 to " + std::to_string(most) + " topics");
  std::vector<realtime_topic> out;
  for (const json& topic : list) {
    const std::string at = "body[" + std::to_string(out.size()) + "]";
    for (const char* name : {"channel", "name"}) {
      const bool is_there = topic.is_object() && topic.contains(name) && topic[name].is_string();
      if (!is_there) throw payload_error(at + "." + name, "must be a text");
      detail::require_name(topic[name].get<std::string>(), at + "." + name);
    }
    out.emplace_back(topic["channel"].get<std::string>(), topic["name"].get<std::string>());
  }
  return out;
}

INNGEST_INLINE realtime::message message_of(const http::request& request) {
  realtime::message out{.channel = request.query("channel").value_or(""),
                        .topic = request.query("topic").value_or("")};
  detail::require_name(out.channel, "the channel");
  detail::require_name(out.topic, "the topic");
  out.run_id = detail::to_printable(request.query("run_id").value_or(""));
  return out;
}

INNGEST_INLINE bool is_stream(const http::request& request) {
  return request.headers.find("content-type").value_or("").starts_with("text/stream");
}

}  // namespace inngest::inline INNGEST_ABI::embedded
