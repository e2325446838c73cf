#pragma once

#include <concepts>
#include <string>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/json.hpp>

// Shared by all providers: the request to the Inngest server, and tool calls in answers.

namespace inngest::inline INNGEST_ABI::ai {

/// The model request that the Inngest server makes: it posts the body to the URL.
struct gateway_request {
  /// The address that the server calls.
  std::string url;
  /// Additional headers. They never replace Content-Type or the key's header.
  std::vector<std::pair<std::string, std::string>> headers{};
  /// The API key. The server sends it as the format requires: as x-api-key for "anthropic", as a URL
  /// parameter for "gemini", as the whole Authorization header for "bedrock", and as a bearer token for other
  /// formats.
  std::string auth_key{};
  /// "openai-chat", "openai-responses", "azure-openai", "anthropic", "gemini", "grok" or "bedrock".
  std::string format{};
  /// The request body, JSON text.
  std::string body{};
};

/// A tool call requested by the model, in one form for all providers.
struct tool_call {
  /// The call's id, which the tool's result must repeat; empty for Gemini.
  std::string id;
  /// The tool's name.
  std::string name;
  /// JSON text as the model wrote it: decode it into your tool's type.
  std::string arguments;
};

/// A model for step.ai.infer: a type with an answer_type and, in its namespace, a function `gateway_request
/// make_request(const Model&, const Request&)`. If it also has a request_type, requests can be written in
/// braces. The make_request functions of the models in this library throw configuration_error for a missing
/// key or an invalid URL, and payload_error for a request that is not a JSON object or asks for a streamed
/// answer.
template <class T>
concept model = json_convertible<typename T::answer_type> && requires(const T& value, const json& request) {
  { make_request(value, request) } -> std::same_as<gateway_request>;
};

}  // namespace inngest::inline INNGEST_ABI::ai
