#include "support/watchdog.hpp"

#include <sys/wait.h>

#include <string>

#include "catch.hpp"

namespace {

/// Watches for a second what lasts for five, in a process of its own: the first sentence on its standard
/// error.
std::string said_of(const std::string& name, bool ends_in_time, int& status) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::dup2(ends[1], STDERR_FILENO);
    support::watchdog dog(1);
    dog.begin("something else");
    dog.begin(name);
    if (ends_in_time) dog.end();
    ::sleep(ends_in_time ? 2 : 5);
    ::_exit(7);
  }
  ::close(ends[1]);
  std::string out(1000, '\0');
  const auto size = ::read(ends[0], out.data(), out.size());
  out.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  ::close(ends[0]);
  REQUIRE(::waitpid(child, &status, 0) == child);
  return out;
}

}  // namespace

TEST_CASE("a watchdog ends the process and names what takes too long", "[watchdog]") {
  int status = 0;
  CHECK(said_of("the test", false, status) == "the test hangs: it has not ended after 1 s\n");
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 1);
}

TEST_CASE("a watchdog says nothing of what ends in time", "[watchdog]") {
  int status = 0;
  CHECK(said_of("the test", true, status).empty());
  CHECK(WEXITSTATUS(status) == 7);
}
