// The studio's functions as a worker: it connects to the server and serves only what is not Inngest's, the
// route that stores workflow runs and the assets.

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <stdexcept>

#include <inngest/connect.hpp>
#include <inngest/inngest.hpp>

#include <hosting.hpp>

int main(int argc, char** argv) try {
  if (argc != 2) throw std::invalid_argument("usage: studio_worker DATA");
  const hosting::stop_signals stop;
  const studio::environment env = studio::environment::read();
  studio::services world = studio::open_services(std::filesystem::path(argv[1]));
  const studio::asset_server web(world.blobs, {.port = env.port() + 1});
  world.blob_url = web.url("/blobs/");

  const inngest::client app = studio::make_client(env);
  httplib::Server server;
  studio::do_not_share_port(server);
  hosting::add_run_route(server, world);
  if (!server.bind_to_port(env.host(), env.port())) throw std::runtime_error("can't listen on the port");
  const hosting::listening until_return(server);

  const auto tell = [](inngest::connect::worker_state state) {
    std::printf("worker: %s\n", std::string(to_string(state)).c_str());
    std::fflush(stdout);
  };
  inngest::connect::worker worker{
      app, studio::functions(app, world), {.instance_id = "studio", .on_state_change = tell}};
  worker.start();
  stop.wait();
  return worker.drain(std::chrono::seconds(10)) ? EXIT_SUCCESS : EXIT_FAILURE;
} catch (const std::exception& problem) {
  std::fprintf(stderr, "studio_worker: %s\n", problem.what());
  return EXIT_FAILURE;
}
