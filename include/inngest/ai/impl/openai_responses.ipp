#pragma once

#include <inngest/ai/openai_responses.hpp>
#include <inngest/config.hpp>

namespace inngest::inline INNGEST_ABI::ai {

INNGEST_INLINE std::string text(const responses_answer& answer) {
  detail::require_no_error(answer.error);
  std::string out;
  for (const responses_item& item : answer.output) {
    if (item.type == "message" && item.content) out += detail::text_of(*item.content, "output_text");
  }
  return out;
}

INNGEST_INLINE std::vector<tool_call> tool_calls(const responses_answer& answer) {
  std::vector<tool_call> out;
  for (const responses_item& item : answer.output) {
    if (item.type == "function_call")
      out.push_back({item.call_id.value_or(""), item.name.value_or(""), item.arguments.value_or("")});
  }
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::ai
