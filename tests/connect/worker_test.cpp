// Workers with a stand-in gateway, over real WebSockets.
#include <inngest/connect.hpp>
#include <inngest/endpoint.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "connect/worker_fixture.hpp"
#include "support/eventually.hpp"
#include "support/free_port.hpp"

using namespace connect_test;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("a worker registers its functions, acknowledges requests and replies", "[connect][worker]") {
  fixture t;
  t.options.max_concurrency = 16;
  auto w = t.make();
  CHECK(w.state() == worker_state::idle);
  w.start();
  REQUIRE(t.gateway.await_ready());
  CHECK(w.state() == worker_state::active);
  CHECK(w.connection_id() == "c1");
  const auto hello =
      wire::decode<wire::worker_connect_request>(t.gateway.frames(wire_kind::worker_connect).at(0).payload);
  CHECK(hello.instance_id == "edge-7");
  CHECK(hello.auth->session_token == "session");
  CHECK(hello.auth->sync_token == "sync");
  CHECK(hello.max_worker_concurrency == 16);
  CHECK(hello.framework == "connect");
  CHECK(hello.sdk_language == "cpp");
  CHECK(hello.system->cpu_cores > 0);
  CHECK(json::parse(hello.capabilities) == json{{"trust_probe", "v1"}, {"connect", "v1"}});
  REQUIRE(hello.apps.size() == 1);
  CHECK(hello.apps[0].app_name == "app");
  const auto functions = json::parse(hello.apps[0].functions);
  CHECK(functions.at(0).at("id") == "app-f");
  CHECK(functions.at(0).at("steps").at("step").at("runtime").at("type") == "ws");

  t.call("r1");
  REQUIRE(t.gateway.await(wire_kind::worker_reply));
  const auto reply = t.replies().at(0);
  CHECK(reply.request_id == "r1");
  CHECK(reply.status == wire::response_status::done);
  CHECK(reply.body == "\"run-r1\"");
  CHECK(reply.run_id == "run-r1");
  CHECK(reply.request_version == 2);
  CHECK(reply.system_trace_ctx == "system");
  const auto ack =
      wire::decode<wire::worker_request_ack>(t.gateway.frames(wire_kind::worker_request_ack).at(0).payload);
  CHECK(ack.request_id == "r1");
  CHECK(ack.system_trace_ctx == "system");
  CHECK(w.drain(support::patience));
  CHECK(w.state() == worker_state::closed);
  REQUIRE(t.gateway.await_end(0));
  CHECK(t.gateway.end_of(0) == "1000 WORKER_SHUTDOWN");
}

TEST_CASE("steps, failures and retries become what a server reads of a reply", "[connect][worker]") {
  fixture t;
  t.body = [](inngest::context<happened>& ctx) -> json {
    if (ctx.run_id == "run-steps") ctx.step.sleep("nap", 1h);
    if (ctx.run_id == "run-later") throw inngest::retry_after_error("busy", 5s);
    if (ctx.run_id == "run-never") throw inngest::non_retriable_error("no");
    return 1;
  };
  auto w = t.make();
  w.start();
  REQUIRE(t.gateway.await_ready());
  for (const char* id : {"steps", "later", "never"}) t.call(id);
  auto unknown = fixture::request("unknown");
  unknown.function_slug = "app-gone";
  t.gateway.send(0, wire_kind::gateway_executor_request, unknown);
  auto garbled = fixture::request("garbled");
  garbled.request_payload = "{";
  t.gateway.send(0, wire_kind::gateway_executor_request, garbled);
  REQUIRE(t.gateway.await(wire_kind::worker_reply, 5));
  std::map<std::string, wire::sdk_response> replies;
  for (auto& reply : t.replies()) replies.emplace(reply.request_id, reply);
  CHECK(replies.at("steps").status == wire::response_status::not_completed);
  CHECK(json::parse(replies.at("steps").body).at(0).at("op") == "Sleep");
  CHECK(replies.at("later").status == wire::response_status::error);
  CHECK(replies.at("later").retry_after == "5");
  CHECK_FALSE(replies.at("later").no_retry);
  CHECK(replies.at("never").no_retry);
  CHECK_THAT(replies.at("unknown").body, ContainsSubstring("app-gone"));
  CHECK(replies.at("unknown").status == wire::response_status::error);
  CHECK(replies.at("garbled").status == wire::response_status::error);
}

TEST_CASE("a worker serves several apps over one connection", "[connect][worker]") {
  fixture t;
  auto more = t.client_options();
  more.id = "other";
  more.app_version = "1.2";
  const inngest::client first = t.client(), second(std::move(more));
  const auto make = [](const inngest::client& app, std::string answer) {
    return app.create_function({.id = "f"}, inngest::on<happened>(),
                               [answer](inngest::context<happened>&) { return answer; });
  };
  worker w({{first, {make(first, "from app")}}, {second, {make(second, "from other")}}}, t.options);
  w.start();
  REQUIRE(t.gateway.await_ready());
  const auto hello =
      wire::decode<wire::worker_connect_request>(t.gateway.frames(wire_kind::worker_connect).at(0).payload);
  REQUIRE(hello.apps.size() == 2);
  CHECK(hello.apps[1].app_version == "1.2");
  t.gateway.send(0, wire_kind::gateway_executor_request, fixture::request("r1", "other"));
  REQUIRE(t.gateway.await(wire_kind::worker_reply));
  CHECK(t.replies().at(0).body == "\"from other\"");
}

TEST_CASE("a worker is refused that can't work", "[connect][worker]") {
  fixture t;
  using inngest::configuration_error;
  const auto app = t.client();
  CHECK_THROWS_WITH(worker(std::vector<inngest::connect::app>{}), ContainsSubstring("at least one app"));
  CHECK_THROWS_WITH(worker({{app, {}}, {app, {}}}), ContainsSubstring("have the id \"app\""));
  auto options = t.client_options();
  options.id = "other";
  options.env = "branch";
  CHECK_THROWS_WITH(worker({{app, {}}, {inngest::client(options), {}}}),
                    ContainsSubstring("different environments"));
  options = t.client_options();
  options.mode = inngest::mode::cloud;
  CHECK_THROWS_WITH(worker(inngest::client(options), {}), ContainsSubstring("INNGEST_SIGNING_KEY"));
  CHECK_THROWS_WITH(worker(app, {}, {.gateway_url = "http://x"}), ContainsSubstring("ws or wss"));
  for (const char* url : {"ws://x/a\r\nb: c", "ws://", "wss://u:p@x", "ws://x:0"})
    CHECK_THROWS_WITH(worker(app, {}, {.gateway_url = url}), ContainsSubstring("ws or wss"));
  options = t.client_options();
  options.environment = [](const char* name) -> std::optional<std::string> {
    if (name == std::string("INNGEST_CONNECT_MAX_WORKER_CONCURRENCY")) return "many";
    return std::nullopt;
  };
  CHECK_THROWS_WITH(worker(inngest::client(options), {}),
                    ContainsSubstring("must be a number, not \"many\""));
}

TEST_CASE("the environment sets concurrency and the gateway's URL", "[connect][worker]") {
  fixture t;
  t.api.set_url("ws://gateway.invalid/");
  auto options = t.client_options();
  options.environment = [url = t.gateway.url()](const char* name) -> std::optional<std::string> {
    if (name == std::string("INNGEST_CONNECT_MAX_WORKER_CONCURRENCY")) return "7";
    if (name == std::string("INNGEST_CONNECT_GATEWAY_URL")) return url;
    return std::nullopt;
  };
  auto w = t.make(inngest::client(options));
  w.start();
  REQUIRE(t.gateway.await_ready());
  const auto hello =
      wire::decode<wire::worker_connect_request>(t.gateway.frames(wire_kind::worker_connect).at(0).payload);
  CHECK(hello.max_worker_concurrency == 7);
}

TEST_CASE("a worker uses the fallback key when the first one is refused", "[connect][worker]") {
  fixture t;
  auto options = t.client_options();
  options.mode = inngest::mode::cloud;
  options.api_base_url = "http://server";
  options.signing_key = "signkey-test-aaaa";
  options.signing_key_fallback = "signkey-test-bbbb";
  SECTION("it is accepted") {
    t.api.accepted_key = inngest::protocol::hashed_signing_key("signkey-test-bbbb");
    auto w = t.make(inngest::client(options));
    w.start();
    CHECK(t.gateway.await_ready());
    CHECK(t.api.requests().size() == 2);
    CHECK(t.api.requests().at(0).headers.find("content-type") == "application/protobuf");
  }
  SECTION("both are refused") {
    t.api.accepted_key = "another";
    auto w = t.make(inngest::client(options));
    inngest::stop_source never;
    CHECK_THROWS_AS(w.run(never.get_token()), inngest::unauthorized);
    CHECK(w.state() == worker_state::closed);
    CHECK_THAT(w.last_problem(), ContainsSubstring("refused the signing key"));
    CHECK_THAT(t.log.text(), !ContainsSubstring("aaaa") && !ContainsSubstring("bbbb"));
  }
}

TEST_CASE("a worker runs until it is asked to stop", "[connect][worker]") {
  fixture t;
  std::vector<worker_state> states;
  t.options.on_state_change = [&](worker_state state) { states.push_back(state); };
  auto w = t.make();
  inngest::stop_source stop;
  auto was_ready = std::async(std::launch::async, [&] {
    const bool out = t.gateway.await_ready();
    stop.request_stop();
    return out;
  });
  CHECK(w.run(stop.get_token()));
  CHECK(was_ready.get());
  CHECK(states == std::vector<worker_state>{worker_state::connecting, worker_state::active,
                                            worker_state::closing, worker_state::closed});
}

TEST_CASE("a server that is not there yet is asked again", "[connect][worker]") {
  fixture t;
  t.api.start_status = 503;
  auto w = t.make();
  w.start();
  REQUIRE(eventually([&] { return !w.last_problem().empty(); }));
  CHECK_THAT(w.last_problem(), ContainsSubstring("not today"));
  t.api.start_status = 200;
  CHECK(t.gateway.await_ready());
  CHECK(eventually([&] { return w.last_problem().empty(); }));
}

TEST_CASE("a gateway that does not answer is excluded from the next attempt", "[connect][worker]") {
  fixture t;
  const support::reserved_port closed;
  t.api.set_url("ws://127.0.0.1:" + std::to_string(closed.port()) + "/");
  auto w = t.make();
  w.start();
  REQUIRE(eventually([&] { return !w.last_problem().empty(); }));
  t.api.set_url(t.gateway.url());
  REQUIRE(t.gateway.await_ready());
  CHECK(t.api.exclusions().at(1) == std::vector<std::string>{"group-1"});
}

TEST_CASE("a server that does not speak the subprotocol is no gateway", "[connect][worker]") {
  fixture t;
  t.gateway.subprotocol = "chat";
  auto w = t.make();
  w.start();
  REQUIRE(eventually([&] { return !w.last_problem().empty(); }));
  CHECK_THAT(w.last_problem(), ContainsSubstring("does not speak v0.connect.inngest.com"));
}

TEST_CASE("a gateway that greets late is still greeted", "[connect][worker]") {
  fixture t;
  t.gateway.greets = false;
  auto w = t.make();
  w.start();
  REQUIRE(t.gateway.await_connections(1));
  std::this_thread::sleep_for(200ms);
  CHECK(t.gateway.frames().empty());
  t.gateway.send(0, wire_kind::gateway_hello);
  CHECK(t.gateway.await_ready());
}

TEST_CASE("a reply that the gateway does not acknowledge goes over HTTP", "[connect][worker]") {
  fixture t;
  t.gateway.acknowledges_replies = false;
  auto w = t.make();
  w.start();
  REQUIRE(t.gateway.await_ready());
  t.call("r1");
  REQUIRE(t.gateway.await(wire_kind::worker_reply));
  REQUIRE(eventually([&] { return t.api.flushed().size() == 1; }));
  CHECK(t.api.flushed().at(0).request_id == "r1");
  CHECK(t.api.flushed().at(0).body == "\"run-r1\"");
  CHECK(w.drain(support::patience));
}

TEST_CASE("a worker that has ended sends no more replies, however long a server takes", "[connect][worker]") {
  fixture t;
  std::atomic<int> arrived = 0;
  gate server;
  t.api.before_flush = [&] {
    ++arrived;
    server.pass();
  };
  t.gateway.acknowledges_replies = false;
  {
    auto w = t.make();
    w.start();
    REQUIRE(t.gateway.await_ready());
    for (int i = 0; i < 20; ++i) t.call("r" + std::to_string(i));
    REQUIRE(t.gateway.await(wire_kind::worker_reply, 20));
    t.api.start_status = 503;
    t.gateway.drop(0);
    REQUIRE(eventually([&] { return arrived == 4; }));  // that many at a time
    CHECK_FALSE(w.drain(0s));
    server.open();
  }
  CHECK(arrived == 4);
}

TEST_CASE("a call continues while its connection is lost, and its reply goes over HTTP",
          "[connect][worker]") {
  fixture t;
  gate door;
  std::atomic<bool> runs = false;
  t.body = [&](inngest::context<happened>&) {
    runs = true;
    door.pass();
    return json(42);
  };
  auto w = t.make();
  w.start();
  REQUIRE(t.gateway.await_ready());
  t.call("r1");
  REQUIRE(eventually([&] { return runs.load(); }));
  SECTION("the call ends without a connection") {
    t.api.start_status = 503;
    t.gateway.drop(0);
    REQUIRE(eventually([&] { return w.state() == worker_state::reconnecting; }));
    door.open();
    REQUIRE(eventually([&] { return t.api.flushed().size() == 1; }));
    CHECK(t.api.flushed().at(0).body == "42");
  }
  SECTION("the call ends on the next connection") {
    t.gateway.drop(0);
    REQUIRE(t.gateway.await_ready(2));
    REQUIRE(t.gateway.await(wire_kind::worker_request_extend_lease));
    door.open();
    REQUIRE(t.gateway.await(wire_kind::worker_reply));
    CHECK(t.gateway.frames(wire_kind::worker_reply).at(0).connection == 1);
    CHECK(t.api.flushed().empty());
  }
}

TEST_CASE("a call whose lease is lost is asked to stop through its token", "[connect][worker]") {
  fixture t;
  std::atomic<bool> was_asked = false;
  t.gateway.extends_leases = false;
  t.body = [&](inngest::context<happened>& ctx) {
    while (!ctx.stop_token().stop_requested()) std::this_thread::sleep_for(1ms);
    was_asked = true;
    return json(1);
  };
  auto w = t.make();
  w.start();
  REQUIRE(t.gateway.await_ready());
  t.call("r1");
  REQUIRE(eventually([&] { return was_asked.load(); }));
  REQUIRE(eventually([&] { return w.calls_under_way() == 0; }));
  t.gateway.extends_leases = true;
  t.body = [](inngest::context<happened>&) { return json(2); };
  t.call("r2");
  REQUIRE(t.gateway.await(wire_kind::worker_reply));
  CHECK(t.replies().at(0).request_id == "r2");
  CHECK(t.api.flushed().empty());
}

TEST_CASE("a worker has not ended while a call without its lease runs", "[connect][worker]") {
  fixture t;
  std::atomic<bool> was_asked = false;
  gate door;
  t.gateway.extends_leases = false;
  t.body = [&](inngest::context<happened>& ctx) {
    while (!ctx.stop_token().stop_requested()) std::this_thread::sleep_for(1ms);
    was_asked = true;
    door.pass();  // it ignores the token
    return json(1);
  };
  auto w = t.make();
  w.start();
  REQUIRE(t.gateway.await_ready());
  t.call("r1");
  REQUIRE(eventually([&] { return was_asked.load(); }));
  CHECK(w.calls_under_way() == 1);
  CHECK_FALSE(w.drain(50ms));
  door.open();
  CHECK(w.drain(support::patience));
}

TEST_CASE("a worker does not register endpoints", "[connect][worker]") {
  fixture t;
  const auto app = t.client();
  const auto f = app.create_function({.id = "f"}, inngest::on<happened>(), [](auto&) { return 1; });
  const auto pay = inngest::endpoint(app, {.id = "pay"}, [](inngest::endpoint_context&) { return 1; });
  worker w(app, {f, pay}, t.options);
  w.start();
  REQUIRE(t.gateway.await_ready());
  const auto hello =
      wire::decode<wire::worker_connect_request>(t.gateway.frames(wire_kind::worker_connect).at(0).payload);
  CHECK(json::parse(hello.apps.at(0).functions).size() == 1);
}

TEST_CASE("an executor that fails after it took a call runs it once or not at all", "[connect][worker]") {
  struct failing final : inngest::executor {
    bool post(std::function<void()> work) override {
      if (has_failed.exchange(true)) return threads.post(std::move(work));
      if (runs_at_once) work();
      kept = std::move(work);
      if (throws) throw std::runtime_error("late");
      return false;
    }
    std::atomic<bool> has_failed = false;
    bool runs_at_once = false, throws = false;
    std::function<void()> kept;
    inngest::thread_pool threads;
  };
  fixture t;
  const auto executor = std::make_shared<failing>();
  executor->runs_at_once = GENERATE(false, true);
  executor->throws = GENERATE(false, true);
  t.options.executor = executor;
  t.options.max_concurrency = 1;
  auto w = t.make();
  w.start();
  REQUIRE(t.gateway.await_ready());
  t.call("r1");
  REQUIRE(t.gateway.await(wire_kind::worker_reply, 1));
  if (executor->kept) executor->kept();
  for (int i = 2; i < 5; ++i) t.call("r" + std::to_string(i));
  REQUIRE(t.gateway.await(wire_kind::worker_reply, 4));
  std::set<std::string> ids;
  for (const auto& reply : t.replies()) CHECK(ids.insert(reply.request_id).second);
  CHECK(ids.size() == 4);
  executor->kept = nullptr;
  CHECK(w.drain(support::patience));
}

TEST_CASE("leases of long calls are extended with each new lease", "[connect][worker]") {
  fixture t;
  gate door;
  t.body = [&](inngest::context<happened>&) {
    door.pass();
    return json(1);
  };
  auto w = t.make();
  w.start();
  REQUIRE(t.gateway.await_ready());
  t.call("r1");
  REQUIRE(eventually([&] {
    const auto extensions = t.gateway.frames(wire_kind::worker_request_extend_lease);
    return !extensions.empty() &&
           wire::decode<wire::extend_lease>(extensions.back().payload).lease_id == "lease++";
  }));
  const auto first = t.gateway.frames(wire_kind::worker_request_extend_lease).at(0);
  CHECK(wire::decode<wire::extend_lease>(first.payload).lease_id == "lease");
  door.open();
  CHECK(t.gateway.await(wire_kind::worker_reply));
}

TEST_CASE("a gateway that closes while calls run is replaced before the old connection ends",
          "[connect][worker]") {
  fixture t;
  gate door;
  std::atomic<int> runs = 0;
  t.body = [&](inngest::context<happened>& ctx) {
    ++runs;
    door.pass();
    return json(ctx.run_id);
  };
  auto w = t.make();
  w.start();
  REQUIRE(t.gateway.await_ready());
  for (int i = 0; i < 10; ++i) t.call("r" + std::to_string(i));
  REQUIRE(eventually([&] { return runs == 10; }));
  t.gateway.send(0, wire_kind::gateway_closing);
  REQUIRE(t.gateway.await_ready(2));
  CHECK(t.api.exclusions().at(1) == std::vector<std::string>{"group-1"});
  REQUIRE(t.gateway.await_end(0));
  CHECK(t.gateway.end_of(0) == "1000 GATEWAY_DRAINING");
  door.open();
  REQUIRE(t.gateway.await(wire_kind::worker_reply, 10));
  for (const auto& frame : t.gateway.frames(wire_kind::worker_reply)) CHECK(frame.connection == 1);
  CHECK(runs == 10);
  CHECK(w.state() == worker_state::active);
}

TEST_CASE("garbage from a gateway ends its connection, and calls go on", "[connect][worker]") {
  fixture t;
  gate door;
  t.body = [&](inngest::context<happened>&) {
    door.pass();
    return json(1);
  };
  auto w = t.make();
  w.start();
  REQUIRE(t.gateway.await_ready());
  t.call("r1");
  REQUIRE(t.gateway.await(wire_kind::worker_request_ack));
  SECTION("bytes that are no message") { t.gateway.send_bytes(0, "\xff\xff\xff"); }
  SECTION("a payload that is no request") {
    t.gateway.send_bytes(
        0, wire::encode(wire::connect_message{wire_kind::gateway_executor_request, "\x0a\x05x"}));
  }
  REQUIRE(t.gateway.await_ready(2));
  REQUIRE(eventually([&] { return w.state() == worker_state::active; }));  // before, replies go over HTTP
  door.open();
  REQUIRE(t.gateway.await(wire_kind::worker_reply));
  CHECK(t.gateway.frames(wire_kind::worker_reply).at(0).connection == 1);
  CHECK(w.drain(support::patience));
}

TEST_CASE("a half-open connection is noticed by its heartbeats", "[connect][worker]") {
  fixture t;
  t.gateway.set_intervals("500ms", "5s");  // longer than a busy machine takes to answer
  auto w = t.make();
  w.start();
  REQUIRE(t.gateway.await_ready());
  t.gateway.set_intervals("1h", "5s");  // of the next connection
  SECTION("the gateway does not answer") { t.gateway.answers_heartbeats = false; }
  SECTION("the gateway does not even read") { t.gateway.leave_unread(0); }
  REQUIRE(t.gateway.await_ready(2));
  t.call("r1", t.gateway.frames(wire_kind::worker_ready).back().connection);
  CHECK(t.gateway.await(wire_kind::worker_reply));
}

TEST_CASE("ten thousand requests are answered once each", "[connect][worker]") {
  constexpr int all = 10'000;
  fixture t;
  t.options.max_concurrency = 32;
  t.gateway.set_intervals("10s", "5s");
  std::atomic<int> at_once = 0, most = 0;
  t.body = [&](inngest::context<happened>& ctx) {
    const int now = ++at_once;
    for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
    }
    --at_once;
    return json(ctx.run_id);
  };
  auto w = t.make();
  w.start();
  REQUIRE(t.gateway.await_ready());
  for (int i = 0; i < all; ++i) t.call("r" + std::to_string(i));
  REQUIRE(t.gateway.await(wire_kind::worker_reply, all));
  std::set<std::string> ids;
  for (const auto& reply : t.replies()) {
    ids.insert(reply.request_id);
    if (reply.body != "\"run-" + reply.request_id + "\"") FAIL(reply.request_id << " got " << reply.body);
  }
  CHECK(ids.size() == all);
  CHECK(most <= 32);
  CHECK(w.drain(support::patience));
}

TEST_CASE("requests wait for a place, and for an executor that is full", "[connect][worker]") {
  fixture t;
  gate door;
  std::atomic<int> at_once = 0, most = 0;
  t.body = [&](inngest::context<happened>&) {
    const int now = ++at_once;
    for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
    }
    door.pass();
    --at_once;
    return json(1);
  };
  int limit = 3;
  SECTION("max_concurrency") { t.options.max_concurrency = 3; }
  SECTION("an executor with two threads and a queue of one") {
    limit = 2;
    t.options.executor =
        std::make_shared<inngest::thread_pool>(inngest::thread_pool_options{.threads = 2, .queue = 1});
  }
  auto w = t.make();
  w.start();
  REQUIRE(t.gateway.await_ready());
  for (int i = 0; i < 20; ++i) t.call("r" + std::to_string(i));
  REQUIRE(t.gateway.await(wire_kind::worker_request_ack, 20));
  REQUIRE(eventually([&] { return at_once == limit; }));
  REQUIRE(eventually([&] { return w.calls_under_way() == 20; }));
  REQUIRE(t.gateway.await(wire_kind::worker_request_extend_lease, 20));  // also of those that wait
  door.open();
  REQUIRE(t.gateway.await(wire_kind::worker_reply, 20));
  CHECK(most == limit);
}

TEST_CASE("an executor that drops its work makes the server call again", "[connect][worker]") {
  struct dropping final : inngest::executor {
    bool post(std::function<void()>) override { return true; }
  };
  fixture t;
  t.options.executor = std::make_shared<dropping>();
  auto w = t.make();
  w.start();
  REQUIRE(t.gateway.await_ready());
  t.call("r1");
  REQUIRE(t.gateway.await(wire_kind::worker_reply));
  CHECK(t.replies().at(0).status == wire::response_status::error);
  CHECK_FALSE(t.replies().at(0).no_retry);
  CHECK(t.replies().at(0).retry_after == "1");
}

TEST_CASE("a worker that drains waits for its calls, then asks them to stop", "[connect][worker]") {
  fixture t;
  gate door;
  std::atomic<bool> runs = false;
  auto w = t.make();
  w.start();
  REQUIRE(t.gateway.await_ready());
  SECTION("a call ends in time") {
    t.body = [&](inngest::context<happened>&) {
      runs = true;
      door.pass();
      return json(1);
    };
    t.call("r1");
    REQUIRE(eventually([&] { return runs.load(); }));
    auto paused = std::async(std::launch::async, [&] {
      const bool out = t.gateway.await(wire_kind::worker_pause);
      door.open();
      return out;
    });
    CHECK(w.drain(support::patience));
    CHECK(paused.get());
    CHECK(t.replies().size() == 1);
  }
  SECTION("a call obeys its stop token") {
    std::atomic<bool> obeys{false};
    t.body = [&](inngest::context<happened>& ctx) {
      runs = true;
      while (!ctx.stop_token().stop_requested()) std::this_thread::sleep_for(1ms);
      obeys = true;
      return json(2);
    };
    t.call("r1");
    REQUIRE(eventually([&] { return runs.load(); }));
    const bool all_ended = w.drain(50ms);  // false on a machine that needs two seconds for the rest
    CHECK(eventually([&] { return obeys.load() && w.calls_under_way() == 0; }));
    if (all_ended) CHECK(t.replies().size() == 1);
  }
  SECTION("a call ignores it") {
    t.body = [&](inngest::context<happened>&) {
      runs = true;
      door.pass();
      return json(3);
    };
    t.call("r1");
    REQUIRE(eventually([&] { return runs.load(); }));
    CHECK_FALSE(w.drain(0s));
    CHECK(w.state() == worker_state::closed);
    CHECK(w.calls_under_way() == 1);
    door.open();  // the destructor waits for it
  }
  CHECK(t.gateway.await_end(0));
}

TEST_CASE("a worker that is paused receives nothing until it resumes", "[connect][worker]") {
  fixture t;
  auto w = t.make();
  w.start();
  REQUIRE(t.gateway.await_ready());
  w.pause();
  CHECK(w.state() == worker_state::paused);
  REQUIRE(t.gateway.await(wire_kind::worker_pause));
  w.resume();
  REQUIRE(t.gateway.await(wire_kind::worker_ready, 2));
  CHECK(w.state() == worker_state::active);
  t.call("r1", 1);
  CHECK(t.gateway.await(wire_kind::worker_reply));
}

TEST_CASE("the state of in-flight requests is reported at the gateway's interval", "[connect][worker]") {
  fixture t;
  gate door;
  t.gateway.set_intervals("10s", "40ms", "20ms");
  t.body = [&](inngest::context<happened>&) {
    door.pass();
    return json(1);
  };
  auto w = t.make();
  w.start();
  REQUIRE(t.gateway.await_ready());
  t.call("r1");
  REQUIRE(eventually([&] {
    const auto reports = t.gateway.frames(wire_kind::worker_status);
    return !reports.empty() &&
           wire::decode<wire::worker_status>(reports.back().payload).in_flight_request_ids ==
               std::vector<std::string>{"r1"};
  }));
  door.open();
  CHECK(t.gateway.await(wire_kind::worker_reply));
}

TEST_CASE("a worker is destroyed in any state", "[connect][worker]") {
  fixture t;
  SECTION("not started") { auto w = t.make(); }
  SECTION("connecting") {
    t.gateway.greets = false;
    auto w = t.make();
    w.start();
    REQUIRE(t.gateway.await_connections(1));
  }
  SECTION("waiting for an attempt") {
    t.api.start_status = 500;
    auto w = t.make();
    w.start();
    REQUIRE(eventually([&] { return !w.last_problem().empty(); }));
  }
  SECTION("with a gateway that does not read") {
    auto w = t.make();
    w.start();
    REQUIRE(t.gateway.await_ready());
    t.gateway.leave_unread(0);
  }
}

TEST_CASE("a large request and a large reply pass", "[connect][worker]") {
  fixture t;
  t.gateway.set_intervals("30s", "30s");
  t.body = [](inngest::context<happened>& ctx) { return json(ctx.event.data.at("text")); };
  auto w = t.make();
  w.start();
  REQUIRE(t.gateway.await_ready());
  support::call call;
  call.event["data"] = {{"text", std::string(3'000'000, 'x')}};
  auto request = fixture::request("r1");
  request.request_payload = call.text();
  t.gateway.send(0, wire_kind::gateway_executor_request, request);
  REQUIRE(t.gateway.await(wire_kind::worker_reply));
  CHECK(t.replies().at(0).body.size() == 3'000'002);
}
