#pragma once

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <vector>

namespace support {

/// The descriptors of this process that are sockets on a local port: one that listens, and its connections.
inline std::vector<int> sockets_on(int port) {
  std::vector<int> out;
  for (int file = 0; file < 1024; ++file) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    const bool is_socket = ::getsockname(file, reinterpret_cast<sockaddr*>(&address), &size) == 0;
    if (is_socket && address.sin_family == AF_INET && ntohs(address.sin_port) == port) out.push_back(file);
  }
  return out;
}

/// Whether a program that this one starts gets the descriptor.
inline bool is_inherited(int file) { return (::fcntl(file, F_GETFD) & FD_CLOEXEC) == 0; }

}  // namespace support
