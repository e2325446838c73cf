// A worker whose WebSocket is cpp-httplib's, where its version has one.
#include <httplib.h>

#ifdef CPPHTTPLIB_WEBSOCKET_MAX_MISSED_PONGS  // 0.43 or newer

#include <inngest/connect/httplib_websocket.hpp>
#include <inngest/connect/worker.hpp>

#include <string>

#include "catch.hpp"
#include "connect/worker_fixture.hpp"
#include "support/eventually.hpp"

using namespace connect_test;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("a worker connects with cpp-httplib", "[connect][httplib]") {
  fixture t;
  t.options.connector = inngest::connect::httplib_connector();
  auto w = t.make();
  w.start();
  REQUIRE(t.gateway.await_ready());
  for (int i = 0; i < 100; ++i) t.call("r" + std::to_string(i));
  REQUIRE(t.gateway.await(wire_kind::worker_reply, 100));
  SECTION("a connection that is lost is replaced") {
    t.gateway.drop(0);
    REQUIRE(t.gateway.await_ready(2));
    t.call("again", 1);
    CHECK(t.gateway.await(wire_kind::worker_reply, 101));
  }
  SECTION("a half-open connection is noticed") {
    t.gateway.set_intervals("500ms", "5s");
    t.gateway.drop(0);
    REQUIRE(t.gateway.await_ready(2));
    t.gateway.set_intervals("1h", "5s");  // of the next connection
    t.gateway.leave_unread(1);
    CHECK(t.gateway.await_ready(3));
  }
  SECTION("it ends in order") {
    CHECK(w.drain(support::patience));
    REQUIRE(t.gateway.await_end(0));
    CHECK(t.gateway.end_of(0) == "1000 WORKER_SHUTDOWN");
  }
}

TEST_CASE("cpp-httplib's WebSockets are not used with TLS", "[connect][httplib]") {
  CHECK_THROWS_WITH(inngest::connect::httplib_connector()({.url = "wss://gateway.example"}),
                    ContainsSubstring("Boost.Beast"));
}

#endif
