#pragma once

#include <concepts>
#include <string>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/json.hpp>

// What every provider's file has in common: a request to the Inngest server, and the calls of tools in
// answers.

namespace inngest::inline INNGEST_ABI::ai {

/// A request as it is told to the server, which posts the body to the URL.
struct gateway_request {
  std::string url;
  /// Sent beside Content-Type and the key's header, never instead of them.
  std::vector<std::pair<std::string, std::string>> headers{};
  /// The server sends it as the format wants: x-api-key for "anthropic", a parameter of the URL for "gemini",
  /// the whole Authorization for "bedrock", and a bearer token for every other format.
  std::string auth_key{};
  /// "openai-chat", "openai-responses", "azure-openai", "anthropic", "gemini", "grok" or "bedrock".
  std::string format{};
  /// JSON.
  std::string body{};
};

/// A call of a tool that the model asks for, whatever the provider.
struct tool_call {
  /// What the tool's result must name; Gemini gives none.
  std::string id;
  std::string name;
  /// JSON, as the model wrote it: decode it into the tool's own type.
  std::string arguments;
};

/// What step.ai.infer takes: a type with an answer_type and, in its namespace, a function
/// `gateway_request make_request(const Model&, const Request&)`. With a request_type, a request can be
/// written in braces. The make_request of the models here throws configuration_error for a missing key or an
/// address that is no URL, and payload_error for a request that is not a JSON object or asks for a streamed
/// answer.
template <class T>
concept model = json_convertible<typename T::answer_type> && requires(const T& value, const json& request) {
  { make_request(value, request) } -> std::same_as<gateway_request>;
};

}  // namespace inngest::inline INNGEST_ABI::ai
