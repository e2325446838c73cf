#pragma once

#include <inngest/platform/detail/socket.hpp>

namespace inngest::detail {

#ifdef _WIN32

/// A UDP socket that sends to itself: WSAPoll() takes no pipes.
INNGEST_INLINE bool wake_signal::open() {
  start_sockets();
  out_ = unique_socket(::socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP));
  if (!out_) return false;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  int size = sizeof address;
  set_nonblocking(out_.get());
  return ::bind(out_.get(), any, size) == 0 && ::getsockname(out_.get(), any, &size) == 0 &&
         ::connect(out_.get(), any, size) == 0;  // nobody else's packets are taken
}

INNGEST_INLINE void wake_signal::wake() const {
  const char any = 0;
  send_some(out_.get(), &any, 1);  // full: it wakes anyway
}

INNGEST_INLINE void wake_signal::clear() const {
  char buffer[256];
  while (receive_some(out_.get(), buffer, sizeof buffer) > 0) {
  }
}

#else

INNGEST_INLINE bool wake_signal::open() {
  int ends[2];
  if (::pipe(ends) != 0) return false;
  out_ = unique_socket(ends[0]);
  in_ = unique_socket(ends[1]);
  set_nonblocking(ends[0]);
  set_nonblocking(ends[1]);
  return true;
}

INNGEST_INLINE void wake_signal::wake() const {
  const char any = 0;
  [[maybe_unused]] const auto written = ::write(in_.get(), &any, 1);  // full: it wakes anyway
}

INNGEST_INLINE void wake_signal::clear() const {
  char buffer[256];
  while (::read(out_.get(), buffer, sizeof buffer) > 0) {
  }
}

#endif

}  // namespace inngest::detail
