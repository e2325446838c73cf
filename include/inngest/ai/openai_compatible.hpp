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

/// Any endpoint that speaks OpenAI's chat format, with or without a key.
struct openai_compatible {
  /// The request that can be written in braces.
  using request_type = chat_request;
  /// The type of the model's answer.
  using answer_type = chat_answer;
  /// The model's name, as the provider spells it.
  std::string model;
  /// The address of the API, such as "https://llm.example.com/v1". Its query is moved to the end of the URL.
  std::string base_url;
  /// The API key; empty for an endpoint without one.
  std::string api_key{};
  /// Fields added to requests that lack them.
  extra_fields default_parameters{};
  /// Additional headers. They never replace Content-Type or Authorization.
  std::vector<std::pair<std::string, std::string>> headers{};
};

/// Makes the request to the server; see ai::model for its exceptions.
template <json_writable Request>
gateway_request make_request(const openai_compatible& model, const Request& request) {
  gateway_request out =
      detail::chat(model.model, detail::below(model.model, "base_url", model.base_url, "chat/completions"),
                   model.api_key, "openai-chat", encode(request, "request"), model.default_parameters);
  out.headers = model.headers;
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::ai
