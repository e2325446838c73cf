#pragma once

#include <httplib.h>

#include <concepts>
#include <string>
#include <utility>

#include <inngest/serve.hpp>

namespace inngest {

/// Serves on a cpp-httplib server, from Debian 12's 0.11 to upstream's current version. The body is read up
/// to the handler's limit, whatever the server's own is. The server's answers go out at once (TCP_NODELAY):
/// by default httplib sends bodies after the acknowledgement of their headers, some 40 ms later.
template <std::derived_from<httplib::Server> Server>
struct adapter<Server> {
  static constexpr const char* framework = "cpp-httplib";
  static constexpr bool streams = true;

  static void mount(httplib::Server& server, const handler& handler) {
    server.set_tcp_nodelay(true);
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
  static void answer(const handler& handler, const httplib::Request& request, std::string body,
                     httplib::Response& response) {
    http::request wire{.method = request.method, .url = request.target, .body = std::move(body)};
    for (const auto& [name, value] : request.headers) wire.headers.add(name, value);
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

}  // namespace inngest
