// The worker's side of the protocol without threads, clock or network: what arrives, and what it wants done.
#include <inngest/connect/detail/session.hpp>
#include <inngest/connect/detail/session_calls.hpp>
#include <inngest/connect/detail/session_connections.hpp>
#include <inngest/connect/detail/session_timers.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "catch.hpp"

namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
namespace wire = inngest::connect::detail;
using inngest::connect::worker_state;
using wire::message_kind;

/// A session, and everything that it wanted.
class world {
 public:
  explicit world(std::vector<std::string> apps = {"app"}) : session(hello(apps), 1) {}

  wire::session session;
  wire::session::time now{};
  wire::effects all;

  static wire::worker_connect_request hello(const std::vector<std::string>& apps) {
    wire::worker_connect_request out{.instance_id = "edge-7"};
    for (const std::string& id : apps) out.apps.push_back({.app_name = id, .functions = "[]"});
    return out;
  }

  /// Takes what the session wants now.
  void look() {
    for (wire::effect& each : session.take_effects()) all.push_back(std::move(each));
  }
  void advance(std::chrono::milliseconds time) {
    const auto until = now + time;
    while (session.next_tick() <= until) {
      now = std::max(now, session.next_tick());
      session.tick(now);
      look();
    }
    now = until;
  }

  template <class Effect>
  std::vector<Effect> wanted() const {
    std::vector<Effect> out;
    for (const wire::effect& each : all)
      if (const auto* found = std::get_if<Effect>(&each)) out.push_back(*found);
    return out;
  }
  template <class Effect>
  Effect last() const {
    const auto found = wanted<Effect>();
    REQUIRE_FALSE(found.empty());
    return found.back();
  }
  template <class Effect>
  std::size_t count() const {
    return wanted<Effect>().size();
  }
  /// The frames of a kind that were sent over a connection; 0 for any.
  std::vector<wire::connect_message> sent(message_kind kind, wire::connection_number over = 0) const {
    std::vector<wire::connect_message> out;
    for (const auto& each : wanted<wire::send_frame>()) {
      const auto frame = wire::decode<wire::connect_message>(each.bytes);
      if (frame.kind == kind && (over == 0 || each.connection == over)) out.push_back(frame);
    }
    return out;
  }
  template <class Message>
  Message last_sent(message_kind kind) const {
    const auto frames = sent(kind);
    REQUIRE_FALSE(frames.empty());
    return wire::decode<Message>(frames.back().payload);
  }
  std::string log() const {
    std::string out;
    for (const auto& each : wanted<wire::write_log>()) out += each.text + "\n";
    return out;
  }

  template <class Message>
  void receive(wire::connection_number over, message_kind kind, const Message& message) {
    session.received(over, wire::encode(wire::connect_message{kind, wire::encode(message)}), now);
    look();
  }
  void receive(wire::connection_number over, message_kind kind) {
    session.received(over, wire::encode(wire::connect_message{kind, {}}), now);
    look();
  }

  wire::connection_number dialed() const { return last<wire::dial>().connection; }
  void open(const std::string& group = "one") {
    const auto number = dialed();
    session.opened(
        number, {.connection_id = "c" + std::to_string(number), .gateway_group = group, .session_token = "s"},
        now);
    look();
  }
  /// Goes through the handshake of the connection that is wanted.
  wire::connection_number connect(const std::string& group = "one",
                                  const wire::gateway_connection_ready& ready = {
                                      .heartbeat_interval = "10s", .extend_lease_interval = "5s"}) {
    const auto number = dialed();
    open(group);
    receive(number, message_kind::gateway_hello);
    receive(number, message_kind::gateway_connection_ready, ready);
    return number;
  }
  wire::connection_number start() {
    session.start(now);
    advance(0ms);
    return connect();
  }
  void request(wire::connection_number over, const std::string& id, const std::string& app = "app",
               const std::string& lease = "lease-1") {
    receive(over, message_kind::gateway_executor_request,
            wire::executor_request{.request_id = id,
                                   .account_id = "acc",
                                   .app_name = app,
                                   .function_slug = "app-f",
                                   .step_id = "step",
                                   .request_payload = "{}",
                                   .run_id = "run-" + id,
                                   .lease_id = lease});
  }
  void acknowledge(const std::string& id) {
    session.acknowledged(id, now);
    look();
  }
  void run(wire::connection_number over, const std::string& id) {
    request(over, id);
    acknowledge(id);
  }
  void finish(const std::string& id, std::string body = "1") {
    session.finished(id, {.status = wire::response_status::done, .body = std::move(body)}, now);
    look();
  }
  void lose(wire::connection_number number, const std::string& why = "reset") {
    session.lost(number, why, now);
    look();
  }
  void reply_ack(wire::connection_number over, const std::string& id) {
    receive(over, message_kind::worker_reply_ack, wire::worker_reply_ack{id});
  }
  void end_sending(wire::connection_number number) {
    session.sending_ended(number);
    look();
  }
  void stop(std::chrono::milliseconds grace = 10s) {
    session.stop(now, grace, 2s);
    look();
  }
};

}  // namespace

// ---- connecting ---------------------------------------------------------------------------------------

TEST_CASE("a session greets its gateway with the apps and the tokens of the connection", "[connect]") {
  world w({"app", "other"});
  w.session.start(w.now);
  w.look();
  w.advance(0ms);
  CHECK(w.session.state() == worker_state::connecting);
  CHECK(w.last<wire::dial>().excluded_groups.empty());
  w.open();
  CHECK(w.count<wire::send_frame>() == 0);  // the gateway speaks first
  w.receive(w.dialed(), message_kind::gateway_hello);
  const auto hello = w.last_sent<wire::worker_connect_request>(message_kind::worker_connect);
  CHECK(hello.connection_id == "c1");
  CHECK(hello.instance_id == "edge-7");
  CHECK(hello.auth->session_token == "s");
  CHECK(hello.apps.size() == 2);
  CHECK(w.session.connection_id().empty());
  w.receive(w.dialed(), message_kind::gateway_connection_ready, wire::gateway_connection_ready{});
  CHECK(w.session.state() == worker_state::active);
  CHECK(w.session.connection_id() == "c1");
  CHECK(w.sent(message_kind::worker_ready).size() == 1);
}

TEST_CASE("a gateway that does not greet within ten seconds is excluded", "[connect]") {
  world w;
  w.session.start(w.now);
  w.advance(0ms);
  w.open("silent");
  w.advance(9'999ms);
  CHECK(w.count<wire::close_connection>() == 0);
  w.advance(1ms);
  CHECK(w.last<wire::close_connection>().code == 4001);
  w.advance(1s);
  CHECK(w.dialed() == 2);
  CHECK(w.last<wire::dial>().excluded_groups == std::vector<std::string>{"silent"});
}

TEST_CASE("a gateway that does not get ready within twenty seconds is excluded", "[connect]") {
  world w;
  w.session.start(w.now);
  w.advance(0ms);
  w.open("slow");
  w.receive(1, message_kind::gateway_hello);
  w.advance(19'999ms);
  CHECK(w.count<wire::close_connection>() == 0);
  w.advance(1001ms);
  CHECK(w.last<wire::dial>().excluded_groups == std::vector<std::string>{"slow"});
  w.connect("slow");  // the server may ignore exclusions
  w.lose(2);
  w.advance(2s);
  CHECK(w.last<wire::dial>().excluded_groups == std::vector<std::string>{"slow"});
}

TEST_CASE("the first frame of a gateway must be its greeting", "[connect]") {
  world w;
  w.session.start(w.now);
  w.advance(0ms);
  w.open();
  w.receive(1, message_kind::gateway_connection_ready, wire::gateway_connection_ready{});
  CHECK(w.count<wire::close_connection>() == 1);
  CHECK_THAT(w.session.last_problem(), ContainsSubstring("greeting"));
}

TEST_CASE("the reason why apps can't be registered is shown", "[connect]") {
  world w;
  w.session.start(w.now);
  w.advance(0ms);
  w.open();
  w.receive(1, message_kind::gateway_hello);
  w.receive(1, message_kind::sync_failed, wire::system_error{.code = "bad_config", .message = "no triggers"});
  CHECK_THAT(w.session.last_problem(), ContainsSubstring("no triggers") && ContainsSubstring("bad_config"));
}

TEST_CASE("delays between attempts grow up to five minutes", "[connect]") {
  world w;
  w.session.start(w.now);
  w.advance(0ms);
  for (const std::chrono::milliseconds longest : {1s, 2s, 5s, 10s, 20s, 30s, 60s, 120s, 300s, 300s}) {
    const auto number = w.dialed();
    w.session.dial_failed(number, {wire::dial_failure::kind::no_gateway, "no answer"}, w.now);
    w.look();
    w.advance(longest * 4 / 5 - 1ms);
    CHECK(w.dialed() == number);
    w.advance(longest / 5 + 1ms);
    CHECK(w.dialed() == number + 1);
  }
}

TEST_CASE("a worker whose keys are refused at first ends, and tries again later on", "[connect]") {
  world w;
  w.session.start(w.now);
  w.advance(0ms);
  const wire::dial_failure refused{wire::dial_failure::kind::unauthorized, "the key was refused"};
  SECTION("at first") {
    w.session.dial_failed(1, refused, w.now);
    CHECK(w.session.has_ended());
    CHECK(w.session.fatal_problem() == "the key was refused");
  }
  SECTION("later") {
    w.connect();
    w.lose(1);
    w.advance(1s);
    w.session.dial_failed(2, refused, w.now);
    CHECK(w.session.state() == worker_state::reconnecting);
    w.advance(2s);
    CHECK(w.dialed() == 3);
  }
}

TEST_CASE("a gateway that is closing when it is called is tried again soon", "[connect]") {
  world w;
  w.session.start(w.now);
  w.advance(0ms);
  for (int i = 0; i < 5; ++i) {
    const auto number = w.dialed();
    w.open("closing");
    w.lose(number, "closed (1001 connect_gateway_closing)");
    w.advance(1'500ms);
    CHECK(w.dialed() == number + 1);
  }
}

// ---- keeping a connection -----------------------------------------------------------------------------

TEST_CASE("two unanswered heartbeats end a connection", "[connect]") {
  world w;
  const auto first = w.start();
  w.advance(10s);
  CHECK(w.sent(message_kind::worker_heartbeat).size() == 1);
  w.receive(first, message_kind::gateway_heartbeat);
  w.advance(10s);
  w.advance(10s);
  CHECK(w.sent(message_kind::worker_heartbeat).size() == 3);
  CHECK(w.count<wire::close_connection>() == 0);
  w.advance(10s);
  CHECK(w.last<wire::close_connection>().reason == "CONSECUTIVE_HEARTBEATS_MISSED");
  CHECK(w.dialed() == first + 1);  // at once
  CHECK(w.session.state() == worker_state::reconnecting);
}

TEST_CASE("intervals are those of the gateway, or the usual ones if they make no sense", "[connect]") {
  world w;
  w.session.start(w.now);
  w.advance(0ms);
  SECTION("given") {
    w.connect("one", {.heartbeat_interval = "1m0s", .extend_lease_interval = "30s", .status_interval = "7s"});
    w.advance(59s);
    CHECK(w.sent(message_kind::worker_heartbeat).empty());
    w.advance(1s);
    CHECK(w.sent(message_kind::worker_heartbeat).size() == 1);
    CHECK(w.sent(message_kind::worker_status).size() == 8);
  }
  SECTION("nonsense") {
    w.connect("one", {.heartbeat_interval = "soon", .extend_lease_interval = "-1s", .status_interval = "0s"});
    w.advance(10s);
    CHECK(w.sent(message_kind::worker_heartbeat).size() == 1);
    CHECK(w.sent(message_kind::worker_status).empty());
  }
}

TEST_CASE("a connection that is lost soon after it was made is not made again at once", "[connect]") {
  world w;
  w.start();
  w.lose(1);
  CHECK(w.dialed() == 1);
  w.advance(1s);
  CHECK(w.dialed() == 2);
  w.connect();
  w.advance(10s);
  w.lose(2);
  w.advance(0ms);
  CHECK(w.dialed() == 3);
}

TEST_CASE("garbage ends a connection with the message and field that can't be read", "[connect]") {
  world w;
  const auto first = w.start();
  SECTION("a frame") { w.session.received(first, "\xff\xff\xff", w.now); }
  SECTION("a payload") {
    w.session.received(
        first, wire::encode(wire::connect_message{message_kind::gateway_executor_request, "\x0a\x05x"}),
        w.now);
  }
  w.look();
  CHECK(w.last<wire::close_connection>().code == 1007);
  CHECK(w.count<wire::run_call>() == 0);
  w.advance(1s);
  CHECK(w.dialed() == first + 1);
}

TEST_CASE("frames of a kind that nobody knows are ignored", "[connect]") {
  world w;
  const auto first = w.start();
  w.receive(first, static_cast<message_kind>(99));
  w.receive(first, message_kind::gateway_hello);
  CHECK(w.session.state() == worker_state::active);
}

// ---- calls --------------------------------------------------------------------------------------------

TEST_CASE("a request is acknowledged before it runs, with what it said", "[connect]") {
  world w;
  const auto first = w.start();
  w.request(first, "r1");
  CHECK(w.count<wire::run_call>() == 0);
  const auto ack = w.last_sent<wire::worker_request_ack>(message_kind::worker_request_ack);
  CHECK(ack.request_id == "r1");
  CHECK(ack.account_id == "acc");
  CHECK(ack.function_slug == "app-f");
  CHECK(ack.step_id == "step");
  CHECK(ack.run_id == "run-r1");
  CHECK(w.last<wire::send_frame>().acknowledged == "r1");
  w.acknowledge("r1");
  CHECK(w.last<wire::run_call>().request.request_payload == "{}");
  CHECK(w.session.calls_under_way() == 1);
}

TEST_CASE("a request that can't be acknowledged is not run", "[connect]") {
  world w;
  const auto first = w.start();
  w.request(first, "r1");
  w.lose(first);
  w.end_sending(first);
  w.acknowledge("r1");  // too late
  CHECK(w.count<wire::run_call>() == 0);
  CHECK(w.session.calls_under_way() == 0);
}

TEST_CASE("a request whose acknowledgement was sent just before its connection was lost is run",
          "[connect]") {
  world w;
  const auto first = w.start();
  w.request(first, "r1");
  w.lose(first);
  w.acknowledge("r1");
  w.end_sending(first);
  CHECK(w.count<wire::run_call>() == 1);
  CHECK(w.session.calls_under_way() == 1);
  w.advance(10min);
  const auto second = w.connect("two");
  w.finish("r1");
  CHECK(w.sent(message_kind::worker_reply, second).size() == 1);
}

TEST_CASE("a request that arrives again over the next connection is acknowledged there, and runs once",
          "[connect]") {
  world w;
  const auto first = w.start();
  w.request(first, "r1");
  w.lose(first);
  w.advance(10min);
  const auto second = w.connect("two");
  w.request(second, "r1");
  CHECK(w.sent(message_kind::worker_request_ack, second).size() == 1);
  SECTION("the first acknowledgement was not sent") {
    w.end_sending(first);
    w.acknowledge("r1");
  }
  SECTION("both were") {
    w.acknowledge("r1");
    w.acknowledge("r1");
    w.end_sending(first);
  }
  CHECK(w.count<wire::run_call>() == 1);
  w.finish("r1");
  CHECK(w.sent(message_kind::worker_reply, second).size() == 1);
}

TEST_CASE("a worker that stops waits until it is known whether a request was acknowledged", "[connect]") {
  world w;
  const auto first = w.start();
  w.request(first, "r1");
  w.stop();
  w.lose(first);
  CHECK_FALSE(w.session.has_ended());
  w.end_sending(first);
  CHECK(w.session.has_ended());
}

TEST_CASE("a request that arrives over two connections runs when either acknowledgement was sent",
          "[connect]") {
  world w;
  const auto first = w.start();
  w.request(first, "r1");
  w.receive(first, message_kind::gateway_closing);
  w.advance(0ms);
  const auto second = w.connect("two");
  w.request(second, "r1");
  w.lose(second);
  w.end_sending(second);
  SECTION("the first") {
    w.acknowledge("r1");
    CHECK(w.count<wire::run_call>() == 1);
  }
  SECTION("neither") {
    w.end_sending(first);
    w.acknowledge("r1");
    CHECK(w.count<wire::run_call>() == 0);
  }
}

TEST_CASE("a worker that stops connects again for a request whose acknowledgement is reported late",
          "[connect]") {
  world w;
  const auto first = w.start();
  w.request(first, "r1");
  w.stop(1min);
  w.lose(first);
  w.advance(1s);
  w.acknowledge("r1");
  w.end_sending(first);
  w.advance(1s);
  REQUIRE(w.dialed() == 2);
  const auto second = w.connect("two");
  w.advance(5s);
  CHECK(w.sent(message_kind::worker_request_extend_lease, second).size() == 1);
}

TEST_CASE("a request for an app that the worker does not have is not acknowledged", "[connect]") {
  world w;
  const auto first = w.start();
  w.request(first, "r1", "another");
  w.request(first, "");
  CHECK(w.sent(message_kind::worker_request_ack).empty());
}

TEST_CASE("a request that arrives twice runs once", "[connect]") {
  world w;
  const auto first = w.start();
  w.request(first, "r1");
  w.request(first, "r1");
  CHECK(w.sent(message_kind::worker_request_ack).size() == 1);
  w.acknowledge("r1");
  w.request(first, "r1");
  CHECK(w.sent(message_kind::worker_request_ack).size() == 2);
  w.finish("r1");
  w.request(first, "r1");
  CHECK(w.sent(message_kind::worker_request_ack).size() == 3);
  CHECK(w.sent(message_kind::worker_reply).size() == 2);
  CHECK(w.count<wire::run_call>() == 1);
}

TEST_CASE("leases are extended with the newest lease at the gateway's interval", "[connect]") {
  world w;
  const auto first = w.start();
  w.run(first, "r1");
  w.advance(4'999ms);
  CHECK(w.sent(message_kind::worker_request_extend_lease).empty());
  w.advance(1ms);
  CHECK(w.last_sent<wire::extend_lease>(message_kind::worker_request_extend_lease).lease_id == "lease-1");
  w.receive(first, message_kind::worker_request_extend_lease_ack,
            wire::extend_lease_ack{.request_id = "r1", .new_lease_id = "lease-2"});
  w.advance(5s);
  CHECK(w.last_sent<wire::extend_lease>(message_kind::worker_request_extend_lease).lease_id == "lease-2");
  w.finish("r1");
  w.advance(20s);
  CHECK(w.sent(message_kind::worker_request_extend_lease).size() == 2);
}

TEST_CASE("a call whose lease was lost is asked to stop, and its reply is not sent", "[connect]") {
  world w;
  const auto first = w.start();
  w.run(first, "r1");
  w.advance(5s);
  w.receive(first, message_kind::worker_request_extend_lease_ack, wire::extend_lease_ack{.request_id = "r1"});
  CHECK(w.last<wire::stop_call>().request_id == "r1");
  CHECK_FALSE(w.last<wire::stop_call>().is_shutdown);
  CHECK(w.session.calls_under_way() == 0);
  w.advance(9s);
  CHECK(w.sent(message_kind::worker_request_extend_lease).size() == 1);
  w.finish("r1");
  CHECK(w.sent(message_kind::worker_reply).empty());
  CHECK(w.count<wire::flush_reply>() == 0);
  w.receive(first, message_kind::worker_request_extend_lease_ack, wire::extend_lease_ack{.request_id = "r1"});
  CHECK(w.count<wire::stop_call>() == 1);
}

TEST_CASE("a request that comes again while its lost call goes on is left to another worker", "[connect]") {
  world w;
  const auto first = w.start();
  w.run(first, "r1");
  w.advance(5s);
  w.receive(first, message_kind::worker_request_extend_lease_ack, wire::extend_lease_ack{.request_id = "r1"});
  w.request(first, "r1");
  CHECK(w.sent(message_kind::worker_request_ack).size() == 1);
  w.finish("r1");
  w.run(first, "r1");
  CHECK(w.count<wire::run_call>() == 2);
  w.finish("r1");
  CHECK(w.sent(message_kind::worker_reply).size() == 1);
}

TEST_CASE("a repeated request brings a new lease, but not its first one again", "[connect]") {
  world w;
  const auto first = w.start();
  w.run(first, "r1");
  w.advance(5s);
  w.receive(first, message_kind::worker_request_extend_lease_ack,
            wire::extend_lease_ack{.request_id = "r1", .new_lease_id = "lease-2"});
  w.request(first, "r1");
  w.advance(5s);
  CHECK(w.last_sent<wire::extend_lease>(message_kind::worker_request_extend_lease).lease_id == "lease-2");
  w.request(first, "r1", "app", "lease-7");
  w.advance(5s);
  CHECK(w.last_sent<wire::extend_lease>(message_kind::worker_request_extend_lease).lease_id == "lease-7");
}

TEST_CASE("a refusal of the lease that a call had before the server made it again stops nothing",
          "[connect]") {
  world w;
  const auto first = w.start();
  w.run(first, "r1");
  w.lose(first);
  w.advance(10min);
  const auto second = w.connect("two");
  REQUIRE(w.sent(message_kind::worker_request_extend_lease, second).size() == 1);
  w.request(second, "r1", "app", "lease-2");
  w.receive(second, message_kind::worker_request_extend_lease_ack,
            wire::extend_lease_ack{.request_id = "r1"});
  CHECK(w.count<wire::stop_call>() == 0);
  w.finish("r1");
  CHECK(w.sent(message_kind::worker_reply, second).size() == 1);
}

TEST_CASE("leases that became due without a connection are extended over the next one", "[connect]") {
  world w;
  const auto first = w.start();
  w.run(first, "r1");
  w.lose(first);
  w.session.dial_failed((w.advance(1s), w.dialed()), {wire::dial_failure::kind::no_connection, "no", "one"},
                        w.now);
  w.advance(6s);
  CHECK(w.sent(message_kind::worker_request_extend_lease).empty());
  const auto later = w.connect("two");
  CHECK(w.sent(message_kind::worker_request_extend_lease, later).size() == 1);
  CHECK(w.session.calls_under_way() == 1);
}

// ---- replies ------------------------------------------------------------------------------------------

TEST_CASE("a reply repeats what identifies its request", "[connect]") {
  world w;
  const auto first = w.start();
  w.run(first, "r1");
  w.finish("r1", "42");
  const auto reply = w.last_sent<wire::sdk_response>(message_kind::worker_reply);
  CHECK(reply.request_id == "r1");
  CHECK(reply.account_id == "acc");
  CHECK(reply.run_id == "run-r1");
  CHECK(reply.status == wire::response_status::done);
  CHECK(reply.body == "42");
  CHECK_THAT(reply.sdk_version, ContainsSubstring("cpp:v"));
  CHECK(w.session.replies_kept() == 1);
  w.reply_ack(first, "r1");
  CHECK(w.session.replies_kept() == 0);
  w.advance(10s);
  CHECK(w.count<wire::flush_reply>() == 0);
}

TEST_CASE("a reply that is not acknowledged within five seconds goes over HTTP", "[connect]") {
  world w;
  const auto first = w.start();
  w.run(first, "r1");
  w.finish("r1", "42");
  w.advance(4'999ms);
  CHECK(w.count<wire::flush_reply>() == 0);
  w.advance(1ms);
  CHECK(wire::decode<wire::sdk_response>(w.last<wire::flush_reply>().bytes).body == "42");
  w.session.flushed("r1", wire::session::flush_result::failed, "no answer", w.now);
  w.advance(999ms);
  CHECK(w.count<wire::flush_reply>() == 1);
  w.advance(1ms);
  CHECK(w.count<wire::flush_reply>() == 2);
  w.session.flushed("r1", wire::session::flush_result::done, "", w.now);
  CHECK(w.session.replies_kept() == 0);
}

TEST_CASE("a reply goes over HTTP at once when there is no connection or it is lost", "[connect]") {
  world w;
  const auto first = w.start();
  w.run(first, "r1");
  w.run(first, "r2");
  w.finish("r1");
  w.lose(first);
  CHECK(w.last<wire::flush_reply>().request_id == "r1");
  w.finish("r2");
  CHECK(w.last<wire::flush_reply>().request_id == "r2");
  w.session.flushed("r2", wire::session::flush_result::failed, "no answer", w.now);
  w.advance(1s);
  CHECK(w.count<wire::flush_reply>() == 3);  // again
}

TEST_CASE("a reply that no server takes is given up", "[connect]") {
  world w;
  const auto first = w.start();
  w.run(first, "r1");
  w.finish("r1");
  w.lose(first);
  SECTION("because it is refused") {
    w.session.flushed("r1", wire::session::flush_result::refused, "unknown request", w.now);
  }
  SECTION("because the server has forgotten the request by now") {
    for (int i = 0; i < 20 && w.session.replies_kept() == 1; ++i) {
      w.session.flushed("r1", wire::session::flush_result::failed, "no answer", w.now);
      w.advance(60s);
    }
  }
  w.look();
  CHECK(w.session.replies_kept() == 0);
  CHECK_THAT(w.log(), ContainsSubstring("reply to request r1 is lost"));
}

TEST_CASE("an answer that is too large for a gateway is replaced by an error", "[connect]") {
  world w;
  const auto first = w.start();
  w.run(first, "r1");
  w.finish("r1", std::string(8 * 1024 * 1024, 'x'));
  const auto reply = w.last_sent<wire::sdk_response>(message_kind::worker_reply);
  CHECK(reply.status == wire::response_status::error);
  CHECK(reply.no_retry);
  CHECK_THAT(reply.body, ContainsSubstring("8388608 bytes"));
}

// ---- a gateway that closes ----------------------------------------------------------------------------

TEST_CASE("a closing gateway is replaced, and its connection ends when its replies are acknowledged",
          "[connect]") {
  world w;
  const auto old = w.start();
  w.run(old, "r1");
  w.run(old, "r2");
  w.finish("r1");
  w.receive(old, message_kind::gateway_closing);
  CHECK(w.session.state() == worker_state::reconnecting);
  w.advance(0ms);
  CHECK(w.last<wire::dial>().excluded_groups == std::vector<std::string>{"one"});
  w.advance(5s);  // the lease of r2 is due
  CHECK(w.sent(message_kind::worker_request_extend_lease).empty());
  const auto fresh = w.connect("two");
  CHECK(w.session.state() == worker_state::active);
  CHECK(w.sent(message_kind::worker_request_extend_lease, fresh).size() == 1);
  CHECK(w.last<wire::close_connection>().connection == old);  // r1 went over HTTP after five seconds
  w.finish("r2");
  CHECK(w.sent(message_kind::worker_reply, fresh).size() == 1);
}

TEST_CASE("the old connection lives for five seconds beside its successor while it has replies",
          "[connect]") {
  world w;
  const auto old = w.start();
  w.run(old, "r1");
  w.finish("r1");
  w.receive(old, message_kind::gateway_closing);
  w.advance(0ms);
  w.connect("two");
  CHECK(w.count<wire::close_connection>() == 0);
  SECTION("the acknowledgement arrives") {
    w.reply_ack(old, "r1");
    CHECK(w.count<wire::flush_reply>() == 0);
  }
  SECTION("it does not") {
    w.advance(5s);
    CHECK(w.count<wire::flush_reply>() == 1);
  }
  CHECK(w.last<wire::close_connection>().connection == old);
  CHECK(w.last<wire::close_connection>().is_orderly);
  CHECK(w.session.state() == worker_state::active);
}

TEST_CASE("a request that a closing gateway sent before still runs", "[connect]") {
  world w;
  const auto old = w.start();
  w.receive(old, message_kind::gateway_closing);
  w.advance(0ms);
  w.run(old, "r1");
  CHECK(w.count<wire::run_call>() == 1);
  w.connect("two");
  w.finish("r1");
  CHECK(w.sent(message_kind::worker_reply, 2).size() == 1);
}

TEST_CASE("the end of a connection that was replaced changes nothing", "[connect]") {
  world w;
  const auto old = w.start();
  w.receive(old, message_kind::gateway_closing);
  w.advance(0ms);
  w.connect("two");
  w.lose(old);
  w.advance(1s);
  CHECK(w.dialed() == 2);
  CHECK(w.session.state() == worker_state::active);
}

// ---- pause and stop -----------------------------------------------------------------------------------

TEST_CASE("a paused worker says so, also on later connections, and resumes with a new one", "[connect]") {
  world w;
  const auto first = w.start();
  w.session.pause(w.now);
  w.look();
  CHECK(w.session.state() == worker_state::paused);
  CHECK(w.sent(message_kind::worker_pause, first).size() == 1);
  w.lose(first);
  w.advance(1s);
  const auto second = w.connect();
  CHECK(w.session.state() == worker_state::paused);
  CHECK(w.sent(message_kind::worker_pause, second).size() == 1);
  CHECK(w.sent(message_kind::worker_ready, second).empty());
  w.session.resume(w.now);
  w.advance(0ms);
  const auto third = w.connect();
  CHECK(w.session.state() == worker_state::active);
  CHECK(w.sent(message_kind::worker_ready, third).size() == 1);
  CHECK(w.last<wire::close_connection>().connection == second);
}

TEST_CASE("a stop waits for calls and for the acknowledgements of their replies", "[connect]") {
  world w;
  const auto first = w.start();
  w.run(first, "r1");
  w.stop();
  CHECK(w.session.state() == worker_state::closing);
  CHECK(w.sent(message_kind::worker_pause).size() == 1);
  w.advance(6s);
  CHECK(w.sent(message_kind::worker_request_extend_lease).size() == 1);
  w.finish("r1");
  CHECK_FALSE(w.session.has_ended());
  w.reply_ack(first, "r1");
  CHECK(w.session.has_ended());
  CHECK(w.session.abandoned() == 0);
  CHECK(w.last<wire::close_connection>().code == 1000);
  CHECK(w.last<wire::close_connection>().reason == "WORKER_SHUTDOWN");
  CHECK(w.last<wire::close_connection>().is_orderly);
  CHECK(w.last<wire::show_state>().state == worker_state::closed);
}

TEST_CASE("a stop asks calls to stop after the grace period, and ends in any case", "[connect]") {
  world w;
  const auto first = w.start();
  w.run(first, "r1");
  w.stop(10s);
  w.receive(first, message_kind::gateway_heartbeat);
  w.advance(9'999ms);
  CHECK(w.count<wire::stop_call>() == 0);
  w.advance(1ms);
  CHECK(w.last<wire::stop_call>().is_shutdown);
  w.advance(2s);
  CHECK(w.session.has_ended());
  CHECK(w.session.abandoned() == 1);
}

TEST_CASE("a call that is acknowledged after the grace period is asked to stop", "[connect]") {
  world w;
  const auto first = w.start();
  w.request(first, "r1");
  w.stop(0ms);
  w.advance(0ms);
  w.acknowledge("r1");
  REQUIRE(w.count<wire::run_call>() == 1);
  CHECK(w.last<wire::stop_call>().request_id == "r1");
  CHECK(w.last<wire::stop_call>().is_shutdown);
}

TEST_CASE("a request that arrives after the grace period is not acknowledged", "[connect]") {
  world w;
  const auto first = w.start();
  w.run(first, "r1");
  w.stop(1s);
  w.request(first, "r2");
  CHECK(w.sent(message_kind::worker_request_ack).size() == 2);
  w.advance(1s);
  w.request(first, "r3");
  CHECK(w.sent(message_kind::worker_request_ack).size() == 2);
  w.advance(2s);
  CHECK(w.session.has_ended());
  CHECK(w.session.abandoned() == 2);  // also the one whose acknowledgement was perhaps sent
}

TEST_CASE("a worker that stops connects again only for its calls", "[connect]") {
  world w;
  const auto first = w.start();
  w.run(first, "r1");
  w.stop();
  w.lose(first);
  w.advance(1s);
  CHECK(w.dialed() == 2);
  const auto second = w.connect();
  CHECK(w.sent(message_kind::worker_pause, second).size() == 1);
  w.finish("r1");
  w.lose(second);
  CHECK_FALSE(w.session.has_ended());
  w.advance(3s);
  CHECK(w.dialed() == 2);
  w.session.flushed("r1", wire::session::flush_result::done, "", w.now);
  CHECK(w.session.has_ended());
}

TEST_CASE("a worker without calls stops at once, in any state", "[connect]") {
  world w;
  SECTION("idle") {}
  SECTION("dialing") {
    w.session.start(w.now);
    w.advance(0ms);
  }
  SECTION("waiting for an attempt") {
    w.start();
    w.lose(1);
  }
  SECTION("in the handshake") {
    w.session.start(w.now);
    w.advance(0ms);
    w.open();
  }
  SECTION("active") { w.start(); }
  SECTION("with a call whose lease was lost") {
    const auto first = w.start();
    w.run(first, "r1");
    w.receive(first, message_kind::worker_request_extend_lease_ack,
              wire::extend_lease_ack{.request_id = "r1"});
  }
  w.stop();
  CHECK(w.session.has_ended());
  CHECK(w.session.next_tick() == (wire::session::time::max)());
  w.session.start(w.now);
  w.look();
  CHECK(w.session.state() == worker_state::closed);
}
