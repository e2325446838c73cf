#pragma once

#include <string>

#include <inngest/ai/chat.hpp>
#include <inngest/ai/detail/requests.hpp>
#include <inngest/ai/gateway.hpp>
#include <inngest/config.hpp>
#include <inngest/http.hpp>
#include <inngest/json.hpp>

// OpenAI's models on Azure.

namespace inngest::inline INNGEST_ABI::ai {

/// api_key: AZURE_OPENAI_API_KEY when empty.
struct azure_openai {
  using request_type = chat_request;
  using answer_type = chat_answer;
  std::string model;
  /// Such as "https://name.openai.azure.com".
  std::string endpoint;
  std::string deployment;
  /// Such as "2024-06-01".
  std::string api_version;
  std::string api_key{};
  /// Fields of requests that don't have them.
  extra_fields default_parameters{};
};

/// The request to the server; for what it throws see ai::model. The key is sent twice: the server sends every
/// format that it does not know a bearer token, and Azure reads the header api-key.
template <json_writable Request>
gateway_request make_request(const azure_openai& model, const Request& request) {
  if (model.deployment.empty()) detail::refuse(model.model, "deployment must not be empty");
  if (model.api_version.empty()) detail::refuse(model.model, "api_version must not be empty");
  const std::string path = "openai/deployments/" + http::percent_encoded(model.deployment) +
                           "/chat/completions?api-version=" + http::percent_encoded(model.api_version);
  gateway_request out =
      detail::chat(model.model, detail::below(model.model, "endpoint", model.endpoint, path),
                   detail::key_or(model.api_key, "AZURE_OPENAI_API_KEY", model.model), "azure-openai",
                   encode(request, "request"), model.default_parameters);
  out.headers = {{"api-key", out.auth_key}};
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::ai
