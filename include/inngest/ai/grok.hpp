#pragma once

#include <string>

#include <inngest/ai/chat.hpp>
#include <inngest/ai/detail/requests.hpp>
#include <inngest/ai/gateway.hpp>
#include <inngest/config.hpp>
#include <inngest/json.hpp>

// xAI's Grok.

namespace inngest::inline INNGEST_ABI::ai {

/// api_key: XAI_API_KEY when empty.
struct grok {
  using request_type = chat_request;
  using answer_type = chat_answer;
  std::string model;
  std::string api_key{};
  std::string base_url = "https://api.x.ai/v1";
  /// Fields of requests that don't have them.
  extra_fields default_parameters{};
};

/// The request to the server; for what it throws see ai::model.
template <json_writable Request>
gateway_request make_request(const grok& model, const Request& request) {
  return detail::chat(model.model, detail::below(model.model, "base_url", model.base_url, "chat/completions"),
                      detail::key_or(model.api_key, "XAI_API_KEY", model.model), "grok",
                      encode(request, "request"), model.default_parameters);
}

}  // namespace inngest::inline INNGEST_ABI::ai
