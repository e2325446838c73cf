#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/realtime_tokens.hpp>
#include <inngest/http/streaming.hpp>
#include <inngest/realtime/message.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// The maximum number of events waiting for a subscriber. Above it, the subscriber loses its connection and
/// has to reconnect. So a slow subscriber neither delays a publisher nor uses much memory.
inline constexpr std::size_t max_waiting_events = 1000;
inline constexpr std::size_t max_waiting_bytes = 8 * 1024 * 1024;

/// Receives server-sent events. Its functions must be fast, must not throw, and must not call the hub.
class realtime_subscriber {
 public:
  virtual ~realtime_subscriber() = default;
  /// Receives an event in the form in which it is sent. Returns false when it accepts no more; the hub then
  /// drops it.
  virtual bool take(const std::string& event) = 0;
  /// The hub has ended: no more events follow.
  virtual void end() = 0;
};

/// Distributes an engine's messages to its subscribers. It outlives the engine while a subscriber still uses
/// it. Thread-safe.
class realtime_hub {
 public:
  using system_time = std::function<std::chrono::system_clock::time_point()>;

  /// `now` replaces the system clock; empty: the system clock.
  explicit realtime_hub(system_time now = {});

  std::string make_token(const std::vector<realtime_topic>& topics) const;
  std::optional<std::vector<realtime_topic>> read_token(std::string_view token) const;

  /// Sends the messages of the topics to the subscriber from now on. Returns a number for unsubscribe().
  /// \throws unreachable when the hub has ended.
  std::uint64_t subscribe(const std::vector<realtime_topic>& topics,
                          std::shared_ptr<realtime_subscriber> subscriber);
  void unsubscribe(std::uint64_t number);

  /// Sends a message to the subscribers of its topic. `created_at` is set if it is absent.
  void publish(realtime::message message);
  /// Sends bytes unchanged to the subscribers of the channel's topic "$stream".
  void pass(const std::string& channel, std::string_view bytes);

  /// Ends all subscriptions, and rejects new ones.
  void end();

  /// Answers `GET /v1/realtime/sse` on this thread, until `handlers` or the hub end it. For in-process
  /// clients.
  /// \throws unreachable when the subscriber is too slow, or the hub has ended.
  void stream(std::string_view token, const http::streaming& handlers);

  std::size_t subscribers() const;

 private:
  struct subscription {
    std::shared_ptr<realtime_subscriber> subscriber{};
    std::vector<realtime_topic> topics{};
  };

  void send(const realtime_topic& topic, const std::string& event);

  void forget(std::uint64_t number);

  std::chrono::system_clock::time_point now() const;

  const system_time now_;
  const realtime_tokens tokens_;
  mutable std::mutex mutex_;  // guards the members below
  std::map<std::uint64_t, subscription> subscriptions_;
  std::map<realtime_topic, std::vector<std::uint64_t>> by_topic_;
  std::uint64_t last_ = 0;
  bool has_ended_ = false;
};

/// A message as a server-sent event.
std::string event_of(const realtime::message& message);

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/realtime_hub.ipp>
#endif
