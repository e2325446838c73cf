// main() of the tests. A test that hangs fails, and is named.

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_session.hpp>
#include <catch2/catch_test_case_info.hpp>
#include <catch2/reporters/catch_reporter_event_listener.hpp>
#include <catch2/reporters/catch_reporter_registrars.hpp>
using listener = Catch::EventListenerBase;
int main(int argc, char** argv) { return Catch::Session().run(argc, argv); }
#else
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
using listener = Catch::TestEventListenerBase;
#endif

#include <cstdlib>
#include <string>

#include "support/watchdog.hpp"

namespace {

/// How many seconds a test case may take: far more than the longest needs, with ThreadSanitizer beside much
/// other work. INNGEST_TEST_PATIENCE replaces it, for example under a debugger; 0 is forever.
unsigned patience() {
  const char* given = std::getenv("INNGEST_TEST_PATIENCE");
  return given != nullptr ? static_cast<unsigned>(std::atoi(given)) : 900;
}

class test_watchdog final : public listener {
 public:
  using listener::listener;

  void testCaseStarting(const Catch::TestCaseInfo& test) override {
    dog_.begin("the test \"" + std::string(test.name) + "\"");
  }
  void testCaseEnded(const Catch::TestCaseStats&) override { dog_.end(); }

 private:
  support::watchdog dog_{patience()};
};

CATCH_REGISTER_LISTENER(test_watchdog)

}  // namespace
