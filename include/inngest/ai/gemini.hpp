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

// Google's Gemini. The names of its format are in camel case.

namespace inngest::inline INNGEST_ABI::ai {

struct gemini_function_call {
  std::string name;
  std::optional<json> args{};
  extra_fields extra{};
};
INNGEST_FIELDS(gemini_function_call, name, args, extra)

struct gemini_part {
  std::optional<std::string> text{};
  /// Whether the text is the model's thinking, not its answer.
  std::optional<bool> thought{};
  std::optional<gemini_function_call> functionCall{};
  /// {"name": ..., "response": {...}}
  std::optional<json> functionResponse{};
  /// {"mimeType": ..., "data": base64}
  std::optional<json> inlineData{};
  extra_fields extra{};
};
INNGEST_FIELDS(gemini_part, text, thought, functionCall, functionResponse, inlineData, extra)

struct gemini_content {
  std::vector<gemini_part> parts;
  /// "user" or "model".
  std::optional<std::string> role{};
  extra_fields extra{};
};
INNGEST_FIELDS(gemini_content, parts, role, extra)
INNGEST_DEFAULTS(gemini_content, parts)

struct gemini_function {
  std::string name;
  std::optional<std::string> description{};
  /// A schema of the arguments.
  std::optional<json> parameters{};
  extra_fields extra{};
};
INNGEST_FIELDS(gemini_function, name, description, parameters, extra)

struct gemini_tool {
  std::optional<std::vector<gemini_function>> functionDeclarations{};
  extra_fields extra{};
};
INNGEST_FIELDS(gemini_tool, functionDeclarations, extra)

struct gemini_generation_config {
  std::optional<double> temperature{};
  std::optional<double> topP{};
  std::optional<int> topK{};
  std::optional<int> maxOutputTokens{};
  std::optional<std::vector<std::string>> stopSequences{};
  /// "application/json" with a schema.
  std::optional<std::string> responseMimeType{};
  std::optional<json> responseSchema{};
  std::optional<json> thinkingConfig{};
  extra_fields extra{};
};
INNGEST_FIELDS(gemini_generation_config, temperature, topP, topK, maxOutputTokens, stopSequences,
               responseMimeType, responseSchema, thinkingConfig, extra)

struct gemini_request {
  std::vector<gemini_content> contents;
  std::optional<gemini_content> systemInstruction{};
  std::optional<gemini_generation_config> generationConfig{};
  std::optional<std::vector<gemini_tool>> tools{};
  std::optional<json> toolConfig{};
  extra_fields extra{};
};
INNGEST_FIELDS(gemini_request, contents, systemInstruction, generationConfig, tools, toolConfig, extra)

struct gemini_candidate {
  gemini_content content{};
  /// "STOP", "MAX_TOKENS", "SAFETY" and others.
  std::optional<std::string> finishReason{};
  extra_fields extra{};
};
INNGEST_FIELDS(gemini_candidate, content, finishReason, extra)
INNGEST_DEFAULTS(gemini_candidate, content)

struct gemini_usage {
  int promptTokenCount = 0;
  int candidatesTokenCount = 0;
  int totalTokenCount = 0;
  extra_fields extra{};
};
INNGEST_FIELDS(gemini_usage, promptTokenCount, candidatesTokenCount, totalTokenCount, extra)
INNGEST_DEFAULTS(gemini_usage, promptTokenCount, candidatesTokenCount, totalTokenCount)

struct gemini_answer {
  /// None when the prompt was blocked: promptFeedback then says why.
  std::vector<gemini_candidate> candidates;
  std::optional<gemini_usage> usageMetadata{};
  std::optional<json> promptFeedback{};
  std::optional<json> error{};
  extra_fields extra{};
};
INNGEST_FIELDS(gemini_answer, candidates, usageMetadata, promptFeedback, error, extra)
INNGEST_DEFAULTS(gemini_answer, candidates)

/// The text of the first candidate, without its thinking.
/// \throws non_retriable_error when the answer is an error.
std::string text(const gemini_answer& answer);

/// The functions that the first candidate calls.
std::vector<tool_call> tool_calls(const gemini_answer& answer);

/// api_key: GEMINI_API_KEY when empty.
struct gemini {
  using request_type = gemini_request;
  using answer_type = gemini_answer;
  std::string model;
  std::string api_key{};
  std::string base_url = "https://generativelanguage.googleapis.com/v1beta";
  /// Fields of requests that don't have them; those of generationConfig one by one.
  extra_fields default_parameters{};
};

/// The request to the server; for what it throws see ai::model. The key is not in the URL, which whoever
/// looks at the run can see: the server adds it when it calls.
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
