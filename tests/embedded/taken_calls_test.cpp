#include <inngest/embedded.hpp>
#include <inngest/embedded/detail/function_definition.hpp>

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

void register_functions(driver& engine, const json& functions) {
  const app_record app{.id = "app", .text = json{{"functions", functions}}.dump()};
  engine->register_app(app, read_registration(app), engine.now);
  engine.keep();
}

}  // namespace

TEST_CASE("a call that is taken is of a run that has not ended by what timers led to", "[scheduling]") {
  const std::vector<json> functions{
      {{"id", "short"}, {"triggers", triggers({"s"})}, {"timeouts", {{"finish", "1s"}}}},
      {{"id", "alone"},
       {"triggers", triggers({"a", "inngest/function.cancelled"})},
       {"singleton", {{"mode", "cancel"}}}}};
  driver engine(functions);
  engine.send({{"name", "s"}});
  engine.report(engine.must_take(), {sleep_of("1h")});
  engine.advance(2s);  // the run of "short" is over its time, but nobody has looked yet
  engine.send({{"name", "a"}});
  const auto taken = engine.take();
  REQUIRE(taken);
  CHECK(engine->is_running(taken->run_id));
  CHECK(engine->find_run(taken->run_id)->function->slug == "app-alone");
  CHECK(engine.request_of(*taken).at("event").at("name") == "inngest/function.cancelled");
}

TEST_CASE("a singleton whose app was gone is one again when the app is back", "[scheduling]") {
  const json alone{{"id", "alone"}, {"triggers", triggers({"a"})}, {"singleton", {{"mode", "skip"}}}};
  driver engine(std::vector<json>{alone});
  engine.send({{"name", "a"}});
  register_functions(engine, json::array());
  engine.restart();
  json registered = alone;
  registered["id"] = "app-alone";
  registered["steps"]["step"] = {{"id", "step"},
                                 {"runtime", {{"type", "http"}, {"url", "http://127.0.0.1:1/"}}}};
  register_functions(engine, json::array({registered}));
  engine.send({{"name", "a"}});
  CHECK(engine.store().runs().size() == 1);
}

TEST_CASE("calls that were queued while their app was gone have its limits when it is back", "[scheduling]") {
  const json one{{"id", "one"}, {"triggers", triggers({"a"})}, {"concurrency", {{{"limit", 1}}}}};
  driver engine({one});
  engine.send(json::array({{{"name", "a"}}, {{"name", "a"}}, {{"name", "a"}}}));
  register_functions(engine, json::array());
  engine.restart();
  json registered = one;
  registered["id"] = "app-one";
  registered["steps"]["step"] = {{"id", "step"},
                                 {"runtime", {{"type", "http"}, {"url", "http://127.0.0.1:1/"}}}};
  register_functions(engine, json::array({registered}));
  for (int left = 3; left > 0; --left) {
    const auto call = engine.must_take();
    CHECK_FALSE(engine.take());
    engine.answer(call, 200, "1");
  }
  CHECK(engine->held().slots_in_use == 0);
  CHECK(engine->is_idle());
}
