#pragma once

// Models, requests and answers for `ctx.step.ai.infer`, where the Inngest server calls the model:
//
//     namespace ai = inngest::ai;
//     ...
//     const ai::chat_request request{.messages = {{.role = "user", .content = "hi"}}};
//     const auto answer = ctx.step.ai.infer("greet", ai::openai{.model = "gpt-4o"}, request);
//     return ai::text(answer);
//
// Each provider has its own request and answer types, with the provider's names. Fields without a member are
// stored in `extra`, so you can use a provider's new parameters immediately. A request may also be an
// inngest::json or your own type with the provider's fields.

// IWYU pragma: begin_exports
#include <inngest/ai/anthropic.hpp>
#include <inngest/ai/azure_openai.hpp>
#include <inngest/ai/chat.hpp>
#include <inngest/ai/deepseek.hpp>
#include <inngest/ai/gateway.hpp>
#include <inngest/ai/gemini.hpp>
#include <inngest/ai/grok.hpp>
#include <inngest/ai/openai.hpp>
#include <inngest/ai/openai_compatible.hpp>
#include <inngest/ai/openai_responses.hpp>
// IWYU pragma: end_exports
