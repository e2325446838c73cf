// Serves the conformance runner's app: app [port]. The port may also come from PORT; 0 takes a free
// one.

#include <cstdio>
#include <cstdlib>
#include <string>

#include <inngest/adapters/httplib.hpp>
#include <inngest/inngest.hpp>

#include "app.hpp"

int main(int argc, char** argv) {
  const char* from_environment = std::getenv("PORT");
  const std::string asked = argc > 1 ? argv[1] : from_environment ? from_environment : "3000";
  char* end = nullptr;
  const long number = std::strtol(asked.c_str(), &end, 10);
  if (asked.empty() || *end != '\0' || number < 0 || number > 65535) {
    std::fprintf(stderr, "not a port: \"%s\"\n", asked.c_str());
    return 2;
  }

  const inngest::client app(
      {.id = conformance::app_id, .mode = inngest::mode::dev, .checkpointing = {.enabled = false}});
  httplib::Server server;
  const auto handler = inngest::serve(server, app, conformance::functions(app));
  int port = static_cast<int>(number);
  if (port == 0)
    port = server.bind_to_any_port("127.0.0.1");
  else if (!server.bind_to_port("127.0.0.1", port))
    port = -1;
  if (port < 0) {
    std::fprintf(stderr, "port %s can't be listened on\n", asked.c_str());
    return 1;
  }
  std::printf("listening at http://127.0.0.1:%d%s\n", port, handler.options().path.c_str());
  std::fflush(stdout);
  return server.listen_after_bind() ? 0 : 1;
}
