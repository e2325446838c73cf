#pragma once

#include <inngest/ai/chat.hpp>
#include <inngest/config.hpp>

namespace inngest::inline INNGEST_ABI::ai {

INNGEST_INLINE std::string text(const chat_message& message) {
  return message.content ? detail::text_of(*message.content, "text") : std::string();
}

INNGEST_INLINE std::string text(const chat_answer& answer) {
  detail::require_no_error(answer.error);
  return answer.choices.empty() ? std::string() : text(answer.choices.front().message);
}

INNGEST_INLINE std::vector<tool_call> tool_calls(const chat_answer& answer) {
  std::vector<tool_call> out;
  if (answer.choices.empty() || !answer.choices.front().message.tool_calls) return out;
  for (const chat_tool_call& call : *answer.choices.front().message.tool_calls)
    out.push_back({call.id, call.function.name, call.function.arguments});
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::ai
