#pragma once

#include <httplib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>

#include <inngest/connect/detail/codec.hpp>
#include <inngest/connect/detail/messages.hpp>
#include <inngest/json.hpp>

#include <atomic>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/http_client.hpp"

// A worker that does what a test says, right or wrong, over a real WebSocket.

namespace messages = inngest::connect::detail;

/// The definitions of an app's functions, each for the event "<app>/<function>".
inline std::string functions_of(const std::string& app, const std::vector<std::string>& functions,
                                int retries = 2) {
  inngest::json out = inngest::json::array();
  for (const std::string& each : functions) {
    out.push_back({{"id", app + "-" + each},
                   {"name", each},
                   {"triggers", {{{"event", app + "/" + each}}}},
                   {"steps",
                    {{"step",
                      {{"id", "step"},
                       {"name", "step"},
                       {"runtime", {{"type", "ws"}, {"url", "wss://connect/?fnId=x"}}},
                       {"retries", {{"attempts", retries}}}}}}}});
  }
  return out.dump();
}

struct worker_options {
  std::string instance = "one";
  std::vector<messages::app_configuration> apps{{.app_name = "far", .functions = functions_of("far", {"f"})}};
  std::int64_t max_concurrency = 0;
  bool says_when_ready = false;
  std::string key{};  // as sent: hashed
};

class worker_stand_in {
 public:
  using kind = messages::message_kind;

  /// A worker of the server at the port, which is not connected yet.
  explicit worker_stand_in(int server_port, worker_options options = {})
      : options_(std::move(options)), server_port_(server_port) {}

  ~worker_stand_in() { stop(); }

  /// The answer to POST /v0/connect/start.
  httplib::Result ask_to_start(const std::string& body = "") {
    support::http_client client(server_port_);
    httplib::Headers headers;
    if (!options_.key.empty()) headers.emplace("authorization", "Bearer " + options_.key);
    return client.Post("/v0/connect/start", headers, body, "application/protobuf");
  }

  void start() {
    const auto answer = ask_to_start();
    if (!answer || answer->status != 200)
      throw std::runtime_error("start: " + (answer ? std::to_string(answer->status) : "no answer"));
    started = messages::decode<messages::start_response>(answer->body);
  }

  /// Opens the WebSocket at the address that start() was told.
  void open(const std::string& path = "/v0/connect",
            const std::string& protocol = messages::gateway_subprotocol) {
    const std::string& url = started.gateway_endpoint;  // ws://127.0.0.1:port/v0/connect
    const std::size_t colon = url.rfind(':');
    const std::string port = url.substr(colon + 1, url.find('/', colon) - colon - 1);
    socket_.emplace(io_);
    auto& tcp = socket_->next_layer();
    tcp.connect({boost::asio::ip::make_address("127.0.0.1"), static_cast<unsigned short>(std::stoi(port))});
    const timeval patience{30, 0};
    ::setsockopt(tcp.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    socket_->set_option(boost::beast::websocket::stream_base::decorator(
        [protocol](boost::beast::websocket::request_type& request) {
          request.set(boost::beast::http::field::sec_websocket_protocol, protocol);
        }));
    socket_->read_message_max(64 * 1024 * 1024);
    socket_->binary(true);
    socket_->handshake("127.0.0.1:" + port, path);
  }

  messages::worker_connect_request hello() const {
    return {.connection_id = started.connection_id,
            .instance_id = options_.instance,
            .auth = messages::auth_data{started.session_token, started.sync_token},
            .capabilities = R"({"trust_probe":"v1","connect":"v1"})",
            .apps = options_.apps,
            .worker_manual_readiness_ack = options_.says_when_ready,
            .system = messages::system_attributes{4, 1 << 20, "linux"},
            .framework = "connect",
            .sdk_version = "v1.2.3",
            .sdk_language = "stand-in",
            .max_worker_concurrency = options_.max_concurrency};
  }

  /// Connects completely. Returns what the gateway said about intervals.
  messages::gateway_connection_ready connect() {
    start();
    open();
    if (read().kind != kind::gateway_hello) throw std::runtime_error("no hello");
    send(kind::worker_connect, messages::encode(hello()));
    const auto ready = read();
    if (ready.kind != kind::gateway_connection_ready)
      throw std::runtime_error("not ready but " + std::to_string(static_cast<int>(ready.kind)));
    return messages::decode<messages::gateway_connection_ready>(ready.payload);
  }

  void send(kind what, const std::string& payload = "") {
    send_frame(messages::encode(messages::connect_message{what, payload}));
  }
  void send_frame(const std::string& bytes) { socket_->write(boost::asio::buffer(bytes)); }
  void send_text(const std::string& text) {
    socket_->text(true);
    send_frame(text);
    socket_->binary(true);
  }

  /// The next frame. Throws when there is none.
  messages::connect_message read() {
    boost::beast::flat_buffer buffer;
    socket_->read(buffer);
    const auto bytes = buffer.data();
    return messages::decode<messages::connect_message>(
        {static_cast<const char*>(bytes.data()), bytes.size()});
  }

  /// The next message of the kind. Keeps those of other kinds that come before it.
  std::string read(kind wanted) {
    for (auto each = kept_.begin(); each != kept_.end(); ++each) {
      if (each->kind != wanted) continue;
      std::string payload = std::move(each->payload);
      kept_.erase(each);
      return payload;
    }
    while (true) {
      auto message = read();
      if (message.kind == wanted) return std::move(message.payload);
      kept_.push_back(std::move(message));
    }
  }

  /// The next call.
  messages::executor_request next_call() {
    return messages::decode<messages::executor_request>(read(kind::gateway_executor_request));
  }

  /// Reads until the gateway closes the connection, and returns the code and the reason.
  std::string closed() {
    try {
      while (true) read();
    } catch (const boost::system::system_error&) {
      const auto reason = socket_->reason();
      return std::to_string(reason.code) + " " + std::string(reason.reason.data(), reason.reason.size());
    }
  }

  void acknowledge(const messages::executor_request& call) {
    send(kind::worker_request_ack, messages::encode(messages::worker_request_ack{
                                       .request_id = call.request_id, .run_id = call.run_id}));
  }

  messages::extend_lease_ack extend(const messages::executor_request& call, const std::string& lease) {
    send(kind::worker_request_extend_lease,
         messages::encode(messages::extend_lease{.request_id = call.request_id, .lease_id = lease}));
    return messages::decode<messages::extend_lease_ack>(read(kind::worker_request_extend_lease_ack));
  }

  static messages::sdk_response reply_to(const messages::executor_request& call, const std::string& body,
                                         messages::response_status status = messages::response_status::done) {
    return {.request_id = call.request_id,
            .status = status,
            .body = body,
            .sdk_version = "stand-in:v1.2.3",
            .request_version = 2,
            .run_id = call.run_id};
  }

  void reply(const messages::sdk_response& reply) {
    send(kind::worker_reply, messages::encode(reply));
    const auto ack = messages::decode<messages::worker_reply_ack>(read(kind::worker_reply_ack));
    if (ack.request_id != reply.request_id) throw std::runtime_error("another reply was acknowledged");
  }

  /// Acknowledges a call and answers it.
  void answer(const messages::executor_request& call, const std::string& body) {
    acknowledge(call);
    reply(reply_to(call, body));
  }

  int flush(const messages::sdk_response& reply) {
    support::http_client client(server_port_);
    const auto answer = client.Post("/v0/connect/flush", {}, messages::encode(reply), "application/protobuf");
    return answer ? answer->status : 0;
  }

  /// Answers all calls on a thread until stop(), without waiting for acknowledgements.
  void answer_all(std::function<std::string(const messages::executor_request&)> body) {
    thread_ = std::thread([this, body = std::move(body)] {
      try {
        while (true) {
          const auto message = read();
          if (message.kind != kind::gateway_executor_request) continue;
          const auto call = messages::decode<messages::executor_request>(message.payload);
          acknowledge(call);
          ++answered;
          send(kind::worker_reply, messages::encode(reply_to(call, body(call))));
        }
      } catch (const std::exception&) {  // the connection is closed
      }
    });
  }

  /// Breaks the connection, as a process that is killed.
  void stop() {
    if (!socket_) return;
    boost::system::error_code ignored;
    socket_->next_layer().shutdown(boost::asio::ip::tcp::socket::shutdown_both, ignored);
    if (thread_.joinable()) thread_.join();
    socket_.reset();
  }

  messages::start_response started;
  std::atomic<int> answered{0};

 private:
  worker_options options_;
  int server_port_;
  boost::asio::io_context io_;
  std::optional<boost::beast::websocket::stream<boost::asio::ip::tcp::socket>> socket_;
  std::vector<messages::connect_message> kept_;
  std::thread thread_;
};
