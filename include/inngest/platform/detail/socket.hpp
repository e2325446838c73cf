#pragma once

#include <cerrno>
#include <cstddef>
#include <limits>
#include <string>
#include <system_error>
#include <utility>

#ifndef _WIN32
#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#endif

#include <inngest/platform/detail/windows.hpp>

// What POSIX sockets and Windows sockets call by different names. The calls that both have are used directly.

namespace inngest::detail {

#ifdef _WIN32
using native_socket = SOCKET;
inline constexpr native_socket no_socket = INVALID_SOCKET;
inline constexpr int stop_sending = SD_SEND;
#else
using native_socket = int;
inline constexpr native_socket no_socket = -1;
inline constexpr int stop_sending = SHUT_WR;
#endif

/// To be called before any other call. Windows needs it.
inline void start_sockets() {
#ifdef _WIN32
  static const int started = [] {
    WSADATA about{};
    return ::WSAStartup(MAKEWORD(2, 2), &about);  // if it fails, so does every call, with a reason
  }();
  static_cast<void>(started);
#endif
}

inline void close_socket(native_socket socket) {
#ifdef _WIN32
  ::closesocket(socket);
#else
  ::close(socket);
#endif
}

/// A socket that is closed at its end.
class unique_socket {
 public:
  explicit unique_socket(native_socket value = no_socket) : value_(value) {}
  unique_socket(unique_socket&& other) noexcept : value_(std::exchange(other.value_, no_socket)) {}
  unique_socket& operator=(unique_socket&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  ~unique_socket() {
    if (value_ != no_socket) close_socket(value_);
  }
  native_socket get() const { return value_; }
  explicit operator bool() const { return value_ != no_socket; }

 private:
  native_socket value_;
};

/// The reason of the call that just failed.
inline std::error_code last_socket_error() {
#ifdef _WIN32
  return {::WSAGetLastError(), std::system_category()};
#else
  return {errno, std::generic_category()};
#endif
}

/// Whether the same call may succeed later.
inline bool may_succeed_later(const std::error_code& problem) {
#ifdef _WIN32
  return problem.value() == WSAEWOULDBLOCK || problem.value() == WSAEINTR;
#else
  return problem.value() == EAGAIN || problem.value() == EWOULDBLOCK || problem.value() == EINTR;
#endif
}

inline bool is_address_in_use(const std::error_code& problem) {
#ifdef _WIN32
  return problem.value() == WSAEADDRINUSE || problem.value() == WSAEACCES;  // another has it exclusively
#else
  return problem.value() == EADDRINUSE;
#endif
}

/// Whether there are too many sockets, or too little memory for another one.
inline bool is_out_of_sockets(const std::error_code& problem) {
  const int value = problem.value();
#ifdef _WIN32
  return value == WSAEMFILE || value == WSAENOBUFS;
#else
  return value == EMFILE || value == ENFILE || value == ENOBUFS || value == ENOMEM;
#endif
}

/// What getaddrinfo() returned, in words.
inline std::string name_problem(int problem) {
#ifdef _WIN32
  return ::gai_strerrorA(problem);
#else
  return ::gai_strerror(problem);
#endif
}

/// False when it can't be set.
template <class Socket>
bool set_socket_option(Socket socket, int level, int name, int value) {
  // Windows takes a const char*, which is as good as the const void* of others.
  return ::setsockopt(socket, level, name, reinterpret_cast<const char*>(&value), sizeof value) == 0;
}

/// The options of a listening socket. A port whose last connections are in TIME_WAIT can be bound again; a
/// port on which another socket listens cannot (cpp-httplib's default, SO_REUSEPORT, lets two servers share
/// it in silence, and so does Windows with SO_REUSEADDR).
template <class Socket>
void set_listener_options(Socket socket) {
#ifdef _WIN32
  set_socket_option(socket, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, 1);
#else
  set_socket_option(socket, SOL_SOCKET, SO_REUSEADDR, 1);
#endif
}

/// Calls return at once, and children do not inherit the socket by exec().
inline void set_nonblocking(native_socket socket) {
#ifdef _WIN32
  unsigned long yes = 1;
  ::ioctlsocket(socket, static_cast<long>(FIONBIO), &yes);
  ::SetHandleInformation(reinterpret_cast<HANDLE>(socket), HANDLE_FLAG_INHERIT, 0);
#else
  ::fcntl(socket, F_SETFL, ::fcntl(socket, F_GETFL) | O_NONBLOCK);
  ::fcntl(socket, F_SETFD, FD_CLOEXEC);
#endif
}

/// Waits until one of them is ready, up to so many milliseconds. Entries of no_socket are ignored.
inline int poll_sockets(pollfd* all, std::size_t count, int milliseconds) {
#ifdef _WIN32
  return ::WSAPoll(all, static_cast<ULONG>(count), milliseconds);
#else
  return ::poll(all, static_cast<nfds_t>(count), milliseconds);
#endif
}

/// How many bytes have come; 0 at the end, -1 when it failed.
inline std::ptrdiff_t receive_some(native_socket socket, char* out, std::size_t size) {
#ifdef _WIN32
  return ::recv(socket, out, static_cast<int>(size), 0);
#else
  return ::recv(socket, out, size, 0);
#endif
}

/// How many bytes were taken; -1 when it failed. A peer that has gone is an error, not a signal.
inline std::ptrdiff_t send_some(native_socket socket, const char* bytes, std::size_t size) {
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

/// As MSG_NOSIGNAL, for systems that have an option of the socket instead.
inline void refuse_signals([[maybe_unused]] native_socket socket) {
#ifdef SO_NOSIGPIPE
  set_socket_option(socket, SOL_SOCKET, SO_NOSIGPIPE, 1);
#endif
}

/// How many files and sockets the process may have open.
inline std::size_t open_file_limit() {
#ifdef _WIN32
  return (std::numeric_limits<std::size_t>::max)();  // memory is the limit
#else
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return (std::numeric_limits<std::size_t>::max)();
  return static_cast<std::size_t>(files.rlim_cur);
#endif
}

/// Wakes a thread that waits in poll_sockets(), from any thread: poll socket() for POLLIN.
class wake_signal {
 public:
  /// False when there are no more files.
  bool open();
  native_socket socket() const { return out_.get(); }
  void wake() const;
  /// Forgets the calls of wake() so far.
  void clear() const;

 private:
  unique_socket out_{};
#ifndef _WIN32
  unique_socket in_{};
#endif
};

}  // namespace inngest::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/platform/detail/impl/socket.ipp>
#endif
