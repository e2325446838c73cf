#include <inngest/embedded.hpp>

#include <chrono>
#include <string>
#include <vector>

#include "catch.hpp"
#include "embedded/scheduler_driver.hpp"

using namespace scheduler_testing;
using namespace std::chrono_literals;

namespace {

json triggers(const std::vector<std::string>& events) {
  json out = json::array();
  for (const std::string& event : events) out.push_back({{"event", event}});
  return out;
}

json sleep_of(const char* duration) { return operation("Sleep", 1, {{"opts", {{"duration", duration}}}}); }

}  // namespace

TEST_CASE("a call that is taken is of a run that has not ended by what timers led to", "[scheduling]") {
  driver engine({{{"id", "short"}, {"triggers", triggers({"s"})}, {"timeouts", {{"finish", "1s"}}}},
                 {{"id", "alone"},
                  {"triggers", triggers({"a", "inngest/function.cancelled"})},
                  {"singleton", {{"mode", "cancel"}}}}});
  engine.send({{"name", "s"}});
  engine.report(engine.must_take(), {sleep_of("1h")});
  engine.advance(2s);  // the run of "short" is over its time, but nobody has looked yet
  engine.send({{"name", "a"}});
  const auto taken = engine.take();
  REQUIRE(taken);
  CHECK(engine->is_running(taken->run_id));
  CHECK(engine->function_of(*taken).slug == "app-alone");
  CHECK(engine.request_of(*taken).at("event").at("name") == "inngest/function.cancelled");
}
