#pragma once

#include <httplib.h>

#include <atomic>
#include <concepts>
#include <memory>
#include <string>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/platform/detail/socket.hpp>
#include <inngest/serve.hpp>
#include <inngest/transport/detail/httplib_flags.hpp>
#include <inngest/transport/detail/httplib_server.hpp>
#include <inngest/transport/detail/httplib_tasks.hpp>

namespace inngest::inline INNGEST_ABI {

/// Serves on a cpp-httplib server, from Debian 12's 0.11 to upstream's current version. The body is read up
/// to the handler's limit, whatever the server's own is. Answers are never compressed, so that a streamed
/// piece leaves when it is written. It changes the server:
///
/// - Answers go out at once (TCP_NODELAY); otherwise a body waits some 40 ms for the acknowledgement of its
///   headers.
/// - A port on which another server listens can't be bound, and one that was just left can (SO_REUSEADDR
///   without SO_REUSEPORT). For other options call `set_socket_options` after serve().
/// - Calls run at the same time, up to 256 or eight per core, unless `new_task_queue` was set before serve().
template <std::derived_from<httplib::Server> Server>
struct adapter<Server> {
  static constexpr const char* framework = "cpp-httplib";
  static constexpr bool streams = true;

  static void mount(httplib::Server& server, const handler& handler) {
    detail::configure(server);
    if (detail::has_default_task_queue(server)) let_grow(server);
    const std::string& path = handler.options().path;
    server.Get(path, [handler](const httplib::Request& request, httplib::Response& response) {
      answer(handler, request, {}, response);
    });
    const auto with_body = [handler](const httplib::Request& request, httplib::Response& response,
                                     const httplib::ContentReader& read) {
      std::string body;
      if (!request.has_header("Content-Length") && !request.has_header("Transfer-Encoding")) {
        return answer(handler, request, std::move(body), response);  // there is none, as in `curl -X PUT`
      }
      const std::size_t limit = handler.options().max_body_size;
      const bool complete = read([&](const char* data, std::size_t size) {
        body.append(data, size);
        return body.size() <= limit;
      });
      if (!complete && body.size() <= limit) return;  // httplib has its own answer to a broken body
      if (!complete) response.set_header("Connection", "close");  // the rest of the body is not read
      answer(handler, request, std::move(body), response);
    };
    server.Put(path, with_body);
    server.Post(path, with_body);
  }

 private:
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

  /// Lets more connections wait to be accepted than cpp-httplib's five: whoever comes sixth in a burst of
  /// calls would try again only after a second.
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
        response.set_header(name, value);
    }
    if (!out.stream) return response.set_content(std::move(out.body), content_type);
    response.set_chunked_content_provider(
        content_type, [stream = std::move(out.stream)](std::size_t, httplib::DataSink& sink) {
          stream([&](std::string_view chunk) { return sink.write(chunk.data(), chunk.size()); });
          sink.done();
          return true;
        });
  }
};

}  // namespace inngest::inline INNGEST_ABI
