#include "support/watchdog.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "catch.hpp"
#include "support/child_process.hpp"

namespace {

struct outcome {
  int status = 0;
  std::string said{};  // on standard error
};

/// Runs the function in a process of its own, with its standard error.
template <class Body>
outcome outcome_of(Body body) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  support::child_process child([&] {
    ::dup2(ends[1], STDERR_FILENO);
    return body();
  });
  ::close(ends[1]);
  outcome out;
  char buffer[1000];
  for (ssize_t size = 0; (size = ::read(ends[0], buffer, sizeof buffer)) > 0;)
    out.said.append(buffer, static_cast<std::size_t>(size));
  ::close(ends[0]);
  out.status = child.wait();
  return out;
}

}  // namespace

TEST_CASE("a watchdog ends the process and names what takes too long", "[watchdog]") {
  const outcome out = outcome_of([] {
    support::watchdog patient(3600);  // the second begins before the first barks, however slow this is
    patient.begin("something else");
    support::watchdog dog(1);
    dog.begin("the test");
    ::sleep(60);
    return 7;
  });
  CHECK(out.said == "the test hangs: it has not ended after 1 s\n");
  REQUIRE(WIFEXITED(out.status));
  CHECK(WEXITSTATUS(out.status) == 1);
}

TEST_CASE("a watchdog says nothing of what ends in time", "[watchdog]") {
  const outcome out = outcome_of([] {
    support::watchdog dog(3600);
    dog.begin("the test");
    const unsigned while_it_runs = ::alarm(3600);
    dog.end();
    const bool watches_then_not = while_it_runs > 0 && ::alarm(0) == 0;
    return watches_then_not ? 7 : 8;
  });
  CHECK(out.said.empty());
  REQUIRE(WIFEXITED(out.status));
  CHECK(WEXITSTATUS(out.status) == 7);
}
