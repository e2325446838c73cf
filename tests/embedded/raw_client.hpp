#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

/// A TCP client that sends what it is given, and gives back what comes.
class raw_client {
 public:
  explicit raw_client(int port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (socket_ < 0 || ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
      throw std::runtime_error(std::string("connect: ") + std::strerror(errno));
  }
  raw_client(raw_client&& other) noexcept : socket_(std::exchange(other.socket_, -1)) {}
  raw_client& operator=(raw_client&&) = delete;
  ~raw_client() {
    if (socket_ >= 0) ::close(socket_);
  }

  /// False when the other side has closed.
  bool send(std::string_view text) {
    while (!text.empty()) {
      const auto sent = ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  /// Reads until the text has come, or the connection is closed; gives all that came.
  std::string read_until(std::string_view wanted, std::chrono::seconds limit = std::chrono::seconds(180)) {
    const auto end = std::chrono::steady_clock::now() + limit;
    std::string out;
    while (wanted.empty() || out.find(wanted) == std::string::npos) {
      const auto rest = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
      pollfd each{socket_, POLLIN, 0};
      if (rest.count() <= 0 || ::poll(&each, 1, static_cast<int>(rest.count())) <= 0)
        throw std::runtime_error("nothing came in time; before that: " + out);
      char buffer[16384];
      const auto size = ::recv(socket_, buffer, sizeof buffer, 0);
      if (size <= 0) break;
      out.append(buffer, static_cast<std::size_t>(size));
    }
    return out;
  }
  /// Reads until the connection is closed.
  std::string read_all(std::chrono::seconds limit = std::chrono::seconds(180)) {
    return read_until("", limit);
  }

  /// Sends a request and gives the status of the answer; 0 when there was none.
  static int status_of(int port, const std::string& request) {
    raw_client client(port);
    client.send(request);
    const std::string answer = client.read_until("\r\n");
    return answer.starts_with("HTTP/1.1 ") ? std::stoi(answer.substr(9, 3)) : 0;
  }

 private:
  int socket_;
};
