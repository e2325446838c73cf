#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include <inngest/config.hpp>

namespace inngest::inline INNGEST_ABI {

/// Options of a beast_server.
struct beast_options {
  /// The address to listen on. "0.0.0.0" and "::" mean all addresses.
  std::string address = "127.0.0.1";
  /// The port to listen on; 0 means any free one.
  unsigned short port = 3000;
  /// The maximum number of open connections. Further connections are closed immediately.
  std::size_t max_connections = 10'000;
  /// The maximum size in bytes of a request's first line and header fields. Larger ones get status 431.
  std::uint32_t max_header_size = 64 * 1024;
  /// How long a connection waits for a request before it is closed. Like `timeout`, limited to the range from
  /// a millisecond to a year.
  std::chrono::milliseconds idle_timeout = std::chrono::seconds(60);
  /// The time limit for receiving a request's header fields, for a pause within its body, and for a pause in
  /// which the client reads nothing of the answer. The connection is closed after that. A call may take
  /// longer.
  std::chrono::milliseconds timeout = std::chrono::seconds(30);
};

}  // namespace inngest::inline INNGEST_ABI
