#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <inngest/inngest.hpp>

/// All events of the studio. Members are in snake case, and in camel case on the wire. An invalid payload
/// fails its run at once, with an error that names the field.
namespace studio {

/// A JSON object of any shape.
using JsonObject = std::map<std::string, inngest::json>;

inline bool is_url(std::string_view text) {
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos || colon == 0) return false;
  const std::string_view host = text.substr(colon + 3, text.find_first_of("/?#", colon + 3) - colon - 3);
  const auto is_space = [](char c) { return static_cast<unsigned char>(c) <= ' '; };
  return !host.empty() && std::none_of(text.begin(), text.end(), is_space);
}

inline void require_url(std::string_view field, const std::string& text) {
  if (!is_url(text)) {
    throw inngest::payload_error(std::string(field), "expected a URL, found \"" + text + "\"");
  }
}

// ---- brand ------------------------------------------------------------------------------------------

enum class Classification { core_brand_mark, index_as_inspiration };
INNGEST_ENUM(Classification, {Classification::core_brand_mark, "CORE_BRAND_MARK"},
             {Classification::index_as_inspiration, "INDEX_AS_INSPIRATION"})

struct BrandAsset {
  std::string workspace_id;
  std::string asset_id;
  std::string url;
  std::string filename;
  Classification classification{};
};
INNGEST_CAMEL_FIELDS(BrandAsset, workspace_id, asset_id, url, filename, classification)
inline void validate(const BrandAsset& asset) { require_url("url", asset.url); }

struct Workspace {
  std::string workspace_id;
};
INNGEST_CAMEL_FIELDS(Workspace, workspace_id)

using BrandIngested = inngest::event<"brand.knowledge.ingested", BrandAsset>;
using BrandVisionSync = inngest::event<"brand.asset.vision_sync", BrandAsset>;
using BrandSyncRequested = inngest::event<"brand.intelligence.sync_requested", Workspace>;

// ---- workflows --------------------------------------------------------------------------------------

enum class Executor { native, inngest, python_e2b };
INNGEST_ENUM(Executor, {Executor::native, "native"}, {Executor::inngest, "inngest"},
             {Executor::python_e2b, "python-e2b"})

struct Position {
  double x = 0;
  double y = 0;
};
INNGEST_FIELDS(Position, x, y)

struct NodeData {
  std::optional<std::string> label{};
  std::optional<std::string> description{};
  std::optional<std::string> status{};
  std::optional<std::string> plugin_id{};
  std::optional<std::string> plugin_version{};
  std::optional<Executor> executor{};
  std::optional<JsonObject> config{};
  std::optional<std::string> icon{};
  inngest::extra_fields further{};  // other fields of the canvas
};
INNGEST_CAMEL_FIELDS(NodeData, label, description, status, plugin_id, plugin_version, executor, config, icon,
                     further)

struct WorkflowNode {
  std::string id;
  Position position{};
  std::optional<std::string> type{};
  std::optional<NodeData> data{};
};
INNGEST_FIELDS(WorkflowNode, id, position, type, data)

struct WorkflowEdge {
  std::optional<std::string> id{};
  std::string source;
  std::string target;
  std::optional<bool> animated{};
  std::optional<JsonObject> marker_end{};
  inngest::extra_fields further{};
};
INNGEST_CAMEL_FIELDS(WorkflowEdge, id, source, target, animated, marker_end, further)

struct StudioWorkflow {
  std::string run_id;
  std::string workflow_id;
  std::string project_id;
  std::string user_id;
  std::string idempotency_key;
  std::vector<WorkflowNode> nodes{};
  std::vector<WorkflowEdge> edges{};
  std::optional<JsonObject> input{};
};
INNGEST_CAMEL_FIELDS(StudioWorkflow, run_id, workflow_id, project_id, user_id, idempotency_key, nodes, edges,
                     input)
INNGEST_DEFAULTS(StudioWorkflow, nodes, edges)

using StudioWorkflowRequested = inngest::event<"studio.workflow.requested", StudioWorkflow>;

// ---- fashion ----------------------------------------------------------------------------------------

struct FashionItem {
  std::string job_id;
  std::string image_url;
  std::string reference_image;
  double timestamp = 0;
  std::optional<int> max_attempts{};
};
INNGEST_CAMEL_FIELDS(FashionItem, job_id, image_url, reference_image, timestamp, max_attempts)
inline void validate(const FashionItem& item) { require_url("imageUrl", item.image_url); }

using FashionItemRequested = inngest::event<"studio/process-fashion-item", FashionItem>;

// ---- vision -----------------------------------------------------------------------------------------

struct VisionResult {
  std::string image_url;
  std::string image_hash;
  JsonObject metadata{};
};
INNGEST_CAMEL_FIELDS(VisionResult, image_url, image_hash, metadata)
inline void validate(const VisionResult& result) { require_url("imageUrl", result.image_url); }

struct VisionTemp {
  std::string path;
};
INNGEST_FIELDS(VisionTemp, path)

using VisionArchiveRequested = inngest::event<"vision.archive.requested", VisionResult>;
using VisionCleanupRequested = inngest::event<"vision.cleanup.requested", VisionTemp>;

}  // namespace studio
