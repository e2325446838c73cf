#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdlib>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/detail/json_text.hpp>
#include <inngest/detail/keys.hpp>
#include <inngest/error.hpp>
#include <inngest/http.hpp>
#include <inngest/json.hpp>

// Models, requests and answers for `ctx.step.ai.infer`, which has the Inngest server call the model:
//
//     namespace ai = inngest::ai;
//     ...
//     const ai::chat_request request{.messages = {{.role = "user", .content = "hi"}}};
//     const auto answer = ctx.step.ai.infer("greet", ai::openai{.model = "gpt-4o"}, request);
//     return ai::text(answer);
//
// Each provider has its own request and answer, with the provider's names. They keep in `extra` what they
// have no member for, so a provider's newest parameter can be used. A request may also be an inngest::json,
// or a type of yours, of the provider's shape.

namespace inngest::ai {

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

namespace detail {

/// The text of a message: text itself, or that of its parts of the given type.
inline std::string text_of(const json& content, std::string_view type) {
  if (content.is_string()) return content.get<std::string>();
  std::string out;
  if (!content.is_array()) return out;
  for (const json& part : content) {
    if (part.is_object() && part.value("type", json()) == type && part.contains("text") &&
        part["text"].is_string())
      out += part["text"].get_ref<const std::string&>();
  }
  return out;
}

/// Some endpoints answer with status 200 and an error in the body.
inline void require_no_error(const std::optional<json>& error) {
  if (!error) return;
  const json* words = error->is_object() && error->contains("message") ? &error->at("message") : &*error;
  throw non_retriable_error("the model's provider answered with an error: " +
                            (words->is_string() ? words->get<std::string>() : encode(*error)));
}

}  // namespace detail

// ---- OpenAI's chat format -------------------------------------------------------------------------------

struct chat_function_call {
  std::string name;
  /// JSON, as the model wrote it.
  std::string arguments{};
  extra_fields extra{};
};
INNGEST_FIELDS(chat_function_call, name, arguments, extra)
INNGEST_DEFAULTS(chat_function_call, arguments)

struct chat_tool_call {
  std::string id;
  std::string type = "function";
  chat_function_call function{};
  extra_fields extra{};
};
INNGEST_FIELDS(chat_tool_call, id, type, function, extra)
INNGEST_DEFAULTS(chat_tool_call, id, type, function)

struct chat_message {
  /// "system", "developer", "user", "assistant" or "tool".
  std::string role;
  /// Text, or a list of parts such as images.
  std::optional<json> content{};
  std::optional<std::vector<chat_tool_call>> tool_calls{};
  /// In a message of the role "tool": the call that it answers.
  std::optional<std::string> tool_call_id{};
  extra_fields extra{};
};
INNGEST_FIELDS(chat_message, role, content, tool_calls, tool_call_id, extra)
INNGEST_DEFAULTS(chat_message, role)

struct chat_function {
  std::string name;
  std::optional<std::string> description{};
  /// A JSON schema of the arguments.
  std::optional<json> parameters{};
  std::optional<bool> strict{};
  extra_fields extra{};
};
INNGEST_FIELDS(chat_function, name, description, parameters, strict, extra)

struct chat_tool {
  std::string type = "function";
  chat_function function{};
  extra_fields extra{};
};
INNGEST_FIELDS(chat_tool, type, function, extra)
INNGEST_DEFAULTS(chat_tool, type)

struct chat_request {
  std::vector<chat_message> messages;
  /// Default: the model's.
  std::optional<std::string> model{};
  std::optional<double> temperature{};
  std::optional<double> top_p{};
  /// What endpoints other than OpenAI's have; OpenAI's newer models refuse it.
  std::optional<int> max_tokens{};
  /// What OpenAI has instead.
  std::optional<int> max_completion_tokens{};
  std::optional<std::vector<std::string>> stop{};
  std::optional<std::vector<chat_tool>> tools{};
  /// "auto", "none", "required", or an object that names a tool.
  std::optional<json> tool_choice{};
  std::optional<bool> parallel_tool_calls{};
  /// Such as {"type": "json_schema", "json_schema": {...}}.
  std::optional<json> response_format{};
  std::optional<int> seed{};
  extra_fields extra{};
};
INNGEST_FIELDS(chat_request, messages, model, temperature, top_p, max_tokens, max_completion_tokens, stop,
               tools, tool_choice, parallel_tool_calls, response_format, seed, extra)

struct chat_choice {
  int index = 0;
  chat_message message{};
  /// "stop", "length", "tool_calls" or "content_filter".
  std::optional<std::string> finish_reason{};
  extra_fields extra{};
};
INNGEST_FIELDS(chat_choice, index, message, finish_reason, extra)
INNGEST_DEFAULTS(chat_choice, index, message)

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
  /// The model that answered: often a dated name of the one that was asked.
  std::optional<std::string> model{};
  std::optional<chat_usage> usage{};
  /// There instead of choices when an endpoint says with status 200 that it failed.
  std::optional<json> error{};
  extra_fields extra{};
};
INNGEST_FIELDS(chat_answer, choices, id, model, usage, error, extra)
INNGEST_DEFAULTS(chat_answer, choices)

/// A message's text; empty when it has none.
inline std::string text(const chat_message& message) {
  return message.content ? detail::text_of(*message.content, "text") : std::string();
}

/// The text of the first choice; empty when the model gave none, as when it calls a tool.
/// \throws non_retriable_error when the answer is an error.
inline std::string text(const chat_answer& answer) {
  detail::require_no_error(answer.error);
  return answer.choices.empty() ? std::string() : text(answer.choices.front().message);
}

/// The tools that the first choice calls.
inline std::vector<tool_call> tool_calls(const chat_answer& answer) {
  std::vector<tool_call> out;
  if (answer.choices.empty() || !answer.choices.front().message.tool_calls) return out;
  for (const chat_tool_call& each : *answer.choices.front().message.tool_calls)
    out.push_back({each.id, each.function.name, each.function.arguments});
  return out;
}

// ---- OpenAI's responses format --------------------------------------------------------------------------

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
inline std::string text(const responses_answer& answer) {
  detail::require_no_error(answer.error);
  std::string out;
  for (const responses_item& each : answer.output) {
    if (each.type == "message" && each.content) out += detail::text_of(*each.content, "output_text");
  }
  return out;
}

/// The functions that the model calls.
inline std::vector<tool_call> tool_calls(const responses_answer& answer) {
  std::vector<tool_call> out;
  for (const responses_item& each : answer.output) {
    if (each.type == "function_call")
      out.push_back({each.call_id.value_or(""), each.name.value_or(""), each.arguments.value_or("")});
  }
  return out;
}

// ---- Anthropic's format ---------------------------------------------------------------------------------

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
inline std::string text(const anthropic_answer& answer) {
  detail::require_no_error(answer.error);
  std::string out;
  for (const anthropic_block& each : answer.content) {
    if (each.type == "text") out += each.text.value_or("");
  }
  return out;
}

/// The tools that the model calls.
inline std::vector<tool_call> tool_calls(const anthropic_answer& answer) {
  std::vector<tool_call> out;
  for (const anthropic_block& each : answer.content) {
    if (each.type == "tool_use")
      out.push_back(
          {each.id.value_or(""), each.name.value_or(""), encode(each.input.value_or(json::object()))});
  }
  return out;
}

// ---- Gemini's format, whose names are in camel case -----------------------------------------------------

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
inline std::string text(const gemini_answer& answer) {
  detail::require_no_error(answer.error);
  std::string out;
  if (answer.candidates.empty()) return out;
  for (const gemini_part& each : answer.candidates.front().content.parts) {
    if (!each.thought.value_or(false)) out += each.text.value_or("");
  }
  return out;
}

/// The functions that the first candidate calls.
inline std::vector<tool_call> tool_calls(const gemini_answer& answer) {
  std::vector<tool_call> out;
  if (answer.candidates.empty()) return out;
  for (const gemini_part& each : answer.candidates.front().content.parts) {
    if (each.functionCall)
      out.push_back({"", each.functionCall->name, encode(each.functionCall->args.value_or(json::object()))});
  }
  return out;
}

// ---- models ---------------------------------------------------------------------------------------------

/// Any endpoint that speaks OpenAI's chat format. It may need no key.
struct openai_compatible {
  using request_type = chat_request;
  using answer_type = chat_answer;
  std::string model;
  /// Such as "https://llm.example.com/v1". A query in it stays at the end of the URL.
  std::string base_url;
  std::string api_key{};
  /// Fields of requests that don't have them.
  extra_fields default_parameters{};
  /// Sent beside Content-Type and Authorization, never instead of them.
  std::vector<std::pair<std::string, std::string>> headers{};
};

/// api_key: OPENAI_API_KEY when empty.
struct openai {
  using request_type = chat_request;
  using answer_type = chat_answer;
  std::string model;
  std::string api_key{};
  std::string base_url = "https://api.openai.com/v1";
  /// Fields of requests that don't have them.
  extra_fields default_parameters{};
};

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

/// api_key: AZURE_OPENAI_API_KEY when empty.
struct azure_openai {
  using request_type = chat_request;
  using answer_type = chat_answer;
  std::string model;
  /// Such as "https://name.openai.azure.com".
  std::string endpoint;
  std::string deployment;
  /// Such as "2024-06-01".
  std::string api_version;
  std::string api_key{};
  /// Fields of requests that don't have them.
  extra_fields default_parameters{};
};

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

/// api_key: XAI_API_KEY when empty.
struct grok {
  using request_type = chat_request;
  using answer_type = chat_answer;
  std::string model;
  std::string api_key{};
  std::string base_url = "https://api.x.ai/v1";
  /// Fields of requests that don't have them.
  extra_fields default_parameters{};
};

/// api_key: DEEPSEEK_API_KEY when empty.
struct deepseek {
  using request_type = chat_request;
  using answer_type = chat_answer;
  std::string model;
  std::string api_key{};
  std::string base_url = "https://api.deepseek.com/v1";
  /// Fields of requests that don't have them.
  extra_fields default_parameters{};
};

namespace detail {

[[noreturn]] inline void refuse(const std::string& model, const std::string& problem) {
  throw configuration_error("model \"" + model + "\": " + problem);
}

/// The address of a path below a base URL. `option` names the base in errors.
inline std::string below(const std::string& model, const char* option, const std::string& base,
                         const std::string& path) {
  const std::size_t scheme = base.starts_with("https://") ? 8 : base.starts_with("http://") ? 7 : 0;
  if (scheme == 0 || base.size() == scheme || base[scheme] == '/')
    refuse(model, std::string(option) + " must be an http or https URL, not \"" + base + "\"");
  const std::size_t query = std::min(base.find('?'), base.size());
  std::string out = base.substr(0, query);
  if (!out.ends_with('/')) out += '/';
  out += path;
  if (query + 1 < base.size()) out += (path.find('?') == path.npos ? '?' : '&') + base.substr(query + 1);
  return out;
}

/// The key that was given, or the provider's usual variable's.
inline std::string key_or(const std::string& given, const char* variable, const std::string& model) {
  std::string key = inngest::detail::trimmed(given);
  const char* found = key.empty() ? std::getenv(variable) : nullptr;
  if (found != nullptr) key = inngest::detail::trimmed(found);
  if (inngest::detail::has_control_characters(key)) refuse(model, "the API key has line breaks in it");
  if (!key.empty()) return key;
  refuse(model, std::string("no API key: set api_key or the environment variable ") + variable);
}

/// Gives an object the members it lacks. Gemini has most parameters one or two objects deep.
inline void fill_in(json& body, const json& defaults) {
  for (const auto& [name, value] : defaults.items()) {
    if (!body.contains(name))
      body[name] = value;
    else if ((name == "generationConfig" || name == "thinkingConfig") && body[name].is_object() &&
             value.is_object())
      fill_in(body[name], value);
  }
}

/// A request's JSON, complete: a member that it lacks is that of the defaults, then that of `required`, where
/// empty text means none.
inline std::string completed(std::string body, const extra_fields& defaults,
                             std::initializer_list<std::pair<std::string_view, std::string>> required) {
  if (!body.starts_with('{')) throw payload_error("request", "a request to a model must be a JSON object");
  if (!defaults.empty()) {
    json all = inngest::detail::parse_dom(body);
    fill_in(all, json(static_cast<const std::map<std::string, json>&>(defaults)));
    body = encode(all, "request");
  }
  const inngest::detail::json_buffer buffer(body);
  if (inngest::detail::find_member(buffer, "stream") == "true")
    throw payload_error("request.stream",
                        "the server reads an answer as one JSON text, so it can't be streamed");
  std::string missing;
  for (const auto& [name, value] : required) {
    if (value != "\"\"" && inngest::detail::find_member(buffer, name).empty())
      missing += (missing.empty() ? "\"" : ",\"") + std::string(name) + "\":" + value;
  }
  if (missing.empty()) return body;
  return body == "{}" ? "{" + missing + "}" : "{" + missing + "," + body.substr(1);
}

/// What most providers have in common.
inline gateway_request chat(const std::string& model, const std::string& url, std::string key,
                            const char* format, std::string body, const extra_fields& defaults) {
  return {.url = url,
          .auth_key = std::move(key),
          .format = format,
          .body = completed(std::move(body), defaults, {{"model", encode(model)}})};
}

}  // namespace detail

/// What a model and a request are on the wire. A model type of your own needs one too, beside the type.
/// \throws configuration_error for a key that is missing or an address that is none; payload_error for a
/// request that is no object, or asks for a stream.
template <json_writable Request>
gateway_request make_request(const openai_compatible& model, const Request& request) {
  gateway_request out =
      detail::chat(model.model, detail::below(model.model, "base_url", model.base_url, "chat/completions"),
                   model.api_key, "openai-chat", encode(request, "request"), model.default_parameters);
  out.headers = model.headers;
  return out;
}
template <json_writable Request>
gateway_request make_request(const openai& model, const Request& request) {
  return detail::chat(model.model, detail::below(model.model, "base_url", model.base_url, "chat/completions"),
                      detail::key_or(model.api_key, "OPENAI_API_KEY", model.model), "openai-chat",
                      encode(request, "request"), model.default_parameters);
}
template <json_writable Request>
gateway_request make_request(const openai_responses& model, const Request& request) {
  return detail::chat(model.model, detail::below(model.model, "base_url", model.base_url, "responses"),
                      detail::key_or(model.api_key, "OPENAI_API_KEY", model.model), "openai-responses",
                      encode(request, "request"), model.default_parameters);
}
/// The key is sent twice: the server sends every format that it does not know a bearer token, and Azure reads
/// the header api-key.
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
  for (const std::string& each : model.beta_headers) beta += (beta.empty() ? "" : ",") + each;
  if (!beta.empty()) out.headers.emplace_back("anthropic-beta", beta);
  return out;
}
/// The key is not in the URL, which whoever looks at the run can see: the server adds it when it calls.
template <json_writable Request>
gateway_request make_request(const gemini& model, const Request& request) {
  if (model.model.empty()) throw configuration_error("a gemini model needs its name: it is part of the URL");
  return {.url = detail::below(model.model, "base_url", model.base_url,
                               "models/" + http::percent_encoded(model.model) + ":generateContent"),
          .auth_key = detail::key_or(model.api_key, "GEMINI_API_KEY", model.model),
          .format = "gemini",
          .body = detail::completed(encode(request, "request"), model.default_parameters, {})};
}
template <json_writable Request>
gateway_request make_request(const grok& model, const Request& request) {
  return detail::chat(model.model, detail::below(model.model, "base_url", model.base_url, "chat/completions"),
                      detail::key_or(model.api_key, "XAI_API_KEY", model.model), "grok",
                      encode(request, "request"), model.default_parameters);
}
template <json_writable Request>
gateway_request make_request(const deepseek& model, const Request& request) {
  return detail::chat(model.model, detail::below(model.model, "base_url", model.base_url, "chat/completions"),
                      detail::key_or(model.api_key, "DEEPSEEK_API_KEY", model.model), "openai-chat",
                      encode(request, "request"), model.default_parameters);
}

/// What step.ai.infer takes: a type with an answer_type, whose make_request is found beside it. With a
/// request_type, too, a request can be written in braces.
template <class T>
concept model = json_convertible<typename T::answer_type> && requires(const T& value, const json& request) {
  { make_request(value, request) } -> std::same_as<gateway_request>;
};

}  // namespace inngest::ai
