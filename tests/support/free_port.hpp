#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <list>
#include <mutex>
#include <stdexcept>
#include <string>

namespace support {

/// A port of the loopback that no other program gets while this object lives, not even for a connection of
/// its own: a socket is bound to it. It refuses connections, until a server that sets SO_REUSEADDR listens.
class reserved_port {
 public:
  reserved_port() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int yes = 1;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    const bool bound = socket_ >= 0 &&
                       ::setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
                       ::bind(socket_, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                       ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) == 0;
    if (!bound) {
      if (socket_ >= 0) ::close(socket_);
      throw std::runtime_error("no free port");
    }
    port_ = ntohs(address.sin_port);
  }
  ~reserved_port() { ::close(socket_); }
  reserved_port(const reserved_port&) = delete;
  reserved_port& operator=(const reserved_port&) = delete;

  int port() const { return port_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  int socket_;
  int port_ = 0;
};

/// A reserved port, until the process ends.
inline int free_port() {
  static std::mutex mutex;
  static std::list<reserved_port> reserved;
  const std::lock_guard lock(mutex);
  return reserved.emplace_back().port();
}

}  // namespace support
