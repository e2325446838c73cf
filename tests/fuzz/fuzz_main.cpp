// The entry points that libFuzzer calls, and corpus_main.cpp in its place: every input goes to the target
// that the argument --target=<name> chooses. libFuzzer leaves arguments that begin with two dashes to us.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "targets.hpp"

namespace {

struct target {
  const char* name;
  void (*run)(std::string_view input);
};

#define FUZZ_ROW(name) {#name, targets::fuzz_##name},
constexpr target all_targets[] = {FUZZ_TARGETS(FUZZ_ROW)};
#undef FUZZ_ROW

const target* chosen = nullptr;

const target* find_target(std::string_view name) {
  for (const target& candidate : all_targets)
    if (candidate.name == name) return &candidate;
  return nullptr;
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  constexpr std::string_view option = "--target=";
  for (int i = 1; i < *argc; ++i) {
    const std::string_view argument = (*argv)[i];
    if (argument.starts_with(option)) chosen = find_target(argument.substr(option.size()));
  }
  if (chosen != nullptr) return 0;
  std::fputs("--target=<name> must name one of these:\n", stderr);
  for (const target& known : all_targets) std::fprintf(stderr, "  %s\n", known.name);
  std::exit(2);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  chosen->run(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
