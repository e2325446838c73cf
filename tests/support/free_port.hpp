#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

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

/// A port for a server that can't choose one itself. Another process may get it before that server does:
/// where nobody should listen, use closed_port.
inline int free_port() { return closed_port().port(); }

}  // namespace support
