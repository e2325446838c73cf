// The README's program.
// clang-format off

// [readme]
#include <chrono>
#include <iostream>
#include <string>

#include <inngest/inngest.hpp>
#include <inngest/adapters/httplib.hpp>

using namespace std::chrono_literals;

struct BrandAsset { std::string workspace_id, asset_id, url, filename; };
INNGEST_CAMEL_FIELDS(BrandAsset, workspace_id, asset_id, url, filename)

struct Workspace { std::string workspace_id; };
INNGEST_CAMEL_FIELDS(Workspace, workspace_id)

struct Receipt { std::string status; int chunks = 0; };
INNGEST_FIELDS(Receipt, status, chunks)

using BrandIngested = inngest::event<"brand.knowledge.ingested", BrandAsset>;
using SyncRequested = inngest::event<"brand.intelligence.sync_requested", Workspace>;

int index(const std::string& url) { return static_cast<int>(url.size()) / 8; }  // stands for your code

int main() {
  inngest::client app{{.id = "studio-233"}};

  auto ingest = app.create_function(
      {.id = "brand-ingestion", .name = "Brand Knowledge Ingestion", .retries = 3},
      inngest::on<BrandIngested>(),
      [](inngest::context<BrandIngested>& ctx) {
        const auto& asset = ctx.event.data;
        auto chunks = ctx.step.run("index-and-store", [&] { return index(asset.url); });
        ctx.step.sleep("let-it-settle", 5s);
        ctx.step.send_event("trigger-synthesis", SyncRequested{{.workspace_id = asset.workspace_id}});
        return Receipt{.status = "completed", .chunks = chunks};
      });

  httplib::Server server;
  inngest::serve(server, app, {ingest});  // POST, PUT and GET on /api/inngest
  if (server.listen("127.0.0.1", 3000)) return 0;
  std::cerr << "can't listen on 127.0.0.1:3000: is the port in use?\n";
  return 1;
}
// [readme]
