#include <chrono>
#include <cmath>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <inngest/inngest.hpp>
#include <inngest/middleware/encryption.hpp>

#include "catch.hpp"
#include "support/handler_driver.hpp"
#include "support/message_of.hpp"

// Scores and metadata of runs, steps, attempts and spans, from inside and outside of runs.

namespace metadata {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using inngest::json;
using inngest::metadata_change;
using inngest::metadata_target;
using inngest::http::request;
using inngest::http::response;
using support::fake_transport;
using support::run_driver;

using ping = inngest::event<"test/event">;
using context = inngest::context<ping>;

struct server {
  int status = 200;
  std::shared_ptr<fake_transport> transport =
      std::make_shared<fake_transport>([this](const request&) { return response{.status = status}; });
  inngest::client_options options = [this] {
    auto out = support::quiet_options();
    out.transport = transport;
    out.checkpointing.enabled = false;
    return out;
  }();
  inngest::client app{options};

  json last() const { return json::parse(transport->requests().back().body); }
};

std::string problem_of(const std::function<void()>& call) {
  return support::message_of<inngest::configuration_error>(call);
}

}  // namespace metadata

using namespace metadata;

TEST_CASE("a client scores runs and steps, with numbers and booleans", "[metadata]") {
  server s;
  s.app.score("01R", "quality", 0.25);
  CHECK(s.transport->requests().back().url == "http://127.0.0.1:8288/v1/runs/01R/metadata");
  CHECK(s.last() == json::parse(R"({"target":{},"metadata":[{"kind":"inngest.score","op":"merge",
                                    "values":{"quality":{"value":0.25}}}]})"));
  s.app.score({.run_id = "01R", .step_id = "draft"}, "passed", true);
  CHECK(s.last().at("target") == json::parse(R"({"step_id":"draft"})"));
  CHECK(s.last().at("metadata").at(0).at("values").at("passed").at("value") == true);
  s.app.score({.run_id = "01R", .step_id = "draft", .step_index = 2, .attempt = 0}, "n", 3);
  CHECK(s.last().at("target") == json::parse(R"({"step_id":"draft","step_index":2,"step_attempt":0})"));
  CHECK(s.last().at("metadata").at(0).at("values").at("n").at("value") == 3);
  s.app.score({.run_id = "01R"}, "passed", false);
  CHECK(s.last().at("metadata").at(0).at("values").at("passed").at("value") == false);
}

TEST_CASE("a score can count for the variant of an experiment", "[metadata]") {
  server s;
  s.app.score({.run_id = "01R"}, "quality", 1, inngest::experiment_ref{"pricing", "new"});
  CHECK(s.last().at("metadata") == json::parse(R"([
      {"kind":"inngest.experiment","op":"merge","values":{"name":"pricing","variant":"new"}},
      {"kind":"inngest.score","op":"merge","values":{"quality":{"value":1.0}}}])"));
  CHECK_THAT(problem_of([&] {
               s.app.score({.run_id = "01R"}, "q", 1, inngest::experiment_ref{"p", ""});
             }),
             ContainsSubstring("experiment_ref"));
}

TEST_CASE("a client stores metadata of runs, steps, attempts and spans", "[metadata]") {
  server s;
  s.app.set_metadata({.run_id = "01R"}, "review", {{"by", "ann"}});
  CHECK(s.last() == json::parse(R"({"target":{},"metadata":[{"kind":"userland.review","op":"set",
                                    "values":{"by":"ann"}}]})"));
  s.app.set_metadata({.run_id = "01R", .step_id = "a", .attempt = 1, .span_id = "00f067aa0ba902b7"}, "k",
                     {{"n", 1}}, metadata_change::add);
  CHECK(s.last().at("target") ==
        json::parse(R"({"step_id":"a","step_attempt":1,"span_id":"00f067aa0ba902b7"})"));
  CHECK(s.last().at("metadata").at(0).at("op") == "add");
  s.app.set_metadata({.run_id = "01R"}, "k", {{"n", 1}}, metadata_change::merge);
  CHECK(s.last().at("metadata").at(0).at("op") == "merge");
  s.app.set_metadata({.run_id = "01R"}, "k", {{"n", nullptr}}, metadata_change::remove);
  CHECK(s.last().at("metadata").at(0).at("op") == "delete");
}

TEST_CASE("incomplete targets and values that are no scores are refused before anything is sent",
          "[metadata]") {
  server s;
  const auto set = [&](metadata_target target, const json& values = json::object()) {
    return problem_of([&] { s.app.set_metadata(target, "k", values); });
  };
  CHECK_THAT(set({}), ContainsSubstring("run_id must not be empty"));
  CHECK_THAT(set({.run_id = "01R", .step_index = 1}), ContainsSubstring("need step_id"));
  CHECK_THAT(set({.run_id = "01R", .attempt = 1}), ContainsSubstring("need step_id"));
  CHECK_THAT(set({.run_id = "01R", .span_id = "x"}), ContainsSubstring("need step_id"));
  CHECK_THAT(set({.run_id = "01R", .step_id = "a", .span_id = "x"}), ContainsSubstring("needs the attempt"));
  CHECK_THAT(set({.run_id = "01R", .step_id = "a", .attempt = -1}), ContainsSubstring("negative"));
  CHECK_THAT(set({.run_id = "01R"}, json(1)), ContainsSubstring("JSON object"));
  CHECK_THAT(problem_of([&] { s.app.score("01R", "it's", 1); }), ContainsSubstring("a score's name"));
  CHECK_THROWS_AS(s.app.score("01R", "n", std::nan("")), inngest::error);
  CHECK_THROWS_AS(s.app.score("01R", "n", std::numeric_limits<double>::infinity()), inngest::error);
  CHECK(s.transport->requests().empty());
  s.status = 403;
  CHECK_THROWS_AS(s.app.score("01R", "n", 1), inngest::unauthorized);
  s.status = 413;
  CHECK_THROWS_AS(s.app.score("01R", "n", 1), inngest::request_rejected);
}

TEST_CASE("a step sets scores and metadata once, of its run or of any other target", "[metadata][step]") {
  server s;
  auto f = s.app.create_function({.id = "f"}, inngest::on<ping>(), [](context& ctx) {
    ctx.step.score("one", "quality", 0.5);
    ctx.step.score("two", "passed", true, {.step_id = "one"});
    ctx.step.set_metadata("three", "k", {{"a", 1}}, {.run_id = "01OTHER", .step_id = "x"},
                          metadata_change::merge);
    ctx.step.set_metadata("four", "k", {{"a", 2}});
  });
  run_driver run(f, s.options);
  CHECK(run.finish().status == 200);
  std::vector<std::string> sent;
  for (const request& each : s.transport->requests())
    sent.push_back(each.url.substr(each.url.find("/v1")) + " " + json::parse(each.body).at("target").dump());
  CHECK(sent == std::vector<std::string>{
                    "/v1/runs/01RUN/metadata {}", R"(/v1/runs/01RUN/metadata {"step_id":"one"})",
                    R"(/v1/runs/01OTHER/metadata {"step_id":"x"})", "/v1/runs/01RUN/metadata {}"});
}

TEST_CASE("within a step scores and metadata are part of its result, also of one that fails",
          "[metadata][step]") {
  for (const bool fails : {false, true}) {
    server s;
    s.options.middleware = {inngest::encryption({.key = "k"})};
    auto f = s.app.create_function({.id = "f"}, inngest::on<ping>(), [&](context& ctx) {
      ctx.step.run("s", [&] {
        ctx.score("quality", 0.5);
        ctx.set_metadata("usage", {{"tokens", 3}}, metadata_change::add);
        if (fails) throw std::runtime_error("no");
      });
    });
    const json op = run_driver(f, s.options).discover().op();
    CHECK(op.at("op") == (fails ? "StepError" : "StepRun"));
    CHECK(op.at("metadata") == json::parse(R"([
        {"scope":"step","kind":"inngest.score","op":"merge","values":{"quality":{"value":0.5}}},
        {"scope":"step","kind":"userland.usage","op":"add","values":{"tokens":3}}])"));
    CHECK(s.transport->requests().empty());
  }
}

TEST_CASE("outside of steps they are sent to the run at once, but not during replay", "[metadata]") {
  server s;
  auto f = s.app.create_function({.id = "f"}, inngest::on<ping>(), [](context& ctx) {
    ctx.score("first", 1);
    ctx.step.run("s", [] {});
    ctx.set_metadata("second", {{"a", 1}});
  });
  run_driver run(f, s.options);
  run.discover();
  REQUIRE(s.transport->requests().size() == 1);
  CHECK(s.last().at("target") == json::object());
  CHECK(s.last().at("metadata").at(0).at("values").contains("first"));
  CHECK(run.result("s", nullptr).discover().status == 200);
  REQUIRE(s.transport->requests().size() == 2);
  CHECK(s.last().at("metadata").at(0).at("kind") == "userland.second");
}

TEST_CASE("a strict handler, which runs twice, sends them once", "[metadata][strict]") {
  server s;
  auto f =
      s.app.create_function({.id = "f"}, inngest::on<ping>(), [](context& ctx) { ctx.score("quality", 1); });
  const inngest::handler handler(s.app, {f}, {.strict = true});
  CHECK(handler(support::post("app-f", support::call{}.text())).status == 200);
  CHECK(s.transport->requests().size() == 1);
}

TEST_CASE("a step's other threads can't score it", "[metadata]") {
  server s;
  bool refused = false;
  auto f = s.app.create_function({.id = "f", .retries = 0}, inngest::on<ping>(), [&](context& ctx) {
    ctx.step.run("s", [&] {
      std::thread([&] {
        try {
          ctx.score("quality", 1);
        } catch (const inngest::wrong_thread_error&) {
          refused = true;
        }
      }).join();
    });
  });
  run_driver(f, s.options).discover();
  CHECK(refused);
}
