#pragma once

#include <atomic>
#include <condition_variable>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <inngest/client.hpp>
#include <inngest/config.hpp>
#include <inngest/http/streaming.hpp>
#include <inngest/realtime/options.hpp>
#include <inngest/stop_token.hpp>

namespace inngest::inline INNGEST_ABI::realtime {

/// The thread of a subscription: it requests a token, connects, and reads messages until it is stopped.
class subscription_body : public std::enable_shared_from_this<subscription_body> {
 public:
  subscription_body(client app, std::string channel, std::vector<std::string> topics,
                    message_handler on_message, subscribe_options options);

  void start();
  void stop();
  /// Called by the handle's destructor, possibly inside a callback.
  void end();
  subscription_state state() const;
  bool wait_until_open(duration_ms timeout) const;

 private:
  struct open_stream {
    std::string channel{};
    std::string topic{};
  };

  static subscribe_options limited(subscribe_options options);

  void run();

  /// Connects and reads until the connection ends. Returns whether it ended without an error after a time
  /// that permits to reconnect at once.
  bool connect_once();

  std::string fetch_token() const;

  /// Sends a request with a signing key; stop() can interrupt it. `first` selects the key.
  http::response ask(http::request request, bool first) const;

  void receive(std::string_view data);

  /// Completes a message, and returns whether it belongs to the subscription. Pieces of a stream name only
  /// the stream.
  bool place(message& received);

  void pause(duration_ms time);

  void enter(subscription_state next);

  void report(const std::exception& problem) const;

  bool is_stopping() const { return stop_.stop_requested(); }

  const client app_;
  const std::string channel_;
  const std::vector<std::string> topics_;
  const message_handler on_message_;
  const subscribe_options options_;
  stop_source stop_;

  // used only by the thread
  std::map<std::string, open_stream, std::less<>> streams_;  // by id
  bool is_closing_ = false;                                  // the server will close connections
  bool was_open_ = false;
  bool has_lasted_ = false;    // the connection was open, and longer than a moment
  bool is_abandoned_ = false;  // a callback destroyed the handle: no function of the user may be called

  mutable std::mutex mutex_;  // guards state_
  mutable std::condition_variable changed_;
  subscription_state state_ = subscription_state::connecting;

  std::mutex join_;  // guards thread_
  std::thread thread_;
  std::atomic<std::thread::id> id_{};  // of thread_, set by the thread itself
};

}  // namespace inngest::inline INNGEST_ABI::realtime

#if !defined(INNGEST_COMPILED)
#include <inngest/realtime/detail/impl/subscription_body.ipp>
#endif
