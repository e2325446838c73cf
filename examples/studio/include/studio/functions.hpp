#pragma once

#include <vector>

#include <inngest/inngest.hpp>

// IWYU pragma: begin_exports
#include <studio/functions/archive_vision_result.hpp>
#include <studio/functions/brand_ingestion.hpp>
#include <studio/functions/brand_intelligence_synthesize.hpp>
#include <studio/functions/brand_vision_sync.hpp>
#include <studio/functions/cleanup_old_blobs.hpp>
#include <studio/functions/cleanup_vision_temp.hpp>
#include <studio/functions/process_fashion_item.hpp>
#include <studio/functions/process_studio_workflow.hpp>
#include <studio/functions/process_workflow_run.hpp>
#include <studio/services.hpp>
// IWYU pragma: end_exports

namespace studio {

/// All functions of the studio, for a server.
inline std::vector<inngest::any_function> functions(const inngest::client& app, const services& world) {
  return {brand_ingestion(app, world),       brand_intelligence_synthesize(app, world),
          brand_vision_sync(app, world),     process_studio_workflow(app, world, world.plugins),
          process_workflow_run(app, world),  process_fashion_item(app, world),
          archive_vision_result(app, world), cleanup_vision_temp(app, world),
          cleanup_old_blobs(app, world)};
}

}  // namespace studio
