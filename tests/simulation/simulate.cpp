// Worlds by chance, until the time is over or a violation is found, which is then made smaller.
//
//     simulate [--minutes N | --seconds N | --actions N] [--seed S] [--once] [--sqlite] [--seeds FILE]
//
// One world in fifty has a SQLite database beside its memory store, with --sqlite each. The seeds of a file,
// which found something once, come first.
#include <inngest/expression/evaluation.hpp>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "reduce.hpp"
#include "script.hpp"
#include "world.hpp"

namespace {

struct command {
  double seconds = 60;
  std::uint64_t actions = 0;
  std::optional<std::uint64_t> seed{};
  bool once = false;
  bool sqlite = false;
  std::size_t length = 300;
  std::vector<std::uint64_t> known{};
};

/// Numbers, one a line; the rest of a line says what they found.
std::vector<std::uint64_t> read_seeds(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::invalid_argument("can't read " + path);
  std::vector<std::uint64_t> out;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line[0] != '#') out.push_back(std::stoull(line));
  }
  return out;
}

command read_command(int count, char** words) {
  command out;
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    const auto value = [&]() -> std::string {
      if (i + 1 == count) throw std::invalid_argument(word + " needs a value");
      return words[++i];
    };
    if (word == "--minutes")
      out.seconds = 60 * std::stod(value());
    else if (word == "--seconds")
      out.seconds = std::stod(value());
    else if (word == "--actions")
      out.actions = std::stoull(value());
    else if (word == "--seed")
      out.seed = std::stoull(value());
    else if (word == "--length")
      out.length = std::stoull(value());
    else if (word == "--seeds")
      out.known = read_seeds(value());
    else if (word == "--once")
      out.once = true;
    else if (word == "--sqlite")
      out.sqlite = true;
    else
      throw std::invalid_argument("unknown: " + word);
  }
  return out;
}

}  // namespace

int main(int count, char** words) try {
  const command chosen = read_command(count, words);
  const std::uint64_t first = chosen.seed.value_or(std::random_device()());
  std::cout << "first seed: " << first << std::endl;
  const auto begun = std::chrono::steady_clock::now();
  const auto elapsed = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  };
  std::uint64_t actions = 0, worlds = 0;
  const auto holds = [&](std::uint64_t seed) {
    const bool with_sqlite = chosen.sqlite || seed % 50 == 0;
    const simulated::script script = simulated::random_script(seed, chosen.length);
    const simulated::result result = simulated::run(script, with_sqlite);
    actions += result.actions;
    ++worlds;
    if (result.problem.empty()) return true;
    std::cout << "seed " << seed << " after " << elapsed() << " s and " << actions
              << " actions: " << result.problem << std::endl;
    std::cout << simulated::report_of(script, with_sqlite) << std::endl;
    return false;
  };
  for (const std::uint64_t seed : chosen.known) {
    if (!holds(seed)) return EXIT_FAILURE;
  }
  for (std::uint64_t seed = first;; ++seed) {
    if (!holds(seed)) return EXIT_FAILURE;
    if (chosen.once || (chosen.actions > 0 ? actions >= chosen.actions : elapsed() >= chosen.seconds)) break;
  }
  std::cout << worlds << " worlds, " << actions << " actions, "
            << static_cast<std::uint64_t>(static_cast<double>(actions) / elapsed())
            << " a second: no violation\n";
  return EXIT_SUCCESS;
} catch (const std::exception& problem) {
  std::cerr << problem.what() << '\n';
  return EXIT_FAILURE;
}
