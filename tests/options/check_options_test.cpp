#include <inngest/inngest.hpp>

#include <chrono>
#include <string>

#include "catch.hpp"

using namespace std::chrono_literals;

namespace {

using hello = inngest::event<"test/hello">;

void make(inngest::function_options options) {
  const inngest::client app({.id = "app", .mode = inngest::mode::dev});
  static_cast<void>(app.create_function(std::move(options), inngest::on<hello>(), [](auto&) {}));
}

}  // namespace

TEST_CASE("durations that no server would take are refused when the function is made", "[function]") {
  using Catch::Matchers::ContainsSubstring;
  CHECK_THROWS_WITH(make({.id = "f", .timeouts = {.start = -1s}}),
                    ContainsSubstring("\"f\": timeouts.start"));
  CHECK_THROWS_WITH(make({.id = "f", .timeouts = {.finish = -1s}}), ContainsSubstring("timeouts.finish"));
  CHECK_THROWS_WITH(make({.id = "f", .cancel_on = {{.event = "x", .timeout = -1s}}}),
                    ContainsSubstring("cancel_on.timeout"));
  CHECK_THROWS_WITH(make({.id = "f", .debounce = inngest::debounce{.period = 5s, .timeout = -1s}}),
                    ContainsSubstring("debounce.timeout"));
  CHECK_NOTHROW(make({.id = "f", .timeouts = {.start = 10s}}));
}

TEST_CASE("the other event has no place where there is none", "[function]") {
  using Catch::Matchers::ContainsSubstring;
  CHECK_THROWS_WITH(make({.id = "f", .priority = "async.data.n"}),
                    ContainsSubstring("\"f\": priority (async.data.n): async is not available here"));
  CHECK_NOTHROW(
      make({.id = "f", .cancel_on = {{.event = "x", .expression = "async.data.n == event.data.n"}}}));
}
