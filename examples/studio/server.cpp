// The studio's jobs. By default they run here, on the engine in the process, and you see what they do. With
// INNGEST_DEV or INNGEST_SIGNING_KEY set, they are served to an Inngest server.

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <string>
#include <string_view>

#include "demo.hpp"
#include "hosting.hpp"

namespace {

constexpr const char* usage =
    "usage: studio_server [--data DIR]\n"
    "\n"
    "Runs every function of the studio once, in this process, and shows what happens.\n"
    "With INNGEST_DEV=1 (or a dev server's URL) or INNGEST_SIGNING_KEY set, it serves\n"
    "/api/inngest on PORT (3000) and registers with the Inngest server instead.\n"
    "\n"
    "  --data DIR   where the database and the blobs are kept (STUDIO_DATA, or a directory\n"
    "               in the place for temporary files)\n";

}  // namespace

int main(int argc, char** argv) {
  try {
    const studio::environment env = studio::environment::read();
    std::filesystem::path directory = env.data_directory();
    for (int i = 1; i < argc; ++i) {
      const std::string_view argument = argv[i];
      if (argument == "--data" && i + 1 < argc) {
        directory = argv[++i];
      } else {
        const bool help = argument == "--help" || argument == "-h";
        std::fputs(usage, help ? stdout : stderr);
        return help ? EXIT_SUCCESS : EXIT_FAILURE;
      }
    }
    const bool good = env.uses_server() ? hosting::serve(env, directory) : demo::run_all(env, directory);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "studio_server: %s\n", problem.what());
    return EXIT_FAILURE;
  }
}
