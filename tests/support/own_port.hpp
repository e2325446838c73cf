#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <random>
#include <set>
#include <stdexcept>

namespace support {

/// A port of the loopback for servers that follow each other on it, given once in a process. It is none of
/// those that the system gives to whoever asks for any port: otherwise a client or a server of another test
/// could get it between two of the servers.
inline int own_port() {
  constexpr int least = 10'000;
  int most = 32'767;  // Linux's own choice begins there, and that of others later
  std::ifstream("/proc/sys/net/ipv4/ip_local_port_range") >> most;
  static std::set<int> given;
  std::mt19937 random(std::random_device{}());
  for (int tries = 0; tries < 1000; ++tries) {
    const int port = std::uniform_int_distribution(least, (std::max)(most - 1, least + 1000))(random);
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool is_free = fd >= 0 && ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    if (fd >= 0) ::close(fd);
    if (is_free && given.insert(port).second) return port;
  }
  throw std::runtime_error("no free port");
}

}  // namespace support
