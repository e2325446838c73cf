#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <random>
#include <stdexcept>
#include <string>

namespace support {

/// A port of the loopback that refuses connections while this object lives: it is bound, and nobody listens.
/// No server of another process can get it in the meantime.
class closed_port {
 public:
  closed_port() : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    const bool bound = socket_ >= 0 && ::bind(socket_, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                       ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) == 0;
    if (!bound) {
      if (socket_ >= 0) ::close(socket_);
      throw std::runtime_error("no free port");
    }
    port_ = ntohs(address.sin_port);
  }
  ~closed_port() { ::close(socket_); }
  closed_port(const closed_port&) = delete;
  closed_port& operator=(const closed_port&) = delete;

  int port() const { return port_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  int socket_;
  int port_ = 0;
};

/// Whether a socket can be bound to the port of the loopback now.
inline bool is_free(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool bound = fd >= 0 && ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  if (fd >= 0) ::close(fd);
  return bound;
}

/// A port for a server that can't choose one itself, or starts again on it. The system gives it to nobody
/// else: it is below those of clients. From those, a client could take it, even the one that connects to it.
/// Where nobody should listen, use closed_port.
inline int free_port() {
  constexpr int ports = 12'000, lowest = 1024;
  int of_clients = 32'768;
  std::ifstream("/proc/sys/net/ipv4/ip_local_port_range") >> of_clients;
  if (of_clients < lowest + ports) return closed_port().port();
  std::random_device random;
  for (int tries = 0; tries < 1000; ++tries) {
    const int port = of_clients - 1 - static_cast<int>(random() % ports);
    if (is_free(port)) return port;
  }
  throw std::runtime_error("no free port");
}

}  // namespace support
