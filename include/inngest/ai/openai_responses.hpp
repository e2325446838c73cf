#pragma once

#include <optional>
#include <string>
#include <vector>

#include <inngest/ai/detail/answers.hpp>
#include <inngest/ai/detail/requests.hpp>
#include <inngest/ai/gateway.hpp>
#include <inngest/config.hpp>
#include <inngest/json.hpp>

// OpenAI, by its "responses" endpoint.

namespace inngest::inline INNGEST_ABI::ai {

struct responses_tool {
  /// "function", or one of the provider's own such as "web_search".
  std::string type = "function";
  std::optional<std::string> name{};
  std::optional<std::string> description{};
  /// A JSON schema of the arguments.
  std::optional<json> parameters{};
  std::optional<bool> strict{};
  extra_fields extra{};
};
INNGEST_FIELDS(responses_tool, type, name, description, parameters, strict, extra)

struct responses_request {
  /// Text, or a list of messages and other items.
  json input;
  /// Default: the model's.
  std::optional<std::string> model{};
  /// What a system message is elsewhere.
  std::optional<std::string> instructions{};
  std::optional<double> temperature{};
  std::optional<double> top_p{};
  std::optional<int> max_output_tokens{};
  std::optional<std::vector<responses_tool>> tools{};
  /// "auto", "none", "required", or an object that names a tool.
  std::optional<json> tool_choice{};
  /// Such as {"effort": "low"}.
  std::optional<json> reasoning{};
  /// The answer's form, such as {"format": {"type": "json_schema", ...}}.
  std::optional<json> text{};
  /// Goes on with the conversation of an earlier answer.
  std::optional<std::string> previous_response_id{};
  std::optional<bool> store{};
  extra_fields extra{};
};
INNGEST_FIELDS(responses_request, input, model, instructions, temperature, top_p, max_output_tokens, tools,
               tool_choice, reasoning, text, previous_response_id, store, extra)

struct responses_item {
  /// "message", "function_call", "reasoning" and others.
  std::string type;
  std::optional<std::string> role{};
  /// A message's parts.
  std::optional<json> content{};
  /// A call's function, its arguments as JSON text, and what its result must name.
  std::optional<std::string> name{};
  std::optional<std::string> arguments{};
  std::optional<std::string> call_id{};
  extra_fields extra{};
};
INNGEST_FIELDS(responses_item, type, role, content, name, arguments, call_id, extra)

struct responses_usage {
  int input_tokens = 0;
  int output_tokens = 0;
  int total_tokens = 0;
  extra_fields extra{};
};
INNGEST_FIELDS(responses_usage, input_tokens, output_tokens, total_tokens, extra)
INNGEST_DEFAULTS(responses_usage, input_tokens, output_tokens, total_tokens)

struct responses_answer {
  std::vector<responses_item> output;
  std::optional<std::string> id{};
  std::optional<std::string> model{};
  /// "completed", "incomplete" or "failed".
  std::optional<std::string> status{};
  std::optional<responses_usage> usage{};
  std::optional<json> error{};
  extra_fields extra{};
};
INNGEST_FIELDS(responses_answer, output, id, model, status, usage, error, extra)
INNGEST_DEFAULTS(responses_answer, output)

/// The text of all messages.
/// \throws non_retriable_error when the answer is an error.
std::string text(const responses_answer& answer);

/// The functions that the model calls.
std::vector<tool_call> tool_calls(const responses_answer& answer);

/// OpenAI's newer "responses" endpoint. api_key: OPENAI_API_KEY when empty.
struct openai_responses {
  using request_type = responses_request;
  using answer_type = responses_answer;
  std::string model;
  std::string api_key{};
  std::string base_url = "https://api.openai.com/v1";
  /// Fields of requests that don't have them.
  extra_fields default_parameters{};
};

/// The request to the server; for what it throws see ai::model.
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
