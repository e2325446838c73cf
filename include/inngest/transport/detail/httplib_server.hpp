#pragma once

#include <httplib.h>

#include <inngest/platform/detail/socket.hpp>

namespace inngest::detail {

/// What each cpp-httplib server of ours needs: a port of its own, and answers that are sent at once.
inline void configure(httplib::Server& server) {
  server.set_socket_options([](auto socket) { set_listener_options(socket); });
  server.set_tcp_nodelay(true);  // else a body waits for the acknowledgement of its headers
}

/// Keeps cpp-httplib from compressing the answer to this request, since a compressor holds back what is
/// streamed, and from sending only the part of it that a Range header names. Call it in a handler, before it
/// returns. The server decides by the request once the handler has returned; the request that it passes to
/// handlers is not a constant object.
inline void send_whole_and_plain(const httplib::Request& request) {
  auto& asked = const_cast<httplib::Request&>(request);
  asked.headers.erase("Accept-Encoding");
  asked.ranges.clear();
}

}  // namespace inngest::detail
