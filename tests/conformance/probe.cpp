// The app of the conformance cases that are not Inngest's own, and what uses it:
//
//     probe serve PORT          serves the app, and registers it
//     probe send-and-wait A B   sends an event, waits for its run and prints the output
//
// The client's settings come from the environment, as for every app.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <inngest/adapters/httplib.hpp>
#include <inngest/inngest.hpp>
#include <inngest/runs.hpp>

#include "probe.hpp"

namespace {

namespace probe = conformance::probe;
using namespace std::chrono_literals;

int serve(const inngest::client& app, int port) {
  httplib::Server server;
  const inngest::handler handler = inngest::serve(server, app, probe::functions(app));
  if (!server.bind_to_port("127.0.0.1", port)) throw std::runtime_error("can't listen on the port");
  std::thread registering([&] {
    while (!server.is_running()) std::this_thread::yield();
    const auto result = handler.sync("http://127.0.0.1:" + std::to_string(port) + handler.options().path);
    std::printf("%s\n", result.ok ? "registered" : result.message.c_str());
    std::fflush(stdout);
  });
  server.listen_after_bind();
  registering.join();
  return EXIT_SUCCESS;
}

int send_and_wait(const inngest::client& app, int a, int b) {
  const inngest::runs runs(app);
  std::printf("%d\n", runs.send_and_wait(probe::sum_function(app), probe::sum_wanted{{.a = a, .b = b}}, 30s));
  return EXIT_SUCCESS;
}

}  // namespace

int main(int argc, char** argv) try {
  const std::vector<std::string> words(argv + 1, argv + argc);
  const inngest::client app{{.id = probe::app_id}};
  if (words.size() == 2 && words[0] == "serve") return serve(app, std::stoi(words[1]));
  if (words.size() == 3 && words[0] == "send-and-wait")
    return send_and_wait(app, std::stoi(words[1]), std::stoi(words[2]));
  std::fprintf(stderr, "usage: probe serve PORT | probe send-and-wait A B\n");
  return 2;
} catch (const std::exception& problem) {
  std::fprintf(stderr, "probe: %s\n", problem.what());
  return EXIT_FAILURE;
}
