#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <string>
#include <vector>

#include <inngest/inngest.hpp>

#include <studio/events.hpp>
#include <studio/knowledge.hpp>
#include <studio/services.hpp>

namespace studio {

struct indexed_asset {
  std::int64_t fragments = 0;
  std::int64_t bytes = 0;
};
INNGEST_FIELDS(indexed_asset, fragments, bytes)

struct extracted_dna {
  std::string path;
  double score = 0;
  int fields = 0;
};
INNGEST_FIELDS(extracted_dna, path, score, fields)

struct ingestion_result {
  std::string status;
  std::string workspace_id;
};
INNGEST_CAMEL_FIELDS(ingestion_result, status, workspace_id)

inline indexed_asset index_asset(const services& world, const BrandAsset& asset) {
  const fetched file = fetch(asset.url);
  const std::vector<std::string> texts = texts_of(file, asset.filename);
  world.data->replace_fragments(asset, "text", texts);
  return {.fragments = static_cast<std::int64_t>(texts.size()),
          .bytes = static_cast<std::int64_t>(file.body.size())};
}

inline extracted_dna extract_dna(const services& world, const BrandAsset& asset) {
  std::vector<std::string> material;
  for (const auto& fragment : world.data->fragments_of_asset(asset)) material.push_back(fragment.text);
  const brand_dna dna = synthesize(*world.model, material);
  const std::string path = "brands/" + asset.workspace_id + "/" + asset.asset_id + "/dna.json";
  world.blobs->put(path, inngest::encode(dna));
  return {.path = path, .score = coverage(dna, material), .fields = filled_fields(dna)};
}

inline auto brand_ingestion(const inngest::client& app, const services& world) {
  using namespace std::chrono_literals;
  return app.create_function(
      {.id = "brand-ingestion",
       .name = "Brand Knowledge Ingestion",
       .throttle =
           inngest::throttle{.limit = 1, .period = 1min, .key = inngest::key<&BrandAsset::workspace_id>}},
      inngest::on<BrandIngested>(), [world](inngest::context<BrandIngested>& ctx) -> ingestion_result {
        const BrandAsset& asset = ctx.event.data;
        try {
          // These results are only displayed. Untyped JSON also accepts results of another app that began
          // the run.
          ctx.step.run("index-and-store", [&] { return inngest::json(index_asset(world, asset)); });
          ctx.step.run("extract-brand-dna", [&] { return inngest::json(extract_dna(world, asset)); });
          ctx.step.send_event("trigger-synthesis", BrandSyncRequested{{.workspace_id = asset.workspace_id}});
          return {.status = "completed", .workspace_id = asset.workspace_id};
        } catch (const std::exception& problem) {
          ctx.log.error("brand ingestion of asset " + asset.asset_id + " in workspace " + asset.workspace_id +
                        " failed: " + problem.what());
          throw;  // Inngest retries
        }
      });
}

}  // namespace studio
