#pragma once

#include <httplib.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/error.hpp>
#include <inngest/transport/detail/httplib_flags.hpp>
#include <inngest/transport/httplib.hpp>

namespace inngest::inline INNGEST_ABI {
namespace detail {

/// Versions before 0.10.2 do not distinguish it.
template <class Problem>
bool is_connection_timeout(Problem problem) {
  if constexpr (requires { Problem::ConnectionTimeout; })
    return problem == Problem::ConnectionTimeout;
  else
    return false;
}

/// A message for an error. cpp-httplib's own messages are only the names of the enumerators.
INNGEST_INLINE std::string words_of_problem(httplib::Error problem) {
  if (is_connection_timeout(problem)) return "could not connect in time";
  switch (problem) {
    case httplib::Error::Connection:
      return "could not connect: is a server running there?";
    case httplib::Error::Read:
      return "the connection was closed before the answer arrived, or the answer took too long";
    case httplib::Error::Write:
      return "the connection was closed before the request was sent";
    case httplib::Error::SSLConnection:
      return "could not connect: the TLS handshake failed";
    case httplib::Error::SSLLoadingCerts:
      return "could not load the certificates to verify the server's";
    case httplib::Error::SSLServerVerification:
      return "the server's certificate is not trusted, or is not for this host";
    default:
      return httplib::to_string(problem);
  }
}

INNGEST_INLINE std::pair<std::string, std::string> split_url(const std::string& url) {
  const std::size_t scheme = url.find("://");
  if (!url.starts_with("http://") && !url.starts_with("https://")) {
    throw configuration_error("not an http or https URL: \"" + url + "\"");
  }
  const std::size_t slash = url.find('/', scheme + 3);
  if (slash == std::string::npos) return {url, "/"};
  return {url.substr(0, slash), url.substr(slash)};
}

/// Disables cpp-httplib's encoding, because URLs are already encoded. The switch has two names in its
/// versions.
template <class Client>
void leave_urls_alone(Client& connection) {
  if constexpr (requires { connection.set_path_encode(false); })
    connection.set_path_encode(false);
  else
    connection.set_url_encode(false);
}

class httplib_connections {
 public:
  std::unique_ptr<httplib::Client> take(const std::string& origin) {
    {
      const std::lock_guard lock(mutex_);
      auto& idle = idle_[origin];
      if (!idle.empty()) {
        auto out = std::move(idle.back());
        idle.pop_back();
        return out;
      }
    }
#ifndef CPPHTTPLIB_OPENSSL_SUPPORT
    if (origin.starts_with("https://")) {
      throw configuration_error(
          "no https: define CPPHTTPLIB_OPENSSL_SUPPORT and link OpenSSL, as cpp-httplib asks");
    }
#endif
    auto out = std::make_unique<httplib::Client>(origin);
    if (!out->is_valid()) throw configuration_error("not the origin of a URL: \"" + origin + "\"");
    out->set_keep_alive(true);
    out->set_tcp_nodelay(true);  // otherwise a body waits for the acknowledgement of its headers
    leave_urls_alone(*out);
    return out;
  }

  void give_back(const std::string& origin, std::unique_ptr<httplib::Client> connection) {
    constexpr std::size_t most_idle = 8;
    const std::lock_guard lock(mutex_);
    auto& idle = idle_[origin];
    if (idle.size() < most_idle) idle.push_back(std::move(connection));
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::vector<std::unique_ptr<httplib::Client>>> idle_;
};

}  // namespace detail

INNGEST_INLINE httplib_transport::httplib_transport()
    : connections_(std::make_unique<detail::httplib_connections>()) {}

INNGEST_INLINE httplib_transport::~httplib_transport() = default;

INNGEST_INLINE http::response httplib_transport::send(const http::request& request,
                                                      std::chrono::milliseconds timeout) {
  const auto [origin, target] = detail::split_url(request.url);
  std::unique_ptr<httplib::Client> connection = connections_->take(origin);
  // cpp-httplib stores milliseconds in an int
  timeout = std::min<std::chrono::milliseconds>(timeout, std::chrono::hours(24 * 24));
  const auto seconds = std::chrono::floor<std::chrono::seconds>(timeout);
  const auto rest = std::chrono::microseconds(timeout - seconds);
  connection->set_connection_timeout(seconds.count(), rest.count());
  connection->set_read_timeout(seconds.count(), rest.count());
  connection->set_write_timeout(seconds.count(), rest.count());

  httplib::Request wire;
  wire.method = request.method;
  wire.path = target;
  wire.body = request.body;
  for (const auto& [name, value] : request.headers) wire.headers.emplace(name, value);
  const httplib::Result result = connection->send(wire);
  if (!result) {
    throw unreachable(request.method + " " + origin + ": " + detail::words_of_problem(result.error()));
  }
  http::response out{.status = result->status, .body = std::move(result->body)};
  for (const auto& [name, value] : result->headers) out.headers.add(name, value);
  connections_->give_back(origin, std::move(connection));
  return out;
}

#if !defined(INNGEST_COMPILED)
namespace detail {

inline const bool httplib_is_default_transport = [] {
  default_transport_maker = []() -> std::shared_ptr<http::transport> {
    return std::make_shared<httplib_transport>();
  };
  return true;
}();

}  // namespace detail
#endif
}  // namespace inngest::inline INNGEST_ABI
