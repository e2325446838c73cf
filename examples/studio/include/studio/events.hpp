#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <inngest/inngest.hpp>

/// All events of the studio. Members have the names used on the wire. An invalid payload fails its run at
/// once, with an error that names the field.
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
  std::string workspaceId;
  std::string assetId;
  std::string url;
  std::string filename;
  Classification classification{};
};
INNGEST_FIELDS(BrandAsset, workspaceId, assetId, url, filename, classification)
inline void validate(const BrandAsset& asset) { require_url("url", asset.url); }

struct Workspace {
  std::string workspaceId;
};
INNGEST_FIELDS(Workspace, workspaceId)

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
  std::optional<std::string> pluginId{};
  std::optional<std::string> pluginVersion{};
  std::optional<Executor> executor{};
  std::optional<JsonObject> config{};
  std::optional<std::string> icon{};
  inngest::extra_fields further{};  // other fields of the canvas
};
INNGEST_FIELDS(NodeData, label, description, status, pluginId, pluginVersion, executor, config, icon, further)

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
  std::optional<JsonObject> markerEnd{};
  inngest::extra_fields further{};
};
INNGEST_FIELDS(WorkflowEdge, id, source, target, animated, markerEnd, further)

struct StudioWorkflow {
  std::string runId;
  std::string workflowId;
  std::string projectId;
  std::string userId;
  std::string idempotencyKey;
  std::vector<WorkflowNode> nodes{};
  std::vector<WorkflowEdge> edges{};
  std::optional<JsonObject> input{};
};
INNGEST_FIELDS(StudioWorkflow, runId, workflowId, projectId, userId, idempotencyKey, nodes, edges, input)
INNGEST_DEFAULTS(StudioWorkflow, nodes, edges)

using StudioWorkflowRequested = inngest::event<"studio.workflow.requested", StudioWorkflow>;

// ---- fashion ----------------------------------------------------------------------------------------

struct FashionItem {
  std::string jobId;
  std::string imageUrl;
  std::string referenceImage;
  double timestamp = 0;
  std::optional<int> maxAttempts{};
};
INNGEST_FIELDS(FashionItem, jobId, imageUrl, referenceImage, timestamp, maxAttempts)
inline void validate(const FashionItem& item) { require_url("imageUrl", item.imageUrl); }

using FashionItemRequested = inngest::event<"studio/process-fashion-item", FashionItem>;

// ---- vision -----------------------------------------------------------------------------------------

struct VisionResult {
  std::string imageUrl;
  std::string imageHash;
  JsonObject metadata{};
};
INNGEST_FIELDS(VisionResult, imageUrl, imageHash, metadata)
inline void validate(const VisionResult& result) { require_url("imageUrl", result.imageUrl); }

struct VisionTemp {
  std::string path;
};
INNGEST_FIELDS(VisionTemp, path)

using VisionArchiveRequested = inngest::event<"vision.archive.requested", VisionResult>;
using VisionCleanupRequested = inngest::event<"vision.cleanup.requested", VisionTemp>;

}  // namespace studio
