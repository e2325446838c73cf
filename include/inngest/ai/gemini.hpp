#pragma once

#include <optional>
#include <string>
#include <vector>

#include <inngest/ai/detail/answers.hpp>
#include <inngest/ai/detail/requests.hpp>
#include <inngest/ai/gateway.hpp>
#include <inngest/config.hpp>
#include <inngest/error.hpp>
#include <inngest/http.hpp>
#include <inngest/json.hpp>

// Google's Gemini. The JSON names of its format are in camel case.

namespace inngest::inline INNGEST_ABI::ai {

/// A function call in an answer.
struct gemini_function_call {
  /// The function's name.
  std::string name;
  /// The arguments, a JSON object.
  std::optional<json> args{};
  /// Fields without a member of their own.
  extra_fields extra{};
};
INNGEST_FIELDS(gemini_function_call, name, args, extra)

/// One part of a message; one of its members is set.
struct gemini_part {
  /// Text.
  std::optional<std::string> text{};
  /// Whether the text is the model's thinking, not its answer.
  std::optional<bool> thought{};
  /// A function call by the model.
  std::optional<gemini_function_call> function_call{};
  /// {"name": ..., "response": {...}}
  std::optional<json> function_response{};
  /// {"mimeType": ..., "data": base64}
  std::optional<json> inline_data{};
  /// Fields without a member of their own.
  extra_fields extra{};
};
INNGEST_CAMEL_FIELDS(gemini_part, text, thought, function_call, function_response, inline_data, extra)

/// One message of a conversation.
struct gemini_content {
  /// The parts of the message, in order.
  std::vector<gemini_part> parts;
  /// "user" or "model".
  std::optional<std::string> role{};
  /// Fields without a member of their own.
  extra_fields extra{};
};
INNGEST_FIELDS(gemini_content, parts, role, extra)
INNGEST_DEFAULTS(gemini_content, parts)

/// A function that the model may call.
struct gemini_function {
  /// The function's name.
  std::string name;
  /// Tells the model when and how to use it.
  std::optional<std::string> description{};
  /// A schema of the arguments.
  std::optional<json> parameters{};
  /// Fields without a member of their own.
  extra_fields extra{};
};
INNGEST_FIELDS(gemini_function, name, description, parameters, extra)

/// A group of functions that the model may call.
struct gemini_tool {
  /// The functions.
  std::optional<std::vector<gemini_function>> function_declarations{};
  /// Fields without a member of their own.
  extra_fields extra{};
};
INNGEST_CAMEL_FIELDS(gemini_tool, function_declarations, extra)

/// How the model generates its answer.
struct gemini_generation_config {
  /// The sampling temperature; higher values are more random. Default: the model's.
  std::optional<double> temperature{};
  /// Nucleus sampling: the probability mass to sample from. Default: the model's.
  std::optional<double> top_p{};
  /// The number of most likely tokens to sample from. Default: the model's.
  std::optional<int> top_k{};
  /// The maximum number of generated tokens. Default: the model's.
  std::optional<int> max_output_tokens{};
  /// The model stops when it generates one of these texts.
  std::optional<std::vector<std::string>> stop_sequences{};
  /// "application/json" with a schema.
  std::optional<std::string> response_mime_type{};
  /// The schema that a JSON answer follows.
  std::optional<json> response_schema{};
  /// Settings of the model's thinking.
  std::optional<json> thinking_config{};
  /// Fields without a member of their own.
  extra_fields extra{};
};
INNGEST_CAMEL_FIELDS(gemini_generation_config, temperature, top_p, top_k, max_output_tokens, stop_sequences,
                     response_mime_type, response_schema, thinking_config, extra)

/// A request to Gemini's generateContent endpoint.
struct gemini_request {
  /// The conversation, oldest message first.
  std::vector<gemini_content> contents;
  /// The system message.
  std::optional<gemini_content> system_instruction{};
  /// How the model generates its answer.
  std::optional<gemini_generation_config> generation_config{};
  /// The tools that the model may call.
  std::optional<std::vector<gemini_tool>> tools{};
  /// Which functions the model may or must call.
  std::optional<json> tool_config{};
  /// Fields without a member of their own.
  extra_fields extra{};
};
INNGEST_CAMEL_FIELDS(gemini_request, contents, system_instruction, generation_config, tools, tool_config,
                     extra)

/// One of the alternatives in an answer.
struct gemini_candidate {
  /// The message of the model.
  gemini_content content{};
  /// "STOP", "MAX_TOKENS", "SAFETY" and others.
  std::optional<std::string> finish_reason{};
  /// Fields without a member of their own.
  extra_fields extra{};
};
INNGEST_CAMEL_FIELDS(gemini_candidate, content, finish_reason, extra)
INNGEST_DEFAULTS(gemini_candidate, content)

/// The tokens of a request and its answer.
struct gemini_usage {
  /// The tokens of the request.
  int prompt_token_count = 0;
  /// The tokens of the answer.
  int candidates_token_count = 0;
  /// The sum of both.
  int total_token_count = 0;
  /// Fields without a member of their own.
  extra_fields extra{};
};
INNGEST_CAMEL_FIELDS(gemini_usage, prompt_token_count, candidates_token_count, total_token_count, extra)
INNGEST_DEFAULTS(gemini_usage, prompt_token_count, candidates_token_count, total_token_count)

/// Gemini's answer.
struct gemini_answer {
  /// Empty when the prompt was blocked: see prompt_feedback.
  std::vector<gemini_candidate> candidates;
  /// The tokens used.
  std::optional<gemini_usage> usage_metadata{};
  /// Why the prompt was blocked.
  std::optional<json> prompt_feedback{};
  /// The error, when the provider answers with one.
  std::optional<json> error{};
  /// Fields without a member of their own.
  extra_fields extra{};
};
INNGEST_CAMEL_FIELDS(gemini_answer, candidates, usage_metadata, prompt_feedback, error, extra)
INNGEST_DEFAULTS(gemini_answer, candidates)

/// The text of the first candidate, without its thinking.
/// \throws non_retriable_error when the answer is an error.
std::string text(const gemini_answer& answer);

/// The functions that the first candidate calls.
std::vector<tool_call> tool_calls(const gemini_answer& answer);

/// A Gemini model.
struct gemini {
  /// The request that can be written in braces.
  using request_type = gemini_request;
  /// The type of the model's answer.
  using answer_type = gemini_answer;
  /// The model's name, as the provider spells it.
  std::string model;
  /// The API key. Empty: the value of the environment variable GEMINI_API_KEY.
  std::string api_key{};
  /// The address of the API.
  std::string base_url = "https://generativelanguage.googleapis.com/v1beta";
  /// Fields added to requests that lack them. The fields of generationConfig are added individually.
  extra_fields default_parameters{};
};

/// Makes the request to the server; see ai::model for its exceptions. The URL does not contain the key,
/// because everyone who can see the run can see the URL. The server adds the key when it makes the call.
template <json_writable Request>
gateway_request make_request(const gemini& model, const Request& request) {
  if (model.model.empty()) throw configuration_error("a gemini model needs its name: it is part of the URL");
  return {.url = detail::below(model.model, "base_url", model.base_url,
                               "models/" + http::percent_encoded(model.model) + ":generateContent"),
          .auth_key = detail::key_or(model.api_key, "GEMINI_API_KEY", model.model),
          .format = "gemini",
          .body = detail::completed(encode(request, "request"), model.default_parameters, {})};
}

}  // namespace inngest::inline INNGEST_ABI::ai

#if !defined(INNGEST_COMPILED)
#include <inngest/ai/impl/gemini.ipp>
#endif
