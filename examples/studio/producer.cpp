// Sends one of the studio's events from the command line. Like any producer, it uses the events and the
// client, but not the functions.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>

#include <studio/client.hpp>
#include <studio/events.hpp>

#include "samples.hpp"

namespace {

constexpr const char* usage =
    "usage: studio_producer EVENT [--NAME VALUE]...\n"
    "\n"
    "  brand-ingestion   --workspace ID  --asset ID  --url URL  --filename NAME\n"
    "  vision-sync       --workspace ID  --asset ID  --url URL  --filename NAME\n"
    "  brand-sync        --workspace ID\n"
    "  studio-workflow   --run ID\n"
    "  fashion-item      --job ID  --url URL  --reference URL  --attempts NUMBER\n"
    "  archive-vision    --url URL  --hash HASH\n"
    "  cleanup-vision    --path PATH\n"
    "\n"
    "Missing options have sample values, with assets of a studio_server on this machine.\n"
    "--app is that server's origin (http://127.0.0.1:3000).\n";

/// The options of the command line, each with a value.
class options {
 public:
  options(int argc, char** argv) {
    for (int i = 2; i < argc; i += 2) {
      const std::string_view name = argv[i];
      if (!name.starts_with("--") || i + 1 == argc)
        throw std::invalid_argument("expected --NAME VALUE, found \"" + std::string(name) + "\"");
      given_.emplace(name.substr(2), argv[i + 1]);
    }
  }

  /// Replaces the text if the option was given.
  void read(const std::string& name, std::string& into) {
    const auto found = given_.find(name);
    if (found == given_.end()) return;
    into = found->second;
    given_.erase(found);
  }

  void refuse_unknown() const {
    if (!given_.empty()) throw std::invalid_argument("unknown option --" + given_.begin()->first);
  }

 private:
  std::map<std::string, std::string> given_;
};

studio::BrandAsset brand_asset(options& given, studio::BrandAsset asset) {
  given.read("workspace", asset.workspace_id);
  given.read("asset", asset.asset_id);
  given.read("url", asset.url);
  given.read("filename", asset.filename);
  return asset;
}

/// Stores a workflow run, as the web app does before it sends the event. Unknown runs are ignored.
void create_run(const std::string& app_origin, const studio::StudioWorkflow& workflow) {
  inngest::httplib_transport web;
  const auto answer = web.send({.method = "POST",
                                .url = app_origin + "/api/runs",
                                .headers = {{"content-type", "application/json"}},
                                .body = inngest::encode(workflow)},
                               std::chrono::seconds(5));
  if (answer.status != 201)
    throw std::runtime_error("the studio refused the run: " + std::to_string(answer.status) + " " +
                             answer.body);
}

inngest::any_event make_event(std::string_view kind, options& given, int port) {
  std::string app_origin = "http://127.0.0.1:" + std::to_string(port);
  given.read("app", app_origin);
  const std::string assets = "http://127.0.0.1:" + std::to_string(port + 1);

  if (kind == "brand-ingestion")
    return studio::BrandIngested{brand_asset(given, samples::guidelines(assets, "workspace-1"))};
  if (kind == "vision-sync")
    return studio::BrandVisionSync{brand_asset(given, samples::logo(assets, "workspace-1"))};
  if (kind == "brand-sync") {
    studio::Workspace workspace{.workspace_id = "workspace-1"};
    given.read("workspace", workspace.workspace_id);
    return studio::BrandSyncRequested{workspace};
  }
  if (kind == "studio-workflow") {
    std::string run = samples::new_id("run");
    given.read("run", run);
    const studio::StudioWorkflow workflow = samples::workflow(assets, run);
    create_run(app_origin, workflow);
    return studio::StudioWorkflowRequested{workflow};
  }
  if (kind == "fashion-item") {
    studio::FashionItem item = samples::fashion_item(assets, samples::new_id("job"));
    std::string attempts;
    given.read("job", item.job_id);
    given.read("url", item.image_url);
    given.read("reference", item.reference_image);
    given.read("attempts", attempts);
    if (!attempts.empty()) item.max_attempts = inngest::decode<int>(attempts, "--attempts");
    return studio::FashionItemRequested{item};
  }
  if (kind == "archive-vision") {
    studio::VisionResult result = samples::vision_result(assets);
    given.read("url", result.image_url);
    given.read("hash", result.image_hash);
    return studio::VisionArchiveRequested{result};
  }
  if (kind == "cleanup-vision") {
    studio::VisionTemp temp{.path = "vision/tmp"};
    given.read("path", temp.path);
    return studio::VisionCleanupRequested{temp};
  }
  throw std::invalid_argument("unknown event \"" + std::string(kind) + "\"");
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view kind = argc < 2 ? "--help" : argv[1];
  if (kind == "--help" || kind == "-h") {
    std::fputs(usage, argc < 2 ? stderr : stdout);
    return argc < 2 ? EXIT_FAILURE : EXIT_SUCCESS;
  }
  try {
    const studio::environment env = studio::environment::read();
    options given(argc, argv);
    const inngest::any_event event = make_event(kind, given, env.port());
    given.refuse_unknown();

    const inngest::client app = studio::make_client(env);
    const inngest::sent_events sent = app.send(event);
    std::printf("sent %s: event %s\n%s\n", event.name().c_str(), sent.ids.at(0).c_str(),
                event.text().c_str());
    return EXIT_SUCCESS;
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "studio_producer: %s\n", problem.what());
    return EXIT_FAILURE;
  }
}
