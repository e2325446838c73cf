#pragma once

#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <string>

#include <inngest/config.hpp>
#include <inngest/realtime/message.hpp>
#include <inngest/time/duration.hpp>

namespace inngest::inline INNGEST_ABI::realtime {

/// Receives messages. Called on the subscription's thread, one call at a time; no further message is read
/// until it returns. Exceptions are passed to subscribe_options::on_error.
using message_handler = std::function<void(const message&)>;

/// The state of a subscription.
enum class subscription_state {
  connecting,  ///< requests a token, or connects
  open,        ///< receives messages
  waiting,     ///< the connection failed, and the next attempt follows later
  stopped,     ///< has ended
};

/// Options of subscribe().
struct subscribe_options {
  /// Called for every failure, on the subscription's thread: a failed connection, an unreadable message, an
  /// exception of a callback. The subscription continues. Empty: failures are logged as warnings.
  std::function<void(const std::exception& problem)> on_error{};
  /// Called when the state changes, on the subscription's thread. The last state is `stopped`, unless a
  /// callback destroys the subscription.
  std::function<void(subscription_state state)> on_state{};
  /// The delay after the first failure. It doubles with each further failure, up to `max_backoff`, and half
  /// of it is random. Both are limited to the range from a millisecond to a year. A connection that ends
  /// within a second counts as a failure, too.
  duration_ms backoff = std::chrono::milliseconds(500);
  /// The maximum delay.
  duration_ms max_backoff = std::chrono::seconds(30);
  /// How long a connection may be silent before it counts as broken. Servers send something every 15 seconds.
  duration_ms max_silence = std::chrono::seconds(45);
  /// The maximum size of a message in bytes. A larger one ends the connection with an error.
  std::size_t max_message_size = 16 * 1024 * 1024;
};

/// Options of open_stream().
struct stream_options {
  /// The id of the run that publishes the stream, for subscribers: `ctx.run_id`.
  std::string run_id{};
  /// The maximum time without data from the server.
  duration_ms timeout = std::chrono::seconds(30);
};

}  // namespace inngest::inline INNGEST_ABI::realtime
