#include <inngest/time/detail/cron.hpp>

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

TEST_CASE("a field is read as a server reads it", "[cron]") {
  const struct {
    const char* field;
    const char* values;  // empty: it is refused
  } rows[] = {
      {"0", "0"},
      {"23", "23"},
      {"007", "7"},
      {"1,3,5", "1,3,5"},
      {"5,3,3", "3,5"},
      {"1,,2", "1,2"},
      {",1", "1"},
      {"1,", "1"},
      {"0-3", "0,1,2,3"},
      {"7-7", "7"},
      {"20-23,1-2", "1,2,20,21,22,23"},
      {"1-10/3", "1,4,7,10"},
      {"1-10/20", "1"},
      {"*/8", "0,8,16"},
      {"?/12", "0,12"},
      {"*/24", "0"},
      {"*/2147483647", "0"},
      {"23/2147483647", "23"},
      {"23/99999999999999999999", "23"},
      {"18/2", "18,20,22"},
      {"20/1", "20,21,22,23"},
      {"1-3/1", "1,2,3"},
      {"22-23,*/12", "0,12,22,23"},
      {",", ""},
      {"24", ""},
      {"-1", ""},
      {"+1", ""},
      {"1.5", ""},
      {"1-", ""},
      {"-", ""},
      {"1-2-3", ""},
      {"1/2/3", ""},
      {"1/", ""},
      {"/2", ""},
      {"*/", ""},
      {"*/*", ""},
      {"*/-1", ""},
      {"*/x", ""},
      {"**", ""},
      {"*5", ""},
      {"*-5", ""},
      {"0-24", ""},
      {"10-9", ""},
      {"L", ""},
      {"1#2", ""},
      {"H", ""},
      {"mon", ""},
      {"1;2", ""},
      {"0x1", ""},
      {"\u00e9", ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.field);
    const std::string text = "0 " + std::string(row.field) + " * * *";
    std::string found;
    try {
      found = values(cron_schedule::parse(text).hours);
    } catch (const inngest::configuration_error& problem) {
      CHECK_THAT(problem.what(), ContainsSubstring("at column "));
    }
    CHECK(found == row.values);
  }
}

TEST_CASE("months and days of the week have names in any case", "[cron]") {
  CHECK(values(cron_schedule::parse("* * * jan-DEC *").months) == "1,2,3,4,5,6,7,8,9,10,11,12");
  CHECK(values(cron_schedule::parse("* * * Nov/1 *").months) == "11,12");
  CHECK(values(cron_schedule::parse("* * * 2-Apr,sep *").months) == "2,3,4,9");
  CHECK(values(cron_schedule::parse("* * * * sun,TUE-4,Sat").weekdays) == "0,2,3,4,6");
  for (const char* text : {"* * * january *", "* * * * monday", "* * * mon *", "* * * * jan", "* * jan * *",
                           "* * * j *", "* * * * fri-mon", "* * * dec-jan *", "* * * 13 *", "* * * 0 *"}) {
    CAPTURE(text);
    CHECK_THAT(problem_of(text), ContainsSubstring("at column "));
  }
}

TEST_CASE("a star leaves the day to the other field, a step above one does not", "[cron]") {
  const auto stars = [](const std::string& text) {
    const auto schedule = cron_schedule::parse(text);
    return std::string(schedule.any_day ? "day " : "") + (schedule.any_weekday ? "weekday" : "");
  };
  CHECK(stars("* * * * *") == "day weekday");
  CHECK(stars("* * ? * 1") == "day ");
  CHECK(stars("* * 1 * ?") == "weekday");
  CHECK(stars("* * */2 * */2").empty());
  CHECK(stars("* * */1 * */2") == "day ");
  CHECK(stars("* * *,*/2 * 1") == "day ");
  CHECK(stars("* * *,1-5/2 * 1") == "day ");
  CHECK(stars("* * 1-31 * 0-6").empty());
}

TEST_CASE("fields are apart by any white space", "[cron]") {
  CHECK(values(cron_schedule::parse("\t5\t6\n7 8\r\n*\f").hours) == "6");
  CHECK_THAT(problem_of("5,6 7, 8 9 *  *"), ContainsSubstring("sixth"));
}

TEST_CASE("a schedule is at most as long as a server takes it", "[cron]") {
  const std::string fields = "* * * * *";
  CHECK(problem_of(std::string(255 - fields.size(), ' ') + fields) == "(none)");
  CHECK_THAT(problem_of(std::string(256 - fields.size(), ' ') + fields), ContainsSubstring("255"));
}

TEST_CASE("a schedule knows when it fires next", "[cron]") {
  const auto next = [](const std::string& text, std::chrono::sys_seconds after) {
    return cron_schedule::parse(text).next_after(after);
  };
  const auto day = [](int year, unsigned month, unsigned number) {
    return std::chrono::sys_days(std::chrono::year(year) / std::chrono::month(month) /
                                 std::chrono::day(number));
  };
  const auto start = day(2026, 11, 23) + 10h + 30min;  // a Monday
  CHECK(next("* * * * *", start) == start + 1min);
  CHECK(next("* * * * *", start + 59s) == start + 1min);
  CHECK(next("30 10 * * *", start - 1s) == start);
  CHECK(next("30 10 * * *", start) == start + 24h);
  CHECK(next("*/15 * * * *", start + 20min) == start + 30min);
  CHECK(next("0 9 * * mon-fri", start) == day(2026, 11, 24) + 9h);
  CHECK(next("0 9 * * sat", start) == day(2026, 11, 28) + 9h);
  CHECK(next("0 0 1 1 *", start) == day(2027, 1, 1));
  CHECK(next("59 23 31 12 *", start) == day(2026, 12, 31) + 23h + 59min);
  CHECK(next("0 0 13 * 5", start) == day(2026, 11, 27));    // the 13th or a Friday
  CHECK(next("0 0 */2 * 1", start) == day(2026, 11, 25));   // an odd day or a Monday
  CHECK(next("0 0 *,13 * 5", start) == day(2026, 11, 27));  // Fridays only
  CHECK(next("0 0 29 2 *", start) == day(2028, 2, 29));
  CHECK(next("0 0 29 2 *", day(2096, 2, 29)) == day(2104, 2, 29));
  CHECK(next("0 0 1 1 *", day(1969, 12, 31) + 23h) == day(1970, 1, 1));
}

TEST_CASE("a schedule may have a time zone", "[cron]") {
  CHECK(cron_schedule::parse("TZ=Europe/Paris 0 9 * * *").zone == "Europe/Paris");
  CHECK(cron_schedule::parse("CRON_TZ=UTC 0 9 * * *").zone == "UTC");
  CHECK(cron_schedule::parse("TZ=America/Argentina/Buenos_Aires 0 9 * * *").zone ==
        "America/Argentina/Buenos_Aires");
  CHECK(cron_schedule::parse("TZ=Etc/GMT+5  0 9 * * *").zone == "Etc/GMT+5");
  CHECK_THAT(problem_of("TZ=UTC"), ContainsSubstring("minute is missing"));
  CHECK_THAT(problem_of("tz=UTC 0 9 * * *"), ContainsSubstring("minute"));
  CHECK_THAT(problem_of(" TZ=UTC 0 9 * * *"), ContainsSubstring("minute"));
  CHECK(problem_of("TZ=Europe/Pari 0 9 * * *") == "there is no time zone \"Europe/Pari\", at column 4");
  for (const char* zone : {"Europe/Atlantis", "../../etc/passwd", "/etc/passwd", "", "Europe", "a\nb",
                           "zone.tab", "leapseconds", "Europe/../UTC", "Europe/Paris/", "./UTC"}) {
    CAPTURE(zone);
    CHECK_THAT(problem_of("TZ=" + std::string(zone) + " 0 9 * * *"), ContainsSubstring("time zone"));
  }
}

TEST_CASE("a mistake in a schedule is named with its column", "[cron]") {
  CHECK(problem_of("0 25 * * *") == "hour 25 must be from 0 to 23, at column 3");
  CHECK(problem_of("60 * * * *") == "minute 60 must be from 0 to 59, at column 1");
  CHECK(problem_of("* * 0 * *") == "day of the month 0 must be from 1 to 31, at column 5");
  CHECK(problem_of("* * * * 7") == "day of the week 7 must be from 0 to 6: Sunday is 0, at column 9");
  CHECK(problem_of("* * * * 8") == "day of the week 8 must be from 0 to 6, at column 9");
  CHECK(problem_of("* * * foo *") ==
        "the month must be a number or a name such as feb, found \"foo\", at column 7");
  CHECK_THAT(problem_of("* * * *"), ContainsSubstring("day of the week is missing"));
  CHECK_THAT(problem_of(""), ContainsSubstring("minute is missing"));
  CHECK_THAT(problem_of("* * * * * *"), ContainsSubstring("sixth"));
  CHECK(problem_of("@daily") == "write \"0 0 * * *\" for @daily, at column 1");
  CHECK(problem_of("TZ=UTC @hourly") == "write \"0 * * * *\" for @hourly, at column 8");
  CHECK_THAT(problem_of("@every 1h"), ContainsSubstring("five fields"));
  CHECK_THAT(problem_of("@dailyish"), ContainsSubstring("five fields"));
  CHECK_THAT(problem_of("5-1 * * * *"), ContainsSubstring("backwards"));
  CHECK_THAT(problem_of("*/0 * * * *"), ContainsSubstring("step must be at least 1"));
  CHECK(problem_of(", * * * *") == "the minute has no value: it would never fire, at column 1");
  CHECK_THAT(problem_of("5/99999999999 * * * "), ContainsSubstring("day of the week is missing"));
  CHECK_THAT(problem_of("99999999999999999999 * * * *"), ContainsSubstring("must be from"));
  CHECK_THAT(problem_of("0 0 30 2 *"), ContainsSubstring("never"));
  CHECK(problem_of("0 0 29 2 *") == "(none)");
  CHECK(problem_of("0 0 31 2 1") == "(none)");  // Mondays of February
}

TEST_CASE("a function's schedules are checked when it is made", "[cron][function]") {
  const auto app = support::quiet_client();
  const auto make = [&](auto trigger) {
    static_cast<void>(app.create_function({.id = "f"}, std::move(trigger), [](auto&) {}));
  };
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
  const auto make = [&](auto trigger) {
    static_cast<void>(app.create_function({.id = "f"}, std::move(trigger), [](auto&) {}));
  };
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
    static_cast<void>(
        app.create_function(std::move(options), inngest::on<inngest::event<"a/b">>(), [](auto&) {}));
  };
  const inngest::batch good{.max_size = 2, .timeout = 1s};
  CHECK_NOTHROW(make({.id = "f", .batch = good}));
  CHECK_THROWS_WITH(make({.id = "f", .batch = inngest::batch{.max_size = 1, .timeout = 1s}}),
                    ContainsSubstring("batch.max_size"));
  CHECK_THROWS_WITH(make({.id = "f", .batch = inngest::batch{.timeout = 11min}}),
                    ContainsSubstring("batch.timeout"));
  CHECK_THROWS_WITH(make({.id = "f", .batch = inngest::batch{}}), ContainsSubstring("batch.timeout"));
  CHECK_THROWS_WITH(make({.id = "f", .debounce = inngest::debounce{.period = 1s}, .batch = good}),
                    ContainsSubstring("can't be combined"));
  CHECK_THROWS_WITH(make({.id = "f", .batch = good, .singleton = inngest::singleton{}}),
                    ContainsSubstring("singleton"));
  CHECK_THROWS_WITH(make({.id = "f", .batch = good, .priority = "1"}), ContainsSubstring("priority"));
  CHECK_THROWS_WITH(make({.id = "f", .batch = good, .cancel_on = {{.event = "x/y"}}}),
                    ContainsSubstring("cancel_on"));
  CHECK_THROWS_WITH(
      make({.id = "f", .rate_limit = inngest::rate_limit{.limit = 1, .period = 1h}, .batch = good}),
      ContainsSubstring("rate_limit"));
  CHECK_THROWS_WITH(make({.id = "f", .batch = good, .idempotency = "event.data.id"}),
                    ContainsSubstring("idempotency"));
}
