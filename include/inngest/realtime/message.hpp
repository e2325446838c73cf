#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/detail/enumeration.hpp>
#include <inngest/json.hpp>
#include <inngest/time/timestamp.hpp>

namespace inngest::inline INNGEST_ABI::realtime {

/// The kind of a message.
enum class message_kind {
  data,          ///< a message that was published
  stream_start,  ///< a stream of pieces begins; message::stream_id names it
  chunk,         ///< a piece of the stream message::stream_id, in the order in which it was written
  stream_end,    ///< the stream message::stream_id is complete
  run,           ///< the result of a run
  step,          ///< the result of a step
  event,         ///< an event
  raw,           ///< bytes passed through to the topic "$stream", without a message around them
};

}  // namespace inngest::inline INNGEST_ABI::realtime

namespace inngest::inline INNGEST_ABI::detail {

/// Their names in the protocol.
template <>
inline constexpr auto enumerators<realtime::message_kind> =
    std::to_array<enumerator<realtime::message_kind>>({
        {realtime::message_kind::data, "data"},
        {realtime::message_kind::stream_start, "datastream-start"},
        {realtime::message_kind::chunk, "chunk"},
        {realtime::message_kind::stream_end, "datastream-end"},
        {realtime::message_kind::run, "run"},
        {realtime::message_kind::step, "step"},
        {realtime::message_kind::event, "event"},
        {realtime::message_kind::raw, "raw"},
    });

}  // namespace inngest::inline INNGEST_ABI::detail

namespace inngest::inline INNGEST_ABI::realtime {

/// The kind's name in the protocol, such as "datastream-start".
constexpr std::string_view to_string(message_kind kind) { return detail::name_of(kind); }

/// A message of a channel.
struct message {
  /// The kind.
  message_kind kind = message_kind::data;
  /// The channel that it was published to.
  std::string channel{};
  /// The topic that it was published to.
  std::string topic{};
  /// The data as JSON text. For a chunk, a JSON string; for a raw message, the bytes themselves.
  std::string text{};
  /// The id of the run that published it; empty when the publisher named none.
  std::string run_id{};
  /// The id of its stream; empty unless the message is the start, a piece or the end of a stream.
  std::string stream_id{};
  /// When the server received it; `nullopt` for chunks and raw messages.
  std::optional<timestamp> created_at{};

  /// The data as the type.
  /// \throws payload_error when it does not fit.
  template <json_convertible T>
  T data() const {
    return decode<T>(text, "the message of topic \"" + topic + "\"");
  }
};

}  // namespace inngest::inline INNGEST_ABI::realtime

namespace inngest::inline INNGEST_ABI::detail {

/// Reads a message of the protocol; `nullopt` for internal kinds such as "ping".
/// \throws payload_error when it is not a message.
std::optional<realtime::message> read_message(std::string_view text);

/// Whether the text is the message with which a server announces that it will close connections.
bool is_closing_message(std::string_view text);

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/realtime/impl/message.ipp>
#endif
