#pragma once

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <inngest/embedded.hpp>

#include <studio/asset_server.hpp>
#include <studio/client.hpp>
#include <studio/functions.hpp>

#include "samples.hpp"

/// Every function of the studio, run once by the engine in this process.
namespace demo {

using inngest::embedded::progress;
using inngest::embedded::run;
using inngest::embedded::run_status;
using inngest::embedded::timeline_entry;

inline void print_progress(const run& run, const timeline_entry& entry) {
  std::printf("%-29s  %s\n", run.function_id.c_str(), inngest::embedded::format(entry).c_str());
  std::fflush(stdout);
}

/// Prints what became of the runs; true when all of them, and all the functions, completed.
inline bool print_summary(const std::vector<run>& runs, std::size_t functions) {
  bool all_completed = true;
  std::set<std::string> completed;
  std::printf("\n%-29s  %-9s  %5s  %7s  %9s  %s\n", "FUNCTION", "STATUS", "STEPS", "RETRIES", "TOOK",
              "RESULT");
  for (const run& each : runs) {
    const auto count = [&](progress what) {
      return std::count_if(each.timeline.begin(), each.timeline.end(),
                           [what](const timeline_entry& entry) { return entry.what == what; });
    };
    const auto took = each.ended_at.value_or(each.queued_at) - each.queued_at;
    std::printf("%-29s  %-9s  %5td  %7td  %9s  %s\n", each.function_id.c_str(),
                std::string(to_string(each.status)).c_str(), count(progress::step_completed),
                count(progress::step_retried) + count(progress::run_retried),
                inngest::embedded::format(std::chrono::microseconds(took)).c_str(),
                each.error ? each.error->message.c_str() : each.output_text.c_str());
    all_completed = all_completed && each.status == run_status::completed;
    if (each.status == run_status::completed) completed.insert(each.function_id);
  }
  std::printf("\n%zu runs, %zu of %zu functions completed\n", runs.size(), completed.size(), functions);
  return all_completed && completed.size() == functions;
}

/// A blob that has been there for 40 days, for the cleanup to find.
inline void leave_old_blob(studio::blob_storage& blobs) {
  blobs.put("vision/forgotten.txt", "nobody has looked at this for weeks");
  std::filesystem::last_write_time(
      blobs.file("vision/forgotten.txt"),
      std::filesystem::file_time_type::clock::now() - std::chrono::hours(24 * 40));
}

/// \returns whether every run completed.
inline bool run_all(const studio::environment& env, const std::filesystem::path& directory) {
  using namespace std::chrono_literals;
  studio::services world = studio::open_services(directory);
  const studio::asset_server web(world.blobs, {.cold_requests = 1});  // the first fetch must be retried
  world.blob_url = web.url("/blobs/");
  const std::string assets = web.url("");

  const inngest::client app = studio::make_client(env);
  const auto functions = studio::functions(app, world);
  inngest::embedded::engine engine(app, functions,
                                   {.retry_delay = [](int) { return 300ms; }, .on_progress = print_progress});

  const std::string workspace = samples::new_id("workspace");
  const auto workflow = samples::workflow(assets, samples::new_id("run"));
  world.data->create_workflow_run(workflow);  // as the web app does before it asks for the run
  world.blobs->put("vision/tmp/upload.part", "half an upload");
  leave_old_blob(*world.blobs);

  engine.send(studio::BrandIngested{samples::guidelines(assets, workspace)});
  engine.send(studio::StudioWorkflowRequested{workflow});
  engine.send({studio::BrandVisionSync{samples::logo(assets, workspace)},
               studio::FashionItemRequested{samples::fashion_item(assets, samples::new_id("job"))},
               studio::VisionArchiveRequested{samples::vision_result(assets)},
               studio::VisionCleanupRequested{{.path = "vision/tmp/upload.part"}}});
  for (const inngest::any_function& each : functions) {
    if (each.id() == "cleanup-old-blobs") engine.start(each);  // its next Sunday may be days away
  }

  if (!engine.wait_until_idle(60s)) std::printf("\nsome runs have not ended within a minute\n");
  const bool good = print_summary(engine.runs(), functions.size());
  std::printf("\ndatabase: %s\nblobs:    %s\n", (directory / "studio.sqlite").c_str(),
              world.blobs->root().c_str());
  return good;
}

}  // namespace demo
