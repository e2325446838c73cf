#pragma once

// A model summarizes documents, one call per document, and another call compares the summaries. The server,
// or the embedded engine, makes the calls, so no thread of the app waits for the model.

#include <chrono>
#include <string>
#include <vector>

#include <inngest/ai.hpp>
#include <inngest/inngest.hpp>

namespace patterns {

struct documents {
  std::string question;
  std::vector<std::string> texts;
};
INNGEST_FIELDS(documents, question, texts)
using documents_received = inngest::event<"research/documents.received", documents>;

inline auto compare_documents(const inngest::client& app, const inngest::ai::openai& model) {
  // [ai]
  return app.create_function(
      {.id = "compare-documents",
       .retries = 2,
       .throttle = inngest::throttle{.limit = 60, .period = std::chrono::minutes(1)}},
      inngest::on<documents_received>(), [model](inngest::context<documents_received>& ctx) {
        const auto ask = [&](const std::string& id, const std::string& request) {
          return text(ctx.step.ai.infer(id, model, {.messages = {{.role = "user", .content = request}}}));
        };
        std::vector<int> numbers;
        for (int i = 0; i < static_cast<int>(ctx.event.data.texts.size()); ++i) numbers.push_back(i);
        const std::vector<std::string> summaries = ctx.group.parallel(numbers, [&](int i) {
          return ask("summarize-" + std::to_string(i),
                     "Summarize: " + ctx.event.data.texts[static_cast<std::size_t>(i)]);
        });
        std::string all;
        for (const std::string& summary : summaries) all += summary + "\n";
        return ask("compare", ctx.event.data.question + "\n" + all);
      });
  // [ai]
}

}  // namespace patterns
