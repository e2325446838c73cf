// The answers of models, as step.ai.infer gives them: each is refused with a place in it, or read. Then its
// text and its tool calls can be asked for, and it is written again so that it is read alike.
#include <inngest/ai.hpp>
#include <inngest/error.hpp>
#include <inngest/json.hpp>

#include <string>
#include <string_view>

#include "fuzz_check.hpp"
#include "targets.hpp"

namespace {

template <class Answer>
void check_answer(std::string_view text) {
  Answer answer;
  try {
    answer = inngest::decode<Answer>(text, "answer");
  } catch (const inngest::payload_error& refused) {
    FUZZ_CHECK(*refused.what() != '\0');
    return;
  }
  try {
    static_cast<void>(inngest::ai::text(answer));
  } catch (const inngest::error& told) {  // it has an error in it
    FUZZ_CHECK(*told.what() != '\0');
  }
  for (const inngest::ai::tool_call& call : inngest::ai::tool_calls(answer))
    FUZZ_CHECK(call.arguments.size() <= text.size() * 8);
  const std::string written = inngest::encode(answer);
  FUZZ_CHECK(inngest::encode(inngest::decode<Answer>(written, "answer")) == written);
}

}  // namespace

void targets::fuzz_ai_answer(std::string_view text) {
  check_answer<inngest::ai::chat_answer>(text);
  check_answer<inngest::ai::anthropic_answer>(text);
  check_answer<inngest::ai::gemini_answer>(text);
  check_answer<inngest::ai::responses_answer>(text);
}
