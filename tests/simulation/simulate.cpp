// Worlds by chance, until the time is over or a violation is found, which is then made smaller.
//
//     simulate [--minutes N | --seconds N | --actions N] [--seed S] [--once] [--sqlite]
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <random>
#include <string>

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
};

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
  for (std::uint64_t seed = first;; ++seed, ++worlds) {
    const bool with_sqlite = chosen.sqlite || seed % 50 == 0;
    const simulated::script script = simulated::random_script(seed, chosen.length);
    const simulated::result result = simulated::run(script, with_sqlite);
    actions += result.actions;
    if (!result.problem.empty()) {
      std::cout << "seed " << seed << " after " << elapsed() << " s and " << actions
                << " actions: " << result.problem << std::endl;
      std::cout << simulated::report_of(script, with_sqlite) << std::endl;
      return EXIT_FAILURE;
    }
    if (chosen.once || (chosen.actions > 0 ? actions >= chosen.actions : elapsed() >= chosen.seconds)) break;
  }
  std::cout << worlds + 1 << " worlds, " << actions << " actions, "
            << static_cast<std::uint64_t>(static_cast<double>(actions) / elapsed())
            << " a second: no violation\n";
  return EXIT_SUCCESS;
} catch (const std::exception& problem) {
  std::cerr << problem.what() << '\n';
  return EXIT_FAILURE;
}
