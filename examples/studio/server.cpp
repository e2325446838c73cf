// The studio's jobs. By default they run here, on the engine in the process, and you see what they do. With
// INNGEST_DEV or INNGEST_SIGNING_KEY set, they are served to an Inngest server.

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>

#include "demo.hpp"
#include "hosting.hpp"

namespace {

constexpr const char* usage =
    "usage: studio_server [--data DIR] [--ui] [--crash-after STEPS]\n"
    "\n"
    "Runs every function of the studio once, in this process, and shows what happens. What a\n"
    "process leaves undone the next one with the same directory finishes.\n"
    "With INNGEST_DEV=1 (or a dev server's URL) or INNGEST_SIGNING_KEY set, it serves\n"
    "/api/inngest on HOST (127.0.0.1) and PORT (3000) and registers with the Inngest\n"
    "server instead.\n"
    "\n"
    "  --data DIR   where the database and the blobs are kept (STUDIO_DATA, or a directory\n"
    "               in the place for temporary files)\n"
    "  --ui         shows the engine's page, and goes on until it is stopped\n"
    "  --crash-after STEPS   kills the process in the middle, to see that nothing is lost\n";

int steps_of(const std::string& text) {
  int out = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (problem != std::errc() || end != text.data() + text.size() || out < 1)
    throw std::invalid_argument("--crash-after must be a number of steps, not \"" + text + "\"");
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const studio::environment env = studio::environment::read();
    demo::options chosen{.directory = env.data_directory()};
    for (int i = 1; i < argc; ++i) {
      const std::string_view argument = argv[i];
      if (argument == "--data" && i + 1 < argc) {
        chosen.directory = argv[++i];
      } else if (argument == "--ui") {
        chosen.page = true;
      } else if (argument == "--crash-after" && i + 1 < argc) {
        chosen.crash_after = steps_of(argv[++i]);
      } else {
        const bool help = argument == "--help" || argument == "-h";
        std::fputs(usage, help ? stdout : stderr);
        return help ? EXIT_SUCCESS : EXIT_FAILURE;
      }
    }
    const bool good = env.uses_server() ? hosting::serve(env, chosen.directory) : demo::run_all(env, chosen);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "studio_server: %s\n", problem.what());
    return EXIT_FAILURE;
  }
}
