#pragma once

#include <inngest/ai/anthropic.hpp>
#include <inngest/config.hpp>

namespace inngest::inline INNGEST_ABI::ai {

INNGEST_INLINE std::string text(const anthropic_answer& answer) {
  detail::require_no_error(answer.error);
  std::string out;
  for (const anthropic_block& block : answer.content) {
    if (block.type == "text") out += block.text.value_or("");
  }
  return out;
}

INNGEST_INLINE std::vector<tool_call> tool_calls(const anthropic_answer& answer) {
  std::vector<tool_call> out;
  for (const anthropic_block& block : answer.content) {
    if (block.type == "tool_use")
      out.push_back(
          {block.id.value_or(""), block.name.value_or(""), encode(block.input.value_or(json::object()))});
  }
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::ai
