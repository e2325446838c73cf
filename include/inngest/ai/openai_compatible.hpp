#pragma once

#include <string>
#include <utility>
#include <vector>

#include <inngest/ai/chat.hpp>
#include <inngest/ai/detail/requests.hpp>
#include <inngest/ai/gateway.hpp>
#include <inngest/config.hpp>
#include <inngest/json.hpp>

// Any other endpoint that speaks OpenAI's chat format.

namespace inngest::inline INNGEST_ABI::ai {

/// Any endpoint that speaks OpenAI's chat format. It may need no key.
struct openai_compatible {
  using request_type = chat_request;
  using answer_type = chat_answer;
  std::string model;
  /// Such as "https://llm.example.com/v1". A query in it stays at the end of the URL.
  std::string base_url;
  std::string api_key{};
  /// Fields of requests that don't have them.
  extra_fields default_parameters{};
  /// Sent beside Content-Type and Authorization, never instead of them.
  std::vector<std::pair<std::string, std::string>> headers{};
};

/// The request to the server; for what it throws see ai::model.
template <json_writable Request>
gateway_request make_request(const openai_compatible& model, const Request& request) {
  gateway_request out =
      detail::chat(model.model, detail::below(model.model, "base_url", model.base_url, "chat/completions"),
                   model.api_key, "openai-chat", encode(request, "request"), model.default_parameters);
  out.headers = model.headers;
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::ai
