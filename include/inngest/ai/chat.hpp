#pragma once

#include <optional>
#include <string>
#include <vector>

#include <inngest/ai/detail/answers.hpp>
#include <inngest/ai/gateway.hpp>
#include <inngest/config.hpp>
#include <inngest/json.hpp>

// OpenAI's chat format, which most other providers also accept.

namespace inngest::inline INNGEST_ABI::ai {

/// The function that a tool call names, and its arguments.
struct chat_function_call {
  /// The function's name.
  std::string name;
  /// The arguments as JSON text, as the model wrote it.
  std::string arguments{};
  /// Fields without a member of their own.
  extra_fields extra{};
};
INNGEST_FIELDS(chat_function_call, name, arguments, extra)
INNGEST_DEFAULTS(chat_function_call, arguments)

/// A tool call in an answer.
struct chat_tool_call {
  /// The call's id, which the tool's result must repeat.
  std::string id;
  /// Always "function" today.
  std::string type = "function";
  /// The called function.
  chat_function_call function{};
  /// Fields without a member of their own.
  extra_fields extra{};
};
INNGEST_FIELDS(chat_tool_call, id, type, function, extra)
INNGEST_DEFAULTS(chat_tool_call, id, type, function)

/// One message of a conversation.
struct chat_message {
  /// "system", "developer", "user", "assistant" or "tool".
  std::string role;
  /// Text, or a list of parts such as images.
  std::optional<json> content{};
  /// The tools that the model calls.
  std::optional<std::vector<chat_tool_call>> tool_calls{};
  /// The call that a message of the role "tool" answers.
  std::optional<std::string> tool_call_id{};
  /// Fields without a member of their own.
  extra_fields extra{};
};
INNGEST_FIELDS(chat_message, role, content, tool_calls, tool_call_id, extra)
INNGEST_DEFAULTS(chat_message, role)

/// A function that the model may call.
struct chat_function {
  /// The function's name.
  std::string name;
  /// Tells the model when and how to use it.
  std::optional<std::string> description{};
  /// A JSON schema of the arguments.
  std::optional<json> parameters{};
  /// Whether arguments must follow the schema exactly.
  std::optional<bool> strict{};
  /// Fields without a member of their own.
  extra_fields extra{};
};
INNGEST_FIELDS(chat_function, name, description, parameters, strict, extra)

/// A tool that the model may call.
struct chat_tool {
  /// Always "function" today.
  std::string type = "function";
  /// The function.
  chat_function function{};
  /// Fields without a member of their own.
  extra_fields extra{};
};
INNGEST_FIELDS(chat_tool, type, function, extra)
INNGEST_DEFAULTS(chat_tool, type)

/// A request to a chat completions endpoint.
struct chat_request {
  /// The conversation, oldest message first.
  std::vector<chat_message> messages;
  /// Default: the model's.
  std::optional<std::string> model{};
  /// The sampling temperature; higher values are more random. Default: the model's.
  std::optional<double> temperature{};
  /// Nucleus sampling: the probability mass to sample from. Default: the model's.
  std::optional<double> top_p{};
  /// The maximum number of generated tokens. OpenAI's newer models refuse it: use max_completion_tokens.
  std::optional<int> max_tokens{};
  /// The maximum number of generated tokens for OpenAI's newer models.
  std::optional<int> max_completion_tokens{};
  /// The model stops when it generates one of these texts.
  std::optional<std::vector<std::string>> stop{};
  /// The tools that the model may call.
  std::optional<std::vector<chat_tool>> tools{};
  /// "auto", "none", "required", or an object that names a tool.
  std::optional<json> tool_choice{};
  /// Whether one answer may call several tools.
  std::optional<bool> parallel_tool_calls{};
  /// Such as {"type": "json_schema", "json_schema": {...}}.
  std::optional<json> response_format{};
  /// Makes answers more repeatable.
  std::optional<int> seed{};
  /// Fields without a member of their own.
  extra_fields extra{};
};
INNGEST_FIELDS(chat_request, messages, model, temperature, top_p, max_tokens, max_completion_tokens, stop,
               tools, tool_choice, parallel_tool_calls, response_format, seed, extra)

/// One of the alternatives in an answer.
struct chat_choice {
  /// The choice's place in the list.
  int index = 0;
  /// The message of the model.
  chat_message message{};
  /// "stop", "length", "tool_calls" or "content_filter".
  std::optional<std::string> finish_reason{};
  /// Fields without a member of their own.
  extra_fields extra{};
};
INNGEST_FIELDS(chat_choice, index, message, finish_reason, extra)
INNGEST_DEFAULTS(chat_choice, index, message)

/// The tokens of a request and its answer.
struct chat_usage {
  /// The tokens of the request.
  int prompt_tokens = 0;
  /// The tokens of the answer.
  int completion_tokens = 0;
  /// The sum of both.
  int total_tokens = 0;
  /// Fields without a member of their own.
  extra_fields extra{};
};
INNGEST_FIELDS(chat_usage, prompt_tokens, completion_tokens, total_tokens, extra)
INNGEST_DEFAULTS(chat_usage, prompt_tokens, completion_tokens, total_tokens)

/// The answer of a chat completions endpoint.
struct chat_answer {
  /// The alternatives; one unless the request asks for more.
  std::vector<chat_choice> choices;
  /// The answer's id.
  std::optional<std::string> id{};
  /// The model that answered; often a dated name of the requested one.
  std::optional<std::string> model{};
  /// The tokens used.
  std::optional<chat_usage> usage{};
  /// Replaces the choices when an endpoint reports a failure with status 200.
  std::optional<json> error{};
  /// Fields without a member of their own.
  extra_fields extra{};
};
INNGEST_FIELDS(chat_answer, choices, id, model, usage, error, extra)
INNGEST_DEFAULTS(chat_answer, choices)

/// A message's text; empty when it has none.
std::string text(const chat_message& message);

/// The text of the first choice; empty when there is none, for example for a tool call.
/// \throws non_retriable_error when the answer is an error.
std::string text(const chat_answer& answer);

/// The tools that the first choice calls.
std::vector<tool_call> tool_calls(const chat_answer& answer);

}  // namespace inngest::inline INNGEST_ABI::ai

#if !defined(INNGEST_COMPILED)
#include <inngest/ai/impl/chat.ipp>
#endif
