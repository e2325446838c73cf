#pragma once

#include <chrono>
#include <string>
#include <thread>

#include <httplib.h>

namespace support {

/// A cpp-httplib server on a port of its own, with a thread of its own, for as long as the object lives. Add
/// routes before. cpp-httplib ignores a stop() that comes before its thread has begun to listen, and the
/// thread would then never end: the constructor waits until it listens.
class running_server {
 public:
  explicit running_server(httplib::Server& server)
      : server_(server), port_(server.bind_to_any_port("127.0.0.1")) {
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  ~running_server() { stop(); }
  running_server(const running_server&) = delete;
  running_server& operator=(const running_server&) = delete;

  /// From now on nobody is there.
  void stop() {
    server_.stop();
    if (thread_.joinable()) thread_.join();
  }
  int port() const { return port_; }
  std::string url(const std::string& path = {}) const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }

 private:
  httplib::Server& server_;
  const int port_;
  std::thread thread_{};
};

}  // namespace support
