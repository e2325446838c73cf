// A process that repeats failed runs in bulk is killed at random moments.
#include <inngest/embedded.hpp>
#include <inngest/embedded/sqlite_store.hpp>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <map>
#include <random>
#include <string>
#include <thread>

#include "catch.hpp"
#include "embedded/store_records.hpp"

#ifdef INNGEST_TEST_BULK_APP

namespace {

pid_t start_bulk_app(const std::string& store, int runs) {
  const pid_t child = fork();
  if (child == 0) {
    execl(INNGEST_TEST_BULK_APP, INNGEST_TEST_BULK_APP, store.c_str(), std::to_string(runs).c_str(), nullptr);
    _exit(127);
  }
  return child;
}

int status_of(pid_t child) {
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

bool has_succeeded(int status) { return WIFEXITED(status) && WEXITSTATUS(status) == 0; }

}  // namespace

TEST_CASE("a bulk operation whose process is killed at any moment repeats each run exactly once", "[crash]") {
  constexpr int runs = 300;
  const store_records::folder place;
  const std::string file = place.file.string();
  REQUIRE(has_succeeded(status_of(start_bulk_app(file, runs))));
  std::mt19937 random(std::random_device{}());
  int kills = 0, longest = 200;  // milliseconds until a kill
  while (true) {
    const pid_t child = start_bulk_app(file, 0);
    std::this_thread::sleep_for(std::chrono::milliseconds(std::uniform_int_distribution(5, longest)(random)));
    kill(child, SIGKILL);
    const int status = status_of(child);
    if (!WIFSIGNALED(status)) {
      REQUIRE(has_succeeded(status));
      break;
    }
    if (++kills % 20 == 0) longest *= 2;  // a slow machine hardly gets to work
  }
  CHECK(kills > 0);

  const inngest::embedded::sqlite_store kept({.path = place.file});
  std::map<std::string, int> repetitions;  // by the repeated run
  int originals = 0;
  for (const auto& each : kept.runs()) {
    if (each.original_run_id.empty())
      ++originals;
    else
      ++repetitions[each.original_run_id];
  }
  CHECK(originals == runs);
  CHECK(repetitions.size() == runs);
  for (const auto& [id, times] : repetitions) {
    INFO(id);
    CHECK(times == 1);
  }
  const auto operations = kept.bulk_operations();
  REQUIRE(operations.size() == 1);
  CHECK(operations[0].state == inngest::embedded::bulk_state::completed);
  CHECK(operations[0].total == runs);
  CHECK(operations[0].done == runs);
}

#endif
