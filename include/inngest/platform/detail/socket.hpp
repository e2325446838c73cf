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

#include <inngest/config.hpp>
#include <inngest/platform/detail/windows.hpp>

// What POSIX sockets and Windows sockets call by different names. The calls that both have are used directly.

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

/// To be called before any other call. Windows needs it.
void start_sockets();

void close_socket(native_socket socket);

/// A socket that is closed at its end.
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

/// The reason of the call that just failed.
std::error_code last_socket_error();

/// Whether the same call may succeed later.
bool may_succeed_later(const std::error_code& problem);

bool is_address_in_use(const std::error_code& problem);

/// Whether there are too many sockets, or too little memory for another one.
bool is_out_of_sockets(const std::error_code& problem);

/// What getaddrinfo() returned, in words.
std::string name_problem(int problem);

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
void set_nonblocking(native_socket socket);

/// Waits until one of them is ready, up to so many milliseconds. Entries of no_socket are ignored.
int poll_sockets(pollfd* all, std::size_t count, int milliseconds);

/// How many bytes have come; 0 at the end, -1 when it failed.
std::ptrdiff_t receive_some(native_socket socket, char* out, std::size_t size);

/// How many bytes were taken; -1 when it failed. A peer that has gone is an error, not a signal.
std::ptrdiff_t send_some(native_socket socket, const char* bytes, std::size_t size);

/// As MSG_NOSIGNAL, for systems that have an option of the socket instead.
void refuse_signals([[maybe_unused]] native_socket socket);

/// How many files and sockets the process may have open.
std::size_t open_file_limit();

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

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/platform/detail/impl/socket.ipp>
#endif
