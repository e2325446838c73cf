#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/copyable.hpp>
#include <inngest/fwd.hpp>
#include <inngest/json.hpp>
#include <inngest/realtime/message.hpp>
#include <inngest/realtime/options.hpp>
#include <inngest/time/duration.hpp>
#include <inngest/topic.hpp>

/// Receives and publishes messages of channels, with an embedded engine or an Inngest server.
namespace inngest::inline INNGEST_ABI::realtime {

class subscription_body;
class stream_body;

/// A subscription. It ends when it is destroyed or stopped. Thread-safe, except for moving.
class subscription {
 public:
  /// Constructs a subscription that has already ended.
  subscription();
  /// Used by subscribe().
  explicit subscription(std::shared_ptr<subscription_body> body);
  /// Moves the subscription; `other` is then a subscription that has ended.
  subscription(subscription&& other) noexcept;
  /// Ends this subscription and takes over the other one.
  subscription& operator=(subscription&& other) noexcept;
  /// Calls stop(). If one of its own callbacks destroys it, it ends after that callback: no callback is
  /// called after that, and what that callback throws is dropped.
  ~subscription();

  /// Ends the subscription and waits until a running callback has returned; no callback is called after that.
  /// A call from a callback does not wait: `on_error` may be called after that callback, and `on_state` is
  /// told `stopped`. If a connection attempt is pending, it takes up to five seconds.
  void stop();

  /// The current state.
  subscription_state state() const;

  /// Waits until the subscription receives messages: everything published after that arrives. Returns false
  /// if the timeout passes or the subscription ends first.
  bool wait_until_open(duration_ms timeout) const;

 private:
  std::shared_ptr<subscription_body> body_;
};

/// Receives the messages that are published to topics of a channel:
///
///     auto watching = inngest::realtime::subscribe(app, "import:7", {"progress", "log"},
///                                                  [](const inngest::realtime::message& m) { ... });
///
/// It returns immediately and connects on its own thread, over server-sent events, with a token that it
/// requests with the signing key. When the connection ends (servers end it after 15 minutes) it reconnects
/// with a new token, with growing delays between failed attempts. Messages published while it is disconnected
/// are lost, without notice. A server disconnects a subscriber that is too slow. Works with any server, and
/// with the client of an embedded engine.
/// \throws payload_error for a blank channel or topic; configuration_error when there is no topic.
[[nodiscard]] subscription subscribe(const client& app, const std::string& channel,
                                     const std::vector<std::string>& topics, message_handler on_message,
                                     subscribe_options options = {});

/// Requests a token for a browser, or for another program without the signing key. For one minute, its owner
/// may connect to `GET /v1/realtime/sse?token=` and receive the messages of these topics.
/// \throws payload_error for a blank channel or topic; unauthorized, request_rejected, unreachable.
[[nodiscard]] std::string token(const client& app, const std::string& channel,
                                const std::vector<std::string>& topics);

/// Like token() above, for all topics of a typed channel.
template <channel_type Channel>
[[nodiscard]] std::string token(const client& app, const Channel& channel) {
  return token(app, channel.name(), Channel::topics());
}

// ---- handlers by topic --------------------------------------------------------------------------------

/// A handler for the messages of one topic: see on() and on_stream().
template <topic_type Topic, bool IsForStreams, class Handler>
struct topic_handler {
  Handler handler;  ///< the callable

  /// Calls the handler if the message belongs to its topic.
  void operator()(const message& received) const {
    if (received.topic != Topic::name) return;
    if constexpr (IsForStreams) {
      const bool is_of_stream = !received.stream_id.empty();
      if (is_of_stream) handler(received);
    } else if (received.kind == message_kind::data) {
      using data_type = typename Topic::data_type;
      if constexpr (std::is_invocable_v<const Handler&, data_type, const message&>)
        handler(received.template data<data_type>(), received);
      else
        handler(received.template data<data_type>());
    }
  }
};

/// Makes a handler that is called with the data of each message of the topic, as the topic's type. If the
/// handler takes two arguments, the second is the whole message.
template <topic_type Topic, class Handler>
[[nodiscard]] auto on(Handler handler) {
  using data_type = typename Topic::data_type;
  static_assert(json_convertible<data_type>,
                "inngest: to receive a topic's messages, their type must be readable");
  static_assert(std::is_invocable_v<const Handler&, data_type> ||
                    std::is_invocable_v<const Handler&, data_type, const message&>,
                "inngest: the handler of a topic takes its data: on<Topic>([](const Data& data) { ... })");
  return topic_handler<Topic, false, Handler>{std::move(handler)};
}

/// Makes a handler that is called with the start, the pieces and the end of each stream of the topic, as
/// messages.
template <topic_type Topic, class Handler>
[[nodiscard]] auto on_stream(Handler handler) {
  static_assert(
      std::is_invocable_v<const Handler&, const message&>,
      "inngest: the handler of a stream takes messages: on_stream<Topic>([](const message& m) { ... })");
  return topic_handler<Topic, true, Handler>{std::move(handler)};
}

/// Receives the messages of a typed channel. It subscribes to the topics of the handlers:
///
///     auto watching = inngest::realtime::subscribe(
///         app, Import{7}, inngest::realtime::on<ImportProgress>([](const Progress& p) { show(p.percent); }),
///         inngest::realtime::on<ImportLog>([](const std::string& line) { show(line); }));
///
/// See the other subscribe().
template <channel_type Channel, topic_type... Topics, bool... AreForStreams, class... Handlers>
[[nodiscard]] subscription subscribe(const client& app, const Channel& channel, subscribe_options options,
                                     topic_handler<Topics, AreForStreams, Handlers>... handlers) {
  static_assert((Channel::template has<Topics> && ...),
                "inngest: this inngest::channel does not have the topic");
  return subscribe(app, channel.name(), {std::string(Topics::name)...},
                   detail::copyable([... handlers = std::move(handlers)](const message& received) {
                     (handlers(received), ...);
                   }),
                   std::move(options));
}
/// Like subscribe() above, with the default options.
template <channel_type Channel, topic_type... Topics, bool... AreForStreams, class... Handlers>
[[nodiscard]] subscription subscribe(const client& app, const Channel& channel,
                                     topic_handler<Topics, AreForStreams, Handlers>... handlers) {
  return subscribe(app, channel, subscribe_options{}, std::move(handlers)...);
}

// ---- streams ------------------------------------------------------------------------------------------

/// Publishes a text in pieces, such as a model's answer while it is generated. Subscribers receive a message
/// at the start, the pieces, and a message at the end. Not thread-safe.
class stream_writer {
 public:
  /// Used by open_stream().
  explicit stream_writer(std::shared_ptr<stream_body> body);
  /// Moves the writer; `other` must not be used afterwards.
  stream_writer(stream_writer&& other) noexcept;
  /// Ends this writer's stream and takes over the other one.
  stream_writer& operator=(stream_writer&& other) noexcept;
  /// Ends the stream. Call close() instead to learn about failures.
  ~stream_writer();

  /// Publishes a piece of the text, in UTF-8, without waiting for the server. A character may be split
  /// between two pieces. A stream is limited to 1,000 pieces of 1 KB; a longer piece counts as several.
  /// \throws too_large beyond that limit; payload_error for text that is not UTF-8; unauthorized,
  /// request_rejected, unreachable when the server has refused the stream or is gone.
  void write(std::string_view piece);

  /// Ends the stream and waits until the server has received all of it.
  /// \throws what write() throws.
  void close();

 private:
  std::shared_ptr<stream_body> body_;
};

/// Opens a stream on a topic of a channel. It connects in the background. In a function, call it in a step's
/// body: otherwise each replay publishes the text again.
/// \throws payload_error for a blank channel or topic.
[[nodiscard]] stream_writer open_stream(const client& app, const std::string& channel,
                                        const std::string& topic, stream_options options = {});
/// Like open_stream() above, with the topic as a type: `open_stream<Tokens>(app, Chat{id})`.
template <topic_type Topic>
[[nodiscard]] stream_writer open_stream(const client& app, const std::string& channel,
                                        stream_options options = {}) {
  return open_stream(app, channel, std::string(Topic::name), std::move(options));
}
/// Like open_stream() above, for a typed channel, which must have the topic.
template <topic_type Topic, channel_type Channel>
[[nodiscard]] stream_writer open_stream(const client& app, const Channel& channel,
                                        stream_options options = {}) {
  static_assert(Channel::template has<Topic>, "inngest: this inngest::channel does not have the topic");
  return open_stream(app, channel.name(), std::string(Topic::name), std::move(options));
}

}  // namespace inngest::inline INNGEST_ABI::realtime

#if !defined(INNGEST_COMPILED)
#include <inngest/impl/realtime.ipp>
#endif
