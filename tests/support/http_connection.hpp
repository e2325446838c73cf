#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace support {

inline std::string lower_case(std::string text) {
  for (char& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
  return text;
}

/// An answer as it came over a connection. Names of headers are in lower case.
struct http_answer {
  int status = 0;
  std::map<std::string, std::string> headers{};
  std::string body{};

  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "(absent)" : found->second;
  }
};

/// A client's connection that sends bytes as given, and reads answers one by one.
class http_connection {
 public:
  static constexpr std::chrono::seconds patience{180};

  /// With a `receive_buffer`, the other side can send only little before this side reads.
  explicit http_connection(int port, int receive_buffer = 0) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    if (receive_buffer > 0)
      ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return;
    const std::string problem = std::strerror(errno);
    close();
    throw std::runtime_error("connect: " + problem);
  }
  http_connection(http_connection&& other) noexcept
      : socket_(std::exchange(other.socket_, -1)), received_(std::move(other.received_)) {}
  http_connection& operator=(http_connection&&) = delete;
  ~http_connection() { close(); }

  void close() {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  }

  /// Sends no more, but still reads.
  void close_sending() { ::shutdown(socket_, SHUT_WR); }

  /// False when the other side has closed.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  /// Reads an answer, and leaves what follows it. The answer to HEAD has no body. Throws when the other side
  /// closes before the answer is complete, or when nothing comes.
  http_answer read_answer(bool to_head = false) {
    http_answer out;
    do {
      out = read_head();
    } while (out.status == 100);
    if (to_head || out.status == 204 || out.status == 304) return out;
    if (lower_case(out.header("transfer-encoding")) == "chunked") {
      while (read_chunk(out.body)) {
      }
    } else if (out.headers.count("content-length") != 0) {
      out.body = take(std::stoul(out.header("content-length")));
    } else {
      out.body = read_rest();
    }
    return out;
  }

  /// Reads until the text came, and returns all before it. Throws when the other side closes before.
  std::string read_until(std::string_view text) {
    std::size_t end = 0;
    while ((end = received_.find(text)) == std::string::npos) {
      if (!receive())
        throw std::runtime_error("the connection was closed after: " + received_.substr(0, 500));
    }
    std::string out = received_.substr(0, end);
    received_.erase(0, end + text.size());
    return out;
  }

  /// Reads until the other side closes.
  std::string read_rest() {
    while (receive()) {
    }
    return std::exchange(received_, {});
  }

 private:
  std::string take(std::size_t size) {
    while (received_.size() < size) {
      if (!receive()) throw std::runtime_error("the connection was closed within a body");
    }
    std::string out = received_.substr(0, size);
    received_.erase(0, size);
    return out;
  }

  bool read_chunk(std::string& body) {
    const std::size_t size = std::stoul(read_until("\r\n"), nullptr, 16);
    body += take(size);
    read_until("\r\n");
    return size > 0;
  }

  http_answer read_head() {
    http_answer out;
    const std::string first = read_until("\r\n");
    if (first.substr(0, 7) != "HTTP/1." || first.size() < 12)
      throw std::runtime_error("not the first line of an answer: " + first);
    out.status = std::stoi(first.substr(9, 3));
    for (std::string line; !(line = read_until("\r\n")).empty();) {
      const std::size_t colon = line.find(':');
      if (colon == std::string::npos) throw std::runtime_error("not a header field: " + line);
      const std::size_t value = line.find_first_not_of(' ', colon + 1);
      out.headers[lower_case(line.substr(0, colon))] =
          value == std::string::npos ? "" : line.substr(value, line.find_last_not_of(' ') + 1 - value);
    }
    return out;
  }

  /// False when the other side has closed.
  bool receive() {
    pollfd waiting{socket_, POLLIN, 0};
    const auto limit = std::chrono::milliseconds(patience).count();
    if (::poll(&waiting, 1, static_cast<int>(limit)) <= 0)
      throw std::runtime_error("nothing came in time after: " + received_.substr(0, 500));
    char buffer[65536];
    const ssize_t size = ::recv(socket_, buffer, sizeof buffer, 0);
    if (size > 0) received_.append(buffer, static_cast<std::size_t>(size));
    return size > 0;
  }

  int socket_;
  std::string received_{};
};

/// The text of a request with a Content-Length when it has a body.
inline std::string request_text(const std::string& method, const std::string& target,
                                const std::string& body = {}, const std::string& headers = {}) {
  std::string out = method + " " + target + " HTTP/1.1\r\nHost: localhost\r\n" + headers;
  if (!body.empty())
    out += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  return out + "\r\n" + body;
}

}  // namespace support
