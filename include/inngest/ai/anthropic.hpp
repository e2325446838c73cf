#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <inngest/ai/detail/answers.hpp>
#include <inngest/ai/detail/requests.hpp>
#include <inngest/ai/gateway.hpp>
#include <inngest/config.hpp>
#include <inngest/json.hpp>

// Anthropic.

namespace inngest::inline INNGEST_ABI::ai {

struct anthropic_message {
  /// "user" or "assistant".
  std::string role;
  /// Text, or a list of content blocks.
  json content = nullptr;
  extra_fields extra{};
};
INNGEST_FIELDS(anthropic_message, role, content, extra)

struct anthropic_tool {
  std::string name;
  std::optional<std::string> description{};
  /// A JSON schema of the arguments.
  std::optional<json> input_schema{};
  extra_fields extra{};
};
INNGEST_FIELDS(anthropic_tool, name, description, input_schema, extra)

struct anthropic_request {
  std::vector<anthropic_message> messages;
  /// Default: the model's.
  std::optional<int> max_tokens{};
  /// Default: the model's.
  std::optional<std::string> model{};
  /// Text, or a list of text blocks.
  std::optional<json> system{};
  std::optional<double> temperature{};
  std::optional<double> top_p{};
  std::optional<int> top_k{};
  std::optional<std::vector<std::string>> stop_sequences{};
  std::optional<std::vector<anthropic_tool>> tools{};
  /// Such as {"type": "any"}.
  std::optional<json> tool_choice{};
  extra_fields extra{};
};
INNGEST_FIELDS(anthropic_request, messages, max_tokens, model, system, temperature, top_p, top_k,
               stop_sequences, tools, tool_choice, extra)

struct anthropic_block {
  /// "text", "tool_use", "thinking" and others.
  std::string type;
  std::optional<std::string> text{};
  /// A tool's call: what its result must name, the tool, and the arguments.
  std::optional<std::string> id{};
  std::optional<std::string> name{};
  std::optional<json> input{};
  extra_fields extra{};
};
INNGEST_FIELDS(anthropic_block, type, text, id, name, input, extra)

struct anthropic_usage {
  int input_tokens = 0;
  int output_tokens = 0;
  extra_fields extra{};
};
INNGEST_FIELDS(anthropic_usage, input_tokens, output_tokens, extra)
INNGEST_DEFAULTS(anthropic_usage, input_tokens, output_tokens)

struct anthropic_answer {
  std::vector<anthropic_block> content;
  std::optional<std::string> id{};
  std::optional<std::string> model{};
  /// "end_turn", "max_tokens", "stop_sequence", "tool_use" and others.
  std::optional<std::string> stop_reason{};
  std::optional<anthropic_usage> usage{};
  std::optional<json> error{};
  extra_fields extra{};
};
INNGEST_FIELDS(anthropic_answer, content, id, model, stop_reason, usage, error, extra)
INNGEST_DEFAULTS(anthropic_answer, content)

/// The text of all text blocks.
/// \throws non_retriable_error when the answer is an error.
std::string text(const anthropic_answer& answer);

/// The tools that the model calls.
std::vector<tool_call> tool_calls(const anthropic_answer& answer);

/// api_key: ANTHROPIC_API_KEY when empty.
struct anthropic {
  using request_type = anthropic_request;
  using answer_type = anthropic_answer;
  std::string model;
  std::string api_key{};
  /// Of requests that say nothing of it: the provider refuses one without.
  int max_tokens = 4096;
  std::string base_url = "https://api.anthropic.com/v1";
  /// Names of features that are not open to everybody yet.
  std::vector<std::string> beta_headers{};
  /// Fields of requests that don't have them.
  extra_fields default_parameters{};
};

/// The request to the server; for what it throws see ai::model.
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
