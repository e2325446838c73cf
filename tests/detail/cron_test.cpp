#include <inngest/detail/cron.hpp>

#include <string>

#include <inngest/client.hpp>

#include "catch.hpp"
#include "support/handler_driver.hpp"

namespace {

using Catch::Matchers::ContainsSubstring;
using inngest::detail::cron_schedule;
using namespace std::chrono_literals;

std::string problem_of(const std::string& text) {
  try {
    cron_schedule::parse(text);
    return "(none)";
  } catch (const inngest::configuration_error& problem) {
    return problem.what();
  }
}

/// The values whose bits are set.
std::string values(std::uint64_t bits) {
  std::string out;
  for (int i = 0; i < 64; ++i) {
    if ((bits >> i & 1) != 0) out += (out.empty() ? "" : ",") + std::to_string(i);
  }
  return out;
}

}  // namespace

TEST_CASE("a schedule's fields are sets of values", "[cron]") {
  const auto s = cron_schedule::parse("*/15 9-17/4 1,15 JAN,jun-Aug MON-FRI");
  CHECK(values(s.minutes) == "0,15,30,45");
  CHECK(values(s.hours) == "9,13,17");
  CHECK(values(s.days) == "1,15");
  CHECK(values(s.months) == "1,6,7,8");
  CHECK(values(s.weekdays) == "1,2,3,4,5");
  CHECK(s.zone == "UTC");
  CHECK_FALSE(s.any_day);
  CHECK_FALSE(s.any_weekday);
  CHECK(values(cron_schedule::parse("50/5 * ? * *").minutes) == "50,55");
  CHECK(cron_schedule::parse("0 0 * * 0").any_day);
  CHECK(values(cron_schedule::parse("  0   0 * *   sun  ").weekdays) == "0");
}

TEST_CASE("a schedule may have a time zone", "[cron]") {
  CHECK(cron_schedule::parse("TZ=Europe/Paris 0 9 * * *").zone == "Europe/Paris");
  CHECK(cron_schedule::parse("CRON_TZ=UTC 0 9 * * *").zone == "UTC");
  for (const char* zone : {"Europe/Atlantis", "../../etc/passwd", "/etc/passwd", "", "Europe", "a\nb"}) {
    CAPTURE(zone);
    CHECK_THAT(problem_of("TZ=" + std::string(zone) + " 0 9 * * *"), ContainsSubstring("time zone"));
  }
}

TEST_CASE("a mistake in a schedule is named with its column", "[cron]") {
  CHECK(problem_of("0 25 * * *") == "hour 25 must be from 0 to 23, at column 3");
  CHECK(problem_of("60 * * * *") == "minute 60 must be from 0 to 59, at column 1");
  CHECK(problem_of("* * 0 * *") == "day of the month 0 must be from 1 to 31, at column 5");
  CHECK(problem_of("* * * * 7") == "day of the week 7 must be from 0 to 6, at column 9");
  CHECK(problem_of("* * * foo *") == "expected a number, found \"f\", at column 7");
  CHECK_THAT(problem_of("* * * *"), ContainsSubstring("day of the week is missing"));
  CHECK_THAT(problem_of(""), ContainsSubstring("minute is missing"));
  CHECK_THAT(problem_of("* * * * * *"), ContainsSubstring("sixth"));
  CHECK_THAT(problem_of("@daily"), ContainsSubstring("expected a number"));
  CHECK_THAT(problem_of("5-1 * * * *"), ContainsSubstring("backwards"));
  CHECK_THAT(problem_of("*/0 * * * *"), ContainsSubstring("step must be at least 1"));
  CHECK_THAT(problem_of("1, * * * *"), ContainsSubstring("expected a number"));
  CHECK_THAT(problem_of("99999999999999999999 * * * *"), ContainsSubstring("must be from"));
  CHECK_THAT(problem_of("0 0 30 2 *"), ContainsSubstring("never"));
  CHECK(problem_of("0 0 29 2 *") == "(none)");
  CHECK(problem_of("0 0 31 2 1") == "(none)");  // Mondays of February
}

TEST_CASE("a function's schedules are checked when it is made", "[cron][function]") {
  const auto app = support::quiet_client();
  const auto make = [&](auto trigger) { app.create_function({.id = "f"}, std::move(trigger), [](auto&) {}); };
  using inngest::any_of, inngest::cron;
  CHECK_THROWS_WITH(make(cron("0 25 * * *")), ContainsSubstring("function \"f\"") &&
                                                  ContainsSubstring("0 25 * * *") &&
                                                  ContainsSubstring("at column 3"));
  CHECK_THROWS_WITH(make(any_of(cron("0 1 * * *"), cron("0 1 * * *"))), ContainsSubstring("two triggers"));
  CHECK_THROWS_WITH(make(cron("0 1 * * *", {.jitter = 6min})), ContainsSubstring("jitter"));
  CHECK_NOTHROW(make(cron("0 1 * * *", {.jitter = 5min})));
}

TEST_CASE("an event pattern has its star at the end", "[function]") {
  const auto app = support::quiet_client();
  const auto make = [&](auto trigger) { app.create_function({.id = "f"}, std::move(trigger), [](auto&) {}); };
  CHECK_NOTHROW(make(inngest::on<inngest::event<"app/*">>()));
  CHECK_NOTHROW(make(inngest::on<inngest::event<"app/user.*">>()));
  CHECK_THROWS_WITH(make(inngest::on<inngest::event<"app/us*">>()),
                    ContainsSubstring("after a slash or a dot"));
  CHECK_THROWS_WITH(make(inngest::on<inngest::event<"*">>()), ContainsSubstring("after a slash or a dot"));
  CHECK_THROWS_WITH(make(inngest::on<inngest::event<"app/*/x">>()), ContainsSubstring("at the end"));
}

TEST_CASE("batches that no server would take are refused", "[function][batch]") {
  const auto app = support::quiet_client();
  const auto make = [&](inngest::function_options options) {
    app.create_function(std::move(options), inngest::on<inngest::event<"a/b">>(), [](auto&) {});
  };
  const inngest::batch good{.max_size = 2, .timeout = 1s};
  CHECK_NOTHROW(make({.id = "f", .batch = good}));
  CHECK_THROWS_WITH(make({.id = "f", .batch = inngest::batch{.max_size = 1, .timeout = 1s}}),
                    ContainsSubstring("batch.max_size"));
  CHECK_THROWS_WITH(make({.id = "f", .batch = inngest::batch{.timeout = 11min}}),
                    ContainsSubstring("batch.timeout"));
  CHECK_THROWS_WITH(make({.id = "f", .batch = inngest::batch{}}), ContainsSubstring("batch.timeout"));
  CHECK_THROWS_WITH(make({.id = "f", .debounce = inngest::debounce{.period = 1s}, .batch = good}),
                    ContainsSubstring("don't go together"));
  CHECK_THROWS_WITH(make({.id = "f", .batch = good, .singleton = inngest::singleton{}}),
                    ContainsSubstring("singleton"));
  CHECK_THROWS_WITH(make({.id = "f", .batch = good, .priority = "1"}), ContainsSubstring("priority"));
  CHECK_THROWS_WITH(make({.id = "f", .batch = good, .cancel_on = {{.event = "x/y"}}}),
                    ContainsSubstring("cancel_on"));
}
