#include <chrono>
#include <limits>
#include <string>

#include <inngest/embedded/detail/scheduling/limits.hpp>
#include <inngest/serve.hpp>

#include "../support/handler_driver.hpp"
#include "catch.hpp"

// Numbers in expressions and options that no arithmetic of the engine may overflow with.

namespace {

using namespace std::chrono_literals;
using namespace inngest::embedded;
using anything = inngest::event<"test/anything">;

std::chrono::seconds precedence(const std::string& expression, const std::string& data = "{}") {
  const auto made = support::quiet_client().create_function({.id = "f", .priority = expression},
                                                            inngest::on<anything>(), [](auto&) {});
  const std::string text = R"({"name":"test/anything","data":)" + data + "}";
  event_view view(text);
  return priority_of(define(made), view);
}

}  // namespace

TEST_CASE("a priority is within ten minutes, and none where it is no number", "[limits]") {
  CHECK(precedence("event.data.p", R"({"p":120})") == 120s);
  CHECK(precedence("event.data.p", R"({"p":-1e300})") == -600s);
  CHECK(precedence("event.data.p", R"({"p":1e300})") == 600s);
  CHECK(precedence("event.data.p", R"({"p":18446744073709551615})") == 600s);
  CHECK(precedence("double(event.data.p)", R"({"p":"Infinity"})") == 600s);
  CHECK(precedence("double(event.data.p)", R"({"p":"-Infinity"})") == -600s);
  CHECK(precedence("double(event.data.p)", R"({"p":"NaN"})") == 0s);
  CHECK(precedence("0.0 / double(event.data.p)", R"({"p":0})") == 0s);
  CHECK(precedence("event.data.p", R"({"p":"high"})") == 0s);
  CHECK(precedence("event.data.p") == 0s);
}

TEST_CASE("rates of any size and period are counted without overflow", "[limits]") {
  constexpr int most = std::numeric_limits<int>::max();
  const inngest::timestamp now(std::chrono::milliseconds(1'767'225'600'000));
  for (const auto period : {1ms, std::chrono::milliseconds(24h), std::chrono::milliseconds::max()}) {
    for (const int limit : {1, most}) {
      changes noted;
      flow_memory memory(noted);
      const rate allowed{.limit = limit, .burst = std::int64_t{limit} + most, .period = period};
      CHECK(memory.take("key", allowed, now));
      CHECK(memory.next_time("key", allowed, now) == now);
      CHECK(memory.take("key", allowed, now));
    }
  }
}
