#include <string>
#include <vector>

#include <inngest/embedded.hpp>
#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/serve.hpp>

#include "catch.hpp"
#include "support/eventually.hpp"
#include "support/handler_driver.hpp"
#include "support/message_of.hpp"

// on_failure, on_cancel and on_success: functions that run when a run of another has ended; and batches.

namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using inngest::json;
using support::answer;
using strings = std::vector<std::string>;

struct order {
  std::string item;
  int count = 0;
};
INNGEST_FIELDS(order, item, count)
using ordered = inngest::event<"shop/ordered", order>;

struct receipt {
  int total = 0;
};
INNGEST_FIELDS(receipt, total)

/// A function with all three handlers, which say what they were given.
auto charging(const inngest::client& app) {
  return app.create_function(
      {.id = "charge", .name = "Charge", .retries = 0}, inngest::on<ordered>(),
      [](inngest::context<ordered>& ctx) {
        if (ctx.event.data.count < 0) throw std::invalid_argument("less than nothing");
        return receipt{ctx.event.data.count * 2};
      },
      inngest::on_failure([](inngest::failure_context<ordered>& ctx) {
        return ctx.step.run("tell", [&] {
          return ctx.event->data.item + " of " + ctx.ended_run_id + ": " + ctx.error.name + ": " +
                 ctx.error.message;
        });
      }),
      inngest::on_cancel(
          [](inngest::cancel_context<ordered>& ctx) { return "cancelled " + ctx.event->data.item; },
          {.retries = 5}),
      inngest::on_success([](inngest::success_context<receipt, ordered>& ctx) {
        return ctx.event->data.item + ": " + std::to_string(ctx.output.total);
      }));
}

json ended(const std::string& status) {
  const json event{{"name", "shop/ordered"}, {"data", {{"item", "tea"}, {"count", 3}}}, {"id", "e1"}};
  json data{{"_inngest", {{"status", status}}},
            {"event", event},
            {"events", {event}},
            {"function_id", "app-charge"},
            {"run_id", "01ENDED"}};
  if (status == "Failed")
    data["error"] = {
        {"error", "Error"}, {"name", "std::range_error"}, {"message", "too much"}, {"stack", "s"}};
  if (status == "Completed") data["result"] = {{"total", 6}};
  return {{"name", "inngest/function.failed"}, {"data", data}, {"id", "x"}};
}

answer call(const inngest::handler& handler, const std::string& slug, json event) {
  support::call request;
  request.event = std::move(event);
  return answer(handler(support::post(slug, request.text())));
}

}  // namespace

TEST_CASE("the handlers of a run's end are functions of their own", "[ends]") {
  const auto app = support::quiet_client();
  const inngest::handler handler(app, {charging(app)});
  strings described;
  for (const auto& each : handler.functions()) {
    described.push_back(each.slug() + " | " + each.options().name + " | " + each.triggers().front().event +
                        " | " + each.triggers().front().expression + " | " +
                        std::to_string(each.options().retries.value_or(-1)));
  }
  CHECK(
      described ==
      strings{"app-charge | Charge | shop/ordered |  | 0",
              "app-charge-failure | Charge (failure) | inngest/function.failed | "
              "event.data.function_id == 'app-charge' | 1",
              "app-charge-cancel | Charge (cancel) | inngest/function.cancelled | "
              "event.data.function_id == 'app-charge' | 5",
              "app-charge-success | Charge (success) | inngest/function.finished | event.data.function_id == "
              "'app-charge' && event.data._inngest.status == 'Completed' | 1"});
}

TEST_CASE("a failure handler gets the event and the error, and has steps", "[ends]") {
  const auto app = support::quiet_client();
  const inngest::handler handler(app, {charging(app)});
  const answer reply = call(handler, "app-charge-failure", ended("Failed"));
  CHECK(reply.op().at("data") == "tea of 01ENDED: std::range_error: too much");
}

TEST_CASE("cancel and success handlers get the event, and the output", "[ends]") {
  const auto app = support::quiet_client();
  const inngest::handler handler(app, {charging(app)});
  CHECK(call(handler, "app-charge-cancel", ended("Cancelled")).text == R"("cancelled tea")");
  CHECK(call(handler, "app-charge-success", ended("Completed")).text == R"("tea: 6")");
}

TEST_CASE("an end without the event of the run is an error that says so", "[ends]") {
  const auto app = support::quiet_client();
  const inngest::handler handler(app, {charging(app)});
  json event = ended("Failed");
  event["data"].erase("event");
  const answer reply = call(handler, "app-charge-failure", event);
  CHECK(reply.op().at("op") == "StepFailed");  // by the step that asks for it
  CHECK_THAT(reply.text, ContainsSubstring("data.event"));
}

TEST_CASE("the embedded engine runs the handlers of a run's end", "[ends][embedded]") {
  const auto app = support::quiet_client();
  inngest::embedded::engine engine(app, {charging(app)});
  engine.send(ordered{{.item = "tea", .count = 2}});
  engine.send(ordered{{.item = "void", .count = -1}});
  REQUIRE(engine.wait_until_idle(support::patience));
  strings outputs;
  for (const auto& run : engine.runs()) outputs.push_back(run.function_id + " " + run.output_text);
  std::sort(outputs.begin(), outputs.end());
  REQUIRE(outputs.size() == 4);
  CHECK(outputs[0] == "charge ");
  CHECK(outputs[1] == R"(charge {"total":4})");
  CHECK_THAT(outputs[2], ContainsSubstring("charge-failure \"void of ") &&
                             ContainsSubstring("std::invalid_argument: less than nothing"));
  CHECK(outputs[3] == R"(charge-success "tea: 4")");
}

TEST_CASE("the embedded engine runs a deferred function when the run has ended", "[defer][embedded]") {
  const auto app = support::quiet_client();
  auto clean_up = app.create_deferred_function<order>(
      {.id = "clean-up"},
      [](inngest::context<inngest::deferred<order>>& ctx) { return "cleaned " + ctx.event.data.item; });
  auto f = app.create_function({.id = "f"}, inngest::on<ordered>(), [&](inngest::context<ordered>& ctx) {
    ctx.defer("later", clean_up, ctx.event.data);
    ctx.step.run("a", [] {});
    return 1;
  });
  inngest::embedded::engine engine(app, {f, clean_up});
  engine.send(ordered{{.item = "tea"}});
  REQUIRE(engine.wait_until_idle(support::patience));
  const auto runs = engine.runs();
  REQUIRE(runs.size() == 2);
  CHECK(runs[1].function_id == "clean-up");
  CHECK(runs[1].output_text == R"("cleaned tea")");
}

TEST_CASE("a batch is a typed list of events", "[batch]") {
  const auto app = support::quiet_client();
  auto f = app.create_function({.id = "f", .batch = inngest::batch{.max_size = 3, .timeout = 2s}},
                               inngest::on<ordered>(), [](inngest::context<ordered>& ctx) {
                                 int sum = 0;
                                 for (const ordered& each : ctx.events) sum += each.data.count;
                                 return std::to_string(ctx.events.size()) + ctx.events[1].data.item +
                                        std::to_string(sum) + ctx.event.data.item;
                               });
  const auto event = [](const char* item, int count) {
    return json{{"name", "shop/ordered"}, {"data", {{"item", item}, {"count", count}}}};
  };
  const json body{{"event", event("a", 1)},
                  {"events", {event("a", 1), event("b", 2), event("c", 4)}},
                  {"ctx", {{"run_id", "R"}, {"attempt", 0}}},
                  {"steps", json::object()}};
  const inngest::handler handler(app, {f});
  CHECK(answer(handler(support::post("app-f", body.dump()))).text == R"("3b7a")");
  json misfit = body;
  misfit["events"][2]["data"]["count"] = "many";
  const answer error(handler(support::post("app-f", misfit.dump())));
  CHECK_THAT(error.text, ContainsSubstring("events[2].data.count"));
}

TEST_CASE("a batch of several types of events gives each as one of them", "[batch]") {
  using other = inngest::event<"shop/closed">;
  const auto app = support::quiet_client();
  auto f = app.create_function({.id = "f"}, inngest::on<ordered, other>(), [](auto& ctx) {
    std::string names;
    for (const auto& each : ctx.events) names += std::string(each.name()) + " ";
    return names;
  });
  const json body{{"event", {{"name", "shop/closed"}, {"data", json::object()}}},
                  {"events",
                   {{{"name", "shop/closed"}, {"data", json::object()}},
                    {{"name", "shop/ordered"}, {"data", {{"item", "a"}, {"count", 1}}}}}},
                  {"ctx", {{"run_id", "R"}}},
                  {"steps", nullptr}};
  CHECK(answer(inngest::handler(app, {f})(support::post("app-f", body.dump()))).text ==
        R"("shop/closed shop/ordered ")");
}
