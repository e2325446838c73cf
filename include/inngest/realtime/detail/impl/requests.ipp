#pragma once

#include <inngest/config.hpp>
#include <inngest/error.hpp>
#include <inngest/json/detail/text.hpp>
#include <inngest/protocol/api.hpp>
#include <inngest/protocol/headers.hpp>
#include <inngest/protocol/signature.hpp>
#include <inngest/realtime/detail/requests.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE void check_topics(const std::string& channel, const std::vector<std::string>& topics) {
  require_name(channel, "the channel");
  if (topics.empty())
    throw configuration_error("no topic of channel \"" + channel + "\" is named: name at least one");
  for (const std::string& topic : topics) require_name(topic, "the topic");
}

INNGEST_INLINE http::request token_request(const std::string& channel,
                                           const std::vector<std::string>& topics) {
  check_topics(channel, topics);
  std::string list;
  for (const std::string& topic : topics) {
    json_object_text item;
    item.add_exact("channel", channel).add_exact("name", topic).add("kind", "run");
    list += (list.empty() ? "[" : ",") + item.text();
  }
  return protocol::json_request("/v1/realtime/token", list + "]");
}

INNGEST_INLINE std::string read_token(const http::response& answer, const std::string& channel) {
  protocol::expect_success(answer, "asking for a token for \"" + channel + "\"");
  std::string out = find_text(answer.body, "jwt");
  if (out.empty()) throw protocol_error("the answer to a request for a realtime token has no \"jwt\"");
  return out;
}

INNGEST_INLINE void add_key(http::request& request, const std::string& key) {
  if (!key.empty())
    request.headers.add(protocol::header::authorization, "Bearer " + protocol::hashed_signing_key(key));
}

INNGEST_INLINE void refuse_subscription(const http::response& answer) {
  if (answer.status == 401 || answer.status == 403)
    throw unauthorized("the server refused the realtime token: " + protocol::refusal(answer));
  if (answer.status == 200)
    throw protocol_error("the answer to a subscription is not a stream of events (text/event-stream)");
  throw request_rejected("subscribing: the server answered " + protocol::refusal(answer), answer.status);
}

}  // namespace inngest::inline INNGEST_ABI::detail
