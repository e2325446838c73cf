#include <inngest/protocol/registration.hpp>

#include "catch.hpp"
#include "support/handler_driver.hpp"

namespace {

using namespace std::chrono_literals;
using inngest::function_options;
using inngest::json;
using inngest::protocol::describe_function;

json described(const function_options& options,
               const std::vector<inngest::trigger_definition>& triggers = {{.event = "a/b"}},
               const std::string& url = "https://host/api/inngest") {
  return json::parse(describe_function("app-" + options.id, options, triggers, url));
}

}  // namespace

TEST_CASE("the least function has an id, a name, triggers and one step", "[registration]") {
  CHECK(described({.id = "f"}) == json::parse(R"({
    "id": "app-f", "name": "f", "triggers": [{"event": "a/b"}],
    "steps": {"step": {"id": "step", "name": "step",
      "runtime": {"type": "http", "url": "https://host/api/inngest?fnId=app-f&stepId=step"}}}})"));
}

TEST_CASE("every option is described as the server has it", "[registration]") {
  function_options options{
      .id = "f",
      .name = "Fine",
      .retries = 0,
      .concurrency = {{.limit = 5, .key = "event.data.u"},
                      {.limit = 2, .key = "'x'", .scope = inngest::concurrency_scope::account}},
      .throttle = inngest::throttle{.limit = 3, .period = 90s, .key = "k", .burst = 2},
      .rate_limit = inngest::rate_limit{.limit = 4, .period = 24h, .key = "k"},
      .debounce = inngest::debounce{.period = 5s, .key = "k", .timeout = 1h},
      .singleton = inngest::singleton{.mode = inngest::singleton_mode::cancel, .key = "k"},
      .priority = "event.data.p",
      .idempotency = "event.data.i",
      .cancel_on = {{.event = "a/cancel", .expression = "event.data.u == async.data.u", .timeout = 36h},
                    {.event = "a/stop"}},
      .timeouts = {.start = 10s, .finish = 1h}};
  json out = described(options);
  CHECK(out.at("name") == "Fine");
  CHECK(out.at("steps").at("step").at("retries") == json{{"attempts", 0}});
  CHECK(out.at("concurrency") ==
        json::parse(R"([{"limit":5,"key":"event.data.u"},{"limit":2,"key":"'x'","scope":"account"}])"));
  CHECK(out.at("throttle") == json::parse(R"({"limit":3,"period":"1m30s","key":"k","burst":2})"));
  CHECK(out.at("rateLimit") == json::parse(R"({"limit":4,"period":"24h","key":"k"})"));
  CHECK(out.at("debounce") == json::parse(R"({"period":"5s","key":"k","timeout":"1h"})"));
  CHECK(out.at("singleton") == json::parse(R"({"mode":"cancel","key":"k"})"));
  CHECK(out.at("priority") == json::parse(R"({"run":"event.data.p"})"));
  CHECK(out.at("idempotency") == "event.data.i");
  CHECK(out.at("timeouts") == json::parse(R"({"start":"10s","finish":"1h"})"));
  CHECK(
      out.at("cancel") ==
      json::parse(
          R"([{"event":"a/cancel","if":"event.data.u == async.data.u","timeout":"36h"},{"event":"a/stop"}])"));
}

TEST_CASE("what is not said is not sent", "[registration]") {
  function_options options{.id = "f",
                           .throttle = inngest::throttle{.limit = 1, .period = 1s},
                           .debounce = inngest::debounce{.period = 1s},
                           .singleton = inngest::singleton{},
                           .timeouts = {.finish = 1s}};
  const json out = described(options);
  CHECK(out.at("throttle") == json::parse(R"({"limit":1,"period":"1s"})"));
  CHECK(out.at("debounce") == json::parse(R"({"period":"1s"})"));
  CHECK(out.at("singleton") == json::parse(R"({"mode":"skip"})"));
  CHECK(out.at("timeouts") == json::parse(R"({"finish":"1s"})"));
  for (const char* absent : {"concurrency", "rateLimit", "priority", "idempotency", "cancel", "batchEvents"})
    CHECK_FALSE(out.contains(absent));
}

TEST_CASE("concurrency is a number or a list with scopes", "[registration]") {
  CHECK(described({.id = "f", .concurrency = 7}).at("concurrency") == json::parse(R"([{"limit":7}])"));
  CHECK(
      described({.id = "f",
                 .concurrency = {{.limit = 1, .key = "k", .scope = inngest::concurrency_scope::environment}}})
          .at("concurrency") == json::parse(R"([{"limit":1,"key":"k","scope":"env"}])"));
}

TEST_CASE("triggers are events with expressions and schedules", "[registration]") {
  CHECK(described({.id = "f"}, {{.event = "a/b", .expression = "event.data.x > 1"},
                                {.cron = "TZ=Europe/Paris 0 9 * * 1-5"}})
            .at("triggers") ==
        json::parse(
            R"([{"event":"a/b","expression":"event.data.x > 1"},{"cron":"TZ=Europe/Paris 0 9 * * 1-5"}])"));
}

TEST_CASE("the URL carries the slug encoded, after a query of its own", "[registration]") {
  const auto url = [](const json& out) {
    return out.at("steps").at("step").at("runtime").at("url").get<std::string>();
  };
  CHECK(url(described({.id = "f g&h"})) == "https://host/api/inngest?fnId=app-f%20g%26h&stepId=step");
  CHECK(url(described({.id = "f"}, {{.event = "a"}}, "https://host/x?tenant=1")) ==
        "https://host/x?tenant=1&fnId=app-f&stepId=step");
  const inngest::http::request back{.url = url(described({.id = "f g&h"}))};
  CHECK(back.query("fnId") == "app-f g&h");
}
