#pragma once

#include <string>

#include <inngest/ai/chat.hpp>
#include <inngest/ai/detail/requests.hpp>
#include <inngest/ai/gateway.hpp>
#include <inngest/config.hpp>
#include <inngest/json.hpp>

// DeepSeek.

namespace inngest::inline INNGEST_ABI::ai {

/// A DeepSeek model.
struct deepseek {
  /// The request that can be written in braces.
  using request_type = chat_request;
  /// The type of the model's answer.
  using answer_type = chat_answer;
  /// The model's name, as the provider spells it.
  std::string model;
  /// The API key. Empty: the value of the environment variable DEEPSEEK_API_KEY.
  std::string api_key{};
  /// The address of the API.
  std::string base_url = "https://api.deepseek.com/v1";
  /// Fields added to requests that lack them.
  extra_fields default_parameters{};
};

/// Makes the request to the server; see ai::model for its exceptions.
template <json_writable Request>
gateway_request make_request(const deepseek& model, const Request& request) {
  return detail::chat(model.model, detail::below(model.model, "base_url", model.base_url, "chat/completions"),
                      detail::key_or(model.api_key, "DEEPSEEK_API_KEY", model.model), "openai-chat",
                      encode(request, "request"), model.default_parameters);
}

}  // namespace inngest::inline INNGEST_ABI::ai
