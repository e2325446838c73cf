#include <chrono>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <inngest/client.hpp>

#include "catch.hpp"
#include "support/handler_driver.hpp"
#include "support/message_of.hpp"

// Options out of the range that servers document: function, option, value and range are named.

namespace {

using namespace std::chrono_literals;
using inngest::function_options;
using std::chrono::hours;
using support::message_of;
using ordered = inngest::event<"order/placed">;
using cancelled = inngest::event<"order/cancelled">;

template <class... Events>
std::string refused(function_options options, inngest::trigger<Events...> trigger) {
  return message_of<inngest::configuration_error>([&] {
    static_cast<void>(
        support::quiet_client().create_function(std::move(options), std::move(trigger), [](auto&) {}));
  });
}
std::string refused(function_options options) { return refused(std::move(options), inngest::on<ordered>()); }

const std::string taken = "(no exception)";

}  // namespace

TEST_CASE("a number out of its range is refused with the range", "[options]") {
  const std::string f = "function \"f\": ";
  const int most = std::numeric_limits<int>::max(), least = std::numeric_limits<int>::min();
  CHECK(refused({.id = "f", .retries = 21}) == f + "retries must be from 0 to 20, not 21");
  CHECK(refused({.id = "f", .retries = least}) == f + "retries must be from 0 to 20, not -2147483648");

  for (const int limit : {0, -1, least}) {
    const std::string range = " must be from 1 to 2147483647, not " + std::to_string(limit);
    CHECK(refused({.id = "f", .concurrency = limit}) == f + "concurrency.limit" + range);
    CHECK(refused({.id = "f", .throttle = inngest::throttle{.limit = limit, .period = 1s}}) ==
          f + "throttle.limit" + range);
    CHECK(refused({.id = "f", .rate_limit = inngest::rate_limit{.limit = limit, .period = 1s}}) ==
          f + "rate_limit.limit" + range);
  }
  CHECK(refused({.id = "f", .concurrency = {{.key = "event.data.user"}}}) ==
        f + "concurrency.limit must be from 1 to 2147483647, not 0");
  CHECK(refused({.id = "f", .concurrency = {{.limit = 1}, {.limit = 2}, {.limit = 3}}}) ==
        f + "the number of concurrency limits must be from 0 to 2, not 3");
  CHECK(refused({.id = "f", .throttle = inngest::throttle{.limit = 1, .period = 1s, .burst = -1}}) ==
        f + "throttle.burst must be from 0 to 2147483647, not -1");
  CHECK(refused({.id = "f", .throttle = inngest::throttle{.limit = most, .period = 1s, .burst = most}}) ==
        taken);

  for (const int size : {least, -1, 0, 1, 101, 1000, most}) {
    CHECK(refused({.id = "f", .batch = inngest::batch{.max_size = size, .timeout = 5s}}) ==
          f + "batch.max_size must be from 2 to 100, not " + std::to_string(size));
  }
  for (const int size : {2, 100}) {
    CHECK(refused({.id = "f", .batch = inngest::batch{.max_size = size, .timeout = 5s}}) == taken);
  }
}

TEST_CASE("a period out of its range is refused with the range", "[options]") {
  const std::string f = "function \"f\": ";
  const auto batch = [](auto timeout) {
    return refused({.id = "f", .batch = inngest::batch{.timeout = timeout}});
  };
  CHECK(batch(0s) == f + "batch.timeout must be from 1 s to 10 minutes, not 0 s");
  CHECK(batch(601s) == f + "batch.timeout must be from 1 s to 10 minutes, not 601 s");
  CHECK(batch(hours(24 * 7)) == f + "batch.timeout must be from 1 s to 10 minutes, not 7 days");
  CHECK(batch(std::chrono::days::max()) ==
        f + "batch.timeout must be from 1 s to 10 minutes, not 9223372036854775807 s");
  CHECK(batch(10min) == taken);

  const auto debounce = [](auto period, std::optional<inngest::duration_s> timeout = {}) {
    return refused({.id = "f", .debounce = inngest::debounce{.period = period, .timeout = timeout}});
  };
  CHECK(debounce(0s) == f + "debounce.period must be from 1 s to 7 days, not 0 s");
  CHECK(debounce(hours(24 * 8)) == f + "debounce.period must be from 1 s to 7 days, not 8 days");
  CHECK(debounce(hours::min()) ==
        f + "debounce.period must be from 1 s to 7 days, not -9223372036854775808 s");
  CHECK(debounce(1s, 0s) == f + "debounce.timeout must be from 1 s to 36500 days, not 0 s");
  CHECK(debounce(1s, hours::max()) ==
        f + "debounce.timeout must be from 1 s to 36500 days, not 9223372036854775807 s");
  CHECK(debounce(hours(24 * 7), 1s) == taken);

  const auto rate = [](auto period) {
    return refused({.id = "f", .rate_limit = inngest::rate_limit{.limit = 1, .period = period}});
  };
  CHECK(rate(25h) == f + "rate_limit.period must be from 1 s to 1 day, not 25 hours");
  CHECK(rate(0s) == f + "rate_limit.period must be from 1 s to 1 day, not 0 s");
  CHECK(rate(24h) == taken);

  const auto throttle = [](auto period) {
    return refused({.id = "f", .throttle = inngest::throttle{.limit = 1, .period = period}});
  };
  CHECK(throttle(0s) == f + "throttle.period must be from 1 s to 36500 days, not 0 s");
  CHECK(throttle(hours::max()) ==
        f + "throttle.period must be from 1 s to 36500 days, not 9223372036854775807 s");

  const std::string timeout = " must be from 0 s to 36500 days, not ";
  CHECK(refused({.id = "f", .timeouts = {.start = -1s}}) == f + "timeouts.start" + timeout + "-1 s");
  CHECK(refused({.id = "f", .timeouts = {.finish = hours::max()}}) ==
        f + "timeouts.finish" + timeout + "9223372036854775807 s");
  CHECK(refused({.id = "f", .cancel_on = {{.event = "a", .timeout = hours::min()}}}) ==
        f + "cancel_on.timeout" + timeout + "-9223372036854775808 s");
  const auto jitter = [](inngest::duration_s chosen) {
    return refused({.id = "f"}, inngest::cron("0 4 * * *", {.jitter = chosen}));
  };
  const std::string of_schedule =
      f + "the jitter of schedule \"0 4 * * *\" must be from 1 s to 5 minutes, not ";
  CHECK(jitter(0s) == of_schedule + "0 s");
  CHECK(jitter(hours::max()) == of_schedule + "9223372036854775807 s");
}

TEST_CASE("how checkpoints are saved is checked, of a function and of a client", "[options]") {
  using inngest::checkpointing;
  const auto both = [](const checkpointing& chosen) {
    auto options = support::quiet_options();
    options.checkpointing = chosen;
    const std::string of_client = message_of<inngest::configuration_error>([&] { inngest::client{options}; });
    const std::string of_function = refused({.id = "f", .checkpointing = chosen});
    CHECK((of_client == taken ? taken : of_client.substr(std::string("client_options::").size())) ==
          (of_function == taken ? taken : of_function.substr(std::string("function \"f\": ").size())));
    return of_function;
  };
  CHECK(both({.buffered_steps = 0}) ==
        "function \"f\": checkpointing.buffered_steps must be at least 1, not 0");
  const std::string runtime =
      "function \"f\": checkpointing.max_runtime must be more than zero, up to 100 years";
  CHECK(both({.max_runtime = 0s}) == runtime);
  CHECK(both({.max_runtime = hours::max()}) == runtime);
  const std::string interval =
      "function \"f\": checkpointing.max_interval must not be negative, nor more than 100 years";
  CHECK(both({.max_interval = -1ms}) == interval);
  CHECK(both({.max_interval = hours::max()}) == interval);
  CHECK(both({.max_interval = 1h, .max_runtime = hours(24)}) == taken);
}

TEST_CASE("a priority that is out of range in any case is refused", "[options]") {
  const auto priority = [](std::string text) { return refused({.id = "f", .priority = std::move(text)}); };
  const auto problem = [](const std::string& text, const std::string& rest) {
    return "function \"f\": priority (" + text + ") must " + rest;
  };
  CHECK(priority("601") == problem("601", "be from -600 to 600, not 601"));
  CHECK(priority("-601") == problem("-601", "be from -600 to 600, not -601"));
  CHECK(priority("5000u") == problem("5000u", "be from -600 to 600, not 5000"));
  CHECK(priority("1e300") == problem("1e300", "be from -600 to 600, not 9223372036854775807"));
  CHECK(priority("event.data.vip ? 3600 : 0") ==
        problem("event.data.vip ? 3600 : 0", "be from -600 to 600, not 3600"));
  CHECK(priority("event.data.vip ? 0 : event.data.old ? 'high' : 1") ==
        problem("event.data.vip ? 0 : event.data.old ? 'high' : 1",
                "give a number of seconds from -600 to 600"));
  CHECK(priority("[1, 2]") == problem("[1, 2]", "give a number of seconds from -600 to 600"));
  CHECK(priority("true") == problem("true", "give a number of seconds from -600 to 600"));
  for (const char* good :
       {"600", "-600", "event.data.vip ? 120 : 0", "event.data.rank", "event.data.x * 1000"})
    CHECK(priority(good) == taken);
}

TEST_CASE("triggers and cancellations that no server takes are refused", "[options]") {
  const std::string f = "function \"f\": ";
  CHECK(refused({.id = "f"}, inngest::any_of(inngest::on<ordered>(), inngest::on<ordered>())) ==
        f + "two triggers have the event \"order/placed\" and the same expression");
  CHECK(refused({.id = "f"}, inngest::any_of(inngest::on<ordered>({.expression = "event.data.a == 1"}),
                                             inngest::on<ordered>({.expression = "event.data.a == 2"}))) ==
        taken);
  CHECK(refused({.id = "f"},
                inngest::any_of(inngest::cron("0 4 * * *"), inngest::cron("0 4 * * *", {.jitter = 5s}))) ==
        f + "two triggers have the schedule \"0 4 * * *\"");
  function_options cancels{.id = "f"};
  cancels.cancel_on.assign(6, {.event = "a"});
  CHECK(refused(cancels) == f + "the number of events in cancel_on must be from 0 to 5, not 6");
  CHECK(refused({.id = "f", .cancel_on = {{.event = "order placed"}}}) ==
        f + "cancel_on's event must not have spaces, quotes or backslashes: \"order placed\"");
  CHECK(refused({.id = "f", .cancel_on = {{.event = ""}}}) == f + "cancel_on needs an event");
  CHECK(refused({.id = "f", .cancel_on = {{.event = std::string(256, 'a')}}}) ==
        f + "cancel_on's event has at most 255 characters, not 256: \"" + std::string(256, 'a') + "\"");
}

TEST_CASE("what is called by spaces has no name", "[options]") {
  for (const char* blank : {"", " ", " \t\n"}) {
    CHECK(refused({.id = blank}) == "a function's id must not be empty or blank");
    auto options = support::quiet_options();
    options.id = blank;
    CHECK(message_of<inngest::configuration_error>([&] { inngest::client{options}; }) ==
          "client_options::id must not be empty or blank");
  }
  CHECK(refused({.id = "f", .name = "  "}) == "function \"f\": name must not be blank");
  CHECK(refused({.id = "f", .name = ""}) == taken);
}

TEST_CASE("retries of the handler of an end are in the range of all", "[options]") {
  const auto app = support::quiet_client();
  const auto made = [&](auto at_end) {
    return message_of<inngest::configuration_error>([&] {
      static_cast<void>(app.create_function(
          {.id = "f"}, inngest::on<ordered>(), [](auto&) {}, std::move(at_end)));
    });
  };
  const auto handler = [](auto&) {};
  CHECK(made(inngest::on_failure(handler, {.retries = 21})) ==
        "function \"f\": on_failure: retries must be from 0 to 20, not 21");
  CHECK(made(inngest::on_cancel(handler, {.retries = -1})) ==
        "function \"f\": on_cancel: retries must be from 0 to 20, not -1");
  CHECK(made(inngest::on_success(handler, {.retries = 1000})) ==
        "function \"f\": on_success: retries must be from 0 to 20, not 1000");
  CHECK(made(inngest::on_failure(handler, {.retries = 20})) == taken);
}

TEST_CASE("a function that is certain to start itself without end is warned of", "[options]") {
  using end = inngest::event<"inngest/function.cancelled">;
  using any_end = inngest::event<"inngest/*">;
  const auto warned = [](function_options options, auto trigger) {
    const support::log_record record;
    auto of_client = support::quiet_options();
    of_client.log = record.logger();
    static_cast<void>(
        inngest::client(of_client).create_function(std::move(options), std::move(trigger), [](auto&) {}));
    return record.count("warn: function \"f\" is started by every inngest/function.cancelled");
  };
  const function_options single{.id = "f",
                                .singleton = inngest::singleton{.mode = inngest::singleton_mode::cancel}};
  CHECK(warned(single, inngest::on<end>()) == 1);
  CHECK(warned(single, inngest::on<any_end>()) == 1);
  CHECK(warned({.id = "f", .cancel_on = {{.event = "inngest/function.cancelled"}}}, inngest::on<end>()) == 1);
  CHECK(warned(single, inngest::on<end>({.expression = "event.data.function_id != 'app-f'"})) == 0);
  CHECK(warned(single, inngest::on<ordered>()) == 0);
  CHECK(warned({.id = "f"}, inngest::on<end>()) == 0);
}
