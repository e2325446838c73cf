#pragma once

#include <optional>
#include <string>
#include <vector>

#include <inngest/ai/detail/answers.hpp>
#include <inngest/ai/gateway.hpp>
#include <inngest/config.hpp>
#include <inngest/json.hpp>

// OpenAI's chat format, which most other providers speak too.

namespace inngest::inline INNGEST_ABI::ai {

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
std::string text(const chat_message& message);

/// The text of the first choice; empty when the model gave none, as when it calls a tool.
/// \throws non_retriable_error when the answer is an error.
std::string text(const chat_answer& answer);

/// The tools that the first choice calls.
std::vector<tool_call> tool_calls(const chat_answer& answer);

}  // namespace inngest::inline INNGEST_ABI::ai

#if !defined(INNGEST_COMPILED)
#include <inngest/ai/impl/chat.ipp>
#endif
