#pragma once

#include <string>

#include <inngest/ai/chat.hpp>
#include <inngest/ai/detail/requests.hpp>
#include <inngest/ai/gateway.hpp>
#include <inngest/config.hpp>
#include <inngest/json.hpp>

// OpenAI, by its chat endpoint. For the newer one see openai_responses.hpp.

namespace inngest::inline INNGEST_ABI::ai {

/// api_key: OPENAI_API_KEY when empty.
struct openai {
  using request_type = chat_request;
  using answer_type = chat_answer;
  std::string model;
  std::string api_key{};
  std::string base_url = "https://api.openai.com/v1";
  /// Fields of requests that don't have them.
  extra_fields default_parameters{};
};

/// The request to the server; for what it throws see ai::model.
template <json_writable Request>
gateway_request make_request(const openai& model, const Request& request) {
  return detail::chat(model.model, detail::below(model.model, "base_url", model.base_url, "chat/completions"),
                      detail::key_or(model.api_key, "OPENAI_API_KEY", model.model), "openai-chat",
                      encode(request, "request"), model.default_parameters);
}

}  // namespace inngest::inline INNGEST_ABI::ai
