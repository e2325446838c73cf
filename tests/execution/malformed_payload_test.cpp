#include <string>
#include <vector>

#include <inngest/embedded.hpp>
#include <inngest/inngest.hpp>
#include <inngest/middleware/encryption.hpp>
#include <inngest/testing.hpp>

#include "../catch.hpp"
#include "../support/eventually.hpp"
#include "../support/handler_driver.hpp"

// Payloads that do not fit their types, and what runs at the end of such runs.

namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;
using inngest::json;
using support::answer;
using strings = std::vector<std::string>;

struct order {
  std::string item;
  int count = 0;
};
INNGEST_FIELDS(order, item, count)
using ordered = inngest::event<"shop/ordered", order>;
using closed = inngest::event<"shop/closed", order>;

template <class Context>
std::string seen(const Context& ctx) {
  try {
    return "typed " + ctx.event->data.item;
  } catch (const inngest::payload_error& problem) {
    return std::string("misfit ") + problem.what();
  }
}

json data_of(const json& event) { return event.is_object() ? event.value("data", json()) : event; }

struct shop {
  inngest::client app = support::quiet_client();
  strings ends{};

  auto charging() {
    return app.create_function(
        {.id = "charge", .retries = 2, .cancel_on = {{.event = "shop/cancelled"}}, .timeouts = {}},
        inngest::on<ordered>(),
        [](inngest::context<ordered>& ctx) {
          if (ctx.event.data.count < 0) throw inngest::non_retriable_error("less than nothing");
          ctx.step.sleep("rest", 1h);
          return ctx.event.data.count;
        },
        inngest::on_failure([this](inngest::failure_context<ordered>& ctx) {
          ctx.step.run("tell", [&] {
            ends.push_back("failed: " + ctx.error.name + ": " + ctx.error.message + "; " + seen(ctx) + "; " +
                           data_of(ctx.event.to_json()).dump() + (ctx.event.fits() ? "+" : "-"));
          });
        }),
        inngest::on_cancel([this](inngest::cancel_context<ordered>& ctx) {
          ctx.step.run("tell", [&] { ends.push_back("cancelled: " + seen(ctx) + " " + ctx.event.text()); });
        }),
        inngest::on_success([this](inngest::success_context<int, ordered>& ctx) {
          ctx.step.run("tell", [&] { ends.push_back("succeeded: " + seen(ctx)); });
        }));
  }
};

}  // namespace

TEST_CASE("on_failure runs for a payload that does not fit its type", "[payload]") {
  for (const json& data : {json{{"item", "tea"}, {"count", "many"}}, json{{"item", "tea"}}, json::object(),
                           json{{"item", 5}, {"count", 1}}}) {
    shop with;
    inngest::testing::harness t{with.app, {with.charging()}};
    auto run = t.send(inngest::any_event("shop/ordered", data));
    INFO(run << data);
    REQUIRE(run.failed());
    REQUIRE(with.ends.size() == 1);
    CHECK_THAT(with.ends[0], StartsWith("failed: inngest::payload_error: data.") &&
                                 ContainsSubstring("; misfit data.") && ContainsSubstring(data.dump() + "-"));
  }
}

TEST_CASE("on_failure has the typed event when it fits", "[payload]") {
  shop with;
  inngest::testing::harness t{with.app, {with.charging()}};
  t.send(ordered{{.item = "tea", .count = -1}});
  CHECK(with.ends == strings{"failed: NonRetriableError: less than nothing; typed tea; "
                             R"({"count":-1,"item":"tea"}+)"});
}

TEST_CASE("the engine runs on_failure for a malformed payload, with an error that names the field",
          "[payload][embedded]") {
  shop with;
  inngest::embedded::engine engine(with.app, {with.charging()}, {.workers = 1});
  engine.send(inngest::any_event("shop/ordered", json{{"item", "tea"}, {"count", "many"}}));
  REQUIRE(engine.wait_until_idle(support::patience));
  REQUIRE(with.ends.size() == 1);
  CHECK_THAT(with.ends[0], ContainsSubstring("data.count: expected integer, found string"));
}

TEST_CASE("on_cancel and on_success run for events that no longer fit their type", "[payload]") {
  shop with;
  const inngest::handler handler(with.app, {with.charging()});
  const json event{{"name", "shop/ordered"}, {"data", {{"item", 7}}}};
  const auto end = [&](const std::string& slug, json data) {
    data["run_id"] = "01ENDED";
    support::call call;
    call.event = {{"name", "inngest/function.finished"}, {"data", data}};
    CHECK(answer(handler(support::post(slug, call.text()))).op().at("op") == "StepRun");
  };
  end("app-charge-cancel", {{"event", event}});
  end("app-charge-success", {{"event", event}, {"result", 3}});
  end("app-charge-failure", {{"event", event}, {"error", "only a text"}});
  end("app-charge-failure", {{"event", nullptr}});
  end("app-charge-failure", json::object());
  end("app-charge-failure", {{"event", "text"}, {"error", {{"name", 5}, {"message", {1}}}}});
  REQUIRE(with.ends.size() == 6);
  CHECK_THAT(with.ends[0],
             StartsWith("cancelled: misfit data.item: expected string") && ContainsSubstring(R"("item":7)"));
  CHECK_THAT(with.ends[1], StartsWith("succeeded: misfit data.item"));
}

TEST_CASE("a function for one of several events has its ends handled when none fits", "[payload]") {
  const auto app = support::quiet_client();
  strings ends;
  auto f = app.create_function(
      {.id = "f", .retries = 0}, inngest::on<ordered, closed>(), [](auto&) {},
      inngest::on_failure([&](inngest::failure_context<ordered, closed>& ctx) {
        ctx.step.run("tell", [&] { ends.push_back(ctx.event.fits() ? "fits" : ctx.error.message); });
      }));
  inngest::testing::harness t{app, {f}};
  t.send(inngest::any_event("shop/closed", json{{"item", 1}}));
  REQUIRE(ends.size() == 1);
  CHECK_THAT(ends[0], ContainsSubstring("data.item"));
}

TEST_CASE("a batch with a malformed event is refused with its index, and handled by on_failure",
          "[payload]") {
  const auto app = support::quiet_client();
  strings ends, read;
  auto f = app.create_function(
      {.id = "f", .retries = 0, .batch = inngest::batch{.max_size = 3, .timeout = 5s}},
      inngest::on<ordered>(),
      [&](inngest::context<ordered>& ctx) {
        read = {ctx.events[0].data.item, std::string(ctx.events.text(1)), ctx.events[2].data.item};
        for (const ordered& event : ctx.events) read.push_back(event.data.item);
      },
      inngest::on_failure([&](inngest::failure_context<ordered>& ctx) {
        ctx.step.run("tell", [&] { ends.push_back(ctx.error.message + " " + ctx.event->data.item); });
      }));
  inngest::testing::harness t{app, {f}, {.check_determinism = false}};
  t.send(ordered{{.item = "a"}});
  t.send(inngest::any_event("shop/ordered", json{{"item", "b"}, {"count", "x"}}));
  t.send(ordered{{.item = "c"}});
  REQUIRE(ends.size() == 1);
  CHECK_THAT(ends[0], ContainsSubstring("events[1].data.count: expected integer") && ContainsSubstring(" a"));
  REQUIRE(read.size() == 3);
  CHECK(read[0] + read[2] == "ac");
  CHECK_THAT(read[1], ContainsSubstring("\"b\""));
}

TEST_CASE("a malformed event at the front of a batch does not lose the others", "[payload]") {
  const auto app = support::quiet_client();
  strings stored, first;
  auto f =
      app.create_function({.id = "f", .retries = 0, .batch = inngest::batch{.max_size = 3, .timeout = 5s}},
                          inngest::on<ordered>(), [&](inngest::context<ordered>& ctx) {
                            stored.clear();
                            first = {ctx.event.data.item};
                            for (std::size_t i = 0; i < ctx.events.size(); ++i) {
                              try {
                                stored.push_back(ctx.events[i].data.item);
                              } catch (const inngest::payload_error& problem) {
                                stored.push_back(problem.path());
                              }
                            }
                          });
  inngest::testing::harness t{app, {f}};
  t.send(inngest::any_event("shop/ordered", json{{"item", "b"}, {"count", "x"}}));
  t.send(ordered{{.item = "a"}});
  const auto run = t.send(ordered{{.item = "c"}});
  CHECK(t.runs().at(0).completed());
  CHECK(first == strings{"a"});
  CHECK(stored == strings{"events[0].data.count", "a", "c"});

  for (int i = 0; i < 3; ++i) t.send(inngest::any_event("shop/ordered", json{{"item", 1}}));
  CHECK(t.runs().back().failed());
  CHECK_THAT(t.runs().back().error(), ContainsSubstring("data.item"));
}

TEST_CASE("the handler gets the event as middleware has changed it, though the list of events is as it was",
          "[payload]") {
  struct redacting : inngest::middleware {
    void transform_function_input(const inngest::call_info&, inngest::function_input& input) override {
      input.event = R"({"name":"shop/ordered","data":{"item":"x","count":1}})";
    }
  };
  auto options = support::quiet_options();
  options.middleware = {std::make_shared<redacting>()};
  const inngest::client app(options);
  std::string item;
  auto f = app.create_function({.id = "f"}, inngest::on<ordered>(),
                               [&](inngest::context<ordered>& ctx) { item = ctx.event.data.item; });
  inngest::testing::harness t{app, {f}};
  t.send(ordered{{.item = "a long item, so that the event becomes shorter"}});
  CHECK(item == "x");
}

TEST_CASE("on_failure reads an encrypted event through the middleware", "[payload]") {
  auto options = support::quiet_options();
  options.middleware = {inngest::encryption({.key = "secret", .event_field = "item"})};
  const inngest::client app(options);
  strings ends;
  auto f = app.create_function(
      {.id = "f", .retries = 0}, inngest::on<ordered>(),
      [](inngest::context<ordered>&) { throw std::runtime_error("oh no"); },
      inngest::on_failure([&](inngest::failure_context<ordered>& ctx) {
        ctx.step.run("tell", [&] { ends.push_back(ctx.event->data.item); });
      }));
  inngest::testing::harness t{app, {f}};
  app.send(ordered{{.item = "tea"}});
  for (const auto& run : t.runs()) t.execute(run);
  t.advance(1s);
  CHECK(ends == strings{"tea"});
}
