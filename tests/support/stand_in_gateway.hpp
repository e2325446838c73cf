#pragma once

// A gateway of Connect for tests: a WebSocket server with faults that a test switches on.

#include <inngest/connect/detail/codec.hpp>
#include <inngest/connect/detail/messages.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/websocket/stream.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <iterator>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace support {

namespace wire = inngest::connect::detail;

/// A frame that a worker sent, and the connection that it came over, counted from 0.
struct worker_frame {
  std::size_t connection;
  wire::message_kind kind;
  std::string payload;
};

class stand_in_gateway {
 public:
  // What it does by itself.
  std::atomic<bool> greets = true;
  std::atomic<bool> gets_ready = true;
  std::atomic<bool> answers_heartbeats = true;
  std::atomic<bool> acknowledges_replies = true;
  std::atomic<bool> extends_leases = true;
  std::string subprotocol = wire::gateway_subprotocol;

  stand_in_gateway() : acceptor_(context_, {boost::asio::ip::address_v4::loopback(), 0}) {
    accept();
    thread_ = std::thread([this] { context_.run(); });
  }
  ~stand_in_gateway() {
    context_.stop();
    thread_.join();
  }
  stand_in_gateway(const stand_in_gateway&) = delete;
  stand_in_gateway& operator=(const stand_in_gateway&) = delete;

  std::string url() const {
    return "ws://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + "/v0/connect";
  }

  /// The intervals for connections from now on.
  void set_intervals(std::string heartbeat, std::string lease, std::string status = "0s") {
    const std::lock_guard lock(mutex_);
    ready_ = {std::move(heartbeat), std::move(lease), std::move(status)};
  }

  // ---- what arrived

  std::vector<worker_frame> frames() const {
    const std::lock_guard lock(mutex_);
    return frames_;
  }
  std::vector<worker_frame> frames(wire::message_kind kind) const {
    std::vector<worker_frame> out;
    for (worker_frame& frame : frames())
      if (frame.kind == kind) out.push_back(std::move(frame));
    return out;
  }
  /// Waits for a number of frames of a kind: up to two minutes for each frame, and ten for all.
  bool await(wire::message_kind kind, std::size_t count = 1) const {
    return await([&] { return count_of(kind) >= count; });
  }
  bool await_connections(std::size_t count) const {
    return await([&] { return greeted_ >= count; });
  }
  bool await_ready(std::size_t count = 1) const {
    return await([&] {
      return count_of(wire::message_kind::worker_ready) + count_of(wire::message_kind::worker_pause) >= count;
    });
  }
  std::size_t connections() const {
    const std::lock_guard lock(mutex_);
    return connections_.size();
  }
  /// The close frames' reasons, with their codes: "1000 WORKER_SHUTDOWN".
  bool await_end(std::size_t connection) const {
    return await([&] { return connection < ends_.size() && !ends_[connection].empty(); });
  }
  std::string end_of(std::size_t connection) const {
    const std::lock_guard lock(mutex_);
    return ends_.at(connection);
  }

  // ---- what a test sends

  template <class Message>
  void send(std::size_t connection, wire::message_kind kind, const Message& message) {
    send_bytes(connection, wire::encode(wire::connect_message{kind, wire::encode(message)}));
  }
  void send(std::size_t connection, wire::message_kind kind) {
    send_bytes(connection, wire::encode(wire::connect_message{kind, {}}));
  }
  void send_bytes(std::size_t connection, std::string bytes, bool is_text = false) {
    boost::asio::post(context_, [this, to = at(connection), bytes = std::move(bytes), is_text] {
      to->queue.emplace_back(bytes, is_text);
      if (to->queue.size() == 1) write(to);
    });
  }
  /// Sends a frame before those of send() that wait: a worker does not wait long for an acknowledgement,
  /// however many requests a test has sent.
  template <class Message>
  void answer(std::size_t connection, wire::message_kind kind, const Message& message) {
    const auto to = at(connection);  // on the thread of the context
    auto& queue = to->queue;
    const auto place = queue.empty() ? queue.end() : std::next(queue.begin());  // the first one is being sent
    queue.emplace(place, wire::encode(wire::connect_message{kind, wire::encode(message)}), false);
    if (queue.size() == 1) write(to);
  }
  /// Leaves in the socket what arrives over a connection from now on, but for one frame.
  void leave_unread(std::size_t connection) {
    boost::asio::post(context_, [to = at(connection)] { to->is_read = false; });
  }
  /// Breaks a connection without a close frame.
  void drop(std::size_t connection) {
    boost::asio::post(context_, [to = at(connection)] { to->stream.next_layer().close(); });
  }
  void close(std::size_t connection, std::uint16_t code, const std::string& reason) {
    boost::asio::post(context_, [to = at(connection), code, reason] {
      boost::beast::websocket::close_reason why(static_cast<boost::beast::websocket::close_code>(code));
      why.reason = reason;
      to->stream.async_close(why, [to](boost::system::error_code) {});
    });
  }

 private:
  struct joined {
    explicit joined(boost::asio::ip::tcp::socket socket, std::size_t place)
        : stream(std::move(socket)), number(place) {}
    boost::beast::websocket::stream<boost::beast::tcp_stream> stream;
    std::size_t number;
    bool is_read = true;
    boost::beast::flat_buffer buffer{};
    std::list<std::pair<std::string, bool>> queue{};
  };
  using error = boost::system::error_code;

  template <class Condition>
  bool await(Condition condition) const {
    std::unique_lock lock(mutex_);
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(10);
    while (!condition()) {
      const std::size_t before = frames_.size();
      const auto goes_on = [&] { return condition() || frames_.size() != before; };
      if (std::chrono::steady_clock::now() > end ||
          !changed_.wait_for(lock, std::chrono::minutes(2), goes_on))
        return false;
    }
    return true;
  }
  std::size_t count_of(wire::message_kind kind) const {
    const auto found = counts_.find(kind);  // not of all frames each time that one arrives
    return found == counts_.end() ? 0 : found->second;
  }
  std::shared_ptr<joined> at(std::size_t number) const {
    const std::lock_guard lock(mutex_);
    return connections_.at(number);
  }

  wire::gateway_connection_ready intervals() const {
    const std::lock_guard lock(mutex_);
    return ready_;
  }

  void accept() {
    acceptor_.async_accept([this](error failed, boost::asio::ip::tcp::socket socket) {
      if (failed) return;
      std::shared_ptr<joined> made;
      {
        const std::lock_guard lock(mutex_);
        made = std::make_shared<joined>(std::move(socket), connections_.size());
        connections_.push_back(made);
        ends_.emplace_back();
      }
      namespace ws = boost::beast::websocket;
      made->stream.binary(true);
      made->stream.read_message_max(64 * 1024 * 1024);
      made->stream.set_option(ws::stream_base::decorator([this](ws::response_type& head) {
        if (!subprotocol.empty()) head.set(boost::beast::http::field::sec_websocket_protocol, subprotocol);
      }));
      made->stream.async_accept([this, made](error refused) {
        if (refused) return;
        {
          const std::lock_guard lock(mutex_);
          ++greeted_;
        }
        changed_.notify_all();
        if (greets) send(made->number, wire::message_kind::gateway_hello);
        read(made);
      });
      accept();
    });
  }

  void read(const std::shared_ptr<joined>& from) {
    if (!from->is_read) return;
    from->stream.async_read(from->buffer, [this, from](error failed, std::size_t) {
      if (failed) {
        const std::lock_guard lock(mutex_);
        const auto& why = from->stream.reason();
        ends_[from->number] =
            std::to_string(why.code) + " " + std::string(why.reason.data(), why.reason.size());
        return changed_.notify_all();
      }
      const auto frame =
          wire::decode<wire::connect_message>(boost::beast::buffers_to_string(from->buffer.data()));
      from->buffer.consume(from->buffer.size());
      {
        const std::lock_guard lock(mutex_);
        frames_.push_back({from->number, frame.kind, frame.payload});
        ++counts_[frame.kind];
      }
      react(from->number, frame);  // then the worker goes on, and perhaps the test
      changed_.notify_all();
      read(from);
    });
  }

  void react(std::size_t from, const wire::connect_message& frame) {
    using wire::message_kind;
    if (frame.kind == message_kind::worker_connect && gets_ready)
      send(from, message_kind::gateway_connection_ready, intervals());
    if (frame.kind == message_kind::worker_heartbeat && answers_heartbeats)
      send(from, message_kind::gateway_heartbeat);
    if (frame.kind == message_kind::worker_reply && acknowledges_replies) {
      answer(from, message_kind::worker_reply_ack,
             wire::worker_reply_ack{wire::decode<wire::sdk_response>(frame.payload).request_id});
    }
    if (frame.kind == message_kind::worker_request_extend_lease) {
      const auto asked = wire::decode<wire::extend_lease>(frame.payload);
      wire::extend_lease_ack ack{.request_id = asked.request_id};
      if (extends_leases) ack.new_lease_id = asked.lease_id + "+";
      answer(from, message_kind::worker_request_extend_lease_ack, ack);
    }
  }

  void write(const std::shared_ptr<joined>& to) {
    to->stream.text(to->queue.front().second);
    to->stream.async_write(boost::asio::buffer(to->queue.front().first),
                           [this, to](error failed, std::size_t) {
                             to->queue.pop_front();
                             if (!failed && !to->queue.empty()) write(to);
                           });
  }

  boost::asio::io_context context_;
  boost::asio::ip::tcp::acceptor acceptor_;
  mutable std::mutex mutex_;  // protects the members below
  mutable std::condition_variable changed_;
  wire::gateway_connection_ready ready_{"10s", "40ms", "0s"};
  std::vector<std::shared_ptr<joined>> connections_;
  std::size_t greeted_ = 0;  // connections that have become WebSockets
  std::vector<std::string> ends_;
  std::vector<worker_frame> frames_;
  std::map<wire::message_kind, std::size_t> counts_;
  std::thread thread_;
};

}  // namespace support
