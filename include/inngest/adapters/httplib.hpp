#pragma once

#include <httplib.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/detail/spare_texts.hpp>
#include <inngest/json/detail/document.hpp>
#include <inngest/platform/detail/socket.hpp>
#include <inngest/serve.hpp>
#include <inngest/transport/detail/httplib_flags.hpp>
#include <inngest/transport/detail/httplib_server.hpp>
#include <inngest/transport/detail/httplib_tasks.hpp>

namespace inngest::inline INNGEST_ABI {

/// Serves a handler on a cpp-httplib server, version 0.10 or later. The adapter reads bodies up to the
/// handler's limit, and ignores the server's own limit. It never compresses answers, so that streamed pieces
/// are sent as soon as they are written. It changes the server:
///
/// - The server sends answers without delay (TCP_NODELAY). Otherwise a body waits some 40 ms for the
///   acknowledgement of its headers.
/// - The server can't bind a port on which another server listens, but can bind one that was just closed
///   (SO_REUSEADDR without SO_REUSEPORT). For other options call `set_socket_options` after serve().
/// - The server runs up to 256 calls at the same time, or eight per core if that is more, unless
///   `new_task_queue` was set before serve().
template <std::derived_from<httplib::Server> Server>
struct adapter<Server> {
  /// The name of the framework, which the server shows.
  static constexpr const char* framework = "cpp-httplib";
  /// The adapter can stream answers.
  static constexpr bool streams = true;

  /// Adds the handler's routes to the server: every method at the handler's path.
  static void mount(httplib::Server& server, const handler& handler) {
    detail::configure(server);
    if (detail::has_default_task_queue(server)) let_grow(server);
    const std::string& path = handler.options().path;
    const auto without_body = [handler](const httplib::Request& request, httplib::Response& response) {
      answer(handler, request, {}, response);
    };
    server.Get(path, without_body);
    server.Options(path, without_body);
    const auto with_body = [handler](const httplib::Request& request, httplib::Response& response,
                                     const httplib::ContentReader& read) {
      std::string body;
      if (!request.has_header("Content-Length") && !request.has_header("Transfer-Encoding")) {
        return answer(handler, request, std::move(body), response);  // without a body, as in `curl -X PUT`
      }
      const std::size_t limit = handler.options().max_body_size;
      body = detail::text_with_room((std::min)(length_of(request), limit) + detail::json_buffer::padding);
      const bool complete = read_whole(request, read, [&](const char* data, std::size_t size) {
        body.append(data, size);
        return body.size() <= limit;
      });
      if (!complete && body.size() <= limit) return;              // httplib answers a broken body itself
      if (!complete) response.set_header("Connection", "close");  // the rest of the body is not read
      answer(handler, request, std::move(body), response);
    };
    server.Put(path, with_body);
    server.Post(path, with_body);
    server.Patch(path, with_body);
    server.Delete(path, with_body);
  }

 private:
  template <class Receiver>
  static bool read_whole(const httplib::Request& request, const httplib::ContentReader& read,
                         Receiver receive) {
    const detail::hidden_content_type hidden(request);
    return read(receive);
  }

  /// The length of the body according to the client, at most 8 MB because it may send less. 0 when it is
  /// unknown.
  static std::size_t length_of(const httplib::Request& request) {
    constexpr std::size_t most = 8 * 1024 * 1024;
    const std::string text = request.get_header_value("Content-Length");
    std::size_t out = 0;
    std::from_chars(text.data(), text.data() + text.size(), out);
    return (std::min)(out, most);
  }

  static void let_grow(httplib::Server& server) {
    const auto listener = std::make_shared<std::atomic<detail::native_socket>>(detail::no_socket);
    server.set_socket_options([listener](auto socket) {
      detail::set_listener_options(socket);
      *listener = socket;
    });
    server.new_task_queue = [listener] {
      lengthen_backlog(*listener);
      return new detail::growing_task_queue;
    };
  }

  /// Raises the number of connections that may wait to be accepted. cpp-httplib's default is five, so in a
  /// burst of calls the sixth client would wait a second before it tries again.
  static void lengthen_backlog(detail::native_socket listener) {
    int listens = 0;
    socklen_t size = sizeof listens;
    const bool known =
        listener != detail::no_socket &&
        ::getsockopt(listener, SOL_SOCKET, SO_ACCEPTCONN, reinterpret_cast<char*>(&listens), &size) == 0;
    if (known && listens != 0) ::listen(listener, SOMAXCONN);
  }

  static void answer(const handler& handler, const httplib::Request& request, std::string body,
                     httplib::Response& response) {
    http::request wire{.method = request.method, .url = request.target, .body = std::move(body)};
    for (const auto& [name, value] : request.headers) wire.headers.add(name, value);
    detail::send_whole_and_plain(request);
    http::response out = handler(std::move(wire));
    response.status = out.status;
    std::string content_type = "application/json";
    for (const auto& [name, value] : out.headers) {
      if (name == "content-type")
        content_type = value;
      else
        response.set_header(name.c_str(), value.c_str());
    }
    if (!out.stream) return response.set_content(std::move(out.body), content_type.c_str());
    response.set_chunked_content_provider(
        content_type.c_str(), [stream = std::move(out.stream)](std::size_t, httplib::DataSink& sink) {
          stream([&](std::string_view chunk) { return sink.write(chunk.data(), chunk.size()); });
          sink.done();
          return true;
        });
  }
};

}  // namespace inngest::inline INNGEST_ABI
