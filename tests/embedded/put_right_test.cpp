// What puts single runs right: another result for a step, the step that failed, an event once more, functions
// by hand. In process, over HTTP, in the harness, and after a restart.
#include <inngest/embedded.hpp>
#include <inngest/embedded/http_server.hpp>
#include <inngest/embedded/sqlite_store.hpp>
#include <inngest/inngest.hpp>
#include <inngest/runs.hpp>
#include <inngest/testing.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "catch.hpp"
#include "embedded/store_records.hpp"
#include "support/eventually.hpp"
#include "support/handler_driver.hpp"
#include "support/http_client.hpp"

namespace put_right_testing {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using inngest::json;
using inngest::embedded::engine;
using inngest::embedded::engine_options;
using inngest::embedded::http_server;
using inngest::embedded::run_status;
using go = inngest::event<"right/go", json>;
using came = inngest::event<"right/came", json>;

engine_options options_for(const store_records::folder& place, bool on_disk) {
  engine_options out{.retry_delay = [](int) { return 1ms; }};
  if (on_disk)
    out.store = std::make_shared<inngest::embedded::sqlite_store>(
        inngest::embedded::sqlite_options{.path = place.file});
  return out;
}

/// A client as another process would have it.
struct caller {
  support::http_client client;

  explicit caller(const http_server& server) : client(server.port()) {}

  json get(const std::string& path, int status = 200) {
    const auto answer = client.Get(path);
    REQUIRE(answer);
    INFO(answer->body);
    CHECK(answer->status == status);
    return json::parse(answer->body);
  }
  json post(const std::string& path, const std::string& body, int status = 200) {
    const auto answer = client.Post(path, body, "application/json");
    REQUIRE(answer);
    INFO(answer->body);
    CHECK(answer->status == status);
    return json::parse(answer->body);
  }
  void refuses(const std::string& path, const std::string& body, int status, const std::string& part) {
    CHECK_THAT(post(path, body, status).dump(), ContainsSubstring(part));
  }
};

/// Charges a card, and ships.
struct shop {
  inngest::client app = support::quiet_client();
  std::atomic<int> prices{0}, charges{0}, ships{0}, ends{0};
  std::atomic<bool> charging_fails{true};

  inngest::function<json, go> order = app.create_function(
      {.id = "order", .retries = 0}, inngest::on<go>(), [this](inngest::context<go>& ctx) -> json {
        const int price = ctx.step.run("price", [&] { return 100 + prices++; });
        const std::string receipt = ctx.step.run("charge", [&] {
          ++charges;
          if (charging_fails) throw inngest::non_retriable_error("the bank is closed");
          return "paid " + std::to_string(price);
        });
        ctx.step.run("ship", [&] { return ++ships; });
        if (ctx.event.data.value("ends badly", false) && ends++ == 0)
          throw inngest::non_retriable_error("a wrong end");
        return {{"price", price}, {"receipt", receipt}};
      });
};

std::string only_run_of(engine& engine, const std::string& event) {
  REQUIRE(support::eventually([&] {
    const auto all = engine.runs_of(event);
    return all.size() == 1 && all.front().ended();
  }));
  return engine.runs_of(event).front().id;
}

}  // namespace put_right_testing

using namespace put_right_testing;

TEST_CASE("a run is repeated with another result of a step, which does not run", "[put_right]") {
  shop its;
  const bool on_disk = GENERATE(false, true);
  const store_records::folder place;
  engine engine{its.app, {its.order}, options_for(place, on_disk)};
  const std::string original = only_run_of(engine, engine.send(go{json::object()}).ids.at(0));
  REQUIRE(engine.find_run(original)->status == run_status::failed);
  REQUIRE(its.charges == 1);

  const std::string again = engine.rerun(original, {.step = "charge", .result = R"("by cheque")"}).value();
  const auto ended = engine.wait_for(again, support::patience);
  CHECK(ended.output<json>() == json{{"price", 100}, {"receipt", "by cheque"}});
  CHECK(ended.original_run_id == original);
  CHECK(its.prices == 1);
  CHECK(its.charges == 1);
  CHECK(its.ships == 1);
  CHECK_THROWS_AS(engine.rerun(original, {.step = "charge", .result = "\"cut"}), inngest::payload_error);
  CHECK_THROWS_WITH(engine.rerun(original, {.step = "charge", .input = "[1]", .result = "1"}),
                    ContainsSubstring("not both"));

  // the links lead in both directions; a repetition of a repetition counts for the first run
  const std::string third = engine.rerun(again, {.step = "charge", .result = R"("in cash")"}).value();
  CHECK(engine.wait_for(third, support::patience).output<json>()["receipt"] == "in cash");
  std::vector<std::string> ids;
  for (const auto& each : engine.reruns_of(original)) ids.push_back(each.id);
  CHECK(ids == std::vector{again, third});
  CHECK(engine.reruns_of(again).empty());
  CHECK(engine.reruns_of("none").empty());
}

TEST_CASE("a given result of a wait, a sleep or an invoked function fits the step", "[put_right]") {
  const auto app = support::quiet_client();
  const auto child =
      app.create_function({.id = "child"}, inngest::on<came>(), [](inngest::context<came>&) { return 1; });
  const auto f = app.create_function({.id = "f"}, inngest::on<go>(), [&](inngest::context<go>& ctx) -> json {
    const auto event = ctx.step.wait_for_event<came>("event", {.timeout = 1ms});
    const auto signal = ctx.step.wait_for_signal<json>("signal", {.signal = "bell", .timeout = 1ms});
    ctx.step.sleep("rest", 1ms);
    const int number = ctx.step.invoke("child", child, json::object());
    return {{"event", event ? event->data : json()}, {"signal", signal ? *signal : json()}, {"n", number}};
  });
  engine engine{app, {f, child}, {}};
  const std::string original = only_run_of(engine, engine.send(go{json::object()}).ids.at(0));
  REQUIRE(engine.find_run(original)->output<json>() ==
          json{{"event", nullptr}, {"signal", nullptr}, {"n", 1}});
  const auto output = [&](const char* step, const std::string& result) {
    return engine
        .wait_for(engine.rerun(original, {.step = step, .result = result}).value(), support::patience)
        .output<json>();
  };
  CHECK(output("event", R"({"name":"right/came","data":{"x":7},"ts":1,"id":"i"})")["event"]["x"] == 7);
  CHECK(output("event", "null")["event"].is_null());
  CHECK(output("signal", R"({"signal":"bell","data":{"rung":2}})")["signal"]["rung"] == 2);
  CHECK(output("signal", "null")["signal"].is_null());
  CHECK(output("rest", "null")["n"] == 1);
  CHECK(output("child", "42")["n"] == 42);
  for (const char* wrong : {R"({"x":7})", "5", R"({"name":5,"data":{}})", R"({"name":"a"})"})
    CHECK_THROWS_AS(engine.rerun(original, {.step = "event", .result = wrong}), inngest::payload_error);
  CHECK_THROWS_AS(engine.rerun(original, {.step = "rest", .result = "1"}), inngest::payload_error);
}

TEST_CASE("a run is repeated from the step that failed, and keeps all other results", "[put_right]") {
  shop its;
  const bool on_disk = GENERATE(false, true);
  const store_records::folder place;
  engine engine{its.app, {its.order}, options_for(place, on_disk)};
  const std::string original = only_run_of(engine, engine.send(go{json{{"ends badly", true}}}).ids.at(0));
  its.charging_fails = false;
  const std::string again = engine.rerun(original, {.from_failed_step = true}).value();
  auto run = engine.wait_for(again, support::patience);
  CHECK(run.status == run_status::failed);  // outside of its steps
  CHECK(run.error->message == "a wrong end");
  CHECK(its.prices == 1);
  CHECK(its.charges == 2);
  CHECK(its.ships == 1);

  // no step failed: the function is called again with all results
  run = engine.wait_for(engine.rerun(again, {.from_failed_step = true}).value(), support::patience);
  CHECK(run.output<json>() == json{{"price", 100}, {"receipt", "paid 100"}});
  CHECK(its.charges == 2);
  CHECK(its.ships == 1);

  CHECK_THROWS_WITH(engine.rerun(run.id, {.from_failed_step = true}), ContainsSubstring("has not failed"));
  CHECK_THROWS_WITH(engine.rerun(original, {.step = "ship", .from_failed_step = true}),
                    ContainsSubstring("excludes step"));
}

TEST_CASE("a cancelled run goes on where it was, also in the middle of a step", "[put_right]") {
  const auto app = support::quiet_client();
  std::atomic<int> first{0}, second{0};
  std::atomic<bool> may_end{false};
  const auto f = app.create_function({.id = "f"}, inngest::on<go>(), [&](inngest::context<go>& ctx) {
    const int one = ctx.step.run("first", [&] { return ++first; });
    const int two = ctx.step.run("second", [&] {
      ++second;
      support::hold_until(may_end);
      return 10;
    });
    return one + two;
  });
  const store_records::folder place;
  std::string original;
  {
    engine running{app, {f}, options_for(place, true)};
    original = running.start(f, json::object());
    REQUIRE(support::eventually([&] { return second == 1; }));
    CHECK(running.cancel(original));
    may_end = true;
    CHECK(running.wait_for(original, support::patience).status == run_status::cancelled);
  }
  engine running{app, {f}, options_for(place, true)};
  CHECK_THROWS_WITH(running.rerun(original, {.step = "second"}), ContainsSubstring("not found"));
  const auto id = running.rerun(original, {.from_failed_step = true});
  REQUIRE(id);
  CHECK(running.wait_for(*id, support::patience).output<int>() == 11);
  CHECK(first == 1);
  CHECK(second == 2);
}

TEST_CASE("of a parallel group only the steps that failed run again", "[put_right]") {
  const auto app = support::quiet_client();
  std::atomic<int> fine{0}, bad{0};
  std::atomic<bool> fails{true};
  const auto f = app.create_function(
      {.id = "f", .retries = 0}, inngest::on<go>(), [&](inngest::context<go>& ctx) -> json {
        // caught long before the end: it stays as it was
        const bool is_known = [&] {
          try {
            ctx.step.run("lookup", []() -> int { throw inngest::non_retriable_error("unknown"); });
            return true;
          } catch (const inngest::step_error&) {
            return false;
          }
        }();
        const auto out =
            ctx.group.parallel(std::vector<std::string>{"a", "b", "c"}, [&](const std::string& name) {
              return ctx.step.run(name, [&] {
                if (name == "b") return ++fine;
                ++bad;
                if (fails) throw inngest::non_retriable_error(name);
                return 10;
              });
            });
        return {{"known", is_known}, {"all", out}};
      });
  engine engine{app, {f}, {}};
  const std::string original = only_run_of(engine, engine.send(go{json::object()}).ids.at(0));
  REQUIRE(engine.find_run(original)->status == run_status::failed);
  const int failures = bad;
  fails = false;
  const auto run =
      engine.wait_for(engine.rerun(original, {.from_failed_step = true}).value(), support::patience);
  CHECK(run.output<json>() == json{{"known", false}, {"all", {10, 1, 10}}});
  CHECK(fine == 1);
  CHECK(bad == failures + 2);
}

TEST_CASE("a step whose failure ended the run runs again, although others of its group began after it failed",
          "[put_right]") {
  const auto app = support::quiet_client();
  std::atomic<int> fine{0}, bad{0};
  std::atomic<bool> fails{true};
  const auto charge = [&](inngest::context<go>& ctx) {
    return ctx.step.run("a", [&] {
      ++bad;
      if (fails) throw inngest::non_retriable_error("the bank is closed");
      return 10;
    });
  };
  const auto count = [&](inngest::context<go>& ctx, const char* id) {
    return ctx.step.run(id, [&] { return ++fine; });
  };
  const bool is_group = GENERATE(true, false);
  const auto f = app.create_function(
      {.id = "f", .retries = 0}, inngest::on<go>(), [&](inngest::context<go>& ctx) -> json {
        if (is_group) {
          const auto [a, c] = ctx.group.parallel([&] { return charge(ctx); },
                                                 [&] { return count(ctx, "b") + count(ctx, "c"); });
          return {{"a", a}, {"c", c}};
        }
        try {
          return {{"a", charge(ctx)}, {"c", 3}};
        } catch (const inngest::step_error&) {
          count(ctx, "b");  // cleans up, and lets the error through
          throw;
        }
      });
  engine engine{app, {f}, {}};
  const std::string original = only_run_of(engine, engine.send(go{json::object()}).ids.at(0));
  REQUIRE(engine.find_run(original)->status == run_status::failed);
  const int counted = fine;
  fails = false;
  const auto run =
      engine.wait_for(engine.rerun(original, {.from_failed_step = true}).value(), support::patience);
  CHECK(run.output<json>() == json{{"a", 10}, {"c", 3}});
  CHECK(fine == counted);
  CHECK(bad == 2);
}

TEST_CASE("of steps with one id all that failed run again", "[put_right]") {
  const auto app = support::quiet_client();
  std::atomic<int> ran{0};
  std::atomic<bool> fails{true};
  const auto f = app.create_function(
      {.id = "f", .retries = 0}, inngest::on<go>(), [&](inngest::context<go>& ctx) -> json {
        const auto resize = [&](int size) {
          return ctx.step.start("resize", [&ran, &fails, size] {
            ++ran;
            if (fails && size != 3) throw inngest::non_retriable_error("size " + std::to_string(size));
            return size;
          });
        };
        auto first = resize(1), second = resize(2), third = resize(3);
        return {first.get(), second.get(), third.get()};
      });
  engine engine{app, {f}, {}};
  const std::string original = only_run_of(engine, engine.send(go{json::object()}).ids.at(0));
  REQUIRE(engine.find_run(original)->status == run_status::failed);
  REQUIRE(ran == 3);
  fails = false;
  const auto run =
      engine.wait_for(engine.rerun(original, {.from_failed_step = true}).value(), support::patience);
  CHECK(run.output<json>() == json{1, 2, 3});
  CHECK(ran == 5);
}

TEST_CASE("a failure that a branch of a parallel group caught is kept when a later branch's ended the run",
          "[put_right]") {
  const auto app = support::quiet_client();
  std::atomic<int> lookups{0}, charges{0};
  std::atomic<bool> fails{true};
  const auto f = app.create_function({.id = "f", .retries = 0}, inngest::on<go>(),
                                     [&](inngest::context<go>& ctx) -> json {
                                       const auto look_up = [&] {
                                         try {
                                           return ctx.step.run("lookup", [&]() -> int {
                                             ++lookups;
                                             throw inngest::non_retriable_error("unknown");
                                           });
                                         } catch (const inngest::step_error&) {
                                           return 0;
                                         }
                                       };
                                       const auto charge = [&] {
                                         return ctx.step.run("charge", [&] {
                                           ++charges;
                                           if (fails)
                                             throw inngest::non_retriable_error("the bank is closed");
                                           return 10;
                                         });
                                       };
                                       const auto [known, paid] = ctx.group.parallel(look_up, charge);
                                       return {known, paid};
                                     });
  engine engine{app, {f}, {.workers = 1}};
  const std::string original = only_run_of(engine, engine.send(go{json::object()}).ids.at(0));
  REQUIRE(engine.find_run(original)->error->message == "the bank is closed");
  fails = false;
  const auto run =
      engine.wait_for(engine.rerun(original, {.from_failed_step = true}).value(), support::patience);
  CHECK(run.output<json>() == json{0, 10});
  CHECK(lookups == 1);
  CHECK(charges == 2);
}

TEST_CASE("equal failures all run again, because it is not known which one ended the run", "[put_right]") {
  const auto app = support::quiet_client();
  std::atomic<int> cards{0}, transfers{0};
  std::atomic<bool> fails{true};
  const auto f = app.create_function({.id = "f", .retries = 0}, inngest::on<go>(),
                                     [&](inngest::context<go>& ctx) -> std::string {
                                       const auto pay = [&](const char* id, std::atomic<int>& count) {
                                         return ctx.step.run(id, [&] {
                                           ++count;
                                           if (fails)
                                             throw inngest::non_retriable_error("the bank is closed");
                                           return std::string(id);
                                         });
                                       };
                                       try {
                                         return pay("card", cards);
                                       } catch (const inngest::step_error&) {
                                         return pay("transfer", transfers);
                                       }
                                     });
  engine engine{app, {f}, {}};
  const std::string original = only_run_of(engine, engine.send(go{json::object()}).ids.at(0));
  REQUIRE(engine.find_run(original)->status == run_status::failed);
  fails = false;
  const auto run =
      engine.wait_for(engine.rerun(original, {.from_failed_step = true}).value(), support::patience);
  CHECK(run.output<std::string>() == "card");
  CHECK(cards == 2);
  CHECK(transfers == 1);
}

TEST_CASE("a step runs again whose failure was let through after cleaning up failed with the same words",
          "[put_right]") {
  const auto app = support::quiet_client();
  const std::string words = GENERATE("the network is down", "");
  std::atomic<bool> fails{true};
  const auto f = app.create_function({.id = "f", .retries = 0}, inngest::on<go>(),
                                     [&](inngest::context<go>& ctx) -> int {
                                       const auto work = [&] {
                                         if (fails) throw inngest::non_retriable_error(words);
                                         return 10;
                                       };
                                       try {
                                         return ctx.step.run("charge", work);
                                       } catch (const inngest::step_error&) {
                                         try {
                                           ctx.step.run("undo", work);
                                         } catch (const inngest::step_error&) {
                                         }
                                         throw;
                                       }
                                     });
  engine engine{app, {f}, {}};
  const std::string original = only_run_of(engine, engine.send(go{json::object()}).ids.at(0));
  REQUIRE(engine.find_run(original)->status == run_status::failed);
  fails = false;
  const auto run =
      engine.wait_for(engine.rerun(original, {.from_failed_step = true}).value(), support::patience);
  REQUIRE(run.status == run_status::completed);
  CHECK(run.output<int>() == 10);
}

TEST_CASE(
    "a step in a branch whose failure ended the run runs again, and steps before it in the branch do not",
    "[put_right]") {
  const auto app = support::quiet_client();
  std::atomic<int> fine{0}, bad{0};
  std::atomic<bool> fails{true};
  const auto f = app.create_function(
      {.id = "f", .retries = 0}, inngest::on<go>(), [&](inngest::context<go>& ctx) -> json {
        const auto branch = [&](const std::string& name) {
          const int one = ctx.step.run(name + " 1", [&] { return ++fine, 1; });
          return one + ctx.step.run(name + " 2", [&] {
            ++bad;
            if (fails) throw inngest::non_retriable_error(name + " is closed");
            return 10;
          });
        };
        const auto [a, b] = ctx.group.parallel([&] { return branch("a"); }, [&] { return branch("b"); });
        return {a, b};
      });
  engine engine{app, {f}, {.workers = 1}};
  const std::string original = only_run_of(engine, engine.send(go{json::object()}).ids.at(0));
  REQUIRE(engine.find_run(original)->status == run_status::failed);
  fails = false;
  auto run = engine.wait_for(engine.rerun(original, {.from_failed_step = true}).value(), support::patience);
  REQUIRE(run.status == run_status::completed);
  CHECK(run.output<json>() == json{11, 11});
  CHECK(fine == 2);
  CHECK(bad == 4);
}

TEST_CASE("a failure that the handler wrapped in its own error after cleaning up runs again", "[put_right]") {
  const auto app = support::quiet_client();
  std::atomic<int> undone{0};
  std::atomic<bool> fails{true};
  const auto f = app.create_function({.id = "f", .retries = 0}, inngest::on<go>(),
                                     [&](inngest::context<go>& ctx) -> int {
                                       try {
                                         return ctx.step.run("charge", [&] {
                                           if (fails)
                                             throw inngest::non_retriable_error("the bank is closed");
                                           return 10;
                                         });
                                       } catch (const inngest::step_error&) {
                                         ctx.step.run("undo", [&] { ++undone; });
                                         std::throw_with_nested(std::runtime_error("the order failed"));
                                       }
                                     });
  engine engine{app, {f}, {}};
  const std::string original = only_run_of(engine, engine.send(go{json::object()}).ids.at(0));
  REQUIRE(engine.find_run(original)->error->message == "the order failed");
  fails = false;
  const auto run =
      engine.wait_for(engine.rerun(original, {.from_failed_step = true}).value(), support::patience);
  REQUIRE(run.status == run_status::completed);
  CHECK(run.output<int>() == 10);
  CHECK(undone == 1);
}

TEST_CASE("a rerun that keeps results keeps the run's tags, also when it fails again, and after a restart",
          "[put_right]") {
  const store_records::folder place;
  std::atomic<bool> tags{true};
  const auto app = support::quiet_client();
  const auto f = app.create_function(
      {.id = "f", .retries = 0, .tags = {{.name = "size", .value = "event.data.size"}}}, inngest::on<go>(),
      [&](inngest::context<go>& ctx) {
        if (tags) ctx.tag("customer", "acme");
        ctx.step.run("price", [] { return 1; });
        ctx.step.run("charge", []() -> int { throw inngest::non_retriable_error("the bank is closed"); });
      });
  using inngest::embedded::run_tag;
  const std::vector<run_tag> size{{"size", "3"}}, both{{"customer", "acme"}, {"size", "3"}};
  std::string original, again;
  {
    engine engine{app, {f}, options_for(place, true)};
    original = only_run_of(engine, engine.send(go{json{{"size", 3}}}).ids.at(0));
    REQUIRE(engine.find_run(original)->tags == both);
    again = engine.rerun(original, {.from_failed_step = true}).value();
    REQUIRE(engine.wait_for(again, support::patience).status == run_status::failed);
  }
  engine engine{app, {f}, options_for(place, true)};
  CHECK(engine.find_run(again)->tags == both);
  const auto selected = engine.find_runs({.is_repeated = false, .tags = {{"customer", "acme"}}});
  REQUIRE(selected.size() == 1);
  CHECK(selected.front().id == again);
  const std::string third = engine.rerun(again, {.step = "charge"}).value();
  CHECK(engine.wait_for(third, support::patience).tags == both);

  tags = false;  // a whole rerun sets its own
  const std::string whole = engine.rerun(original).value();
  CHECK(engine.wait_for(whole, support::patience).tags == size);
}

TEST_CASE("a rerun is repeated from a step whose result it kept, whatever the step's kind", "[put_right]") {
  const auto app = support::quiet_client();
  const auto child =
      app.create_function({.id = "child"}, inngest::on<came>(), [](inngest::context<came>&) { return 1; });
  std::atomic<int> priced{0};
  const auto f = app.create_function(
      {.id = "f", .retries = 0}, inngest::on<go>(), [&](inngest::context<go>& ctx) -> json {
        const int price = ctx.step.run(
            "price",
            [&](int each) {
              ++priced;
              return each * 10;
            },
            1);
        const auto event = ctx.step.wait_for_event<came>("event", {.timeout = 1ms});
        const auto signal = ctx.step.wait_for_signal<json>("signal", {.signal = "bell", .timeout = 1ms});
        ctx.step.sleep("rest", 1ms);
        const int number = ctx.step.invoke("child", child, json::object());
        ctx.step.run("last", [] { return 0; });
        return {{"price", price},
                {"event", event ? event->data : json()},
                {"signal", signal ? *signal : json()},
                {"n", number}};
      });
  engine engine{app, {f, child}, {}};
  const std::string original = only_run_of(engine, engine.send(go{json::object()}).ids.at(0));
  const auto repeat = [&](const std::string& run, const inngest::embedded::rerun_step& from) {
    return engine.wait_for(engine.rerun(run, from).value(), support::patience);
  };
  const std::string again = repeat(original, {.step = "last"}).id;
  const json same{{"price", 10}, {"event", nullptr}, {"signal", nullptr}, {"n", 1}};
  REQUIRE(engine.find_run(again)->output<json>() == same);
  REQUIRE(priced == 1);

  for (const char* step : {"price", "event", "signal", "rest", "child"}) {
    INFO(step);
    CHECK(repeat(again, {.step = step}).output<json>() == same);
  }
  CHECK(priced == 2);
  CHECK(repeat(again, {.step = "price", .input = "[7]"}).output<json>()["price"] == 70);
  CHECK(repeat(again, {.step = "price", .result = "5"}).output<json>()["price"] == 5);
  CHECK(repeat(again, {.step = "child", .result = "42"}).output<json>()["n"] == 42);
  CHECK(repeat(again, {.step = "rest", .result = "null"}).output<json>() == same);
  for (const char* wrong : {R"({"x":7})", "5"})
    CHECK_THROWS_AS(engine.rerun(again, {.step = "event", .result = wrong}), inngest::payload_error);

  const auto given = [&](const char* step, const char* result) {
    return repeat(repeat(again, {.step = step, .result = result}).id, {.step = "last"});
  };
  const auto with_event = given("event", R"({"name":"right/came","data":{"x":7},"ts":1,"id":"i"})");
  CHECK(with_event.output<json>()["event"]["x"] == 7);
  CHECK(repeat(with_event.id, {.step = "event", .result = "null"}).output<json>()["event"].is_null());
  const auto with_signal = given("signal", R"({"signal":"bell","data":{"rung":2}})");
  CHECK(with_signal.output<json>()["signal"]["rung"] == 2);
  CHECK(repeat(with_signal.id, {.step = "signal", .result = "null"}).output<json>()["signal"].is_null());
}

TEST_CASE("a run of a singleton that is running is not repeated, which is said", "[put_right][http_server]") {
  const auto app = support::quiet_client();
  std::atomic<bool> may_end{true};
  const auto f = app.create_function(
      {.id = "alone", .singleton = inngest::singleton{.mode = inngest::singleton_mode::skip}},
      inngest::on<go>(),
      [&](auto& ctx) { ctx.step.run("a", [&] { support::eventually([&] { return may_end.load(); }); }); });
  engine running(app, {f});
  const http_server server(running, {.port = 0});
  caller http(server);
  const std::string first = running.start(f);
  running.wait_for(first, support::patience);
  may_end = false;
  const std::string second = running.start(f);
  const auto says = ContainsSubstring("function \"alone\" is a singleton that is already running");
  CHECK_THROWS_WITH(running.rerun(first), says);
  CHECK_THROWS_WITH(running.rerun(first, {.step = "a"}), says);
  http.refuses("/api/runs/" + first + "/rerun", "", 400, "singleton");
  http.refuses("/v2/runs/" + first + "/rerun", "", 400, "singleton");
  http.refuses("/api/runs/unknown/rerun", "", 404, "there is no run");
  may_end = true;
  running.wait_for(second, support::patience);
  CHECK(running.rerun(first));
  CHECK(running.wait_until_idle(support::patience));
}

TEST_CASE("an event that is sent again starts its functions once more, under another id", "[put_right]") {
  shop its;
  its.charging_fails = false;
  const bool on_disk = GENERATE(false, true);
  const store_records::folder place;
  std::string first, second;
  {
    engine engine{its.app, {its.order}, options_for(place, on_disk)};
    engine.send(go{.data = {{"n", 9007199254740993}}, .id = "given", .user = {{"name", "kim"}}});
    REQUIRE(engine.wait_until_idle(support::patience));
    first = engine.store().find_events({}).at(0).id;
    second = engine.resend(first).value();
    CHECK(second != first);
    REQUIRE(engine.wait_until_idle(support::patience));
    CHECK(engine.runs_of(first).size() == 1);
    CHECK(engine.runs_of(second).size() == 1);  // although the sender's id was used before
    CHECK_FALSE(engine.resend("none"));
    const auto failed_before = engine.store().find_events({}).size();
    CHECK(failed_before == 2);
    if (!on_disk) return;
  }
  engine engine{its.app, {its.order}, options_for(place, on_disk)};
  const auto before = engine.store().find_event(first).value(),
             after = engine.store().find_event(second).value();
  CHECK(before.resent_from.empty());
  CHECK(after.resent_from == first);
  CHECK(after.name == "right/go");
  const json old = json::parse(before.text), fresh = json::parse(after.text);
  CHECK(fresh["data"] == old["data"]);
  CHECK(fresh["user"] == old["user"]);
  CHECK(fresh["id"] == second);
  CHECK(old["id"] == "given");
  const std::string third = engine.resend(second).value();
  REQUIRE(engine.wait_until_idle(support::patience));
  CHECK(engine.store().find_event(third)->resent_from == second);
}

TEST_CASE("an event of the engine itself is not sent again", "[put_right]") {
  shop its;
  std::atomic<int> told{0};
  const auto listener = its.app.create_function(
      {.id = "listener"}, inngest::on<inngest::event<"inngest/function.failed", json>>(),
      [&](auto&) { ++told; });
  engine engine{its.app, {its.order, listener}, {}};
  engine.send(go{json::object()});
  REQUIRE(engine.wait_until_idle(support::patience));
  REQUIRE(told == 1);
  for (const auto& event : engine.store().find_events({})) {
    if (event.name == "inngest/function.failed")
      CHECK_THROWS_WITH(engine.resend(event.id), ContainsSubstring("inngest/function.failed"));
  }
}

TEST_CASE("a scheduled function that is run by hand gets the event of its schedule", "[put_right]") {
  const auto app = support::quiet_client();
  const auto nightly =
      app.create_function({.id = "nightly"}, inngest::cron("0 4 * * 0"),
                          [](inngest::context<inngest::scheduled_timer>& ctx) -> json {
                            return {{"cron", ctx.event.data.cron.value_or("")},
                                    {"at", inngest::to_text(ctx.event.data.scheduled_at.value())}};
                          });
  const auto both = app.create_function({.id = "both"}, inngest::on<go>(),
                                        [](inngest::context<go>& ctx) -> json { return ctx.event.data; });
  engine engine{app, {nightly, both}, {}};
  const auto began = std::chrono::system_clock::now() - 1s;
  const auto invoked = engine.invoke(nightly.slug());
  const auto run = engine.wait_for(invoked.run_id, support::patience);
  CHECK(run.event_name == "inngest/scheduled.timer");
  CHECK(run.output<json>()["cron"] == "0 4 * * 0");
  CHECK(inngest::parse_timestamp(run.output<json>()["at"].get<std::string>()).value() > began);
  CHECK(engine.store().find_event(run.event_id)->name == "inngest/scheduled.timer");
  CHECK_THROWS_AS(engine.resend(run.event_id), inngest::configuration_error);
  const auto other = engine.invoke(nightly.slug(), R"({"scheduledAt":"2026-01-31T04:00:00Z"})");
  CHECK(engine.wait_for(other.run_id, support::patience).output<json>()["at"] == "2026-01-31T04:00:00.000Z");
  const auto plain = engine.invoke(both.slug(), R"({"n":1})");
  CHECK(engine.wait_for(plain.run_id, support::patience).event_name == "inngest/function.invoked");
}

TEST_CASE("the harness repeats runs and gives schedules their event, too", "[put_right]") {
  shop its;
  const auto nightly = its.app.create_function(
      {.id = "nightly"}, inngest::cron("0 4 * * 0"),
      [](inngest::context<inngest::scheduled_timer>& ctx) { return ctx.event.data.cron.value_or(""); });
  inngest::testing::harness harness(its.app, {its.order, nightly});
  const inngest::runs runs(its.app);
  const auto failed = harness.send(go{json::object()});
  REQUIRE(failed.failed());
  its.charging_fails = false;
  const std::string again = runs.rerun_from(failed.id(), "charge");
  const auto found = [&](const std::string& id) {
    harness.advance(1s);
    const auto all = harness.runs();
    const auto run = std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.id() == id; });
    REQUIRE(run != all.end());
    return *run;
  };
  CHECK(found(again).output<json>()["receipt"] == "paid 100");
  CHECK(its.charges == 2);
  CHECK(found(runs.invoke(nightly, inngest::scheduled_data{})).output<std::string>() == "0 4 * * 0");
}

TEST_CASE("runs are put right over HTTP, and wrong requests name what is wrong", "[put_right][http_server]") {
  shop its;
  const store_records::folder place;
  engine engine{its.app, {its.order}, options_for(place, true)};
  const http_server server{engine, {.port = 0}};
  caller caller{server};
  const std::string event = engine.send(go{json::object()}).ids.at(0);
  const std::string original = only_run_of(engine, event);

  const std::string run = "/api/runs/" + original;
  const std::string given =
      caller.post(run + "/rerun", R"({"step":"charge","result":"by hand"})").at("run_id");
  CHECK(engine.wait_for(given, support::patience).output<json>()["receipt"] == "by hand");
  const std::string whole = caller.post(run + "/rerun", "{}").at("run_id");
  CHECK(engine.wait_for(whole, support::patience).status == run_status::failed);
  its.charging_fails = false;
  const std::string from_failed = caller.post(run + "/rerun", R"({"from_failed_step":true})").at("run_id");
  CHECK(engine.wait_for(from_failed, support::patience).output<json>()["receipt"] == "paid 100");
  const json details = caller.get(run);
  REQUIRE(details.at("reruns").size() == 3);
  CHECK(details.at("reruns")[0].at("id") == given);
  CHECK(details.at("reruns")[0].at("status") == "completed");
  CHECK(caller.get("/api/runs/" + given).at("original_run_id") == original);

  caller.refuses(run + "/rerun", R"({"result":1})", 400, "step");
  caller.refuses(run + "/rerun", R"({"step":"charge","input":7})", 400, "input");
  caller.refuses(run + "/rerun", R"({"step":7})", 400, "step");
  caller.refuses(run + "/rerun", R"({"from":"charge"})", 400, "from");
  caller.refuses(run + "/rerun", R"({"step":"none"})", 400, "Step not found");
  caller.refuses(run + "/rerun", "[]", 400, "body");
  caller.refuses(run + "/rerun", "{", 400, "body");
  caller.refuses("/api/runs/none/rerun", "{}", 404, "none");
  caller.refuses(run + "/cancel", "{}", 409, "failed");
  caller.refuses("/api/runs/none/cancel", "", 404, "none");

  const std::string next = caller.post("/api/events/" + event + "/resend", "").at("ids").at(0);
  only_run_of(engine, next);
  CHECK(caller.get("/api/events").at("events")[0].at("resent_from") == event);
  caller.refuses("/api/events/none/resend", "", 404, "none");

  const std::string invoked =
      caller.post("/api/functions/" + its.order.slug() + "/invoke", R"({"data":{"n":1}})").at("run_id");
  CHECK(engine.wait_for(invoked, support::patience).status == run_status::completed);
  caller.refuses("/api/functions/none/invoke", "{}", 404, "none");
  caller.refuses("/api/functions/" + its.order.slug() + "/invoke", R"({"data":[1]})", 400, "data");
}

TEST_CASE("a run that waits is cancelled over HTTP", "[put_right][http_server]") {
  const auto app = support::quiet_client();
  const auto f = app.create_function({.id = "f"}, inngest::on<go>(),
                                     [](inngest::context<go>& ctx) { ctx.step.sleep("long", 1h); });
  engine engine{app, {f}, {}};
  const http_server server{engine, {.port = 0}};
  caller caller{server};
  const std::string event = engine.send(go{json::object()}).ids.at(0);
  REQUIRE(support::eventually([&] { return engine.runs_of(event).size() == 1; }));
  const std::string run = engine.runs_of(event).front().id;
  CHECK(caller.post("/api/runs/" + run + "/cancel", "{}").at("run_id") == run);
  CHECK(engine.find_run(run)->status == run_status::cancelled);
}
