#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/connect/detail/codec.hpp>
#include <inngest/connect/detail/messages.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/embedded/connect_gateway_options.hpp>
#include <inngest/embedded/detail/gateway_tokens.hpp>
#include <inngest/embedded/detail/worker_pool.hpp>
#include <inngest/embedded/detail/worker_registration.hpp>
#include <inngest/json/detail/text.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// What a session needs from its connection.
class gateway_connection : public worker_link {
 public:
  /// Sends what is waiting, and closes the WebSocket with a code of RFC 6455 and a reason.
  virtual void close(std::uint16_t code, std::string_view reason) = 0;
  virtual std::weak_ptr<worker_link> link() = 0;
  /// Registers apps with the engine, on another thread. After that, calls `done` on the session's thread with
  /// the error message, or an empty text; does not call it if the connection was closed.
  virtual void register_apps(std::vector<worker_app> apps, std::function<void(std::string problem)> done) = 0;
};

/// Shared by all sessions of a gateway.
struct gateway_services {
  const connect_gateway_options& options;
  const gateway_tokens& tokens;
  worker_pool& pool;
  /// Called when workers become available for calls again.
  std::function<void()> workers_changed{};
  /// Receives lines for the log: whether it is a rejection, and the text.
  std::function<void(bool is_refusal, const std::string& text)> log{};
};

/// The gateway's side of one worker's connection, from the hello to the end. It uses no sockets. Not
/// thread-safe. Invalid input from a worker never throws: it closes the connection with the reason.
class gateway_session {
 public:
  using clock = std::chrono::steady_clock;
  using kind = connect::detail::message_kind;

  static constexpr std::size_t max_apps = 100;
  static constexpr std::chrono::seconds hello_timeout{5};
  static constexpr int max_missed_heartbeats = 5;

  /// Codes of RFC 6455.
  enum close_code : std::uint16_t {
    going_away = 1001,
    no_protobuf = 1007,
    policy = 1008,
    internal_error = 1011
  };

  gateway_session(gateway_services& services, gateway_connection& connection)
      : services_(services), connection_(connection) {}

  /// The WebSocket is open: sends the hello.
  void open();
  /// Processes a binary frame.
  void receive(std::string_view frame);
  /// Closes the connection of a worker that is silent for too long.
  void look_at_clock(clock::time_point now = clock::now());
  /// Tells the worker to connect to another gateway. It receives no more calls.
  void drain();
  /// The connection was closed.
  void end(std::string_view reason);
  /// Whether the worker has shown tokens of this gateway.
  bool is_trusted() const { return phase_ == phase::registering || phase_ == phase::connected; }

 private:
  enum class phase { greeted, registering, connected, ended };

  void handle(const connect::detail::connect_message& message);
  void connect(std::string_view payload);
  /// The first problem with a worker's connect message, as a server's error code; empty when there is none.
  std::string problem_of(const connect::detail::worker_connect_request& worker) const;
  void register_worker(connect::detail::worker_connect_request worker);
  void registered(const std::string& problem);
  void acknowledge_lease(const connect::detail::extend_lease& asked);
  void set_ready();

  void send(kind what, std::string payload = {}) { connection_.send(frame_of(what, std::move(payload))); }
  void refuse(close_code code, std::string_view reason);
  std::string name() const;

  gateway_services& services_;
  gateway_connection& connection_;
  phase phase_ = phase::greeted;
  clock::time_point heard_ = clock::now();
  bool is_paused_ = false;
  bool waits_until_ready_ = false;  // until the worker says that it is ready
  connected_worker worker_;         // without link
};

/// A duration as Go and JavaScript read it: "10s" or "250ms".
inline std::string duration_text(std::chrono::milliseconds time) {
  return time.count() % 1000 == 0 ? std::to_string(time.count() / 1000) + "s"
                                  : std::to_string(time.count()) + "ms";
}

inline void gateway_session::open() {
  heard_ = clock::now();
  send(kind::gateway_hello);
}

inline void gateway_session::receive(std::string_view frame) {
  if (phase_ == phase::ended) return;
  try {
    handle(connect::detail::decode<connect::detail::connect_message>(frame));
  } catch (const connect::detail::message_error&) {
    refuse(no_protobuf, "connect_run_invalid_message");
  } catch (const std::exception&) {
    refuse(internal_error, "connect_internal_error");
  }
}

inline void gateway_session::handle(const connect::detail::connect_message& message) {
  using namespace connect::detail;
  if (phase_ == phase::greeted) {
    if (message.kind != kind::worker_connect) return refuse(policy, "connect_worker_hello_invalid_msg");
    return connect(message.payload);
  }
  switch (message.kind) {
    case kind::worker_ready:
      if (phase_ == phase::connected && waits_until_ready_) set_ready();
      return;
    case kind::worker_heartbeat:
      heard_ = clock::now();
      if (services_.pool.note_heartbeat(worker_.connection_id)) services_.workers_changed();
      return send(kind::gateway_heartbeat);
    case kind::worker_pause:
      is_paused_ = true;
      return services_.pool.pause(worker_.connection_id);
    case kind::worker_request_ack:
      return services_.pool.acknowledge(decode<worker_request_ack>(message.payload).request_id,
                                        worker_.connection_id);
    case kind::worker_request_extend_lease:
      return acknowledge_lease(decode<extend_lease>(message.payload));
    case kind::worker_reply: {
      auto reply = decode<sdk_response>(message.payload);
      const worker_reply_ack ack{.request_id = reply.request_id};
      if (services_.pool.take_reply(std::move(reply))) send(kind::worker_reply_ack, encode(ack));
      return;
    }
    default:
      return;  // such as worker_status, and kinds of later versions
  }
}

inline void gateway_session::connect(std::string_view payload) {
  std::optional<connect::detail::worker_connect_request> worker;
  try {
    worker = connect::detail::decode<connect::detail::worker_connect_request>(payload);
  } catch (const connect::detail::message_error&) {
    return refuse(policy, "connect_worker_hello_invalid_payload");
  }
  const std::string problem = problem_of(*worker);
  if (!problem.empty()) return refuse(policy, problem);
  register_worker(std::move(*worker));
}

inline std::string gateway_session::problem_of(const connect::detail::worker_connect_request& worker) const {
  const std::string& id = worker.connection_id;
  const auto is_allowed = [](char c) { return detail::is_digit(c) || detail::is_upper_case(c); };
  const bool is_id = id.size() == 26 && std::all_of(id.begin(), id.end(), is_allowed);
  if (!is_id || worker.instance_id.empty()) return "connect_worker_hello_invalid_payload";
  const bool is_known = worker.auth && services_.tokens.is_valid(worker.auth->session_token, "session", id) &&
                        services_.tokens.is_valid(worker.auth->sync_token, "sync", id);
  if (!is_known) return "connect_authentication_failed";
  if (worker.apps.empty()) return "connect_worker_hello_invalid_payload";
  if (worker.apps.size() > max_apps) return "connect_too_many_apps_per_connection";
  std::set<std::string_view> names;
  for (const auto& app : worker.apps) {
    if (!names.insert(app.app_name).second) return "connect_worker_hello_invalid_payload";
  }
  return "";
}

inline void gateway_session::register_worker(connect::detail::worker_connect_request worker) {
  phase_ = phase::registering;
  heard_ = clock::now();
  waits_until_ready_ = worker.worker_manual_readiness_ack;
  worker_ = {.connection_id = worker.connection_id,
             .instance_id = worker.instance_id,
             .max_concurrency = worker.max_worker_concurrency.value_or(0),
             .sdk_language = worker.sdk_language,
             .sdk_version = worker.sdk_version,
             .system = worker.system.value_or(connect::detail::system_attributes{}),
             .link = connection_.link()};
  try {
    for (const auto& app : worker.apps) worker_.apps.push_back(read_worker_app(worker, app));
  } catch (const std::exception& problem) {
    return registered(problem.what());
  }
  connection_.register_apps(worker_.apps, [this](const std::string& problem) { registered(problem); });
}

inline void gateway_session::registered(const std::string& problem) {
  if (phase_ != phase::registering) return;
  if (!problem.empty()) {
    services_.log(true, "a worker's apps can't be registered (" + name() + "): " + problem);
    const connect::detail::system_error error{.code = "connect_invalid_function_config",
                                              .data = std::nullopt,
                                              .message = detail::to_printable(problem)};
    send(kind::sync_failed, connect::detail::encode(error));
    return refuse(policy, error.code);
  }
  if (!services_.pool.add(worker_)) return refuse(policy, "connect_worker_hello_invalid_payload");
  phase_ = phase::connected;
  heard_ = clock::now();
  const auto& options = services_.options;
  send(kind::gateway_connection_ready, connect::detail::encode(connect::detail::gateway_connection_ready{
                                           .heartbeat_interval = duration_text(options.heartbeat_interval),
                                           .extend_lease_interval = duration_text(options.lease / 4),
                                           .status_interval = duration_text(options.status_interval)}));
  services_.log(false, "a worker has connected (" + name() + ")");
  if (is_paused_) return services_.pool.pause(worker_.connection_id);
  if (!waits_until_ready_) set_ready();
}

inline void gateway_session::set_ready() {
  services_.pool.set_ready(worker_.connection_id);
  services_.workers_changed();
}

inline void gateway_session::acknowledge_lease(const connect::detail::extend_lease& asked) {
  const connect::detail::extend_lease_ack ack{
      .request_id = asked.request_id,
      .account_id = asked.account_id,
      .env_id = asked.env_id,
      .app_id = asked.app_id,
      .function_slug = asked.function_slug,
      .new_lease_id = services_.pool.extend(asked.request_id, asked.lease_id)};
  send(kind::worker_request_extend_lease_ack, connect::detail::encode(ack));
}

inline void gateway_session::look_at_clock(clock::time_point now) {
  if (phase_ == phase::greeted && now - heard_ > hello_timeout)
    return refuse(policy, "connect_worker_hello_timeout");
  if (phase_ == phase::connected &&
      now - heard_ > max_missed_heartbeats * services_.options.heartbeat_interval)
    refuse(policy, to_string(connect::detail::disconnect_reason::consecutive_heartbeats_missed));
}

inline void gateway_session::drain() {
  if (phase_ == phase::ended) return;
  if (phase_ != phase::connected) return refuse(going_away, "connect_gateway_closing");
  services_.pool.pause(worker_.connection_id);
  send(kind::gateway_closing);
}

inline void gateway_session::refuse(close_code code, std::string_view reason) {
  if (phase_ != phase::connected) services_.log(true, "a worker could not connect: " + std::string(reason));
  connection_.close(code, reason);
  end(reason);
}

inline void gateway_session::end(std::string_view reason) {
  if (std::exchange(phase_, phase::ended) != phase::connected) return;
  services_.pool.remove(worker_.connection_id);
  services_.log(false, "a worker has disconnected (" + name() + "): " +
                           (reason.empty() ? "UNEXPECTED" : detail::to_printable(reason.substr(0, 125))));
}

inline std::string gateway_session::name() const {
  std::string out = "\"" + detail::to_printable(worker_.instance_id.substr(0, 100)) + "\", " +
                    detail::to_printable(worker_.sdk_language.substr(0, 50)) + " " +
                    detail::to_printable(worker_.sdk_version.substr(0, 50)) + ", apps";
  for (std::size_t i = 0; i < worker_.apps.size() && i < 10; ++i)
    out += " " + detail::to_printable(worker_.apps[i].id.substr(0, 100));
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::embedded
