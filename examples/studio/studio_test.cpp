// The studio on the engine in the process, with its real database file, blob directory and HTTP.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <inngest/embedded.hpp>
#include <inngest/testing.hpp>

#include <studio/asset_server.hpp>
#include <studio/client.hpp>
#include <studio/functions.hpp>

#include "catch.hpp"
#include "samples.hpp"

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using inngest::embedded::progress;
using inngest::embedded::run;
using inngest::embedded::run_status;

namespace {

/// A directory of this test's own, removed when it ends.
class temporary_directory {
 public:
  temporary_directory()
      : path_(std::filesystem::temp_directory_path() /
              ("studio-test-" + std::to_string(std::random_device{}()))) {
    std::filesystem::create_directories(path_);
  }
  ~temporary_directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  temporary_directory(const temporary_directory&) = delete;
  temporary_directory& operator=(const temporary_directory&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

studio::environment quiet() {
  return studio::environment(studio::environment::variables{{"INNGEST_LOG_LEVEL", "off"}});
}

/// The whole studio in a directory of its own.
struct studio_app {
  explicit studio_app(int cold_requests = 0)
      : world(studio::open_services(directory.path())),
        web(world.blobs, {.cold_requests = cold_requests}),
        assets(web.url("")),
        app(studio::make_client(quiet())),
        functions(studio::functions(app, with_url())),
        engine(app, functions, {.retry_delay = [](int) { return 5ms; }}) {}

  /// Sends an event and gives all the runs that come of it, by function.
  std::map<std::string, run> run_all(const inngest::any_event& event) {
    const std::size_t before = engine.runs().size();
    engine.send(event);
    REQUIRE(engine.wait_until_idle(3min));
    std::map<std::string, run> out;
    const auto runs = engine.runs();
    for (std::size_t i = before; i < runs.size(); ++i) out.emplace(runs[i].function_id, runs[i]);
    return out;
  }

  run run_one(const inngest::any_event& event) {
    auto runs = run_all(event);
    REQUIRE(runs.size() == 1);
    return runs.begin()->second;
  }

  const inngest::any_function& function(const std::string& id) const {
    const auto found = std::find_if(functions.begin(), functions.end(),
                                    [&](const inngest::any_function& one) { return one.id() == id; });
    REQUIRE(found != functions.end());
    return *found;
  }

  /// Asks the file, past the services.
  std::string query(const std::string& sql) const {
    const studio::sqlite::connection file(directory.path() / "studio.sqlite");
    auto row = file.prepare(sql);
    return row.next() ? row.text(0) : "(no row)";
  }

  std::filesystem::path blob(const std::string& path) const { return directory.path() / "blobs" / path; }

  temporary_directory directory{};
  studio::services world;
  studio::asset_server web;
  std::string assets;
  inngest::client app;
  std::vector<inngest::any_function> functions;
  inngest::embedded::engine engine;

 private:
  const studio::services& with_url() {
    world.blob_url = assets + "/blobs/";
    return world;
  }
};

/// The steps that gave a result, in order.
std::vector<std::string> completed_steps(const run& run) {
  std::vector<std::string> out;
  for (const auto& entry : run.timeline) {
    if (entry.what == progress::step_completed) out.push_back(entry.step);
  }
  return out;
}

std::ptrdiff_t count(const run& run, progress what) {
  return std::count_if(run.timeline.begin(), run.timeline.end(),
                       [what](const auto& entry) { return entry.what == what; });
}

inngest::json data_of(const studio::BrandAsset& asset) { return inngest::json(asset); }

}  // namespace

TEST_CASE("brand ingestion ends with a synthesized summary", "[studio]") {
  studio_app studio(1);
  const auto runs = studio.run_all(studio::BrandIngested{samples::guidelines(studio.assets, "w1")});
  REQUIRE(runs.size() == 2);

  const run& ingestion = runs.at("brand-ingestion");
  REQUIRE(ingestion.status == run_status::completed);
  CHECK(ingestion.output<inngest::json>() == inngest::json{{"status", "completed"}, {"workspaceId", "w1"}});
  CHECK(completed_steps(ingestion) ==
        std::vector<std::string>{"index-and-store", "extract-brand-dna", "trigger-synthesis"});

  // the asset server was still starting when it was first asked
  CHECK(count(ingestion, progress::step_retried) == 1);
  const auto requests = studio.web.requests();
  REQUIRE(requests.size() == 2);
  CHECK(requests[0].path == "/brand/northwind.txt");
  CHECK(requests[0].status == 503);
  CHECK(requests[1].path == "/brand/northwind.txt");
  CHECK(requests[1].status == 200);

  const run& synthesis = runs.at("brand-intelligence-synthesize");
  REQUIRE(synthesis.status == run_status::completed);
  CHECK(synthesis.output<inngest::json>() == inngest::json{{"status", "synthesized"}, {"workspaceId", "w1"}});
  CHECK(completed_steps(synthesis) ==
        std::vector<std::string>{"fetch-knowledge", "synthesize-dna", "update-workspace-summary"});

  // both looked at the document: every sentence of the summary stands in a fragment
  CHECK(studio.query("SELECT count(*) FROM knowledge_fragments WHERE workspace_id = 'w1'") == "4");
  const auto dna =
      inngest::decode<studio::brand_dna>(studio.query("SELECT summary FROM brand_summaries"), "summary");
  CHECK_THAT(dna.manifesto, ContainsSubstring("mission"));
  CHECK_THAT(dna.voice, ContainsSubstring("calm and exact"));
  CHECK_THAT(dna.visual_dna, ContainsSubstring("primary color"));
  CHECK(dna.principles.size() == 4);
  CHECK(std::filesystem::file_size(studio.blob("brands/w1/guidelines/dna.json")) > 100);

  SECTION("another time it knows no more than before") {
    // not by the same engine: it would have to wait for a minute
    const auto app = studio::make_client(quiet());
    inngest::testing::harness later{app, studio::functions(app, studio.world)};
    const auto again = later.send(studio::BrandIngested{samples::guidelines(studio.assets, "w1")});
    INFO(again);
    REQUIRE(again.completed());
    CHECK(studio.query("SELECT count(*) FROM knowledge_fragments WHERE workspace_id = 'w1'") == "4");
  }
}

TEST_CASE("brand ingestion of what is not there fails without more attempts", "[studio]") {
  studio_app studio;
  auto asset = samples::guidelines(studio.assets, "w1");
  asset.url = studio.assets + "/nothing";
  const run failed = studio.run_one(studio::BrandIngested{asset});
  CHECK(failed.status == run_status::failed);
  REQUIRE(failed.error);
  CHECK_THAT(failed.error->message, ContainsSubstring("404"));
  CHECK(studio.web.requests().size() == 1);
}

TEST_CASE("synthesis without knowledge clears the summary", "[studio]") {
  studio_app studio;
  studio.world.data->save_summary("w2", "an old one");
  const run cleared = studio.run_one(studio::BrandSyncRequested{{.workspace_id = "w2"}});
  CHECK(cleared.output<inngest::json>() == inngest::json{{"status", "cleared"}});
  CHECK(completed_steps(cleared) == std::vector<std::string>{"fetch-knowledge", "clear-brand-summary"});
  CHECK(studio.query("SELECT summary FROM brand_summaries WHERE workspace_id = 'w2'").empty());
}

TEST_CASE("vision sync reads the palette from the picture", "[studio]") {
  studio_app studio;
  const run synced = studio.run_one(studio::BrandVisionSync{samples::logo(studio.assets, "w1")});
  CHECK(synced.output<inngest::json>() == inngest::json{{"status", "synchronized"}, {"assetId", "logo"}});
  CHECK(completed_steps(synced) ==
        std::vector<std::string>{"extract-visual-dna", "index-visual-knowledge", "sync-core-palette"});

  const auto palette =
      inngest::decode<std::vector<std::string>>(studio.query("SELECT palette FROM brand_summaries"));
  REQUIRE(!palette.empty());
  CHECK_THAT(studio.query("SELECT text FROM knowledge_fragments"), ContainsSubstring(palette.front()));
}

TEST_CASE("a workflow's nodes run in order, and both functions complete it", "[studio]") {
  studio_app studio;
  const auto workflow = samples::workflow(studio.assets, "r1");
  studio.world.data->create_workflow_run(workflow);
  const auto runs = studio.run_all(studio::StudioWorkflowRequested{workflow});
  REQUIRE(runs.size() == 2);

  const run& processed = runs.at("process-studio-workflow");
  REQUIRE(processed.status == run_status::completed);
  CHECK(processed.output<inngest::json>() == inngest::json{{"status", "completed"}, {"runId", "r1"}});
  std::vector<std::string> expected{"mark-running"};
  for (const std::string node : {"source", "headline", "picture", "manifest"}) {
    for (const std::string part : {"start", "execute", "complete"})
      expected.push_back("step-" + node + "-" + part);
  }
  expected.push_back("mark-completed");
  CHECK(completed_steps(processed) == expected);

  const run& watched = runs.at("process-workflow-run");
  CHECK(watched.status == run_status::completed);
  CHECK(completed_steps(watched) == std::vector<std::string>{"mark-run-running", "step-manifest-start",
                                                             "step-manifest-complete", "step-headline-start",
                                                             "step-headline-complete", "step-picture-start",
                                                             "step-picture-complete", "step-source-start",
                                                             "step-source-complete", "mark-run-complete"});

  CHECK(studio.query("SELECT count(*) FROM workflow_run_states WHERE status = 'completed'") == "2");
  CHECK(studio.query("SELECT count(*) FROM workflow_node_states WHERE status = 'completed'") == "8");

  // real bytes went through the plugins
  CHECK(studio.world.blobs->get("workflows/r1/headline/0.txt") == "MADE TO BE MENDED.");
  const studio::image gray = studio::read_ppm(studio.world.blobs->get("workflows/r1/picture/0.ppm"));
  CHECK(gray.pixels.size() == 64 * 64);
  CHECK(std::all_of(gray.pixels.begin(), gray.pixels.end(),
                    [](const studio::color& c) { return c.red == c.green && c.green == c.blue; }));

  // the run's output is that of its one sink
  const auto output = inngest::decode<studio::node_outputs>(
      studio.query("SELECT output FROM workflow_run_states WHERE processor = 'process-studio-workflow'"));
  REQUIRE(output.size() == 1);
  REQUIRE(output.at("manifest").files.size() == 1);
  const auto manifest = inngest::json::parse(studio.world.blobs->get(output.at("manifest").files[0].path));
  CHECK(manifest["title"] == "Spring campaign");
  CHECK(manifest["files"].size() == 2);

  SECTION("a finished run is ignored") {
    const auto again = studio.run_all(studio::StudioWorkflowRequested{workflow});
    const run& ignored = again.at("process-studio-workflow");
    CHECK(ignored.output<inngest::json>() == inngest::json{{"status", "ignored"}, {"runId", "r1"}});
    CHECK(completed_steps(ignored).empty());
  }
}

TEST_CASE("a workflow run that nobody wrote down is ignored", "[studio]") {
  studio_app studio;
  const auto runs = studio.run_all(studio::StudioWorkflowRequested{samples::workflow(studio.assets, "r0")});
  const run& ignored = runs.at("process-studio-workflow");
  CHECK(ignored.output<studio::workflow_result>().status == "ignored");
  CHECK(completed_steps(ignored).empty());
}

TEST_CASE("a workflow that can't run is marked as failed", "[studio]") {
  studio_app studio;
  auto workflow = samples::workflow(studio.assets, "r1");
  std::string problem;
  SECTION("over a cycle") {
    workflow.edges.push_back({.source = "manifest", .target = "source"});
    problem = "cycle";
  }
  SECTION("over an edge to nowhere") {
    workflow.edges.push_back({.source = "manifest", .target = "printer"});
    problem = "no node \"printer\"";
  }
  SECTION("over a plugin that is not there") {
    workflow.nodes[0].data->plugin_id = "media.hologram";
    problem = "no plugin \"media.hologram\"";
  }
  SECTION("over a plugin's configuration") {
    workflow.nodes[1].data->config = studio::JsonObject{{"operation", "shout"}};
    problem = "config.operation";
  }
  studio.world.data->create_workflow_run(workflow);
  const auto runs = studio.run_all(studio::StudioWorkflowRequested{workflow});

  const run& failed = runs.at("process-studio-workflow");
  CHECK(failed.status == run_status::failed);
  REQUIRE(failed.error);
  CHECK_THAT(failed.error->message, ContainsSubstring(problem));
  CHECK(completed_steps(failed).back() == "mark-failed");
  CHECK(count(failed, progress::step_retried) + count(failed, progress::run_retried) == 0);

  const std::string where = " FROM workflow_run_states WHERE processor = 'process-studio-workflow'";
  CHECK(studio.query("SELECT status" + where) == "failed");
  CHECK_THAT(studio.query("SELECT error" + where), ContainsSubstring(problem));

  CHECK(runs.at("process-workflow-run").status == run_status::completed);
}

TEST_CASE("a fashion item is rejected until the feedback has done its work", "[studio]") {
  studio_app studio;
  auto item = samples::fashion_item(studio.assets, "j1");

  SECTION("and then accepted") {
    const run done = studio.run_one(studio::FashionItemRequested{item});
    const auto result = done.output<studio::fashion_result>();
    CHECK(result.status == "success");
    CHECK(result.attempts > 2);
    REQUIRE(result.url);
    CHECK_FALSE(result.reason);
    const auto steps = completed_steps(done);
    CHECK(steps.front() == "update-status-processing");
    CHECK(steps[1] == "generate-attempt-1");
    CHECK(steps[2] == "verify-attempt-1");
    CHECK(steps.back() == "save-success");
    CHECK(steps.size() == static_cast<std::size_t>(2 * result.attempts + 2));
    CHECK(studio.query("SELECT url FROM fashion_jobs WHERE id = 'j1'") == *result.url);

    // the URL that was saved leads to the picture
    const studio::image made = studio::fetch_image(*result.url);
    const studio::image wanted = studio::fetch_image(item.reference_image);
    CHECK(studio.world.images->verify(made, wanted).accepted);
  }
  SECTION("or given up when no attempt is left") {
    item.max_attempts = 2;
    const run done = studio.run_one(studio::FashionItemRequested{item});
    CHECK(done.status == run_status::completed);
    const auto result = done.output<studio::fashion_result>();
    CHECK(result.status == "failed");
    CHECK(result.attempts == 2);
    REQUIRE(result.reason);
    CHECK_THAT(*result.reason, ContainsSubstring("red +"));
    CHECK(completed_steps(done).back() == "mark-failed");
    CHECK(studio.query("SELECT status FROM fashion_jobs WHERE id = 'j1'") == "failed");
  }
}

TEST_CASE("a payload that does not fit fails its run once and names the field", "[studio]") {
  studio_app studio;
  inngest::json data = data_of(samples::guidelines(studio.assets, "w1"));
  std::string name = "brand.knowledge.ingested";
  std::string function = "brand-ingestion";
  std::string field;

  SECTION("a field is missing") {
    data.erase("assetId");
    field = "data.assetId";
  }
  SECTION("a field has another type") {
    data["filename"] = 7;
    field = "data.filename";
  }
  SECTION("a classification that there is not") {
    data["classification"] = "SECRET";
    field = "data.classification";
  }
  SECTION("a URL that is none") {
    data["url"] = "northwind.txt";
    field = "data.url: expected a URL";
  }
  SECTION("a node without a place") {
    data = inngest::json(samples::workflow(studio.assets, "r1"));
    data["nodes"][2].erase("position");
    name = "studio.workflow.requested";
    function = "process-studio-workflow";
    field = "data.nodes[2].position";
  }

  const auto runs = studio.run_all(inngest::any_event(name, data));
  const run& failed = runs.at(function);
  CHECK(failed.status == run_status::failed);
  REQUIRE(failed.error);
  CHECK_THAT(failed.error->message, ContainsSubstring(field));
  CHECK(count(failed, progress::run_retried) == 0);
  CHECK(completed_steps(failed).empty());
  CHECK(studio.web.requests().empty());
}

TEST_CASE("a vision result is archived with its source", "[studio]") {
  studio_app studio;
  const run archived = studio.run_one(studio::VisionArchiveRequested{samples::vision_result(studio.assets)});
  CHECK(archived.status == run_status::completed);
  CHECK(completed_steps(archived) == std::vector<std::string>{"archive-metadata", "archive-source-image"});
  const auto metadata = inngest::json::parse(studio.world.blobs->get("vision/archive/55aa77.json"));
  CHECK(metadata["metadata"]["subject"] == "a green field");
  CHECK(studio::read_ppm(studio.world.blobs->get("vision/archive/55aa77.ppm")).width == 32);
}

TEST_CASE("a temporary path is deleted, and nothing outside of the storage", "[studio]") {
  studio_app studio;
  studio.world.blobs->put("vision/tmp/a/1", "one");
  studio.world.blobs->put("vision/tmp/a/2", "two");

  SECTION("a directory") {
    const run done = studio.run_one(studio::VisionCleanupRequested{{.path = "vision/tmp/a"}});
    CHECK(done.output<studio::cleanup_result>().deleted);
    CHECK_FALSE(std::filesystem::exists(studio.blob("vision/tmp/a")));
  }
  SECTION("what is gone already") {
    const run done = studio.run_one(studio::VisionCleanupRequested{{.path = "vision/tmp/b"}});
    CHECK(done.status == run_status::completed);
    CHECK_FALSE(done.output<studio::cleanup_result>().deleted);
  }
  SECTION("a way out") {
    const run done = studio.run_one(studio::VisionCleanupRequested{{.path = "vision/../../studio.sqlite"}});
    CHECK(done.status == run_status::failed);
    CHECK(count(done, progress::step_retried) == 0);
    CHECK(std::filesystem::exists(studio.directory.path() / "studio.sqlite"));
  }
}

TEST_CASE("old blobs are purged page by page", "[studio]") {
  studio_app studio;
  const auto put = [&](const std::string& path, int days) {
    studio.world.blobs->put(path, path);
    std::filesystem::last_write_time(
        studio.blob(path), std::filesystem::file_time_type::clock::now() - std::chrono::hours(24 * days));
  };
  for (int i = 0; i < 250; ++i) put("vision/old/" + std::to_string(i), 31);
  for (int i = 0; i < 5; ++i) put("vision/new/" + std::to_string(i), 29);
  put("brands/w1/old.txt", 365);  // not of the vision

  const run purged = studio.engine.wait_for(studio.engine.start(studio.function("cleanup-old-blobs")), 30s);
  CHECK(purged.status == run_status::completed);
  CHECK(purged.output<studio::purge_result>().deleted == 250);
  CHECK(studio.world.blobs->list("vision/").blobs.size() == 5);
  CHECK(std::filesystem::exists(studio.blob("brands/w1/old.txt")));
}

TEST_CASE("blobs are listed in pages that hold while blobs go", "[studio]") {
  const temporary_directory directory;
  studio::blob_storage blobs(directory.path());
  for (const std::string name : {"a/1", "a/2", "a/3", "b/1"}) blobs.put(name, name);
  const auto first = blobs.list("a/", {}, 2);
  REQUIRE(first.blobs.size() == 2);
  CHECK(first.blobs[0].path == "a/1");
  CHECK(first.blobs[0].size == 3);
  REQUIRE(first.next);
  blobs.remove("a/1");
  blobs.remove("a/2");
  const auto second = blobs.list("a/", *first.next, 2);
  REQUIRE(second.blobs.size() == 1);
  CHECK(second.blobs[0].path == "a/3");
  CHECK_FALSE(second.next);
}

TEST_CASE("the functions have the ids, triggers and options of the contract", "[studio]") {
  studio_app studio;
  REQUIRE(studio.functions.size() == 9);
  struct row {
    std::string id, name, trigger;
    int concurrency;
  };
  for (const row& expected : {
           row{"brand-ingestion", "Brand Knowledge Ingestion", "brand.knowledge.ingested", 0},
           row{"brand-intelligence-synthesize", "Brand Intelligence Synthesis",
               "brand.intelligence.sync_requested", 1},
           row{"brand-vision-sync", "Brand Visual DNA Extraction", "brand.asset.vision_sync", 0},
           row{"process-studio-workflow", "", "studio.workflow.requested", 8},
           row{"process-workflow-run", "", "studio.workflow.requested", 4},
           row{"process-fashion-item", "", "studio/process-fashion-item", 5},
           row{"archive-vision-result", "Archive Vision Result", "vision.archive.requested", 0},
           row{"cleanup-vision-temp", "", "vision.cleanup.requested", 0},
           row{"cleanup-old-blobs", "Scheduled Blob Cleanup", "0 4 * * 0", 0},
       }) {
    INFO(expected.id);
    const inngest::any_function& function = studio.function(expected.id);
    CHECK(function.slug() == "studio-233-" + expected.id);
    CHECK(function.options().name == expected.name);
    REQUIRE(function.triggers().size() == 1);
    CHECK(function.triggers()[0].event + function.triggers()[0].cron == expected.trigger);
    CHECK(function.triggers()[0].cron.empty() == (expected.id != "cleanup-old-blobs"));
    const auto& limits = function.options().concurrency.limits();
    REQUIRE(limits.size() == (expected.concurrency > 0 ? 1 : 0));
    if (!limits.empty()) CHECK(limits[0].limit == expected.concurrency);
  }
  const auto& throttle = studio.function("brand-ingestion").options().throttle;
  REQUIRE(throttle);
  CHECK(throttle->limit == 1);
  CHECK(throttle->period == 60s);
  CHECK(throttle->key == "event.data.workspaceId");
}

TEST_CASE("a run that another SDK began goes on here, mid-run", "[studio]") {
  studio_app studio;
  const auto asset = samples::guidelines(studio.assets, "w1");
  // the ids are the SHA-1 of the step ids, in every SDK
  const std::string index_and_store = "4b80f9340a69c0e05c6103170a32f90a54311940";
  const std::string extract_brand_dna = "ca9419528687180945ab7b3221eb2cbdd522f4b3";
  const inngest::json event{{"name", "brand.knowledge.ingested"}, {"data", data_of(asset)}};
  inngest::json body{
      {"ctx",
       {{"run_id", "01H00000000000000000000000"},
        {"attempt", 0},
        {"fn_id", "x"},
        {"step_id", "step"},
        {"use_api", false},
        {"disable_immediate_execution", false},
        {"stack", {{"stack", {index_and_store}}, {"current", 1}}}}},
      {"event", event},
      {"events", inngest::json::array({event})},
      // what the other app's step returned is its own affair
      {"steps", {{index_and_store, {{"type", "data"}, {"data", {{"indexed", true}, {"id", "k_1"}}}}}}},
      {"version", 2}};

  const inngest::handler handler(studio.app, studio.functions);
  const auto answer = handler({.method = "POST",
                               .url = "/api/inngest?fnId=studio-233-brand-ingestion&stepId=step",
                               .body = body.dump()});
  REQUIRE(answer.status == 206);
  const auto operations = inngest::json::parse(answer.body);
  REQUIRE(operations.size() == 1);
  CHECK(operations[0]["id"] == extract_brand_dna);
  CHECK(studio.web.requests().empty());  // what was done is not done again
}

TEST_CASE("events keep the fields that the canvas adds", "[studio]") {
  const auto workflow = inngest::decode<studio::StudioWorkflow>(R"({
    "runId": "r", "workflowId": "w", "projectId": "p", "userId": "u", "idempotencyKey": "k",
    "nodes": [{"id": "n", "position": {"x": 1, "y": 2.5}, "data": {"executor": "python-e2b", "zoom": 3}}],
    "edges": [{"source": "n", "target": "n", "style": {"stroke": "red"}}]})");
  CHECK(workflow.nodes.at(0).data->executor == studio::Executor::python_e2b);
  const auto again = inngest::json::parse(inngest::encode(workflow));
  CHECK(again["nodes"][0]["data"] == inngest::json{{"executor", "python-e2b"}, {"zoom", 3}});
  CHECK(again["edges"][0]["style"]["stroke"] == "red");

  const auto empty = inngest::decode<studio::StudioWorkflow>(
      R"({"runId": "r", "workflowId": "w", "projectId": "p", "userId": "u", "idempotencyKey": "k"})");
  CHECK(empty.nodes.empty());
  CHECK(empty.edges.empty());
}

TEST_CASE("the client is in development mode when no signing key is there", "[studio]") {
  const auto mode = [](studio::environment::variables variables) {
    return studio::make_client(studio::environment(std::move(variables))).settings().mode();
  };
  CHECK(mode({}) == inngest::mode::dev);
  CHECK(mode({{"INNGEST_DEV", "http://127.0.0.1:9000"}}) == inngest::mode::dev);
  CHECK(mode({{"INNGEST_SIGNING_KEY", "signkey-test-00"}}) == inngest::mode::cloud);
}
