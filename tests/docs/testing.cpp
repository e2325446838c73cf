// Code of docs/testing.md.

#include <chrono>
#include <string>

#include <inngest/inngest.hpp>
#include <inngest/testing.hpp>
#include <inngest/testing/catch2.hpp>

#include "catch.hpp"

using namespace std::chrono_literals;

namespace docs::testing {

struct User { std::string userId; };
INNGEST_FIELDS(User, userId)
using SignedUp = inngest::event<"user/signed.up", User>;
struct Receipt { int cents = 0; };
INNGEST_FIELDS(Receipt, cents)
struct Result { std::string status; };
INNGEST_FIELDS(Result, status)

void a_test(const inngest::client& app, const inngest::any_function& onboarding) {
  // [test]
  #include <inngest/testing.hpp>

  inngest::testing::harness t{app, {onboarding}};
  t.mock_step("charge-card", [] { return Receipt{.cents = 100}; });  // without a mock, the real body runs
  auto run = t.send(SignedUp{{.userId = "u1"}});

  REQUIRE(run.waiting_on() == "wait-for-activation");
  t.advance(72h);                                                    // no real time passes
  REQUIRE(run.output<Result>().status == "reminded");
  REQUIRE(run.step("send-reminder").attempts() == 1);
  // [test]
}

void matchers(const inngest::testing::test_run& run) {
  // [matchers]
  using namespace inngest::testing;
  REQUIRE_THAT(run, waits_on("wait-for-activation"));
  CHECK_THAT(run, reached_steps({"charge-card", "wait-for-activation"}));
  CHECK_THAT(run, completed() || failed_with("the bank is closed"));
  // [matchers]
}

}  // namespace docs::testing
