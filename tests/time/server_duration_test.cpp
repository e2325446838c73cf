#include <inngest/time/detail/server_duration.hpp>

#include <chrono>
#include <string>
#include <string_view>

#include <inngest/embedded/detail/function_definition.hpp>

#include "catch.hpp"

namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using inngest::detail::parse_server_duration;

inngest::embedded::function_definition read(const std::string& members) {
  const std::string text =
      R"({"functions":[{"id":"app-f","triggers":[{"event":"test/e"}],)" + members + "}]}";
  return inngest::embedded::read_registration({.id = "app", .text = text}).at(0);
}

}  // namespace

TEST_CASE("durations are read as a server reads them", "[duration]") {
  CHECK(parse_server_duration("1.5h") == 90min);
  CHECK(parse_server_duration("1d") == 24h);
  CHECK(parse_server_duration("1w2d") == 24h * 9);
  CHECK(parse_server_duration("0.5d12h") == 24h);
  CHECK(parse_server_duration("2h45m30.25s") == 2h + 45min + 30250ms);
  CHECK(parse_server_duration("+1s") == 1s);
  CHECK(parse_server_duration("-5s") == -5s);
  CHECK(parse_server_duration("-1.5h") == -90min);
  CHECK(parse_server_duration("0") == 0ms);
  CHECK(parse_server_duration("-0") == 0ms);
  CHECK(parse_server_duration(".5s") == 500ms);
  CHECK(parse_server_duration("1.s") == 1s);
  CHECK(parse_server_duration("0.1s0.2s0.3s") == 600ms);
  CHECK(parse_server_duration("100\xc2\xb5s") == 1ms);
  CHECK(parse_server_duration("3000\xce\xbcs") == 3ms);
  CHECK(parse_server_duration("0.7ms") == 1ms);
  CHECK(parse_server_duration("-0.7ms") == -1ms);
  CHECK(parse_server_duration("2540400h") == 2540400h);
  CHECK(parse_server_duration("0.00000000000000000000000001h") == 0ms);
}

TEST_CASE("other texts are no durations", "[duration]") {
  for (const std::string_view text : {"",
                                      "+",
                                      "-",
                                      "1",
                                      "1.5",
                                      "s",
                                      ".s",
                                      ".",
                                      "1.5.5s",
                                      "1 s",
                                      " 1s",
                                      "1s ",
                                      "1h-5m",
                                      "--1s",
                                      "1y",
                                      "1S",
                                      "1e3s",
                                      "0x1s",
                                      "1,5s",
                                      "9223372036854775808ns",
                                      "2562048h",
                                      "106752d",
                                      "15251w",
                                      "1d99999999999999999d",
                                      "9999999999999999999999s"}) {
    INFO(text);
    CHECK_FALSE(parse_server_duration(text));
  }
}

TEST_CASE("a registration may have whatever durations a server takes", "[embedded][duration]") {
  const auto function =
      read(R"("debounce":{"period":"1.5h","timeout":"1d"},"rateLimit":{"limit":1,"period":"1w"},)"
           R"("throttle":{"limit":1,"period":"+1s"},"timeouts":{"start":"1.5s","finish":""})");
  CHECK(function.debounce->period == 90min);
  CHECK(function.debounce->timeout == 24h);
  CHECK(function.rate_limit->period == 24h * 7);
  CHECK(function.throttle->period == 1s);
  CHECK(function.start_timeout == 1500ms);
  CHECK_FALSE(function.finish_timeout);
  CHECK(read(R"("throttle":{"limit":1,"period":"-5s"})").throttle->period == 1ms);
  CHECK(read(R"("batchEvents":{"maxSize":2,"timeout":"-5s"})").batch->timeout == 0ms);
  CHECK_THROWS_WITH(read(R"("debounce":{"period":"soon"})"), ContainsSubstring("app-f") &&
                                                                 ContainsSubstring("period") &&
                                                                 ContainsSubstring("\"soon\""));
}

TEST_CASE("a number of a registration that does not fit is refused and not another", "[embedded]") {
  CHECK_THROWS_WITH(read(R"("throttle":{"limit":4294967297,"period":"1s"})"), ContainsSubstring("limit"));
  CHECK_THROWS_WITH(read(R"("concurrency":18446744073709551615)"), ContainsSubstring("concurrency"));
  CHECK_THROWS_WITH(read(R"("concurrency":[{"limit":1.5}])"), ContainsSubstring("limit"));
}
