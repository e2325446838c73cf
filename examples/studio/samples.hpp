#pragma once

#include <chrono>
#include <string>
#include <utility>

#include <studio/events.hpp>

/// Sample events. `assets` is the asset server's origin, such as "http://127.0.0.1:3001".
namespace samples {

inline std::string new_id(const std::string& prefix) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return prefix + "-" + std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

inline studio::BrandAsset guidelines(const std::string& assets, const std::string& workspace) {
  return {.workspace_id = workspace,
          .asset_id = "guidelines",
          .url = assets + "/brand/northwind.txt",
          .filename = "northwind.txt",
          .classification = studio::Classification::core_brand_mark};
}

inline studio::BrandAsset logo(const std::string& assets, const std::string& workspace) {
  return {.workspace_id = workspace,
          .asset_id = "logo",
          .url = assets + "/images/64x64/c8553d.ppm",
          .filename = "logo.ppm",
          .classification = studio::Classification::core_brand_mark};
}

/// The input is a text and a picture. One node processes each, and a third lists the results.
///
///              +--> headline --+
///     source --+               +--> manifest
///              +--> picture ---+
inline studio::StudioWorkflow workflow(const std::string& assets, const std::string& run) {
  const auto node = [](const std::string& id, const std::string& plugin, studio::JsonObject config) {
    return studio::WorkflowNode{.id = id,
                                .data = studio::NodeData{.label = id,
                                                         .plugin_id = plugin,
                                                         .executor = studio::Executor::native,
                                                         .config = std::move(config)}};
  };
  return {.run_id = run,
          .workflow_id = "campaign",
          .project_id = "spring",
          .user_id = "ada",
          .idempotency_key = run,
          .nodes = {node("manifest", "media.manifest", {{"title", "Spring campaign"}}),
                    node("headline", "text.transform", {{"operation", "uppercase"}}),
                    node("picture", "image.tone", {{"grayscale", true}, {"brightness", 20}}),
                    {.id = "source", .type = "input"}},
          .edges = {{.source = "source", .target = "headline"},
                    {.source = "source", .target = "picture"},
                    {.source = "headline", .target = "manifest"},
                    {.source = "picture", .target = "manifest"}},
          .input = studio::JsonObject{{"brief", "Made to be mended."},
                                      {"photo", assets + "/images/64x64/3d7ac8.ppm"}}};
}

/// The reference differs from the source, so that the first attempts are rejected.
inline studio::FashionItem fashion_item(const std::string& assets, const std::string& job) {
  return {.job_id = job,
          .image_url = assets + "/images/48x48/406080.ppm",
          .reference_image = assets + "/images/48x48/c06040.ppm",
          .timestamp = 1767225600000};
}

inline studio::VisionResult vision_result(const std::string& assets) {
  return {.image_url = assets + "/images/32x32/55aa77.ppm",
          .image_hash = "55aa77",
          .metadata = {{"subject", "a green field"}, {"confidence", 0.93}}};
}

}  // namespace samples
