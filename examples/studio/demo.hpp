#pragma once

#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <inngest/embedded.hpp>
#include <inngest/embedded/http_server.hpp>
#include <inngest/embedded/sqlite_store.hpp>

#include <studio/asset_server.hpp>
#include <studio/client.hpp>
#include <studio/functions.hpp>

#include "hosting.hpp"
#include "samples.hpp"

/// Runs every function of the studio once on the embedded engine. The state is in a file: if the process is
/// killed, the next one resumes.
namespace demo {

struct options {
  std::filesystem::path directory{};
  /// Serves the engine's page until a signal stops the process.
  bool page = false;
  /// Kills the process after this many steps; 0 disables this.
  int crash_after = 0;
};

using inngest::embedded::progress;
using inngest::embedded::run;
using inngest::embedded::run_status;
using inngest::embedded::timeline_entry;

/// Prints each timeline entry, and kills the process if asked to.
class progress_printer {
 public:
  explicit progress_printer(int crash_after) : steps_left_(crash_after) {}

  void operator()(const run& run, const timeline_entry& entry) {
    std::printf("%-29s  %s\n", run.function_id.c_str(), inngest::embedded::format(entry).c_str());
    std::fflush(stdout);
    if (entry.what == progress::step_completed && --steps_left_ == 0) raise(SIGKILL);
  }

 private:
  int steps_left_;
};

/// Prints a table of the runs. Returns whether all of them completed, for at least `functions` functions.
inline bool print_summary(const std::vector<run>& runs, std::size_t functions) {
  bool all_completed = true;
  std::set<std::string> completed;
  std::printf("\n%-29s  %-9s  %5s  %7s  %9s  %s\n", "FUNCTION", "STATUS", "STEPS", "RETRIES", "TOOK",
              "RESULT");
  for (const run& ended : runs) {
    const auto count = [&](progress what) {
      return std::count_if(ended.timeline.begin(), ended.timeline.end(),
                           [what](const timeline_entry& entry) { return entry.what == what; });
    };
    const auto took = ended.ended_at.value_or(ended.queued_at) - ended.queued_at;
    std::printf("%-29s  %-9s  %5td  %7td  %9s  %s\n", ended.function_id.c_str(),
                std::string(to_string(ended.status)).c_str(), count(progress::step_completed),
                count(progress::step_retried) + count(progress::run_retried),
                inngest::embedded::format(std::chrono::microseconds(took)).c_str(),
                ended.error ? ended.error->message.c_str() : ended.output_text.c_str());
    all_completed = all_completed && ended.status == run_status::completed;
    if (ended.status == run_status::completed) completed.insert(ended.function_id);
  }
  std::printf("\n%zu runs, %zu functions completed\n", runs.size(), completed.size());
  return all_completed && completed.size() >= functions;
}

/// Stores a blob that is 40 days old, for the cleanup to find.
inline void leave_old_blob(studio::blob_storage& blobs) {
  blobs.put("vision/forgotten.txt", "nobody has looked at this for weeks");
  std::filesystem::last_write_time(
      blobs.file("vision/forgotten.txt"),
      std::filesystem::file_time_type::clock::now() - std::chrono::hours(24 * 40));
}

/// Starts every function of the studio.
inline void send_all(inngest::embedded::engine& engine, const studio::services& world,
                     const studio::asset_server& web, const std::vector<inngest::any_function>& functions) {
  const std::string assets = web.url("");
  const std::string workspace = samples::new_id("workspace");
  const auto workflow = samples::workflow(assets, samples::new_id("run"));
  world.data->create_workflow_run(workflow);  // as the web app does before it sends the event
  world.blobs->put("vision/tmp/upload.part", "half an upload");
  leave_old_blob(*world.blobs);

  engine.send(studio::BrandIngested{samples::guidelines(assets, workspace)});
  // The asset server refuses the first request, which is that of the ingestion: the others wait for it.
  for (int i = 0; i < 10'000 && web.requests().empty(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  engine.send(studio::StudioWorkflowRequested{workflow});
  engine.send({studio::BrandVisionSync{samples::logo(assets, workspace)},
               studio::FashionItemRequested{samples::fashion_item(assets, samples::new_id("job"))},
               studio::VisionArchiveRequested{samples::vision_result(assets)},
               studio::VisionCleanupRequested{{.path = "vision/tmp/upload.part"}}});
  for (const inngest::any_function& function : functions) {
    if (function.id() == "cleanup-old-blobs") engine.start(function);  // its schedule may be days away
  }
}

/// \returns whether every run completed.
inline bool run_all(const studio::environment& env, const options& chosen) {
  using namespace std::chrono_literals;
  const hosting::stop_signals stop;
  studio::services world = studio::open_services(chosen.directory);
  // the first fetch must be retried
  const studio::asset_server web(world.blobs, {.port = env.port() + 1, .cold_requests = 1});
  world.blob_url = web.url("/blobs/");

  const auto store = std::make_shared<inngest::embedded::sqlite_store>(
      inngest::embedded::sqlite_options{.path = chosen.directory / "engine.sqlite"});
  std::set<std::string> ended_before;
  std::size_t unfinished = 0;
  for (const run& earlier : store->runs()) {
    if (earlier.ended())
      ended_before.insert(earlier.id);
    else
      ++unfinished;
  }

  const inngest::client app = studio::make_client(env);
  const auto functions = studio::functions(app, world);
  // A process that is to be killed does not live to see the second attempt.
  const std::chrono::milliseconds pause = chosen.crash_after > 0 ? 5s : 300ms;
  inngest::embedded::engine engine(app, functions,
                                   {.store = store,
                                    .retry_delay = [pause](int) { return pause; },
                                    .on_progress = progress_printer(chosen.crash_after)});
  if (unfinished > 0)
    std::printf("%zu runs were under way when the last process ended: resuming them\n", unfinished);
  else
    send_all(engine, world, web, functions);

  bool stopped = false;
  const auto end = std::chrono::steady_clock::now() + 60s;
  while (!engine.wait_until_idle(200ms) && !stopped && std::chrono::steady_clock::now() < end)
    stopped = stop.wait_for(0s);
  if (stopped)
    engine.stop(10s);  // the next process finishes the rest
  else if (!engine.wait_until_idle(0s))
    std::printf("\nsome runs did not end within a minute\n");
  std::vector<run> runs = engine.runs();
  std::erase_if(runs, [&](const run& one) { return ended_before.contains(one.id); });
  const bool good = print_summary(runs, unfinished > 0 ? 0 : functions.size());
  std::printf("\ndatabase: %s\nengine:   %s\nblobs:    %s\n", (chosen.directory / "studio.sqlite").c_str(),
              (chosen.directory / "engine.sqlite").c_str(), world.blobs->root().c_str());
  if (chosen.page && !stopped) {
    const inngest::embedded::http_server page(engine);
    std::printf("\nThe engine's page: %s\nPress Ctrl-C to stop.\n", page.url().c_str());
    std::fflush(stdout);
    stop.wait();
    engine.stop(10s);
  }
  return good;
}

}  // namespace demo
