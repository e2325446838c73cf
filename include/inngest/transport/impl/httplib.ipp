#pragma once

#include <httplib.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/error.hpp>
#include <inngest/http/detail/fields.hpp>
#include <inngest/http/detail/request_line.hpp>
#include <inngest/json/detail/text.hpp>
#include <inngest/stop_token.hpp>
#include <inngest/time/detail/saturated.hpp>
#include <inngest/transport/detail/httplib_flags.hpp>
#include <inngest/transport/httplib.hpp>

namespace inngest::inline INNGEST_ABI {
namespace detail {

/// Versions before 0.10.2 do not distinguish this error.
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
    case httplib::Error::Canceled:  // of a body in pieces: a caller's own end is no problem
      return "the connection was closed before the request was sent";
    default:
      return httplib::to_string(problem);
  }
}

/// The origin and the target of a request, without a fragment. \throws configuration_error when the request
/// can't be sent.
INNGEST_INLINE std::pair<std::string, std::string> split_url(const http::request& request) {
  if (const auto problem = request_line_problem(request.method, request.url))
    throw configuration_error(to_printable(*problem));
  if (const auto problem = fields_problem(request.headers)) throw configuration_error(to_printable(*problem));
  const std::string_view url = request.url;
  const std::size_t scheme = http_scheme_length(url);
  const std::size_t end = scheme + url_authority(url).size();
  const std::string_view target = url.substr(end, url.find('#') - end);
  return {(scheme == 7 ? "http://" : "https://") + std::string(url.substr(scheme, end - scheme)),
          (target.starts_with('/') ? "" : "/") + std::string(target)};
}

/// Disables cpp-httplib's encoding, because URLs are already encoded. The name of the option depends on the
/// version.
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
    return open(origin);
  }

  static std::unique_ptr<httplib::Client> open(const std::string& origin) {
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
    constexpr std::size_t max_idle = 8;
    const std::lock_guard lock(mutex_);
    auto& idle = idle_[origin];
    if (idle.size() < max_idle) idle.push_back(std::move(connection));
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::vector<std::unique_ptr<httplib::Client>>> idle_;
};

/// Of requests that can be stopped.
inline constexpr std::chrono::milliseconds max_connecting = std::chrono::seconds(5);

INNGEST_INLINE void set_timeouts(httplib::Client& connection, std::chrono::milliseconds connecting,
                                 std::chrono::milliseconds silence) {
  // cpp-httplib stores milliseconds in an int
  constexpr std::chrono::milliseconds longest = std::chrono::hours(24 * 24);
  const auto set = [&](std::chrono::milliseconds time, auto setter) {
    time = (std::min)(time, longest);
    const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
    setter(seconds.count(), std::chrono::microseconds(time - seconds).count());
  };
  set(connecting, [&](auto seconds, auto rest) { connection.set_connection_timeout(seconds, rest); });
  set(silence, [&](auto seconds, auto rest) { connection.set_read_timeout(seconds, rest); });
  set(silence, [&](auto seconds, auto rest) { connection.set_write_timeout(seconds, rest); });
}

/// A stop before the connection exists can't close it: the connection then gives up immediately.
INNGEST_INLINE void give_up_once_requested(httplib::Client& connection, const stop_token& stop) {
  connection.set_socket_options([&connection, stop](auto) {
    if (stop.stop_requested())
      set_timeouts(connection, std::chrono::milliseconds(1), std::chrono::milliseconds(1));
  });
}

/// Sends a request. A requested stop closes the connection.
INNGEST_INLINE httplib::Result send_until(const stop_token& stop, httplib::Client& connection,
                                          const httplib::Request& wire) {
  if (!stop.stop_possible()) return connection.send(wire);
  give_up_once_requested(connection, stop);
  httplib::Result out = [&] {
    const stop_callback ends(stop, [&] { connection.stop(); });
    return connection.send(wire);
  }();
  connection.set_socket_options([](auto) {});  // the next request has nothing to do with this stop
  return out;
}

INNGEST_INLINE httplib::Request httplib_request(const http::request& request, const std::string& target) {
  httplib::Request out;
  out.method = request.method;
  out.path = target;
  out.body = request.body;
  for (const auto& [name, value] : request.headers) {
    if (!is_framing_field(name)) out.headers.emplace(name, value);
  }
  return out;
}

/// Collects the body of an answer, as far as its size and the time that it takes are within limits.
class limited_body {
 public:
  explicit limited_body(std::chrono::milliseconds timeout)
      : timeout_((std::min)(timeout, std::chrono::milliseconds(a_year))) {}

  /// Returns false when a limit is reached.
  bool take(std::string_view bytes) {
    is_too_large_ = bytes.size() > most - bytes_.size();
    if (is_too_large_) return false;
    bytes_ += bytes;
    const auto for_size = std::chrono::milliseconds(bytes_.size() / 64);  // a second for each 64 KB
    is_too_slow_ = std::chrono::steady_clock::now() - began_ - for_size > timeout_;
    return !is_too_slow_;
  }

  /// Throws why there is no answer. `of` names the request.
  [[noreturn]] void fail(const std::string& of, httplib::Error error) const {
    if (is_too_large_) throw too_large(of + ": the answer has more than " + std::to_string(most) + " bytes");
    throw unreachable(of + ": " +
                      (is_too_slow_ ? "the answer took too long to arrive" : words_of_problem(error)));
  }

  std::string release() { return std::move(bytes_); }

 private:
  static constexpr std::size_t most = INNGEST_MAX_BODY_SIZE;

  const std::chrono::milliseconds timeout_;
  const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  std::string bytes_;
  bool is_too_large_ = false;
  bool is_too_slow_ = false;
};

INNGEST_INLINE http::response response_of(const httplib::Response& answer) {
  http::response out{.status = answer.status};
  for (const auto& [name, value] : answer.headers) out.headers.add(name, value);
  return out;
}

/// Sends a body in pieces, and passes on the complete answer. cpp-httplib can't stream in both directions.
INNGEST_INLINE httplib::Result post_pieces(httplib::Client& connection, const httplib::Request& wire,
                                           const http::streaming& handlers) {
  const auto provide = [&](std::size_t, httplib::DataSink& sink) {
    const std::optional<std::string> piece = handlers.next_piece();
    if (piece && !piece->empty()) return sink.write(piece->data(), piece->size());
    if (!piece) sink.done();
    return true;
  };
  httplib::Headers headers = wire.headers;
  const auto type = headers.find("content-type");
  const std::string content_type = type == headers.end() ? std::string("text/stream") : type->second;
  headers.erase("content-type");
  httplib::Result result = connection.Post(wire.path.c_str(), headers, provide,
                                           content_type.c_str());  // as version 0.10 wants them
  if (result && (!handlers.on_head || handlers.on_head(response_of(*result))) && handlers.on_piece)
    handlers.on_piece(result->body);
  return result;
}

}  // namespace detail

INNGEST_INLINE httplib_transport::httplib_transport()
    : connections_(std::make_unique<detail::httplib_connections>()) {}

INNGEST_INLINE httplib_transport::~httplib_transport() = default;

INNGEST_INLINE http::response httplib_transport::send(const http::request& request,
                                                      std::chrono::milliseconds timeout) {
  return send(request, timeout, stop_token());
}

INNGEST_INLINE http::response httplib_transport::send(const http::request& request,
                                                      std::chrono::milliseconds timeout,
                                                      const stop_token& stop) {
  const auto [origin, target] = detail::split_url(request);
  std::unique_ptr<httplib::Client> connection = connections_->take(origin);
  // A stop can't end the attempt to connect, which is why that is short.
  const auto connecting = stop.stop_possible() ? (std::min)(timeout, detail::max_connecting) : timeout;
  detail::set_timeouts(*connection, connecting, timeout);
  detail::limited_body body(timeout);
  httplib::Request wire = detail::httplib_request(request, target);
  wire.content_receiver = [&](const char* bytes, std::size_t size, auto...) {
    return body.take({bytes, size});
  };
  const httplib::Result result = detail::send_until(stop, *connection, wire);
  if (!result) body.fail(request.method + " " + origin, result.error());
  http::response out = detail::response_of(*result);
  out.body = body.release();
  connections_->give_back(origin, std::move(connection));
  return out;
}

INNGEST_INLINE void httplib_transport::stream(const http::request& request, const http::streaming& handlers) {
  const auto [origin, target] = detail::split_url(request);
  const std::unique_ptr<httplib::Client> connection = detail::httplib_connections::open(origin);
  detail::set_timeouts(*connection, (std::min)(detail::max_connecting, handlers.timeout), handlers.timeout);
  bool is_ended = false;  // ended by the caller
  const auto goes_on = [&](bool wanted) {
    is_ended = !wanted || handlers.stop.stop_requested();
    return !is_ended;
  };
  httplib::Request wire = detail::httplib_request(request, target);
  wire.response_handler = [&](const httplib::Response& head) {
    return goes_on(!handlers.on_head || handlers.on_head(detail::response_of(head)));
  };
  wire.content_receiver = [&](const char* bytes, std::size_t size, auto...) {
    return goes_on(!handlers.on_piece || handlers.on_piece({bytes, size}));
  };
  detail::give_up_once_requested(*connection, handlers.stop);
  const stop_callback ends(handlers.stop, [&] { connection->stop(); });
  if (handlers.stop.stop_requested()) return;
  const httplib::Result result =
      handlers.next_piece ? detail::post_pieces(*connection, wire, handlers) : connection->send(wire);
  if (!result && !is_ended && !handlers.stop.stop_requested())
    throw unreachable(request.method + " " + origin + ": " + detail::words_of_problem(result.error()));
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
