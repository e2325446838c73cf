// The gate for events, and how often their ids start functions.
#include <inngest/inngest.hpp>
#include <inngest/json/detail/dom.hpp>

#include <chrono>
#include <limits>
#include <string>
#include <vector>

#include "catch.hpp"
#include "embedded/scheduler_driver.hpp"

using namespace std::chrono_literals;
using namespace scheduler_testing;
using Catch::Matchers::ContainsSubstring;

namespace {

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

std::string with_data(const std::string& value) { return R"({"name":"a/x","data":{"v":)" + value + "}}"; }

}  // namespace

TEST_CASE("an event that a later reader would refuse is refused when it comes, and nothing changes",
          "[embedded][events]") {
  driver engine({on_event("plain", "a/x"),
                 on_event("batch", "a/x", {{"batchEvents", {{"maxSize", 5}, {"timeout", "10s"}}}}),
                 on_event("debounced", "a/x", {{"debounce", {{"period", "10s"}}}})});
  const std::string surrogate = R"("\ud83d")";
  const auto [body, problem] = GENERATE_COPY(table<std::string, std::string>({
      {with_data(surrogate), "data"},
      {with_data(R"("\udc00\ud83d")"), "data"},
      {with_data("\"\xC3\x28\""), "UTF-8"},
      {with_data("1e999"), "data"},
      {with_data("01"), "data"},
      {with_data("tru"), "data"},
      {with_data("[1,]"), "data"},
      {with_data("\"\x01\""), ""},
      {with_data(nested(600)), "nested deeper"},
      {R"({"name":"a/x","user":{"v":"\ud83d"}})", "user"},
      {R"({"name":"a/x","unknown":"\ud83d"})", "unknown"},
      {R"({"name":"a/x","data":[1]})", "expected object"},
      {R"({"name":"a/x","user":"me"})", "expected object"},
      {R"({"name":"a/x","ts":"now"})", "ts"},
      {R"({"name":"a/x","ts":1e300})", "ts"},
      {R"({"name":"a/x","ts":-1})", "1980"},
      {R"({"name":"a/x","ts":9223372036854775807})", "2100"},
      {R"({"name":"a/x","id":7})", "id"},
      {R"({"name":"a/x","id":"\ud83d"})", "id"},
      {R"({"name":"a\ud83d"})", "name"},
      {R"({"name":"","data":{}})", "name"},
      {R"({"data":{}})", "name"},
      {R"({"name":"a x"})", "name"},
      {R"({"name":"a/x"} {"name":"a/x"})", ""},
      {R"({"name":"inngest/function.failed","data":{}})", "reserved"},
      {R"({"name":"Inngest/anything"})", "reserved"},
  }));
  CAPTURE(body);
  for (const bool in_list : {false, true}) {
    const std::string text = in_list ? R"([{"name":"a/x"},)" + body + "]" : body;
    CHECK_THROWS_AS(engine->accept(text, engine.now), inngest::payload_error);
    try {
      engine->accept(text, engine.now);
    } catch (const inngest::payload_error& refused) {
      CHECK_THAT(refused.what(), ContainsSubstring(problem));
    }
  }
  CHECK(engine->take_changes().empty());
  CHECK(engine->is_idle());
  CHECK(engine.store().find_events({}).empty());
}

TEST_CASE("what is wrong in a list is named with its index and member", "[embedded][events]") {
  driver engine;
  CHECK_THROWS_WITH(engine->accept(R"([{"name":"a"},{"name":"b","ts":1}])", engine.now),
                    ContainsSubstring("events[1].ts"));
  CHECK_THROWS_WITH(
      engine->accept(R"([{"name":"a"},{"name":"b"},{"name":"c","data":{"x":1e999}}])", engine.now),
      ContainsSubstring("events[2].data"));
}

TEST_CASE("data of an event may be as deep as the gate says, through a call and its lifecycle event",
          "[embedded][events]") {
  driver engine({on_event("f", "a/x"), on_event("after", "inngest/function.finished")});
  engine.send(json::parse(with_data(nested(max_received_depth - 1))));
  engine.answer(engine.must_take(), 200, nested(max_received_depth));
  const job after = engine.must_take();
  CHECK_NOTHROW(inngest::detail::parse_dom(engine->request_for(after).body));
  engine.answer(after, 200, "null");
  CHECK(engine.runs_of_function("after").front().status == run_status::completed);
}

TEST_CASE("only the engine writes _inngest into an event's data", "[embedded][events]") {
  driver engine({on_event("f", "a/x")});
  engine.send({{"name", "a/x"}, {"data", {{"_inngest", {{"status", "Failed"}}}, {"n", 1}}}});
  CHECK(engine.request_of(engine.must_take()).at("event").at("data") == json{{"n", 1}});
}

// ---- ids --------------------------------------------------------------------------------------------------

TEST_CASE("the same request with the same seed is taken once and has the same ids", "[embedded][events]") {
  driver engine({on_event("f", "a/x")});
  const json events = {{{"name", "a/x"}}, {{"name", "a/x"}, {"id", "given"}}, {{"name", "a/x"}}};
  const std::string seed = "1743130137367,eii2YKXRVTJPuA==";
  const auto first = engine.send(events, seed);
  CHECK(first.size() == 3);
  CHECK(first[0] != first[2]);
  CHECK(first[0] == "01JQDAE4RQF8MBCR55T5AK4KXS");
  CHECK(first[2] == "01JQDAE4RQF8MBCR55T5AK4KXV");
  CHECK(engine.send(events, seed) == first);
  engine.restart();
  CHECK(engine.send(events, seed) == first);
  CHECK(engine.store().find_events({}).size() == 3);
  CHECK(engine.runs_of_function("f").size() == 3);
  const std::string another = GENERATE("1743130137367,Eii2YKXRVTJPuA==", "1743130137368,eii2YKXRVTJPuA==", "",
                                       "nonsense", "1743130137367,AA==", "-1,eii2YKXRVTJPuA==");
  engine.send({{"name", "a/x"}}, another);
  CHECK(engine.store().find_events({}).size() == 4);
  CHECK(engine.runs_of_function("f").size() == 4);
}

TEST_CASE("a request that is repeated between the commit of its events and that of their runs is taken once",
          "[embedded][events]") {
  driver engine({on_event("f", "a/x")});
  const std::string seed = "1743130137367,eii2YKXRVTJPuA==";
  const auto send = [&] {
    const auto is_dispatched = [&](const std::string& id) {
      const auto found = engine.store().find_event(id);
      return found && found->dispatched;
    };
    return engine->accept(R"({"name":"a/x"})", engine.now, seed, is_dispatched);
  };
  const bool is_next_process = GENERATE(false, true);
  CAPTURE(is_next_process);
  const auto first = send();
  engine.keep_once();  // the event: what it starts is not stored yet
  if (is_next_process) engine.restart_without_keeping();
  CHECK(send() == first);
  engine.keep();
  CHECK(send() == first);
  engine.keep();
  CHECK(engine.runs_of_function("f").size() == 1);
  CHECK(engine->held().events == 0);
}

TEST_CASE("an id given twice counts once: in a list, in a batch, in a debounce, and after an hour",
          "[embedded][events]") {
  const auto [id, options] = GENERATE(table<const char*, json>({
      {"plain", json::object()},
      {"batch", {{"batchEvents", {{"maxSize", 3}, {"timeout", "10s"}}}}},
      {"debounced", {{"debounce", {{"period", "10s"}}}}},
      {"limited", {{"rateLimit", {{"limit", 10}, {"period", "1h"}}}}},
  }));
  CAPTURE(id);
  driver engine({on_event(id, "a/x", options)});
  const json event = {{"name", "a/x"}, {"id", "same"}};
  engine.send({event, event, event});
  engine.advance(11s);
  const job call = engine.must_take();
  CHECK(engine.request_of(call).at("events").size() == 1);
  engine.answer(call, 200, "1");
  CHECK_FALSE(engine.take());
  for (const auto later : {1h, 22h}) {
    engine.advance(later);
    engine.send(event);
    engine.restart();
    engine.advance(11s);
    CHECK_FALSE(engine.take());
  }
  engine.advance(2h);
  engine.send(event);
  engine.advance(11s);
  CHECK(engine.take());
}

TEST_CASE("an event that flow control turned away does not use up its id", "[embedded][events]") {
  driver engine({on_event("f", "a/x", {{"singleton", {{"mode", "skip"}}}})});
  engine.send({{"name", "a/x"}, {"id", "first"}});
  engine.send({{"name", "a/x"}, {"id", "second"}});  // skipped
  engine.answer(engine.must_take(), 200, "1");
  engine.send({{"name", "a/x"}, {"id", "second"}});
  CHECK(engine.take());
}

// ---- events that are not stored ---------------------------------------------------------------------------

TEST_CASE("events that were stored but not dispatched when the process ended are dispatched by the next",
          "[embedded][events]") {
  driver engine({on_event("f", "a/x")});
  engine->accept(R"([{"name":"a/x","data":{"n":1}},{"name":"a/x","data":{"n":2}}])", engine.now);
  changes stored = engine->take_changes();
  CHECK(stored.runs.empty());
  CHECK_FALSE(engine->is_idle());
  engine->withdraw(stored);
  CHECK(engine->is_idle());
  engine->committed(stored, engine.now);  // of no effect: it was withdrawn
  CHECK(engine->take_changes().empty());
}

TEST_CASE("a function that changes between batch and debounce loses no event that it has collected",
          "[scheduling]") {
  const json batch = on_event("f", "a/x", {{"batchEvents", {{"maxSize", 10}, {"timeout", "60s"}}}});
  const json debounce = on_event("f", "a/x", {{"debounce", {{"period", "10s"}}}});
  const bool batches_first = GENERATE(true, false);
  const std::size_t sent_first = GENERATE(std::size_t{1}, std::size_t{3});
  driver engine({batches_first ? batch : debounce});
  int n = 0;
  const auto send = [&] {
    engine.send({{"name", "a/x"}, {"id", std::to_string(++n)}, {"data", {{"n", n}}}});
  };
  for (std::size_t i = 0; i < sent_first; ++i) send();
  if (GENERATE(false, true)) engine.restart();
  engine.register_functions({batches_first ? debounce : batch});
  send();
  std::vector<std::size_t> events_of_runs;
  for (int i = 0; i < 7; ++i) {
    engine.advance(10s);
    while (const auto call = engine.take()) {
      events_of_runs.push_back(engine.request_of(*call).at("events").size());
      engine.answer(*call, 200, "1");
    }
  }
  const std::size_t of_first = batches_first ? sent_first : 1;  // a debounce keeps the last
  CHECK(events_of_runs ==
        (batches_first ? std::vector{std::size_t{1}, of_first} : std::vector{of_first, std::size_t{1}}));
  CHECK(engine->is_idle());
}

// ---- the future -------------------------------------------------------------------------------------------

TEST_CASE("an event of the future does not occupy limits before its time", "[embedded][events]") {
  const json options =
      GENERATE(json{{"throttle", {{"limit", 1}, {"period", "1m"}}}},
               json{{"rateLimit", {{"limit", 1}, {"period", "1h"}}}}, json{{"timeouts", {{"start", "10s"}}}},
               json{{"singleton", {{"mode", "skip"}}}}, json{{"concurrency", {{{"limit", 1}}}}});
  CAPTURE(options);
  driver engine({on_event("f", "a/x", options)});
  const auto tomorrow = (engine.now + 24h).time_since_epoch().count();
  engine.send({{"name", "a/x"}, {"ts", tomorrow}, {"data", {{"when", "tomorrow"}}}});
  engine.send({{"name", "a/x"}, {"data", {{"when", "now"}}}});
  const job now = engine.must_take();
  CHECK(engine.request_of(now).at("event").at("data").at("when") == "now");
  engine.answer(now, 200, "1");
  if (GENERATE(false, true)) engine.restart();
  engine.advance(23h);
  CHECK_FALSE(engine.take());
  engine.advance(1h);
  const job then = engine.must_take();
  CHECK(engine.request_of(then).at("event").at("data").at("when") == "tomorrow");
  engine.answer(then, 200, "1");
  CHECK(engine->is_idle());
}

TEST_CASE("a run of the future can be cancelled by an event", "[embedded][events]") {
  driver engine({on_event("f", "a/x", {{"cancel", {{{"event", "a/stop"}}}}})});
  engine.send({{"name", "a/x"}, {"ts", (engine.now + 24h).time_since_epoch().count()}});
  CHECK(engine.only_run().status == run_status::queued);
  engine.send({{"name", "a/stop"}});
  CHECK(engine.only_run().status == run_status::cancelled);
  CHECK(engine->is_idle());
}

TEST_CASE("a debounced event of the future starts its run then, within the limits of then",
          "[embedded][events]") {
  const json options = GENERATE(json::object(), json{{"timeouts", {{"start", "10s"}}}},
                                json{{"singleton", {{"mode", "skip"}}}},
                                json{{"rateLimit", {{"limit", 10}, {"period", "24h"}}}});
  CAPTURE(options);
  json debounced = options;
  debounced["debounce"] = {{"period", "10s"}, {"key", "event.data.key"}};
  driver engine({on_event("f", "a/x", debounced)});
  const auto send = [&](const char* key, int n, std::chrono::milliseconds until) {
    engine.send({{"name", "a/x"},
                 {"id", std::to_string(n)},
                 {"ts", (engine.now + until).time_since_epoch().count()},
                 {"data", {{"key", key}, {"n", n}}}});
  };
  const auto begins = [&](int n) {
    const job call = engine.must_take();
    CHECK(engine.request_of(call).at("event").at("data").at("n") == n);
    engine.answer(call, 200, "1");
  };
  send("later", 1, 1h);
  engine.advance(10s);
  CHECK_FALSE(engine.take());
  CHECK(engine.only_run().status == run_status::queued);
  if (GENERATE(false, true)) engine.restart();
  send("now", 2, 0s);  // meanwhile other runs begin
  engine.advance(10s);
  begins(2);
  engine.advance(59min);
  CHECK_FALSE(engine.take());
  engine.advance(1min);
  begins(1);
  CHECK(engine->is_idle());
}

TEST_CASE("a run of the future that a limit refuses is skipped, and nobody is told", "[embedded][events]") {
  const json options =
      GENERATE(json{{"rateLimit", {{"limit", 1}, {"period", "1h"}}}}, json{{"singleton", {{"mode", "skip"}}}},
               json{{"singleton", {{"mode", "skip"}}}, {"debounce", {{"period", "10s"}}}});
  CAPTURE(options);
  const auto ended = [](const char* name) {
    return on_event(name, (std::string("inngest/function.") + name).c_str(), json{{"retries", 0}});
  };
  driver engine({on_event("f", "a/x", options), ended("finished"), ended("cancelled"), ended("failed")});
  engine.send({{"name", "a/x"}, {"ts", (engine.now + 1h).time_since_epoch().count()}, {"data", {{"n", 1}}}});
  engine.advance(10s);
  CHECK_FALSE(engine.take());
  engine.advance(59min);
  engine.send({{"name", "a/x"}, {"data", {{"n", 2}}}});
  engine.advance(10s);
  if (GENERATE(false, true)) engine.restart();
  const job runs = engine.must_take();  // n = 2
  engine.advance(50s);
  CHECK_FALSE(engine.take());
  const auto all = engine.runs_of_function("f");
  REQUIRE(all.size() == 2);
  const auto& skipped = all.front();
  CHECK(skipped.status == run_status::skipped);
  CHECK(skipped.ended_at);
  CHECK_FALSE(skipped.started_at);
  CHECK(skipped.timeline.back().what == progress::run_skipped);
  CHECK_THROWS_WITH(skipped.output<int>(), Catch::Matchers::ContainsSubstring("was skipped"));
  engine.answer(runs, 200, "1");
  engine.answer(engine.must_take(), 200, "1");  // of n = 2
  CHECK(engine->is_idle());
}

TEST_CASE("a debounced run of the future is on its own, and can be cancelled by an event",
          "[embedded][events]") {
  driver engine(
      {on_event("f", "a/x", {{"debounce", {{"period", "10s"}}}, {"cancel", {{{"event", "a/stop"}}}}})});
  engine.send({{"name", "a/x"}, {"ts", (engine.now + 24h).time_since_epoch().count()}});
  engine.advance(10s);
  CHECK_FALSE(engine.take());
  engine.send({{"name", "a/x"}});  // of the next debounce
  CHECK(engine.runs_of_function("f").size() == 2);
  engine.send({{"name", "a/stop"}});  // leaves out what still collects events
  CHECK(engine.runs_of_function("f").front().status == run_status::cancelled);
  engine.advance(10s);
  engine.answer(engine.must_take(), 200, "1");
  CHECK(engine->is_idle());
}
