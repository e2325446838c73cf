#pragma once

#include <concepts>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/detail/json_text.hpp>
#include <inngest/error.hpp>
#include <inngest/http.hpp>
#include <inngest/json.hpp>

// Models, requests and answers for `ctx.step.ai.infer`, which has the Inngest server call the model:
//
//     auto answer = ctx.step.ai.infer("summarize", inngest::ai::openai{.model = "gpt-4o"},
//                                     inngest::ai::chat_request{.messages = {{.role = "user", .content =
//                                     text}}});
//     return inngest::ai::text(answer);
//
// Every type keeps in `extra` what it has no member for, so that a provider's newest parameter can be used. A
// request may also be an inngest::json of the provider's own shape.

namespace inngest::ai {

/// A request as it is told to the server.
struct gateway_request {
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string auth_key{};
  /// "openai-chat", "openai-responses", "azure-openai", "anthropic", "gemini" or "grok".
  std::string format{};
  std::string body{};  // JSON
};

// ---- OpenAI's chat format -------------------------------------------------------------------------------

struct chat_message {
  std::string role;
  std::optional<std::string> content{};
  /// Calls of tools that the model asks for; or, in a message of the role "tool", which one it answers.
  std::optional<std::vector<json>> tool_calls{};
  std::optional<std::string> tool_call_id{};
  extra_fields extra{};
};
INNGEST_FIELDS(chat_message, role, content, tool_calls, tool_call_id, extra)

struct chat_request {
  std::vector<chat_message> messages;
  std::optional<std::string> model{};
  std::optional<double> temperature{};
  std::optional<double> top_p{};
  std::optional<int> max_completion_tokens{};
  std::optional<std::vector<std::string>> stop{};
  std::optional<std::vector<json>> tools{};
  std::optional<json> tool_choice{};
  std::optional<json> response_format{};
  extra_fields extra{};
};
INNGEST_FIELDS(chat_request, messages, model, temperature, top_p, max_completion_tokens, stop, tools,
               tool_choice, response_format, extra)

struct chat_choice {
  int index = 0;
  chat_message message{};
  std::optional<std::string> finish_reason{};
  extra_fields extra{};
};
INNGEST_FIELDS(chat_choice, index, message, finish_reason, extra)
INNGEST_DEFAULTS(chat_choice, index)

struct chat_usage {
  int prompt_tokens = 0;
  int completion_tokens = 0;
  int total_tokens = 0;
  extra_fields extra{};
};
INNGEST_FIELDS(chat_usage, prompt_tokens, completion_tokens, total_tokens, extra)
INNGEST_DEFAULTS(chat_usage, prompt_tokens, completion_tokens, total_tokens)

struct chat_answer {
  std::vector<chat_choice> choices;
  std::optional<std::string> id{};
  std::optional<std::string> model{};
  std::optional<chat_usage> usage{};
  extra_fields extra{};
};
INNGEST_FIELDS(chat_answer, choices, id, model, usage, extra)

/// The text of the first choice; empty when the model gave none.
inline std::string text(const chat_answer& answer) {
  return answer.choices.empty() ? std::string() : answer.choices.front().message.content.value_or("");
}

// ---- Anthropic's format ---------------------------------------------------------------------------------

struct anthropic_message {
  std::string role;
  /// Text, or a list of content blocks.
  json content = nullptr;
};
INNGEST_FIELDS(anthropic_message, role, content)

struct anthropic_request {
  std::vector<anthropic_message> messages;
  int max_tokens = 4096;
  std::optional<std::string> model{};
  std::optional<json> system{};
  std::optional<double> temperature{};
  std::optional<double> top_p{};
  std::optional<std::vector<std::string>> stop_sequences{};
  std::optional<std::vector<json>> tools{};
  std::optional<json> tool_choice{};
  extra_fields extra{};
};
INNGEST_FIELDS(anthropic_request, messages, max_tokens, model, system, temperature, top_p, stop_sequences,
               tools, tool_choice, extra)

struct anthropic_block {
  /// "text", "tool_use" and others.
  std::string type;
  std::optional<std::string> text{};
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
  std::optional<std::string> stop_reason{};
  std::optional<anthropic_usage> usage{};
  extra_fields extra{};
};
INNGEST_FIELDS(anthropic_answer, content, id, model, stop_reason, usage, extra)

/// The text of all text blocks.
inline std::string text(const anthropic_answer& answer) {
  std::string out;
  for (const anthropic_block& each : answer.content) out += each.text.value_or("");
  return out;
}

// ---- Gemini's format ------------------------------------------------------------------------------------

struct gemini_part {
  std::optional<std::string> text{};
  extra_fields extra{};
};
INNGEST_FIELDS(gemini_part, text, extra)

struct gemini_content {
  std::vector<gemini_part> parts;
  std::optional<std::string> role{};
  extra_fields extra{};
};
INNGEST_FIELDS(gemini_content, parts, role, extra)
INNGEST_DEFAULTS(gemini_content, parts)

struct gemini_request {
  std::vector<gemini_content> contents;
  std::optional<gemini_content> systemInstruction{};
  std::optional<json> generationConfig{};
  std::optional<std::vector<json>> tools{};
  extra_fields extra{};
};
INNGEST_FIELDS(gemini_request, contents, systemInstruction, generationConfig, tools, extra)

struct gemini_candidate {
  gemini_content content{};
  std::optional<std::string> finishReason{};
  extra_fields extra{};
};
INNGEST_FIELDS(gemini_candidate, content, finishReason, extra)
INNGEST_DEFAULTS(gemini_candidate, content)

struct gemini_answer {
  std::vector<gemini_candidate> candidates;
  std::optional<json> usageMetadata{};
  extra_fields extra{};
};
INNGEST_FIELDS(gemini_answer, candidates, usageMetadata, extra)
INNGEST_DEFAULTS(gemini_answer, candidates)

/// The text of the first candidate.
inline std::string text(const gemini_answer& answer) {
  std::string out;
  if (answer.candidates.empty()) return out;
  for (const gemini_part& each : answer.candidates.front().content.parts) out += each.text.value_or("");
  return out;
}

// ---- models ---------------------------------------------------------------------------------------------

/// Any endpoint that speaks OpenAI's chat format.
struct openai_compatible {
  using answer_type = chat_answer;
  std::string model;
  /// Such as "https://llm.example.com/v1".
  std::string base_url;
  std::string api_key{};
};

/// api_key: OPENAI_API_KEY when empty.
struct openai {
  using answer_type = chat_answer;
  std::string model;
  std::string api_key{};
  std::string base_url = "https://api.openai.com/v1";
};

/// OpenAI's newer "responses" endpoint; requests and answers are JSON.
struct openai_responses {
  using answer_type = json;
  std::string model;
  std::string api_key{};
  std::string base_url = "https://api.openai.com/v1";
};

/// api_key: AZURE_OPENAI_API_KEY when empty.
struct azure_openai {
  using answer_type = chat_answer;
  std::string model;
  /// Such as "https://name.openai.azure.com".
  std::string endpoint;
  std::string deployment;
  std::string api_version;
  std::string api_key{};
};

/// api_key: ANTHROPIC_API_KEY when empty.
struct anthropic {
  using answer_type = anthropic_answer;
  std::string model;
  std::string api_key{};
  std::string base_url = "https://api.anthropic.com/v1";
  /// Names of features that are not open to everybody yet.
  std::vector<std::string> beta_headers{};
};

/// api_key: GEMINI_API_KEY when empty.
struct gemini {
  using answer_type = gemini_answer;
  std::string model;
  std::string api_key{};
  std::string base_url = "https://generativelanguage.googleapis.com/v1beta";
};

/// api_key: XAI_API_KEY when empty.
struct grok {
  using answer_type = chat_answer;
  std::string model;
  std::string api_key{};
  std::string base_url = "https://api.x.ai/v1";
};

/// api_key: DEEPSEEK_API_KEY when empty.
struct deepseek {
  using answer_type = chat_answer;
  std::string model;
  std::string api_key{};
  std::string base_url = "https://api.deepseek.com/v1";
};

namespace detail {

inline std::string joined(std::string base, std::string_view path) {
  if (!base.ends_with('/')) base += '/';
  return base + std::string(path);
}

/// The key that was given, or the provider's usual variable's.
inline std::string key_or(const std::string& given, const char* variable, const std::string& model) {
  if (!given.empty()) return given;
  const char* found = std::getenv(variable);
  if (found != nullptr && *found != '\0') return found;
  throw configuration_error("model \"" + model + "\" has no API key: set api_key or " + variable);
}

/// The request's JSON with the model's name, unless it names one itself.
template <json_writable Request>
std::string body_of(const Request& request, const std::string& model) {
  std::string out = encode(request, "request");
  if (!out.starts_with('{')) throw payload_error("request", "a request to a model must be a JSON object");
  const inngest::detail::json_buffer buffer(out);
  if (model.empty() || !inngest::detail::find_member(buffer, "model").empty()) return out;
  const std::string named = "{\"model\":" + encode(model);
  return out == "{}" ? named + "}" : named + "," + out.substr(1);
}

}  // namespace detail

/// What a model and a request are on the wire. Write one for a model type of your own, beside the type.
/// \throws configuration_error when a key is missing.
template <json_writable Request>
gateway_request make_request(const openai_compatible& model, const Request& request) {
  return {.url = detail::joined(model.base_url, "chat/completions"),
          .auth_key = model.api_key,
          .format = "openai-chat",
          .body = detail::body_of(request, model.model)};
}
template <json_writable Request>
gateway_request make_request(const openai& model, const Request& request) {
  return make_request(
      openai_compatible{.model = model.model,
                        .base_url = model.base_url,
                        .api_key = detail::key_or(model.api_key, "OPENAI_API_KEY", model.model)},
      request);
}
template <json_writable Request>
gateway_request make_request(const openai_responses& model, const Request& request) {
  return {.url = detail::joined(model.base_url, "responses"),
          .auth_key = detail::key_or(model.api_key, "OPENAI_API_KEY", model.model),
          .format = "openai-responses",
          .body = detail::body_of(request, model.model)};
}
template <json_writable Request>
gateway_request make_request(const azure_openai& model, const Request& request) {
  const std::string key = detail::key_or(model.api_key, "AZURE_OPENAI_API_KEY", model.model);
  return {
      .url = detail::joined(model.endpoint,
                            "openai/deployments/" + http::percent_encoded(model.deployment) +
                                "/chat/completions?api-version=" + http::percent_encoded(model.api_version)),
      .headers = {{"api-key", key}, {"Content-Type", "application/json"}},
      .auth_key = key,
      .format = "azure-openai",
      .body = detail::body_of(request, model.model)};
}
template <json_writable Request>
gateway_request make_request(const anthropic& model, const Request& request) {
  gateway_request out{.url = detail::joined(model.base_url, "messages"),
                      .headers = {{"anthropic-version", "2023-06-01"}},
                      .auth_key = detail::key_or(model.api_key, "ANTHROPIC_API_KEY", model.model),
                      .format = "anthropic",
                      .body = detail::body_of(request, model.model)};
  std::string beta;
  for (const std::string& each : model.beta_headers) beta += (beta.empty() ? "" : ",") + each;
  if (!beta.empty()) out.headers.emplace_back("anthropic-beta", beta);
  return out;
}
/// The key is not in the URL, which is shown by the server: the server adds it to its own request.
template <json_writable Request>
gateway_request make_request(const gemini& model, const Request& request) {
  return {.url = detail::joined(model.base_url,
                                "models/" + http::percent_encoded(model.model) + ":generateContent"),
          .auth_key = detail::key_or(model.api_key, "GEMINI_API_KEY", model.model),
          .format = "gemini",
          .body = detail::body_of(request, {})};
}
template <json_writable Request>
gateway_request make_request(const grok& model, const Request& request) {
  return {.url = detail::joined(model.base_url, "chat/completions"),
          .auth_key = detail::key_or(model.api_key, "XAI_API_KEY", model.model),
          .format = "grok",
          .body = detail::body_of(request, model.model)};
}
template <json_writable Request>
gateway_request make_request(const deepseek& model, const Request& request) {
  return make_request(
      openai_compatible{.model = model.model,
                        .base_url = model.base_url,
                        .api_key = detail::key_or(model.api_key, "DEEPSEEK_API_KEY", model.model)},
      request);
}

}  // namespace inngest::ai
