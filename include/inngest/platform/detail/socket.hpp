#pragma once

#include <cstddef>
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

#include <inngest/config.hpp>
#include <inngest/platform/detail/windows.hpp>

// The differences between POSIX sockets and Windows sockets. Calls that both have are used directly.

namespace inngest::inline INNGEST_ABI::detail {

#ifdef _WIN32
using native_socket = SOCKET;
inline constexpr native_socket no_socket = INVALID_SOCKET;
inline constexpr int stop_sending = SD_SEND;
#else
using native_socket = int;
inline constexpr native_socket no_socket = -1;
inline constexpr int stop_sending = SHUT_WR;
#endif

/// Call it before any other call. Windows needs it.
void start_sockets();

void close_socket(native_socket socket);

/// Owns a socket and closes it.
class unique_socket {
 public:
  explicit unique_socket(native_socket value = no_socket) : value_(value) {}
  unique_socket(unique_socket&& other) noexcept : value_(std::exchange(other.value_, no_socket)) {}
  unique_socket& operator=(unique_socket&& other) noexcept;
  ~unique_socket();
  native_socket get() const { return value_; }
  explicit operator bool() const { return value_ != no_socket; }

 private:
  native_socket value_;
};

/// The error of the last socket call.
std::error_code last_socket_error();

/// Whether the call may succeed later, because it would have blocked or was interrupted.
bool may_succeed_later(const std::error_code& problem);

bool is_address_in_use(const std::error_code& problem);

/// Whether the error means that there are too many open sockets, or not enough memory for another one.
bool is_out_of_sockets(const std::error_code& problem);

/// The message for an error code of getaddrinfo().
std::string name_problem(int problem);

/// Sets a socket option. Returns false when it can't be set.
template <class Socket>
bool set_socket_option(Socket socket, int level, int name, int value) {
  // Windows takes a const char*, which converts to the const void* of other systems.
  return ::setsockopt(socket, level, name, reinterpret_cast<const char*>(&value), sizeof value) == 0;
}

/// Sets the options of a listening socket. It can bind a port whose last connections are in TIME_WAIT, but
/// not a port on which another socket listens. (With cpp-httplib's default, SO_REUSEPORT, and with
/// SO_REUSEADDR on Windows, two servers would share the port without an error.)
template <class Socket>
void set_listener_options(Socket socket) {
#ifdef _WIN32
  set_socket_option(socket, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, 1);
#else
  set_socket_option(socket, SOL_SOCKET, SO_REUSEADDR, 1);
#endif
}

/// Keeps child processes from inheriting the socket by exec(): they would keep the port in use and the
/// connection open.
void keep_from_children(native_socket socket);

/// Makes calls non-blocking, and keeps child processes from inheriting the socket through exec().
void set_nonblocking(native_socket socket);

/// Waits until a socket is ready, at most for `milliseconds`. Ignores entries with no_socket.
int poll_sockets(pollfd* all, std::size_t count, int milliseconds);

/// Receives bytes. Returns their number, 0 at the end, or -1 on failure.
std::ptrdiff_t receive_some(native_socket socket, char* out, std::size_t size);

/// Sends bytes. Returns how many it sent, or -1 on failure. A closed connection is an error, not a signal.
std::ptrdiff_t send_some(native_socket socket, const char* bytes, std::size_t size);

/// Like MSG_NOSIGNAL, for systems that have an option of the socket instead.
void refuse_signals([[maybe_unused]] native_socket socket);

/// The maximum number of files and sockets that the process may open.
std::size_t open_file_limit();

/// Wakes a thread that waits in poll_sockets(). Poll socket() for POLLIN, and call wake() from any thread.
class wake_signal {
 public:
  /// Returns false when the process has too many open files.
  bool open();
  native_socket socket() const { return out_.get(); }
  void wake() const;
  /// Resets the signal.
  void clear() const;

 private:
  unique_socket out_{};
#ifndef _WIN32
  unique_socket in_{};
#endif
};

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/platform/detail/impl/socket.ipp>
#endif
