#include <chrono>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <inngest/serve.hpp>

#include "catch.hpp"
#include "support/handler_driver.hpp"
#include "support/message_of.hpp"

// Durations and moments that are too long, too far away or none at all.

namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using inngest::json;
using std::chrono::hours;
using std::chrono::milliseconds;
using support::run_driver;
using strings = std::vector<std::string>;
using test_event = inngest::event<"test/event">;

template <class Handler>
auto made(Handler handler) {
  return support::quiet_client().create_function({.id = "f"}, inngest::on<test_event>(), std::move(handler));
}

/// The name of the only operation of the first answer, or the message of the error that failed the run for
/// good.
template <class Handler>
std::string first_of(Handler handler) {
  auto f = made(std::move(handler));
  const auto reply = run_driver(f).discover();
  if (reply.status == 206) return reply.op().value("name", "") + reply.op().value("opts", json()).dump();
  CHECK(reply.status == 400);
  CHECK(reply.header("x-inngest-no-retry") == "true");
  return reply.body().at("message");
}

template <class Duration>
std::string slept(Duration duration) {
  return first_of([=](auto& ctx) { ctx.step.sleep("nap", duration); });
}

template <class Time>
std::string slept_until(Time time) {
  return first_of([=](auto& ctx) { ctx.step.sleep_until("nap", time); });
}

}  // namespace

TEST_CASE("a sleep that no server takes is refused by its step's id", "[waits]") {
  CHECK(slept(hours(24 * 366)) == "8784hnull");
  const std::string refused = "step \"nap\": a sleep may take at most 366 days, not ";
  CHECK(slept(hours(24 * 366) + 1ms) == refused + "31622400001 ms");
  CHECK(slept(hours(24 * 367)) == refused + "31708800000 ms");
  CHECK(slept(milliseconds::max()) == refused + "9223372036854775807 ms");
  CHECK(slept(milliseconds::min()) == refused + "-9223372036854775808 ms");
  // durations whose conversion to milliseconds overflows
  CHECK(slept(hours::max()) == refused + "9223372036854775807 ms");
  CHECK(slept(std::chrono::seconds::max()) == refused + "9223372036854775807 ms");
  CHECK(slept(std::chrono::years::min()) == refused + "-9223372036854775808 ms");
  using wide = std::chrono::duration<std::uint64_t>;
  CHECK(slept(wide::max()) == refused + "9223372036854775807 ms");
}

TEST_CASE("a sleep of less than nothing is over at once", "[waits]") {
  CHECK(slept(-5s) == "0snull");
  CHECK(slept(0ms) == "0snull");
}

TEST_CASE("a moment too far away is refused, and one that has passed is not waited for", "[waits]") {
  using std::chrono::sys_days, std::chrono::year, std::chrono::system_clock;
  const std::string refused = "step \"nap\": a sleep may take at most 366 days, not until ";
  CHECK(slept_until(sys_days(year(2500) / 1 / 1)) == refused + "2500-01-01T00:00:00.000Z");
  CHECK_THAT(slept_until(system_clock::time_point::max()), ContainsSubstring(refused + "2262-"));
  CHECK_THAT(slept_until(std::chrono::sys_time<hours>::max()), ContainsSubstring(refused + "9999-12-31"));
  CHECK_THAT(slept_until(system_clock::now() + hours(24 * 367)), ContainsSubstring(refused));
  CHECK_THAT(slept_until(system_clock::now() + hours(24 * 365)), ContainsSubstring("T"));
  CHECK(slept_until(system_clock::time_point::min()) == "1970-01-01T00:00:00.000Znull");
  CHECK(slept_until(sys_days(year(-500) / 1 / 1)) == "1970-01-01T00:00:00.000Znull");
  CHECK(slept_until(sys_days(year(2020) / 2 / 29)) == "2020-02-29T00:00:00.000Znull");
}

TEST_CASE("a sleep until 366 days from now is accepted, whatever the fraction of the millisecond",
          "[waits]") {
  for (int i = 0; i < 20; ++i) {
    const std::string slept = first_of(
        [](auto& ctx) { ctx.step.sleep_until("nap", std::chrono::system_clock::now() + hours(24 * 366)); });
    CHECK_THAT(slept, ContainsSubstring("Znull"));
  }
}

TEST_CASE("a wait's timeout that no server takes is refused by its step's id", "[waits]") {
  const auto timeout = [](auto chosen) {
    return strings{
        first_of(
            [=](auto& ctx) { ctx.step.template wait_for_event<test_event>("wait", {.timeout = chosen}); }),
        first_of([=](auto& ctx) { ctx.step.wait_for_signal("wait", {.signal = "s", .timeout = chosen}); }),
        first_of([=](auto& ctx) {
          const inngest::function_ref<test_event> other{"shop", "pay"};
          ctx.step.invoke("wait", other, json::object(), {.timeout = chosen});
        })};
  };
  const auto refused = [](const std::string& count) {
    return strings(3, "step \"wait\": its timeout must be from 0 to 366 days, not " + count + " ms");
  };
  CHECK(timeout(hours(24 * 366) + 1ms) == refused("31622400001"));
  CHECK(timeout(milliseconds::max()) == refused("9223372036854775807"));
  CHECK(timeout(hours::max()) == refused("9223372036854775807"));
  CHECK(timeout(-1ms) == refused("-1"));
  CHECK(timeout(std::chrono::days::min()) == refused("-9223372036854775808"));
  for (const std::string& taken : timeout(hours(24 * 366))) CHECK_THAT(taken, ContainsSubstring("\"8784h\""));
}

TEST_CASE("a result that is there already is not refused for its step's options", "[waits]") {
  auto f = made([](auto& ctx) {
    ctx.step.sleep("nap", hours(24 * 400));
    return 1;
  });
  run_driver run(f);
  run.request.steps[support::hash_of("nap")] = nullptr;
  run.request.stack.push_back(support::hash_of("nap"));
  CHECK(run.discover().body() == 1);
}

TEST_CASE("a retry as late or as early as can be said is one within a server's bounds", "[waits]") {
  const auto after = [](auto when) {
    auto f = made(
        [=](auto& ctx) { ctx.step.run("pay", [&] { throw inngest::retry_after_error("later", when); }); });
    return run_driver(f).discover().header("retry-after");
  };
  CHECK(after(0s) == "1");  // a server ignores "0", and would wait for its own delay
  CHECK(after(milliseconds::max()) == "86400");
  CHECK(after(hours::max()) == "86400");
  CHECK(after(hours::min()) == "1");
  CHECK(after(milliseconds::min()) == "1");
  CHECK(after(std::chrono::system_clock::time_point::min()) == "1");
  CHECK(after(std::chrono::system_clock::time_point::max()) == "86400");
  CHECK(after(std::chrono::sys_days(std::chrono::year(9000) / 1 / 1)) == "86400");

  const auto backed_off = [](auto pause) {
    auto f = made([=](auto& ctx) {
      ctx.step.run({.id = "pay", .backoff = [=](int) { return pause; }},
                   [] { throw std::runtime_error("no"); });
    });
    return run_driver(f).discover().header("retry-after");
  };
  CHECK(backed_off(90s) == "90");
  CHECK(backed_off(hours::max()) == "86400");
  CHECK(backed_off(-3s) == "1");
}

TEST_CASE("a deadline as long as can be said never ends", "[waits]") {
  for (const inngest::duration_ms longest : {inngest::duration_ms(hours::max()), inngest::duration_ms(24h)}) {
    auto f =
        made([=](auto& ctx) { return ctx.step.run({.id = "s", .deadline = longest}, [] { return 7; }); });
    CHECK(run_driver(f).discover().op().at("data") == 7);
  }
}

TEST_CASE("durations convert to options without overflow, and only where nothing is lost", "[waits]") {
  using inngest::duration_ms, inngest::duration_s;
  using inngest::detail::saturate;
  static_assert(saturate<milliseconds>(hours::max()) == milliseconds::max());
  static_assert(saturate<milliseconds>(hours::min()) == milliseconds::min());
  static_assert(saturate<milliseconds>(std::chrono::nanoseconds(-1'500'000)) == -1ms);
  static_assert(saturate<std::chrono::seconds>(std::chrono::duration<int, std::ratio<3, 2>>(3)) == 4s);
  static_assert(saturate<std::chrono::seconds>(std::chrono::duration<int>(-5)) == -5s);
  static_assert(!std::is_convertible_v<milliseconds, duration_s>);
  static_assert(!std::is_convertible_v<std::chrono::duration<double>, duration_ms>);
  static_assert(std::is_convertible_v<std::chrono::minutes, std::optional<duration_s>>);
  duration_ms taken = 2min;
  taken = 5s;
  CHECK(taken == 5000ms);
  CHECK((true ? taken : 4ms) == 5s);
}

TEST_CASE("a double becomes a whole number only within its bounds", "[waits]") {
  using inngest::detail::to_integer;
  const double infinity = std::numeric_limits<double>::infinity();
  CHECK(to_integer<int>(std::numeric_limits<double>::quiet_NaN()) == std::nullopt);
  CHECK(to_integer<int>(infinity) == std::numeric_limits<int>::max());
  CHECK(to_integer<std::int64_t>(-infinity) == std::numeric_limits<std::int64_t>::min());
  CHECK(to_integer<std::int64_t>(9.3e18) == std::numeric_limits<std::int64_t>::max());
  CHECK(to_integer<std::int64_t>(-2.9) == -2);
  CHECK(to_integer<int>(1e9, -600, 600) == 600);
}

TEST_CASE("a client's timeout is more than zero, and as long as can be said", "[waits]") {
  const auto made = [](auto timeout) {
    auto options = support::quiet_options();
    options.timeout = timeout;
    inngest::client{options};
  };
  CHECK_THROWS_WITH(made(0ms), "client_options::timeout must be more than zero");
  CHECK_THROWS_WITH(made(hours::min()), "client_options::timeout must be more than zero");
  CHECK_NOTHROW(made(hours::max()));
}

TEST_CASE("a step without a name, or with fewer retries than none, is refused before its body", "[waits]") {
  int bodies = 0;
  const auto run = [&](inngest::step_options options) {
    return first_of([&, options](auto& ctx) { ctx.step.run(options, [&] { ++bodies; }); });
  };
  CHECK(run({.id = ""}) == "step \"\": a step's id must not be empty or blank");
  CHECK(run({.id = " \t"}) == "step \" \t\": a step's id must not be empty or blank");
  CHECK(run({.id = "s", .retries = -1}) == "step \"s\": retries must be 0 or more, not -1");
  CHECK(bodies == 0);
  run({.id = "s", .retries = 0});
  CHECK(bodies == 1);
}
