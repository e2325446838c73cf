#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/connect/detail/messages.hpp>
#include <inngest/connect/worker_options.hpp>
#include <inngest/log.hpp>

// The actions that a session requests. They are executed in order.

namespace inngest::inline INNGEST_ABI::connect::detail {

/// A number that a session assigns to each connection that it requests.
using connection_number = std::uint64_t;

/// Ask the server for a gateway, and connect to it. Reported by session::opened() or session::dial_failed().
struct dial {
  connection_number connection;
  std::vector<std::string> excluded_groups;
};

/// Send a frame. A failure is reported by session::lost().
struct send_frame {
  connection_number connection;
  std::string bytes;
  /// The request that the frame acknowledges, or empty. session::acknowledged() reports that it was sent.
  std::string acknowledged{};
};

/// Close a connection, or abort an attempt to connect. Nothing more is reported about it.
struct close_connection {
  connection_number connection;
  std::uint16_t code;
  std::string reason;
  /// Whether the peer should first receive everything already sent.
  bool is_orderly;
};

/// Run a call. Reported by session::finished().
struct run_call {
  executor_request request;
};

/// Ask a call to stop.
struct stop_call {
  std::string request_id;
  bool is_shutdown;  ///< false: the call's lease was lost
};

/// Send a reply over HTTP. Reported by session::flushed().
struct flush_reply {
  std::string request_id;
  std::string bytes;
};

struct show_state {
  worker_state state;
};

struct write_log {
  log_level level;
  std::string text;
};

using effect =
    std::variant<dial, send_frame, close_connection, run_call, stop_call, flush_reply, show_state, write_log>;
using effects = std::vector<effect>;

}  // namespace inngest::inline INNGEST_ABI::connect::detail
