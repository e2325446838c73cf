#pragma once

#include <httplib.h>
#include <signal.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <thread>

#include <inngest/adapters/httplib.hpp>
#include <inngest/inngest.hpp>

#include <studio/asset_server.hpp>
#include <studio/client.hpp>
#include <studio/functions.hpp>

/// Serves the studio's functions to an Inngest server.
namespace hosting {

/// Receives SIGINT and SIGTERM when asked. Create it before any thread: threads inherit that the signals are
/// blocked.
class stop_signals {
 public:
  stop_signals() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGINT);
    sigaddset(&set_, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  }
  void wait() const {
    int signal = 0;
    sigwait(&set_, &signal);
  }
  /// Whether a signal arrived within the time.
  bool wait_for(std::chrono::seconds time) const {
    const timespec limit{.tv_sec = time.count(), .tv_nsec = 0};
    return sigtimedwait(&set_, nullptr, &limit) > 0;
  }

 private:
  sigset_t set_{};
};

/// Lets a server listen on its own thread while this object lives.
class listening {
 public:
  explicit listening(httplib::Server& server)
      : server_(&server), thread_([&server] { server.listen_after_bind(); }) {
    while (!server.is_running()) std::this_thread::yield();  // stop() works only once it is running
  }
  ~listening() {
    server_->stop();
    thread_.join();
  }
  listening(const listening&) = delete;
  listening& operator=(const listening&) = delete;

 private:
  httplib::Server* server_;
  std::thread thread_;
};

/// The part of the studio's web app that functions need: it stores a workflow run before the event is sent.
inline void add_run_route(httplib::Server& server, const studio::services& world) {
  server.Post("/api/runs", [world](const httplib::Request& request, httplib::Response& response) {
    try {
      world.data->create_workflow_run(inngest::decode<studio::StudioWorkflow>(request.body));
      response.status = 201;
    } catch (const inngest::payload_error& problem) {
      response.status = 400;
      response.set_content(problem.what(), "text/plain");
    }
  });
}

/// Registers with the Inngest server. A dev server that starts later finds the app by itself; for other
/// servers, start this program again. \returns false when a signal asked to stop.
inline bool register_app(const inngest::handler& handler, const std::string& url, const stop_signals& stop) {
  using namespace std::chrono_literals;
  for (const auto pause : {1s, 2s, 4s, 8s, 0s}) {
    const inngest::sync_result result = handler.sync(url);
    std::printf("registration of %s: %s\n", url.c_str(), result.message.c_str());
    if (result.ok) return true;
    if (pause > 0s && stop.wait_for(pause)) return false;
  }
  std::printf("not registered, but still serving: start the Inngest server and let it sync %s\n",
              url.c_str());
  return true;
}

/// Serves until SIGINT or SIGTERM.
/// \returns false when the port is not available.
inline bool serve(const studio::environment& env, const std::filesystem::path& directory) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // immediate output, even in a pipe
  const stop_signals stop;
  studio::services world = studio::open_services(directory);
  const studio::asset_server web(world.blobs, {.port = env.port() + 1});
  world.blob_url = web.url("/blobs/");

  const inngest::client app = studio::make_client(env);
  httplib::Server server;
  const inngest::handler handler = inngest::serve(server, app, studio::functions(app, world));
  add_run_route(server, world);
  if (!server.bind_to_port(env.host(), env.port())) {
    std::fprintf(stderr, "can't listen on %s:%d: is the port in use?\n", env.host().c_str(), env.port());
    return false;
  }
  const listening until_return(server);

  const inngest::settings& settings = app.settings();
  const std::string origin = settings.serve_origin().empty()
                                 ? "http://127.0.0.1:" + std::to_string(env.port())
                                 : settings.serve_origin();
  const std::string path = settings.serve_path().empty() ? handler.options().path : settings.serve_path();
  std::printf("%s serves %zu functions at %s%s, assets at %s, data in %s\n%s", app.id().c_str(),
              handler.functions().size(), origin.c_str(), path.c_str(), web.url("/").c_str(),
              directory.c_str(), settings.describe().c_str());
  if (register_app(handler, origin + path, stop)) stop.wait();
  std::printf("stopping\n");
  if (!handler.drain(std::chrono::seconds(10)))
    std::printf("waiting for %zu calls that have not ended\n", handler.calls_under_way());
  return true;
}

}  // namespace hosting
