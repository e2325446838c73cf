// Runs the studio's functions on the embedded engine and prints their progress. With INNGEST_DEV or
// INNGEST_SIGNING_KEY set, it serves them to an Inngest server instead.

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
    "Runs every function of the studio once, in this process, and prints its progress. The\n"
    "next process with the same directory finishes interrupted runs.\n"
    "With INNGEST_DEV=1 (or a dev server's URL) or INNGEST_SIGNING_KEY set, it serves\n"
    "/api/inngest on HOST (127.0.0.1) and PORT (3000) and registers with the Inngest\n"
    "server instead.\n"
    "\n"
    "  --data DIR           directory of the database and the blobs (STUDIO_DATA, or a\n"
    "                       temporary directory)\n"
    "  --ui                 serves the engine's page until you stop it\n"
    "  --crash-after STEPS  kills the process after this many steps, to show the recovery\n";

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
