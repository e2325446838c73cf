#pragma once

#include <optional>
#include <string>
#include <vector>

#include <inngest/inngest.hpp>

#include <studio/events.hpp>
#include <studio/knowledge.hpp>
#include <studio/services.hpp>

namespace studio {

struct synthesis_result {
  std::string status;
  std::optional<std::string> workspace_id{};
};
INNGEST_CAMEL_FIELDS(synthesis_result, status, workspace_id)

inline auto brand_intelligence_synthesize(const inngest::client& app, const services& world) {
  return app.create_function(
      {.id = "brand-intelligence-synthesize", .name = "Brand Intelligence Synthesis", .concurrency = 1},
      inngest::on<BrandSyncRequested>(),
      [world](inngest::context<BrandSyncRequested>& ctx) -> synthesis_result {
        const std::string& workspace = ctx.event.data.workspace_id;

        const auto knowledge = ctx.step.run(
            "fetch-knowledge", [&] { return world.data->fragments_of_workspace(workspace, 50); });
        if (knowledge.empty()) {
          ctx.step.run("clear-brand-summary", [&] { world.data->save_summary(workspace, ""); });
          return {.status = "cleared"};
        }

        const brand_dna dna = ctx.step.run("synthesize-dna", [&] {
          std::vector<std::string> material;
          for (const knowledge_fragment& fragment : knowledge) material.push_back(fragment.text);
          return synthesize(*world.model, material);
        });
        ctx.step.run("update-workspace-summary",
                     [&] { world.data->save_summary(workspace, inngest::encode(dna)); });
        return {.status = "synthesized", .workspace_id = workspace};
      });
}

}  // namespace studio
