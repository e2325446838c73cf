#pragma once

#include <optional>
#include <string>
#include <vector>

#include <inngest/ai/detail/answers.hpp>
#include <inngest/ai/detail/requests.hpp>
#include <inngest/ai/gateway.hpp>
#include <inngest/config.hpp>
#include <inngest/json.hpp>

// OpenAI's "responses" endpoint.

namespace inngest::inline INNGEST_ABI::ai {

/// A tool that the model may call.
struct responses_tool {
  /// "function", or one of the provider's own such as "web_search".
  std::string type = "function";
  /// The function's name.
  std::optional<std::string> name{};
  /// Tells the model when and how to use it.
  std::optional<std::string> description{};
  /// A JSON schema of the arguments.
  std::optional<json> parameters{};
  /// Whether arguments must follow the schema exactly.
  std::optional<bool> strict{};
  /// Fields without a member of their own.
  extra_fields extra{};
};
INNGEST_FIELDS(responses_tool, type, name, description, parameters, strict, extra)

/// A request to OpenAI's responses endpoint.
struct responses_request {
  /// Text, or a list of messages and other items.
  json input;
  /// Default: the model's.
  std::optional<std::string> model{};
  /// The system message.
  std::optional<std::string> instructions{};
  /// The sampling temperature; higher values are more random. Default: the model's.
  std::optional<double> temperature{};
  /// Nucleus sampling: the probability mass to sample from. Default: the model's.
  std::optional<double> top_p{};
  /// The maximum number of generated tokens. Default: the model's.
  std::optional<int> max_output_tokens{};
  /// The tools that the model may call.
  std::optional<std::vector<responses_tool>> tools{};
  /// "auto", "none", "required", or an object that names a tool.
  std::optional<json> tool_choice{};
  /// Such as {"effort": "low"}.
  std::optional<json> reasoning{};
  /// The answer's form, such as {"format": {"type": "json_schema", ...}}.
  std::optional<json> text{};
  /// Continues the conversation of this earlier answer.
  std::optional<std::string> previous_response_id{};
  /// Whether OpenAI stores the answer.
  std::optional<bool> store{};
  /// Fields without a member of their own.
  extra_fields extra{};
};
INNGEST_FIELDS(responses_request, input, model, instructions, temperature, top_p, max_output_tokens, tools,
               tool_choice, reasoning, text, previous_response_id, store, extra)

/// One item of an answer.
struct responses_item {
  /// "message", "function_call", "reasoning" and others.
  std::string type;
  /// "assistant" for a message.
  std::optional<std::string> role{};
  /// A message's parts.
  std::optional<json> content{};
  /// The name of the called function.
  std::optional<std::string> name{};
  /// The arguments of the call, as JSON text.
  std::optional<std::string> arguments{};
  /// The call's id, which the function's result must repeat.
  std::optional<std::string> call_id{};
  /// Fields without a member of their own.
  extra_fields extra{};
};
INNGEST_FIELDS(responses_item, type, role, content, name, arguments, call_id, extra)

/// The tokens of a request and its answer.
struct responses_usage {
  /// The tokens of the request.
  int input_tokens = 0;
  /// The tokens of the answer.
  int output_tokens = 0;
  /// The sum of both.
  int total_tokens = 0;
  /// Fields without a member of their own.
  extra_fields extra{};
};
INNGEST_FIELDS(responses_usage, input_tokens, output_tokens, total_tokens, extra)
INNGEST_DEFAULTS(responses_usage, input_tokens, output_tokens, total_tokens)

/// The answer of OpenAI's responses endpoint.
struct responses_answer {
  /// The items, in order.
  std::vector<responses_item> output;
  /// The answer's id.
  std::optional<std::string> id{};
  /// The model that answered.
  std::optional<std::string> model{};
  /// "completed", "incomplete" or "failed".
  std::optional<std::string> status{};
  /// The tokens used.
  std::optional<responses_usage> usage{};
  /// The error, when the provider answers with one.
  std::optional<json> error{};
  /// Fields without a member of their own.
  extra_fields extra{};
};
INNGEST_FIELDS(responses_answer, output, id, model, status, usage, error, extra)
INNGEST_DEFAULTS(responses_answer, output)

/// The text of all messages.
/// \throws non_retriable_error when the answer is an error.
std::string text(const responses_answer& answer);

/// The functions that the model calls.
std::vector<tool_call> tool_calls(const responses_answer& answer);

/// An OpenAI model, called through the newer "responses" endpoint.
struct openai_responses {
  /// The request that can be written in braces.
  using request_type = responses_request;
  /// The type of the model's answer.
  using answer_type = responses_answer;
  /// The model's name, as the provider spells it.
  std::string model;
  /// The API key. Empty: the value of the environment variable OPENAI_API_KEY.
  std::string api_key{};
  /// The address of the API.
  std::string base_url = "https://api.openai.com/v1";
  /// Fields added to requests that lack them.
  extra_fields default_parameters{};
};

/// Makes the request to the server; see ai::model for its exceptions.
template <json_writable Request>
gateway_request make_request(const openai_responses& model, const Request& request) {
  return detail::chat(model.model, detail::below(model.model, "base_url", model.base_url, "responses"),
                      detail::key_or(model.api_key, "OPENAI_API_KEY", model.model), "openai-responses",
                      encode(request, "request"), model.default_parameters);
}

}  // namespace inngest::inline INNGEST_ABI::ai

#if !defined(INNGEST_COMPILED)
#include <inngest/ai/impl/openai_responses.ipp>
#endif
