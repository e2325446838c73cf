// A process is killed at random moments, and its work is done all the same.
#include <inngest/embedded.hpp>
#include <inngest/embedded/sqlite_store.hpp>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <system_error>
#include <thread>
#include <tuple>

#include "catch.hpp"

#ifdef INNGEST_TEST_CRASH_APP

namespace {

namespace fs = std::filesystem;

pid_t start(const fs::path& store, const fs::path& ledger, int number) {
  const pid_t child = fork();
  if (child == 0) {
    execl(INNGEST_TEST_CRASH_APP, INNGEST_TEST_CRASH_APP, store.c_str(), ledger.c_str(),
          std::to_string(number).c_str(), nullptr);
    _exit(127);
  }
  return child;
}

int wait_for(pid_t child) {
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

using step = std::tuple<std::string, int, std::string>;  // function, number, step

struct record {
  std::set<int> sent;
  std::map<step, int> ran;
  std::map<step, std::set<std::string>> seen;
};

record read(const fs::path& ledger) {
  record out;
  std::ifstream file(ledger);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string what, function, name, token;
    int n = 0;
    words >> what;
    if (what == "sent") {
      words >> n;
      out.sent.insert(n);
      continue;
    }
    words >> function >> n >> name >> token;
    if (what == "ran") ++out.ran[{function, n, name}];
    if (what == "saw") out.seen[{function, n, name}].insert(token);
  }
  return out;
}

/// How often processes are killed: INNGEST_CRASH_KILLS, for a slow machine or a long night.
int chosen_kills() {
  const char* chosen = std::getenv("INNGEST_CRASH_KILLS");
  return chosen ? std::atoi(chosen) : 200;
}

std::uintmax_t size_of(const fs::path& file) {
  std::error_code problem;
  const std::uintmax_t out = fs::file_size(file, problem);
  return problem ? 0 : out;
}

/// Whether every attempt of the run, or of one that it invoked, was ended by a kill: on a slow machine the
/// kills may come faster than its calls end.
bool used_up_by_kills(const inngest::embedded::run& run) {
  return run.error && run.error->message.find("the process ended while") != std::string::npos;
}

/// Kills processes that work on a new store, and checks what came of their work.
void check_kills(int kills) {
  const fs::path folder = fs::temp_directory_path() / ("inngest-crash-" + std::to_string(getpid()));
  fs::remove_all(folder);
  fs::create_directories(folder);
  const fs::path store = folder / "engine.db", ledger = folder / "ledger";
  std::mt19937 random(std::random_device{}());
  int longest = 150;  // milliseconds until a kill
  std::uintmax_t progress = 0;
  for (int i = 0, killed = 0; killed < kills; ++i) {
    const pid_t child = start(store, ledger, i);
    std::this_thread::sleep_for(std::chrono::milliseconds(std::uniform_int_distribution(5, longest)(random)));
    kill(child, SIGKILL);
    const int status = wait_for(child);
    if (WIFSIGNALED(status)) ++killed;
    REQUIRE((WIFSIGNALED(status) || WEXITSTATUS(status) == 0));
    if (i % 10 != 9) continue;
    const std::uintmax_t size = size_of(ledger);
    if (size < progress + 1000 && longest < 10'000)
      longest *= 2;  // a process hardly gets to work on this machine
    progress = size;
  }
  const int status = wait_for(start(store, ledger, -1));
  REQUIRE(WIFEXITED(status));
  REQUIRE(WEXITSTATUS(status) == 0);

  const record book = read(ledger);
  REQUIRE(book.sent.size() > 20);
  const inngest::embedded::sqlite_store kept({.path = store});
  std::map<std::string, std::set<int>> completed;
  std::set<std::pair<std::string, int>> worn_out;
  for (const auto& each : kept.runs()) {
    INFO(format_timeline(each));
    const bool was_worn_out = used_up_by_kills(each);
    REQUIRE((each.status == inngest::embedded::run_status::completed || was_worn_out));
    const auto event = kept.find_event(each.event_id);
    const bool was_sent = event && event->name == "crash/begun";
    if (!was_sent) continue;
    const int n = inngest::json::parse(event->text).at("data").at("n").get<int>();
    if (was_worn_out) {
      worn_out.insert({each.function_id, n});
      continue;
    }
    CHECK(completed[each.function_id].insert(n).second);  // one run of each function for each event
    for (const std::string& token : each.output<std::vector<std::string>>()) {
      const step of{each.function_id, n, token.substr(0, token.find('='))};
      CHECK(book.ran.contains(of));
      const auto seen = book.seen.find(of);
      if (seen != book.seen.end()) CHECK(seen->second == std::set<std::string>{token});
    }
  }
  for (const char* function : {"chain", "fan", "flaky", "waiter", "parent"}) {
    for (const int n : book.sent) {
      INFO(function << " " << n);
      CHECK((completed[function].contains(n) || worn_out.contains({function, n})));
    }
  }
  CHECK(worn_out.size() < book.sent.size());  // of five times as many
  for (const auto& [of, tokens] : book.seen) CHECK(tokens.size() == 1);
  fs::remove_all(folder);
}

}  // namespace

TEST_CASE("a process that is killed at any moment loses nothing and repeats nothing that was seen",
          "[crash]") {
  constexpr int of_a_store = 200;
  for (int left = chosen_kills(); left > 0; left -= of_a_store) check_kills(std::min(left, of_a_store));
}

#endif
