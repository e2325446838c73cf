#pragma once

#include <sys/socket.h>

namespace inngest::detail {

/// The options of a listening socket. A port whose last connections are in TIME_WAIT can be bound again; a
/// port on which another socket listens cannot (cpp-httplib's default, SO_REUSEPORT, lets two servers share
/// it in silence).
template <class Socket>
void set_listener_options(Socket socket) {
  const int yes = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
}

}  // namespace inngest::detail
