#pragma once

#include <inngest/ai/gemini.hpp>
#include <inngest/config.hpp>

namespace inngest::inline INNGEST_ABI::ai {

INNGEST_INLINE std::string text(const gemini_answer& answer) {
  detail::require_no_error(answer.error);
  std::string out;
  if (answer.candidates.empty()) return out;
  for (const gemini_part& part : answer.candidates.front().content.parts) {
    if (!part.thought.value_or(false)) out += part.text.value_or("");
  }
  return out;
}

INNGEST_INLINE std::vector<tool_call> tool_calls(const gemini_answer& answer) {
  std::vector<tool_call> out;
  if (answer.candidates.empty()) return out;
  for (const gemini_part& part : answer.candidates.front().content.parts) {
    if (part.function_call)
      out.push_back(
          {"", part.function_call->name, encode(part.function_call->args.value_or(json::object()))});
  }
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::ai
