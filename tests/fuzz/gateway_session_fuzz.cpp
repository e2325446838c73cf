// A worker that sends anything: whatever its frames, the session of the gateway closes the connection or goes
// on, and answers only while it is open. The input is a list of frames, each after two bytes with its size. A
// size of 0xffff stands for a correct message: that of connecting first, then a heartbeat.
#include "targets.hpp"

#if __has_include(<protozero/pbf_reader.hpp>)

#include <inngest/embedded/detail/gateway_session.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fuzz_check.hpp"

namespace {

namespace embedded = inngest::embedded;
namespace wire = inngest::connect::detail;
using kind = wire::message_kind;

struct connection final : embedded::gateway_connection {
  void send(std::string frame) override {
    FUZZ_CHECK(!is_closed);
    sent.push_back(wire::decode<wire::connect_message>(frame).kind);
  }
  void close(std::uint16_t code, std::string_view reason) override {
    FUZZ_CHECK(!is_closed);
    FUZZ_CHECK(code >= 1000 && !reason.empty() && reason.size() <= 120);
    is_closed = true;
  }
  std::weak_ptr<embedded::worker_link> link() override { return {}; }
  void register_apps(std::vector<embedded::worker_app> apps,
                     std::function<void(std::string problem)> done) override {
    for (const embedded::worker_app& app : apps) {
      try {
        embedded::read_registration({.id = app.id, .text = app.registration});
      } catch (const std::exception& problem) {
        return done(problem.what());
      }
    }
    done("");
  }

  std::vector<kind> sent;
  bool is_closed = false;
};

std::string connect_message(const embedded::gateway_tokens& tokens) {
  const std::string id = "01M83CB674M7N7PVBWZ2JE8P18";
  const wire::worker_connect_request worker{
      .connection_id = id,
      .instance_id = "one",
      .auth = wire::auth_data{tokens.make("session", id), tokens.make("sync", id)},
      .apps = {{.app_name = "far", .functions = R"([{"id":"far-f","triggers":[{"event":"e"}]}])"}}};
  return embedded::frame_of(kind::worker_connect, wire::encode(worker));
}

}  // namespace

void targets::fuzz_gateway_session(std::string_view input) {
  using namespace std::chrono_literals;
  const embedded::connect_gateway_options options;
  const embedded::gateway_tokens tokens;
  const auto pool = std::make_shared<embedded::worker_pool>(embedded::worker_pool_options{
      .heartbeat_interval = 10s, .ack_timeout = 1s, .lease = 1s, .lease_grace = 1s, .call_timeout = 1s});
  embedded::gateway_services services{.options = options,
                                      .tokens = tokens,
                                      .pool = *pool,
                                      .workers_changed = [] {},
                                      .log = [](bool, const std::string&) {}};
  connection wired;
  {
    embedded::gateway_session session(services, wired);
    session.open();
    bool has_connected = false;
    while (input.size() >= 2) {
      const std::size_t size =
          static_cast<unsigned char>(input[0]) * 256u + static_cast<unsigned char>(input[1]);
      input.remove_prefix(2);
      if (size == 0xffff) {
        session.receive(std::exchange(has_connected, true) ? embedded::frame_of(kind::worker_heartbeat)
                                                           : connect_message(tokens));
        continue;
      }
      session.receive(input.substr(0, size));
      input.remove_prefix((std::min)(size, input.size()));
    }
    FUZZ_CHECK(!wired.sent.empty() && wired.sent.front() == kind::gateway_hello);
    FUZZ_CHECK(!wired.is_closed || pool->shown().empty());
    session.end("");  // as when the socket is gone
  }
  FUZZ_CHECK(pool->shown().empty());
}

#else

void targets::fuzz_gateway_session(std::string_view) {}  // protozero is not installed

#endif
