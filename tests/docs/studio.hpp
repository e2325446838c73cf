#pragma once

// What the pages of docs/ have in common: the event types and the functions of the README.

#include <string>

#include <inngest/inngest.hpp>

namespace docs {

struct BrandAsset { std::string workspace_id, asset_id, url, filename; };
INNGEST_CAMEL_FIELDS(BrandAsset, workspace_id, asset_id, url, filename)

struct Workspace { std::string workspace_id; };
INNGEST_CAMEL_FIELDS(Workspace, workspace_id)

struct Receipt { std::string status; int chunks = 0; };
INNGEST_FIELDS(Receipt, status, chunks)

using BrandIngested = inngest::event<"brand.knowledge.ingested", BrandAsset>;
using SyncRequested = inngest::event<"brand.intelligence.sync_requested", Workspace>;

extern inngest::client app;
extern const inngest::any_function ingest, synthesize;

}  // namespace docs
