#pragma once

#include <optional>
#include <string>
#include <vector>

#include <inngest/ai/detail/answers.hpp>
#include <inngest/ai/detail/requests.hpp>
#include <inngest/ai/gateway.hpp>
#include <inngest/config.hpp>
#include <inngest/json.hpp>

// Anthropic.

namespace inngest::inline INNGEST_ABI::ai {

/// One message of a conversation.
struct anthropic_message {
  /// "user" or "assistant".
  std::string role;
  /// Text, or a list of content blocks.
  json content = nullptr;
  /// Fields without a member of their own.
  extra_fields extra{};
};
INNGEST_FIELDS(anthropic_message, role, content, extra)

/// A tool that the model may call.
struct anthropic_tool {
  /// The tool's name.
  std::string name;
  /// Tells the model when and how to use it.
  std::optional<std::string> description{};
  /// A JSON schema of the arguments.
  std::optional<json> input_schema{};
  /// Fields without a member of their own.
  extra_fields extra{};
};
INNGEST_FIELDS(anthropic_tool, name, description, input_schema, extra)

/// A request to Anthropic's messages endpoint.
struct anthropic_request {
  /// The conversation, oldest message first.
  std::vector<anthropic_message> messages;
  /// Default: the model's.
  std::optional<int> max_tokens{};
  /// Default: the model's.
  std::optional<std::string> model{};
  /// Text, or a list of text blocks.
  std::optional<json> system{};
  /// The sampling temperature; higher values are more random. Default: the model's.
  std::optional<double> temperature{};
  /// Nucleus sampling: the probability mass to sample from. Default: the model's.
  std::optional<double> top_p{};
  /// The number of most likely tokens to sample from. Default: the model's.
  std::optional<int> top_k{};
  /// The model stops when it generates one of these texts.
  std::optional<std::vector<std::string>> stop_sequences{};
  /// The tools that the model may call.
  std::optional<std::vector<anthropic_tool>> tools{};
  /// Such as {"type": "any"}.
  std::optional<json> tool_choice{};
  /// Fields without a member of their own.
  extra_fields extra{};
};
INNGEST_FIELDS(anthropic_request, messages, max_tokens, model, system, temperature, top_p, top_k,
               stop_sequences, tools, tool_choice, extra)

/// One block of an answer.
struct anthropic_block {
  /// "text", "tool_use", "thinking" and others.
  std::string type;
  /// The text of a text block.
  std::optional<std::string> text{};
  /// The id of a tool call, which the tool's result must repeat.
  std::optional<std::string> id{};
  /// The name of the called tool.
  std::optional<std::string> name{};
  /// The arguments of the call.
  std::optional<json> input{};
  /// Fields without a member of their own.
  extra_fields extra{};
};
INNGEST_FIELDS(anthropic_block, type, text, id, name, input, extra)

/// The tokens of a request and its answer.
struct anthropic_usage {
  /// The tokens of the request.
  int input_tokens = 0;
  /// The tokens of the answer.
  int output_tokens = 0;
  /// Fields without a member of their own.
  extra_fields extra{};
};
INNGEST_FIELDS(anthropic_usage, input_tokens, output_tokens, extra)
INNGEST_DEFAULTS(anthropic_usage, input_tokens, output_tokens)

/// Anthropic's answer.
struct anthropic_answer {
  /// The blocks, in order.
  std::vector<anthropic_block> content;
  /// The answer's id.
  std::optional<std::string> id{};
  /// The model that answered.
  std::optional<std::string> model{};
  /// "end_turn", "max_tokens", "stop_sequence", "tool_use" and others.
  std::optional<std::string> stop_reason{};
  /// The tokens used.
  std::optional<anthropic_usage> usage{};
  /// The error, when the provider answers with one.
  std::optional<json> error{};
  /// Fields without a member of their own.
  extra_fields extra{};
};
INNGEST_FIELDS(anthropic_answer, content, id, model, stop_reason, usage, error, extra)
INNGEST_DEFAULTS(anthropic_answer, content)

/// The text of all text blocks.
/// \throws non_retriable_error when the answer is an error.
std::string text(const anthropic_answer& answer);

/// The tools that the model calls.
std::vector<tool_call> tool_calls(const anthropic_answer& answer);

/// An Anthropic model.
struct anthropic {
  /// The request that can be written in braces.
  using request_type = anthropic_request;
  /// The type of the model's answer.
  using answer_type = anthropic_answer;
  /// The model's name, as the provider spells it.
  std::string model;
  /// The API key. Empty: the value of the environment variable ANTHROPIC_API_KEY.
  std::string api_key{};
  /// Used when the request has no max_tokens: Anthropic requires one.
  int max_tokens = 4096;
  /// The address of the API.
  std::string base_url = "https://api.anthropic.com/v1";
  /// The beta features to enable, sent in the header anthropic-beta.
  std::vector<std::string> beta_headers{};
  /// Fields added to requests that lack them.
  extra_fields default_parameters{};
};

/// Makes the request to the server; see ai::model for its exceptions.
template <json_writable Request>
gateway_request make_request(const anthropic& model, const Request& request) {
  gateway_request out{
      .url = detail::below(model.model, "base_url", model.base_url, "messages"),
      .headers = {{"anthropic-version", "2023-06-01"}},
      .auth_key = detail::key_or(model.api_key, "ANTHROPIC_API_KEY", model.model),
      .format = "anthropic",
      .body = detail::completed(encode(request, "request"), model.default_parameters,
                                {{"model", encode(model.model)}, {"max_tokens", encode(model.max_tokens)}})};
  std::string beta;
  for (const std::string& name : model.beta_headers) beta += (beta.empty() ? "" : ",") + name;
  if (!beta.empty()) out.headers.emplace_back("anthropic-beta", beta);
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::ai

#if !defined(INNGEST_COMPILED)
#include <inngest/ai/impl/anthropic.ipp>
#endif
