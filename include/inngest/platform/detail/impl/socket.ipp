#pragma once

#include <cerrno>
#include <cstdlib>
#include <limits>

#include <inngest/config.hpp>
#include <inngest/platform/detail/socket.hpp>

namespace inngest::inline INNGEST_ABI::detail {

#ifdef _WIN32

/// A UDP socket that sends to itself, because WSAPoll() does not support pipes.
INNGEST_INLINE bool wake_signal::open() {
  start_sockets();
  out_ = unique_socket(::socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP));
  if (!out_) return false;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  int size = sizeof address;
  set_nonblocking(out_.get());
  return ::bind(out_.get(), generic, size) == 0 && ::getsockname(out_.get(), generic, &size) == 0 &&
         ::connect(out_.get(), generic, size) == 0;  // accepts only its own packets
}

INNGEST_INLINE void wake_signal::wake() const {
  const char byte = 0;
  send_some(out_.get(), &byte, 1);  // if the buffer is full, the thread wakes anyway
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
  const char byte = 0;
  // if the pipe is full, the thread wakes anyway
  [[maybe_unused]] const auto written = ::write(in_.get(), &byte, 1);
}

INNGEST_INLINE void wake_signal::clear() const {
  char buffer[256];
  while (::read(out_.get(), buffer, sizeof buffer) > 0) {
  }
}

#endif

}  // namespace inngest::inline INNGEST_ABI::detail

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE void start_sockets() {
#ifdef _WIN32
  static const int started = [] {
    WSADATA about{};
    return ::WSAStartup(MAKEWORD(2, 2), &about);  // if it fails, later calls fail with a reason
  }();
  static_cast<void>(started);
#endif
}

INNGEST_INLINE void close_socket(native_socket socket) {
#ifdef _WIN32
  ::closesocket(socket);
#else
  ::close(socket);
#endif
}

INNGEST_INLINE unique_socket& unique_socket::operator=(unique_socket&& other) noexcept {
  std::swap(value_, other.value_);
  return *this;
}

INNGEST_INLINE unique_socket::~unique_socket() {
  if (value_ != no_socket) close_socket(value_);
}

INNGEST_INLINE std::error_code last_socket_error() {
#ifdef _WIN32
  return {::WSAGetLastError(), std::system_category()};
#else
  return {errno, std::generic_category()};
#endif
}

INNGEST_INLINE bool may_succeed_later(const std::error_code& problem) {
#ifdef _WIN32
  return problem.value() == WSAEWOULDBLOCK || problem.value() == WSAEINTR;
#else
  return problem.value() == EAGAIN || problem.value() == EWOULDBLOCK || problem.value() == EINTR;
#endif
}

INNGEST_INLINE bool is_address_in_use(const std::error_code& problem) {
#ifdef _WIN32
  // WSAEACCES: another socket uses the address exclusively
  return problem.value() == WSAEADDRINUSE || problem.value() == WSAEACCES;
#else
  return problem.value() == EADDRINUSE;
#endif
}

INNGEST_INLINE bool is_out_of_sockets(const std::error_code& problem) {
  const int value = problem.value();
#ifdef _WIN32
  return value == WSAEMFILE || value == WSAENOBUFS;
#else
  return value == EMFILE || value == ENFILE || value == ENOBUFS || value == ENOMEM;
#endif
}

INNGEST_INLINE std::string name_problem(int problem) {
#ifdef _WIN32
  return ::gai_strerrorA(problem);
#else
  return ::gai_strerror(problem);
#endif
}

INNGEST_INLINE void keep_from_children(native_socket socket) {
#ifdef _WIN32
  ::SetHandleInformation(reinterpret_cast<HANDLE>(socket), HANDLE_FLAG_INHERIT, 0);
#else
  ::fcntl(socket, F_SETFD, FD_CLOEXEC);
#endif
}

INNGEST_INLINE void set_nonblocking(native_socket socket) {
#ifdef _WIN32
  unsigned long yes = 1;
  ::ioctlsocket(socket, static_cast<long>(FIONBIO), &yes);
#else
  ::fcntl(socket, F_SETFL, ::fcntl(socket, F_GETFL) | O_NONBLOCK);
#endif
  keep_from_children(socket);
}

INNGEST_INLINE int poll_sockets(pollfd* all, std::size_t count, int milliseconds) {
#ifdef _WIN32
  return ::WSAPoll(all, static_cast<ULONG>(count), milliseconds);
#else
  return ::poll(all, static_cast<nfds_t>(count), milliseconds);
#endif
}

INNGEST_INLINE std::ptrdiff_t receive_some(native_socket socket, char* out, std::size_t size) {
#ifdef _WIN32
  return ::recv(socket, out, static_cast<int>(size), 0);
#else
  return ::recv(socket, out, size, 0);
#endif
}

INNGEST_INLINE std::ptrdiff_t send_some(native_socket socket, const char* bytes, std::size_t size) {
#ifdef _WIN32
  constexpr std::size_t most = (std::numeric_limits<int>::max)();
  return ::send(socket, bytes, static_cast<int>(size < most ? size : most), 0);
#else
#ifdef MSG_NOSIGNAL
  constexpr int flags = MSG_NOSIGNAL;
#else
  constexpr int flags = 0;  // see refuse_signals()
#endif
  return ::send(socket, bytes, size, flags);
#endif
}

INNGEST_INLINE void refuse_signals([[maybe_unused]] native_socket socket) {
#ifdef SO_NOSIGPIPE
  set_socket_option(socket, SOL_SOCKET, SO_NOSIGPIPE, 1);
#endif
}

INNGEST_INLINE std::size_t open_file_limit() {
#ifdef _WIN32
  return (std::numeric_limits<std::size_t>::max)();  // memory is the limit
#else
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return (std::numeric_limits<std::size_t>::max)();
  return static_cast<std::size_t>(files.rlim_cur);
#endif
}

}  // namespace inngest::inline INNGEST_ABI::detail
