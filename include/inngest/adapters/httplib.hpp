#pragma once

#include <httplib.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <inngest/adapters/detail/path_text.hpp>
#include <inngest/config.hpp>
#include <inngest/detail/spare_texts.hpp>
#include <inngest/http/detail/collect_stream.hpp>
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
    const std::string path = detail::escaped_path(handler.options().path, "\\^$.|?*+()[]{}:");
    const auto without_body = [handler](const httplib::Request& request, httplib::Response& response) {
      answer(handler, request, without_body_of(request), response);
    };
    server.Get(path, without_body);
    server.Options(path, without_body);
    const auto with_body = [handler](const httplib::Request& request, httplib::Response& response,
                                     const httplib::ContentReader& read) {
      http::request wire = without_body_of(request);
      const auto length = wire.headers.find("content-length");
      if (!length && !wire.headers.find("transfer-encoding")) {
        return answer(handler, request, std::move(wire), response);  // without a body, as in `curl -X PUT`
      }
      const std::size_t limit = handler.options().max_body_size;
      wire.body = detail::text_with_room((std::min)(length_of(length), limit) + detail::json_buffer::padding);
      const bool complete = read_whole(request, wire, read, [&](const char* data, std::size_t size) {
        wire.body.append(data, size);
        return wire.body.size() <= limit;
      });
      if (!complete && wire.body.size() <= limit) return;         // httplib answers a broken body itself
      if (!complete) response.set_header("Connection", "close");  // the rest of the body is not read
      answer(handler, request, std::move(wire), response);
    };
    server.Put(path, with_body);
    server.Post(path, with_body);
    server.Patch(path, with_body);
    server.Delete(path, with_body);
  }

 private:
  /// The request but for its body. What the adapter asks of the headers it asks of these: a look-up in
  /// cpp-httplib's lower-cases every letter that it compares, which costs as much as all else done here.
  static http::request without_body_of(const httplib::Request& request) {
    http::request out{.method = request.method, .url = request.target};
    for (const auto& [name, value] : request.headers) {
      if (!is_made_up(name)) out.headers.add(name, value);
    }
    return out;
  }

  /// Whether cpp-httplib adds a field of this name to every request, to tell who sent it.
  static bool is_made_up(std::string_view name) {
    return name == "REMOTE_ADDR" || name == "REMOTE_PORT" || name == "LOCAL_ADDR" || name == "LOCAL_PORT";
  }

  /// Reads the body as it is. cpp-httplib would take a form apart, so it doesn't see what the body is, except
  /// for the type of the server's calls.
  template <class Receiver>
  static bool read_whole(const httplib::Request& request, const http::request& wire,
                         const httplib::ContentReader& read, Receiver receive) {
    if (wire.headers.find("content-type") == "application/json") return read(receive);
    const detail::hidden_content_type hidden(request);
    return read(receive);
  }

  /// The length of the body according to the client, at most 8 MB because it may send less. 0 when it is
  /// unknown.
  static std::size_t length_of(std::optional<std::string_view> content_length) {
    constexpr std::size_t most = 8 * 1024 * 1024;
    const std::string_view text = content_length.value_or("");
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

  /// As set_header(), which would look for line ends again that http::headers has removed. Handlers add most
  /// names in falling order, so the map has to compare few letters. Since version 0.52 it is no map.
  template <class Headers>
  static void add_header(Headers& headers, std::string name, std::string value) {
    if constexpr (requires { headers.emplace_hint(headers.begin(), std::move(name), std::move(value)); })
      headers.emplace_hint(headers.begin(), std::move(name), std::move(value));
    else
      headers.emplace(std::move(name), std::move(value));
  }

  static void answer(const handler& handler, const httplib::Request& request, http::request wire,
                     httplib::Response& response) {
    const bool may_be_changed = wire.headers.find("accept-encoding") || wire.headers.find("range");
    if (may_be_changed) detail::send_whole_and_plain(request);
    http::response out = handler(std::move(wire));
    response.status = out.status;
    response.headers.erase("Content-Type");  // of the server's own handlers
    std::string content_type = "application/json";
    for (auto& [name, value] : std::move(out.headers).release()) {
      if (name == "content-type")
        content_type = std::move(value);
      else
        add_header(response.headers, std::move(name), std::move(value));
    }
    if (request.version == "HTTP/1.0") detail::collect_stream(out);  // its clients know no chunks
    if (!out.stream) {
      response.body = std::move(out.body);
      return add_header(response.headers, "Content-Type", std::move(content_type));
    }
    response.set_chunked_content_provider(
        content_type.c_str(), [stream = std::move(out.stream)](std::size_t, httplib::DataSink& sink) {
          try {
            stream([&](std::string_view chunk) { return sink.write(chunk.data(), chunk.size()); });
          } catch (...) {  // the handler has logged it; cpp-httplib would leave the connection open
            return false;  // closes it
          }
          sink.done();
          return true;
        });
  }
};

}  // namespace inngest::inline INNGEST_ABI
