#pragma once

#include <string>

#include <inngest/inngest.hpp>

#include <studio/events.hpp>
#include <studio/knowledge.hpp>
#include <studio/services.hpp>

namespace studio {

struct vision_result {
  std::string status;
  std::string asset_id;
};
INNGEST_CAMEL_FIELDS(vision_result, status, asset_id)

inline auto brand_vision_sync(const inngest::client& app, const services& world) {
  return app.create_function(
      {.id = "brand-vision-sync", .name = "Brand Visual DNA Extraction"}, inngest::on<BrandVisionSync>(),
      [world](inngest::context<BrandVisionSync>& ctx) -> vision_result {
        const BrandAsset& asset = ctx.event.data;

        const visual_traits traits =
            ctx.step.run("extract-visual-dna", [&] { return look_at(fetch_image(asset.url)); });
        ctx.step.run("index-visual-knowledge", [&] {
          world.data->replace_fragments(asset, "visual", {traits.describe(asset.filename)});
        });
        ctx.step.run("sync-core-palette",
                     [&] { world.data->save_palette(asset.workspace_id, inngest::encode(traits.palette)); });
        return {.status = "synchronized", .asset_id = asset.asset_id};
      });
}

}  // namespace studio
