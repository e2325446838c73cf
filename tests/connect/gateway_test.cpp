// The gateway of the embedded engine, with workers over real WebSockets.

#include <inngest/inngest.hpp>

#include <inngest/connect.hpp>
#include <inngest/embedded.hpp>
#include <inngest/embedded/connect_gateway.hpp>
#include <inngest/embedded/http_server.hpp>
#include <inngest/embedded/sqlite_store.hpp>
#include <inngest/protocol/signature.hpp>

#include <chrono>
#include <filesystem>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "connect/worker_stand_in.hpp"
#include "support/eventually.hpp"
#include "support/http_client.hpp"
#include "support/own_sockets.hpp"
#include "support/temporary_folder.hpp"

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using inngest::json;
using inngest::embedded::connect_gateway;
using inngest::embedded::connect_gateway_options;
using inngest::embedded::engine;
using inngest::embedded::engine_options;
using inngest::embedded::http_server;
using inngest::embedded::http_server_options;
using inngest::embedded::run;
using inngest::embedded::run_status;
using support::eventually;
using kind = messages::message_kind;

namespace {

using near_f = inngest::event<"near/f", json>;

inngest::client make_client() {
  return inngest::client({.id = "near",
                          .log = inngest::logger(inngest::log_to_stderr, inngest::log_level::off),
                          .environment = [](const char*) { return std::nullopt; }});
}

engine_options quick(std::shared_ptr<inngest::embedded::store> store = nullptr) {
  return {.workers = 16, .store = std::move(store), .retry_delay = [](int) { return 1ms; }};
}

/// Calls that a test leaves running do not make it wait long.
connect_gateway_options on_any_port(connect_gateway_options options = {.drain_time = 200ms}) {
  options.port = 0;
  return options;
}

/// An engine without functions, its server and its gateway.
struct house {
  explicit house(connect_gateway_options options = {.drain_time = 200ms}, engine_options how = quick())
      : host(make_client(), {}, std::move(how)), server(host, {.port = 0}) {
    gateway.emplace(server, on_any_port(std::move(options)));
  }

  /// Sends an event and returns its id.
  std::string send(const std::string& name, const json& data = json::object()) {
    return host.accept(json{{"name", name}, {"data", data}}.dump()).at(0);
  }
  run run_of(const std::string& event) { return host.runs_of(event).at(0); }
  run ended(const std::string& event) { return host.wait_for(run_of(event).id, support::patience); }

  json get(const std::string& path) {
    const auto answer = support::http_client(server.port()).Get(path);
    REQUIRE(answer);
    CHECK(answer->status == 200);
    return json::parse(answer->body);
  }

  engine host;
  http_server server;
  std::optional<connect_gateway> gateway;
};

int attempts_of(const run& ended) {
  int out = 0;
  for (const auto& entry : ended.timeline) out = (std::max)(out, entry.attempt + 1);
  return out;
}

}  // namespace

TEST_CASE("functions of a connected worker run", "[connect][gateway]") {
  house house;
  worker_stand_in worker(house.server.port());
  const auto ready = worker.connect();
  CHECK(ready.heartbeat_interval == "10s");
  CHECK(ready.extend_lease_interval == "30s");
  CHECK(ready.status_interval == "0s");
  CHECK(worker.started.gateway_group == "gw-dev");

  const std::string event = house.send("far/f", {{"n", 7}});
  const auto call = worker.next_call();
  CHECK(call.app_name == "far");
  CHECK(call.function_slug == "far-f");
  CHECK(call.step_id == "step");
  CHECK(call.run_id == house.run_of(event).id);
  CHECK_FALSE(call.lease_id.empty());
  const json body = json::parse(call.request_payload);
  CHECK(body.at("event").at("data") == json{{"n", 7}});
  CHECK(body.at("ctx").at("run_id") == call.run_id);
  worker.acknowledge(call);
  worker.reply(worker_stand_in::reply_to(
      call, R"([{"id":"86f7e437faa5a7fce15d1ddcb9eaeaea377667b8","op":"StepRun","name":"a","data":1}])",
      messages::response_status::not_completed));
  const auto second = worker.next_call();
  CHECK(second.request_id != call.request_id);
  CHECK(json::parse(second.request_payload).at("steps").size() == 1);
  worker.answer(second, R"({"sum":8})");
  const run ended = house.ended(event);
  CHECK(ended.status == run_status::completed);
  CHECK(ended.output_text == R"({"sum":8})");
}

TEST_CASE("heartbeats are answered, and workers are listed", "[connect][gateway]") {
  house house;
  worker_stand_in worker(house.server.port(), {.instance = "edge-7"});
  worker.connect();
  worker.send(kind::worker_heartbeat);
  worker.read(kind::gateway_heartbeat);
  CHECK(house.gateway->workers() == 1);
  const json all = house.get("/v0/connect/envs/dev/conns").at("data");
  REQUIRE(all.size() == 1);
  CHECK(all[0].at("id") == worker.started.connection_id);
  CHECK(all[0].at("instance_id") == "edge-7");
  CHECK(all[0].at("status") == 1);
  CHECK(all[0].at("sdk_language") == "stand-in");
  CHECK(all[0].at("attributes").at("os") == "linux");
  const std::string hash = all[0].at("all_worker_groups").begin().value();
  const json group = house.get("/v0/connect/envs/dev/groups/" + hash).at("data");
  CHECK(group.at("synced") == true);
  CHECK(group.at("fns") == json::array({"far-f"}));
  CHECK(group.at("conns") == json::array({worker.started.connection_id}));
  const json app = house.get("/api/apps").at("apps").at(0);
  CHECK(app.at("id") == "far");
  CHECK(app.at("url") == "connect");
  CHECK(app.at("sdk") == "stand-in");
  CHECK(app.at("workers") == 1);
  CHECK(app.at("last_contact").is_string());
  worker.stop();
  CHECK(eventually([&] { return house.gateway->workers() == 0; }));
  CHECK(house.get("/api/apps").at("apps").at(0).at("workers") == 0);
}

TEST_CASE("runs are queued until a worker with their function is ready", "[connect][gateway]") {
  house house;
  const auto two_functions = functions_of("far", {"f", "g"});
  worker_stand_in first(house.server.port(), {.apps = {{.app_name = "far", .functions = two_functions}}});
  first.connect();
  first.stop();
  REQUIRE(eventually([&] { return house.gateway->workers() == 0; }));
  const std::string event = house.send("far/f");
  const std::string other = house.send("far/g");
  worker_stand_in second(house.server.port(), {.says_when_ready = true});
  second.connect();
  std::this_thread::sleep_for(50ms);
  CHECK(house.run_of(event).status == run_status::queued);
  second.send(kind::worker_ready);
  const auto call = second.next_call();
  CHECK(call.function_slug == "far-f");
  second.answer(call, "1");
  CHECK(house.ended(event).output_text == "1");
  CHECK(attempts_of(house.ended(event)) == 1);
  CHECK(house.run_of(other).status == run_status::queued);  // this worker does not have it
}

TEST_CASE("a worker that does not acknowledge a call loses it to another one", "[connect][gateway]") {
  house house({.ack_timeout = 100ms});
  worker_stand_in deaf(house.server.port(), {.instance = "deaf"});
  deaf.connect();
  const std::string event = house.send("far/f");
  const auto unheard = deaf.next_call();
  worker_stand_in good(house.server.port(), {.instance = "good"});
  good.connect();
  const auto call = good.next_call();
  CHECK(call.run_id == unheard.run_id);
  CHECK(call.lease_id != unheard.lease_id);
  good.answer(call, "1");
  CHECK(house.ended(event).status == run_status::completed);
  CHECK(attempts_of(house.ended(event)) == 1);
}

TEST_CASE("a late acknowledgement does not count for the worker that has the call now",
          "[connect][gateway]") {
  house house({.lease = 1h, .ack_timeout = 5s});
  worker_stand_in late(house.server.port(), {.instance = "late"});
  late.connect();
  const std::string event = house.send("far/f");
  const auto first = late.next_call();
  worker_stand_in second(house.server.port(), {.instance = "second"});
  second.connect();
  CHECK(second.next_call().request_id == first.request_id);
  worker_stand_in third(house.server.port(), {.instance = "third"});
  third.connect();
  late.acknowledge(first);
  late.send(kind::worker_heartbeat);
  late.read(kind::gateway_heartbeat);
  second.stop();
  const auto call = third.next_call();
  CHECK(call.request_id == first.request_id);
  third.answer(call, "3");
  CHECK(house.ended(event).output_text == "3");
  CHECK(attempts_of(house.ended(event)) == 1);
}

TEST_CASE("a worker that has lost a call to another one gets calls that waited for its room",
          "[connect][gateway]") {
  house house({.ack_timeout = 5s});
  const std::vector<messages::app_configuration> f_and_g{
      {.app_name = "far", .functions = functions_of("far", {"f", "g"})}};
  worker_stand_in small(house.server.port(), {.instance = "small", .apps = f_and_g, .max_concurrency = 1});
  small.connect();
  const std::string of_f = house.send("far/f");
  const auto unheard = small.next_call();
  const std::string of_g = house.send("far/g");
  worker_stand_in other(house.server.port(), {.instance = "other", .max_concurrency = 1});
  other.connect();
  const auto call = other.next_call();
  CHECK(call.request_id == unheard.request_id);
  other.acknowledge(call);  // and works for long
  small.answer(small.next_call(), "\"g\"");
  CHECK(house.ended(of_g).output_text == "\"g\"");
  other.reply(worker_stand_in::reply_to(call, "\"f\""));
  CHECK(house.ended(of_f).output_text == "\"f\"");
}

TEST_CASE("a call that nobody has acknowledged is made again when its worker goes away",
          "[connect][gateway]") {
  house house;
  std::optional<worker_stand_in> first;
  first.emplace(house.server.port());
  first->connect();
  const std::string event = house.send("far/f");
  first->next_call();
  first->stop();
  worker_stand_in second(house.server.port());
  second.connect();
  second.answer(second.next_call(), "2");
  CHECK(house.ended(event).output_text == "2");
  CHECK(attempts_of(house.ended(event)) == 1);
}

TEST_CASE("a call whose lease is not extended is a failed attempt", "[connect][gateway]") {
  house house({.lease = 200ms, .lease_grace = 50ms});
  worker_stand_in worker(house.server.port());
  worker.connect();
  const std::string event = house.send("far/f");
  const auto call = worker.next_call();
  worker.acknowledge(call);
  const auto again = worker.next_call();
  CHECK(again.run_id == call.run_id);
  CHECK(again.request_id != call.request_id);
  CHECK(json::parse(again.request_payload).at("ctx").at("attempt") == 1);
  CHECK_FALSE(worker.extend(call, call.lease_id).new_lease_id);
  worker.reply(worker_stand_in::reply_to(again, "2"));  // which is an acknowledgement, too
  const run ended = house.ended(event);
  CHECK(ended.output_text == "2");
  bool is_told = false;
  for (const auto& entry : ended.timeline)
    is_told = is_told || entry.detail.find("connect_worker_stopped_responding") != std::string::npos;
  CHECK(is_told);
}

TEST_CASE("a lease that is extended keeps its call", "[connect][gateway]") {
  house house({.lease = 6s, .lease_grace = 1ms});
  worker_stand_in worker(house.server.port());
  worker.connect();
  const std::string event = house.send("far/f");
  const auto call = worker.next_call();
  worker.acknowledge(call);
  std::string lease = call.lease_id;
  for (int i = 0; i < 6; ++i) {
    std::this_thread::sleep_for(1200ms);
    const auto ack = worker.extend(call, lease);
    REQUIRE(ack.new_lease_id);
    CHECK(ack.request_id == call.request_id);
    CHECK_FALSE(worker.extend(call, lease).new_lease_id);  // it is an earlier one
    lease = *ack.new_lease_id;
  }
  worker.reply(worker_stand_in::reply_to(call, "3"));
  CHECK(house.ended(event).output_text == "3");
  CHECK(attempts_of(house.ended(event)) == 1);
}

TEST_CASE("a worker whose connection breaks replies over its next one, or over HTTP", "[connect][gateway]") {
  const bool flushes = GENERATE(false, true);
  house house;
  std::optional<worker_stand_in> first;
  first.emplace(house.server.port());
  first->connect();
  const std::string event = house.send("far/f");
  const auto call = first->next_call();
  first->acknowledge(call);
  CHECK(first->extend(call, call.lease_id).new_lease_id);  // so the acknowledgement has arrived
  first->stop();
  REQUIRE(eventually([&] { return house.gateway->workers() == 0; }));
  worker_stand_in second(house.server.port());
  if (flushes) {
    CHECK(second.flush(worker_stand_in::reply_to(call, "4")) == 200);
  } else {
    second.connect();
    second.reply(worker_stand_in::reply_to(call, "4"));
  }
  CHECK(house.ended(event).output_text == "4");
  CHECK(attempts_of(house.ended(event)) == 1);
}

TEST_CASE("a worker gets no more calls than it wants at the same time", "[connect][gateway]") {
  house house;
  worker_stand_in a(house.server.port(), {.instance = "a", .max_concurrency = 1});
  worker_stand_in b(house.server.port(), {.instance = "b", .max_concurrency = 1});
  a.connect();
  b.connect();
  std::vector<std::string> events;
  for (int i = 0; i < 3; ++i) events.push_back(house.send("far/f", {{"n", i}}));
  const auto of_a = a.next_call();
  const auto of_b = b.next_call();
  CHECK(of_a.run_id != of_b.run_id);
  a.acknowledge(of_a);
  std::this_thread::sleep_for(50ms);
  CHECK(house.run_of(events[2]).status == run_status::queued);
  b.answer(of_b, "1");
  const auto third = b.next_call();
  CHECK(third.run_id == house.run_of(events[2]).id);
  b.answer(third, "1");
  a.reply(worker_stand_in::reply_to(of_a, "1"));
  for (const std::string& event : events) CHECK(house.ended(event).status == run_status::completed);
}

TEST_CASE("two apps of a worker share its places", "[connect][gateway]") {
  house house;
  worker_stand_in worker(house.server.port(),
                         {.apps = {{.app_name = "far", .functions = functions_of("far", {"f"})},
                                   {.app_name = "away", .functions = functions_of("away", {"g"})}},
                          .max_concurrency = 1});
  worker.connect();
  std::vector<std::string> events;
  for (int i = 0; i < 4; ++i) {
    events.push_back(house.send("far/f"));
    events.push_back(house.send("away/g"));
  }
  worker.answer_all([](const auto& call) { return "\"" + call.app_name + "\""; });
  for (std::size_t i = 0; i < events.size(); ++i)
    CHECK(house.ended(events[i]).output_text == (i % 2 == 0 ? "\"far\"" : "\"away\""));
}

TEST_CASE("a thousand calls are shared by two workers", "[connect][gateway]") {
  house house({.heartbeat_interval = 1h});  // these workers send none
  worker_stand_in a(house.server.port(), {.instance = "a", .max_concurrency = 3});
  worker_stand_in b(house.server.port(), {.instance = "b"});
  a.connect();
  b.connect();
  a.answer_all([](const auto&) { return "1"; });
  b.answer_all([](const auto&) { return "1"; });
  json events = json::array();
  for (int i = 0; i < 1000; ++i) events.push_back({{"name", "far/f"}, {"data", {{"n", i}}}});
  house.host.accept(events.dump());
  REQUIRE(house.host.wait_until_idle(120s));
  const auto runs = house.host.runs();
  REQUIRE(runs.size() == 1000);
  std::size_t completed = 0;
  for (const run& each : runs) completed += each.status == run_status::completed && attempts_of(each) == 1;
  CHECK(completed == 1000);
  CHECK(a.answered + b.answered == 1000);
  CHECK(a.answered > 50);
  CHECK(b.answered > 50);
}

TEST_CASE("errors of a worker are those of its function", "[connect][gateway]") {
  house house;
  worker_stand_in worker(house.server.port());
  worker.connect();
  const std::string event = house.send("far/f");
  auto call = worker.next_call();
  worker.acknowledge(call);
  worker.reply(worker_stand_in::reply_to(call, R"({"name":"TypeError","message":"no"})",
                                         messages::response_status::error));
  call = worker.next_call();
  worker.acknowledge(call);
  // As the TypeScript SDK says it.
  auto last = worker_stand_in::reply_to(call, R"({"name":"TypeError","message":"never"})",
                                        messages::response_status::done);
  last.no_retry = true;
  worker.reply(last);
  const run ended = house.ended(event);
  CHECK(ended.status == run_status::failed);
  REQUIRE(ended.error);
  CHECK(ended.error->message == "never");
  CHECK(attempts_of(ended) == 2);
}

TEST_CASE("a worker that pauses ends its calls and gets no others", "[connect][gateway]") {
  house house;
  worker_stand_in leaving(house.server.port(), {.instance = "leaving"});
  leaving.connect();
  const std::string event = house.send("far/f");
  const auto call = leaving.next_call();
  leaving.acknowledge(call);
  leaving.send(kind::worker_pause);
  leaving.send(kind::worker_heartbeat);
  leaving.read(kind::gateway_heartbeat);
  const std::string later = house.send("far/f");
  CHECK(house.get("/v0/connect/envs/dev/conns").at("data").at(0).at("status") == 2);
  leaving.reply(worker_stand_in::reply_to(call, "5"));
  CHECK(house.ended(event).output_text == "5");
  CHECK(house.run_of(later).status == run_status::queued);
  worker_stand_in next(house.server.port(), {.instance = "next"});
  next.connect();
  next.answer(next.next_call(), "6");
  CHECK(house.ended(later).output_text == "6");
}

TEST_CASE("a worker that pauses before it acknowledges a call keeps it", "[connect][gateway]") {
  house house({.lease = 1h});
  worker_stand_in leaving(house.server.port(), {.instance = "leaving"});
  leaving.connect();
  const std::string event = house.send("far/f");
  const auto call = leaving.next_call();
  worker_stand_in next(house.server.port(), {.instance = "next"});
  next.connect();
  leaving.send(kind::worker_pause);
  leaving.send(kind::worker_heartbeat);
  leaving.read(kind::gateway_heartbeat);
  std::this_thread::sleep_for(50ms);
  leaving.acknowledge(call);
  leaving.reply(worker_stand_in::reply_to(call, "5"));
  CHECK(house.ended(event).output_text == "5");
  next.send(kind::worker_heartbeat);
  CHECK(next.read().kind == kind::gateway_heartbeat);  // and no call before it
}

TEST_CASE("a gateway that closes tells its workers, and its calls are made by the next one",
          "[connect][gateway]") {
  house house;
  worker_stand_in worker(house.server.port());
  worker.connect();
  const std::string event = house.send("far/f");
  const auto call = worker.next_call();
  worker.acknowledge(call);
  CHECK(worker.extend(call, call.lease_id).new_lease_id);
  auto closing = std::async(std::launch::async, [&] { house.gateway.reset(); });
  worker.read(kind::gateway_closing);
  CHECK(worker.closed() == "1001 connect_gateway_closing");
  closing.get();
  const auto refused = worker.ask_to_start();
  CHECK(refused->status == 503);
  CHECK_THAT(refused->body, ContainsSubstring("stopping") && !ContainsSubstring("must create"));
  house.gateway.emplace(house.server, on_any_port());
  worker_stand_in again(house.server.port());
  again.connect();
  again.answer(again.next_call(), "7");
  CHECK(house.ended(event).output_text == "7");
  CHECK(attempts_of(house.ended(event)) == 1);
}

TEST_CASE("a gateway that closes lets a call end that a worker is about to answer", "[connect][gateway]") {
  house house({.drain_time = 1min});
  worker_stand_in worker(house.server.port());
  worker.connect();
  const std::string event = house.send("far/f");
  const auto call = worker.next_call();
  SECTION("after it was acknowledged") {
    worker.acknowledge(call);
    CHECK(worker.extend(call, call.lease_id).new_lease_id);
  }
  SECTION("while the acknowledgement is on its way") {}
  auto closing = std::async(std::launch::async, [&] { house.gateway.reset(); });
  worker.read(kind::gateway_closing);
  const messages::executor_request unknown{.request_id = "01M83CB674M7N7PVBWZ2JE8P18"};
  worker.send(kind::worker_reply, messages::encode(worker_stand_in::reply_to(unknown, "1")));
  worker.send(kind::worker_heartbeat);
  CHECK(worker.read().kind == kind::gateway_heartbeat);  // the next gateway may need the reply
  worker.acknowledge(call);
  worker.reply(worker_stand_in::reply_to(call, "8"));
  closing.get();
  CHECK(house.ended(event).output_text == "8");
}

TEST_CASE("a worker that is silent gets no calls, and is given up", "[connect][gateway]") {
  house house({.heartbeat_interval = 2s});
  worker_stand_in worker(house.server.port());
  CHECK(worker.connect().heartbeat_interval == "2s");
  std::this_thread::sleep_for(4200ms);  // two intervals
  const std::string event = house.send("far/f");
  std::this_thread::sleep_for(30ms);
  CHECK(house.run_of(event).status == run_status::queued);
  worker.send(kind::worker_heartbeat);
  const auto call = worker.next_call();
  worker.answer(call, "9");
  CHECK(house.ended(event).output_text == "9");
  CHECK(worker.closed() == "1008 CONSECUTIVE_HEARTBEATS_MISSED");
  CHECK(eventually([&] { return house.gateway->workers() == 0; }));
}

TEST_CASE("apps of workers are in the store, and their runs wait for a worker after a restart",
          "[connect][gateway][restart]") {
  const support::temporary_folder folder;
  const auto path = folder.path() / "engine.db";
  const auto store = [&] {
    return std::make_shared<inngest::embedded::sqlite_store>(inngest::embedded::sqlite_options{.path = path});
  };
  std::string answered, interrupted;
  messages::executor_request call;
  {
    house house({.drain_time = 200ms}, quick(store()));
    worker_stand_in worker(house.server.port());
    worker.connect();
    answered = house.send("far/f", {{"n", 1}});
    call = worker.next_call();
    worker.acknowledge(call);
    CHECK(worker.extend(call, call.lease_id).new_lease_id);
    house.host.stop(0ms);
  }
  {
    house house({.drain_time = 200ms}, quick(store()));
    interrupted = house.send("far/f", {{"n", 2}});  // the app is known before its worker is back
    CHECK(house.run_of(interrupted).status == run_status::queued);
    worker_stand_in worker(house.server.port());
    CHECK(worker.flush(worker_stand_in::reply_to(call, "10")) == 200);  // as SDKs do before they reconnect
    worker.connect();
    const auto second = worker.next_call();
    CHECK(json::parse(second.request_payload).at("event").at("data").at("n") == 2);
    worker.answer(second, "11");
    CHECK(house.ended(answered).output_text == "10");  // it did not run twice
    CHECK(attempts_of(house.ended(answered)) == 1);
    CHECK(house.ended(interrupted).output_text == "11");
  }
}

TEST_CASE("a call that an engine makes again after a planned restart saves what it had run meanwhile",
          "[connect][gateway][restart]") {
  const support::temporary_folder folder;
  const auto path = folder.path() / "engine.db";
  const auto store = [&] {
    return std::make_shared<inngest::embedded::sqlite_store>(inngest::embedded::sqlite_options{.path = path});
  };
  std::string event;
  messages::executor_request call;
  {
    house house({.drain_time = 200ms}, quick(store()));
    worker_stand_in worker(house.server.port());
    worker.connect();
    event = house.send("far/f");
    call = worker.next_call();
    worker.acknowledge(call);
    CHECK(worker.extend(call, call.lease_id).new_lease_id);
    CHECK_FALSE(house.host.stop(0ms));
  }
  house house({.drain_time = 200ms}, quick(store()));
  const json step{{"id", "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"},
                  {"op", "StepRun"},
                  {"name", "a"},
                  {"displayName", "a"},
                  {"data", 5}};
  const json saved{{"run_id", call.run_id}, {"qi_id", call.job_id}, {"steps", {step}}};
  CHECK(support::http_client(house.server.port())
            .Post("/v1/checkpoint/" + call.run_id + "/async", saved.dump(), "application/json")
            ->status == 200);
  worker_stand_in worker(house.server.port());
  // of a call that was told meanwhile that another has taken over: not the answer of the call made again
  CHECK(worker.flush(worker_stand_in::reply_to(call, R"([{"id":"","op":"None"}])",
                                               messages::response_status::not_completed)) == 200);
  worker.connect();
  const auto again = worker.next_call();
  CHECK(again.request_id == call.request_id);
  CHECK(json::parse(again.request_payload).at("steps").size() == 1);
  worker.answer(again, "6");
  CHECK(house.ended(event).output_text == "6");
  CHECK(attempts_of(house.ended(event)) == 1);
}

TEST_CASE("a parallel group of a worker is followed by one call", "[connect][gateway]") {
  house house;
  worker_stand_in worker(house.server.port());
  worker.connect();
  const std::string event = house.send("far/f");
  const std::vector<std::string> ids{"86f7e437faa5a7fce15d1ddcb9eaeaea377667b8",
                                     "e9d71f5ee7c92d6dc9e92ffdad17b8bd49418f98"};
  json plan = json::array(), result = json::array();
  for (const std::string& id : ids)
    plan.push_back({{"id", id}, {"op", "StepPlanned"}, {"name", id}, {"opts", {{"parallelMode", "wait"}}}});
  const auto first = worker.next_call();
  worker.acknowledge(first);
  worker.reply(worker_stand_in::reply_to(first, plan.dump(), messages::response_status::not_completed));
  const auto one = worker.next_call(), two = worker.next_call();
  for (const auto& call : {one, two}) {
    worker.acknowledge(call);
    result = {{{"id", *call.step_id}, {"op", "StepRun"}, {"name", *call.step_id}, {"data", 1}}};
    worker.reply(worker_stand_in::reply_to(call, result.dump(), messages::response_status::not_completed));
    std::this_thread::sleep_for(50ms);  // a call after this step would be made now
  }
  const auto last = worker.next_call();
  CHECK(json::parse(last.request_payload).at("steps").size() == 2);
  worker.answer(last, "2");
  CHECK(house.ended(event).output_text == "2");
}

// ---- who may connect --------------------------------------------------------------------------------------

TEST_CASE("without a gateway, workers are told so", "[connect][gateway]") {
  engine host(make_client(), {});
  http_server server(host, {.port = 0});
  worker_stand_in worker(server.port());
  const auto answer = worker.ask_to_start();
  REQUIRE(answer);
  CHECK(answer->status == 501);
  CHECK_THAT(answer->body, ContainsSubstring("connect_gateway"));
}

TEST_CASE("a server has one gateway at a time", "[connect][gateway]") {
  house house;
  CHECK_THROWS_AS(connect_gateway(house.server, on_any_port()), inngest::configuration_error);
  connect_gateway_options taken{.port = house.gateway->port()};
  house.gateway.reset();
  http_server other(house.host, {.port = 0});
  CHECK_THROWS_AS(connect_gateway(other, {.port = other.port()}), inngest::configuration_error);
  CHECK_THROWS_AS(connect_gateway(other, {.host = "0.0.0.0", .port = 0}), inngest::configuration_error);
  CHECK_THROWS_AS(connect_gateway(other, {.port = 0, .lease = 0ms}), inngest::configuration_error);
  CHECK_THROWS_AS(connect_gateway(other, {.port = 0, .lease = std::chrono::milliseconds::max()}),
                  inngest::configuration_error);
  CHECK_THROWS_AS(connect_gateway(other, {.port = 0, .drain_time = -1ms}), inngest::configuration_error);
}

TEST_CASE("programs that a step starts inherit none of a gateway's sockets", "[connect][gateway]") {
  house house;
  worker_stand_in worker(house.server.port());
  worker.connect();
  const std::vector<int> sockets = support::sockets_on(house.gateway->port());
  CHECK(sockets.size() == 2);
  for (const int socket : sockets) CHECK_FALSE(support::is_inherited(socket));
}

TEST_CASE("with a signing key, only workers with its hash connect", "[connect][gateway]") {
  const std::string key = "signkey-test-0123456789abcdef";
  engine host(make_client(), {}, quick());
  http_server server(host, {.port = 0, .signing_key = key, .event_keys = {"events"}});
  connect_gateway gateway(server, on_any_port());
  worker_stand_in stranger(server.port());
  CHECK(stranger.ask_to_start()->status == 401);
  worker_stand_in wrong(server.port(), {.key = inngest::protocol::hashed_signing_key("signkey-test-99")});
  CHECK(wrong.ask_to_start()->status == 401);
  worker_stand_in worker(server.port(), {.key = inngest::protocol::hashed_signing_key(key)});
  worker.connect();
  CHECK(gateway.workers() == 1);
  support::http_client client(server.port());
  CHECK(client.Get("/v0/connect/envs/dev/conns")->status == 401);
  CHECK(client.Post("/v0/connect/flush", "", "application/protobuf")->status == 401);
}

TEST_CASE("a start request must be one", "[connect][gateway]") {
  house house;
  worker_stand_in worker(house.server.port());
  CHECK(worker.ask_to_start("\xff\xff\xff")->status == 400);
  CHECK(worker.ask_to_start(messages::encode(messages::start_request{{"gw-dev"}}))->status == 200);
  support::http_client client(house.server.port());
  CHECK(client.Post("/v0/connect/start", "", "application/json")->status == 415);
  CHECK(client.Post("/v0/connect/flush", "", "application/protobuf")->status == 400);
  CHECK(client.Post("/v0/connect/flush", "\x0a\xff", "application/protobuf")->status == 400);
  CHECK(client.Get("/v0/connect/nothing")->status == 404);
  CHECK(client.Get("/v0/connect/envs/dev/groups/none")->status == 404);
}

TEST_CASE("the WebSocket must be that of Connect", "[connect][gateway]") {
  house house;
  worker_stand_in worker(house.server.port());
  worker.start();
  CHECK_THROWS(worker.open("/other"));
  CHECK_THROWS(worker.open("/v0/connect", "v9.connect"));
  support::http_client plain(house.gateway->port());
  const auto answer = plain.Get("/v0/connect");
  REQUIRE(answer);
  CHECK(answer->status == 404);
  CHECK_THAT(answer->body, ContainsSubstring("v0.connect.inngest.com"));
  worker.open();
  CHECK(worker.read().kind == kind::gateway_hello);
}

TEST_CASE("a worker that is wrong about itself is refused with the reason of a server",
          "[connect][gateway]") {
  house house({.max_message_size = 100'000});
  worker_stand_in worker(house.server.port());
  worker.start();
  worker.open();
  worker.read(kind::gateway_hello);
  auto hello = worker.hello();
  const auto refused = [&] {
    worker.send(kind::worker_connect, messages::encode(hello));
    return worker.closed();
  };
  SECTION("not the first message") {
    worker.send(kind::worker_heartbeat);
    CHECK(worker.closed() == "1008 connect_worker_hello_invalid_msg");
  }
  SECTION("no message") {
    worker.send_frame("\xff\xff\xff\xff");
    CHECK(worker.closed() == "1007 connect_run_invalid_message");
  }
  SECTION("text") {
    worker.send_text("hello");
    CHECK(worker.closed() == "1003 connect_run_invalid_message");
  }
  SECTION("a damaged payload") {
    worker.send(kind::worker_connect, "\x0a\xff");
    CHECK(worker.closed() == "1008 connect_worker_hello_invalid_payload");
  }
  SECTION("a frame over the limit") {
    hello.apps[0].functions = std::string(100'000, ' ');
    CHECK_THAT(refused(), ContainsSubstring("1009"));
  }
  SECTION("no instance id") {
    hello.instance_id.clear();
    CHECK(refused() == "1008 connect_worker_hello_invalid_payload");
  }
  SECTION("no id of a connection") {
    hello.connection_id = "x";
    CHECK(refused() == "1008 connect_worker_hello_invalid_payload");
  }
  SECTION("the id of another connection") {
    hello.connection_id = "01M83CB674M7N7PVBWZ2JE8P18";
    CHECK(refused() == "1008 connect_authentication_failed");
  }
  SECTION("no tokens") {
    hello.auth.reset();
    CHECK(refused() == "1008 connect_authentication_failed");
  }
  SECTION("a wrong token") {
    hello.auth->session_token.back() = hello.auth->session_token.back() == '0' ? '1' : '0';
    CHECK(refused() == "1008 connect_authentication_failed");
  }
  SECTION("the tokens exchanged") {
    std::swap(hello.auth->session_token, hello.auth->sync_token);
    CHECK(refused() == "1008 connect_authentication_failed");
  }
  SECTION("no apps") {
    hello.apps.clear();
    CHECK(refused() == "1008 connect_worker_hello_invalid_payload");
  }
  SECTION("too many apps") {
    for (int i = 0; i < 100; ++i)
      hello.apps.push_back({.app_name = "a" + std::to_string(i), .functions = "[]"});
    CHECK(refused() == "1008 connect_too_many_apps_per_connection");
  }
  SECTION("an app twice") {
    hello.apps.push_back(hello.apps[0]);
    CHECK(refused() == "1008 connect_worker_hello_invalid_payload");
  }
  SECTION("nothing at all") { CHECK(worker.closed() == "1008 connect_worker_hello_timeout"); }
  CHECK(house.gateway->workers() == 0);
}

TEST_CASE("a client without tokens can't make a gateway store large messages", "[connect][gateway]") {
  house house;
  worker_stand_in stranger(house.server.port());
  stranger.start();
  stranger.open();
  stranger.read(kind::gateway_hello);
  stranger.send_frame(std::string(1'200'000, 'x'));
  CHECK_THAT(stranger.closed(), ContainsSubstring("1009"));
  worker_stand_in worker(house.server.port());
  worker.connect();
  const std::string event = house.send("far/f");
  worker.answer(worker.next_call(), '"' + std::string(3'000'000, 'x') + '"');
  CHECK(house.ended(event).output_text.size() == 3'000'002);
}

TEST_CASE("tokens are for one connection at a time", "[connect][gateway]") {
  house house;
  worker_stand_in first(house.server.port());
  first.connect();
  worker_stand_in second(house.server.port());
  second.started = first.started;
  second.open();
  second.read(kind::gateway_hello);
  second.send(kind::worker_connect, messages::encode(second.hello()));
  CHECK(second.closed() == "1008 connect_worker_hello_invalid_payload");
  CHECK(house.gateway->workers() == 1);
}

TEST_CASE("a worker learns why its apps can't be registered", "[connect][gateway]") {
  const auto client = make_client();
  const auto own =
      client.create_function({.id = "f"}, inngest::on<near_f>(), [](inngest::context<near_f>&) { return 1; });
  engine host(client, {own}, quick());
  http_server server(host, {.port = 0});
  connect_gateway gateway(server, on_any_port());
  const auto [functions, reason] = GENERATE(table<std::string, std::string>({
      {"{}", "must be a JSON array"},
      {"[", "app \"near\""},
      {"[{}]", "has no id"},
      {functions_of("near", {"f"}), "is a function of the engine's own process"},
      {R"([{"id":"near-g","name":"g","triggers":[{"cron":"never"}],"steps":{"step":{"id":"step","name":"step",
          "runtime":{"type":"ws","url":"wss://connect"}}}}])",
       "cron"},
      {R"([{"id":"near-g","triggers":[{"event":"e"}],"steps":{"step":1}}])", "step must be"},
  }));
  worker_stand_in worker(server.port(), {.apps = {{.app_name = "near", .functions = functions}}});
  worker.start();
  worker.open();
  worker.read(kind::gateway_hello);
  worker.send(kind::worker_connect, messages::encode(worker.hello()));
  const auto problem = messages::decode<messages::system_error>(worker.read(kind::sync_failed));
  CHECK(problem.code == "connect_invalid_function_config");
  CHECK_THAT(problem.message, ContainsSubstring(reason));
  CHECK(worker.closed() == "1008 connect_invalid_function_config");
  CHECK(gateway.workers() == 0);
}

TEST_CASE("an app moves to its workers and back to its URL by registering there", "[connect][gateway]") {
  house house;
  const std::string at_url =
      R"({"appName":"far","url":"http://127.0.0.1:1/","functions":[{"id":"far-f","name":"f",)"
      R"("triggers":[{"event":"far/f"}],"steps":{"step":{"id":"step","name":"step",)"
      R"("runtime":{"type":"http","url":"http://127.0.0.1:1/"}}}}]})";
  const auto urls = [&] {
    std::vector<std::string> out;
    for (const auto& function : house.host.functions()) out.push_back(function.url);
    return out;
  };
  house.host.register_app("far", at_url);
  CHECK(urls() == std::vector<std::string>{"http://127.0.0.1:1/"});
  worker_stand_in worker(house.server.port());
  worker.connect();
  CHECK(urls() == std::vector<std::string>{"wss://connect"});
  house.host.register_app("far", at_url);
  CHECK(urls() == std::vector<std::string>{"http://127.0.0.1:1/"});
  house.host.register_app("far", R"({"appName":"far","url":"wss://connect","functions":[]})");
  CHECK(house.host.functions().empty());
}

TEST_CASE("a connected worker that sends what is wrong loses its connection, and nothing else",
          "[connect][gateway]") {
  house house;
  worker_stand_in good(house.server.port(), {.instance = "good"});
  good.connect();
  worker_stand_in bad(house.server.port(), {.instance = "bad"});
  bad.connect();
  SECTION("garbage") {
    bad.send_frame("\xff\xff\xff\xff");
    CHECK(bad.closed() == "1007 connect_run_invalid_message");
  }
  SECTION("a damaged acknowledgement") {
    bad.send(kind::worker_request_ack, "\x0a\xff");
    CHECK(bad.closed() == "1007 connect_run_invalid_message");
  }
  SECTION("a damaged reply") {
    bad.send(kind::worker_reply, "\x0a\xff");
    CHECK(bad.closed() == "1007 connect_run_invalid_message");
  }
  SECTION("about calls that do not exist") {
    messages::executor_request none{.request_id = "01M83CB674M7N7PVBWZ2JE8P18"};
    bad.acknowledge(none);
    CHECK_FALSE(bad.extend(none, "x").new_lease_id);
    bad.reply(worker_stand_in::reply_to(none, "1"));
    bad.send(kind::worker_connect, messages::encode(bad.hello()));
    bad.send(static_cast<kind>(99), "anything");
    bad.send(kind::worker_status, "\x0a\xff");
    bad.send(kind::worker_heartbeat);
    bad.read(kind::gateway_heartbeat);
    bad.stop();
  }
  CHECK(eventually([&] { return house.gateway->workers() == 1; }));
  const std::string event = house.send("far/f");
  good.answer(good.next_call(), "1");
  CHECK(house.ended(event).status == run_status::completed);
}

TEST_CASE("replies of a status that does not exist are failed attempts", "[connect][gateway]") {
  house house;
  worker_stand_in worker(house.server.port());
  worker.connect();
  const std::string event = house.send("far/f");
  const auto call = worker.next_call();
  worker.acknowledge(call);
  worker.reply(worker_stand_in::reply_to(call, "1", static_cast<messages::response_status>(7)));
  worker.answer(worker.next_call(), "2");
  CHECK(house.ended(event).output_text == "2");
  CHECK(attempts_of(house.ended(event)) == 2);
}

TEST_CASE("workers of this library run functions on the engine", "[connect][gateway]") {
  house house;
  using summed = inngest::event<"sdk/sum", json>;
  const inngest::client client({.id = "sdk",
                                .mode = inngest::mode::dev,
                                .api_base_url = house.server.url(),
                                .log = inngest::logger(inngest::log_to_stderr, inngest::log_level::off),
                                .environment = [](const char*) { return std::nullopt; }});
  const auto sum =
      client.create_function({.id = "sum"}, inngest::on<summed>(), [](inngest::context<summed>& ctx) {
        const int one = ctx.step.run("one", [&] { return ctx.event.data.at("n").get<int>(); });
        ctx.step.sleep("nap", 20ms);
        return one + ctx.step.run("two", [] { return 2; });
      });
  std::string waiting;
  {
    inngest::connect::worker worker(client, {sum}, {.max_concurrency = 4, .instance_id = "edge-7"});
    worker.start();
    REQUIRE(eventually([&] { return worker.state() == inngest::connect::worker_state::active; }));
    std::vector<std::string> events;
    for (int i = 0; i < 20; ++i) events.push_back(house.send("sdk/sum", {{"n", i}}));
    for (int i = 0; i < 20; ++i)
      CHECK(house.ended(events[static_cast<std::size_t>(i)]).output_text == std::to_string(i + 2));
    // The next gateway is another one: the worker finds it.
    house.gateway.reset();
    house.gateway.emplace(house.server, on_any_port());
    const std::string later = house.send("sdk/sum", {{"n", 40}});
    CHECK(house.ended(later).output_text == "42");
    CHECK(worker.drain(support::patience));
  }
  waiting = house.send("sdk/sum", {{"n", 5}});
  std::this_thread::sleep_for(50ms);
  CHECK(house.run_of(waiting).status == run_status::queued);
  inngest::connect::worker again(client, {sum}, {.instance_id = "edge-7"});
  again.start();
  CHECK(house.ended(waiting).output_text == "7");
}
