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

/// An OpenAI model on Azure.
struct azure_openai {
  /// The request that can be written in braces.
  using request_type = chat_request;
  /// The type of the model's answer.
  using answer_type = chat_answer;
  /// The model's name, as the provider spells it.
  std::string model;
  /// Such as "https://name.openai.azure.com".
  std::string endpoint;
  /// The name of the deployment.
  std::string deployment;
  /// Such as "2024-06-01".
  std::string api_version;
  /// The API key. Empty: the value of the environment variable AZURE_OPENAI_API_KEY.
  std::string api_key{};
  /// Fields added to requests that lack them.
  extra_fields default_parameters{};
};

/// Makes the request to the server; see ai::model for its exceptions. The key is sent twice: the server sends
/// a bearer token for formats that it does not know, while Azure reads the header api-key.
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
