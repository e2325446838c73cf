#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

#include <protozero/exception.hpp>
#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>

#include <inngest/config.hpp>
#include <inngest/connect/detail/message_layouts.hpp>
#include <inngest/connect/detail/messages.hpp>
#include <inngest/detail/utf8.hpp>
#include <inngest/error.hpp>

// Converts messages of Connect to and from Protocol Buffers: encode(message) and decode<message>(bytes).
// Needs protozero.

namespace inngest::inline INNGEST_ABI::connect::detail {

/// The maximum size of a decoded message: a call's body plus room for the other fields.
inline constexpr std::size_t max_message_size = INNGEST_MAX_BODY_SIZE + std::size_t{1} * 1024 * 1024;
/// The maximum size of a text field that is not raw bytes.
inline constexpr std::size_t max_text_size = std::size_t{64} * 1024;
/// The maximum number of elements of a repeated field. A server accepts 100 apps.
inline constexpr std::size_t max_elements = 10'000;

/// Bytes are not a valid message of the expected type.
class message_error : public protocol_error {
 public:
  /// The names are those of the protocol, such as "SDKResponse" and "run_id". `field` is empty if the error
  /// is not within a field.
  message_error(std::string_view message, std::string_view field, const std::string& problem)
      : protocol_error("The Connect message " + std::string(message) + " can't be read: " +
                       (field.empty() ? std::string() : std::string(field) + " ") + problem),
        message_(message),
        field_(field) {}
  /// The message, such as "SDKResponse".
  const std::string& message() const noexcept { return message_; }
  /// The field, such as "run_id"; empty if the error is not within a field.
  const std::string& field() const noexcept { return field_; }

 private:
  std::string message_;
  std::string field_;
};

template <class Value>
inline constexpr bool is_optional = false;
template <class Value>
inline constexpr bool is_optional<std::optional<Value>> = true;
template <class Value>
inline constexpr bool is_vector = false;
template <class Value>
inline constexpr bool is_vector<std::vector<Value>> = true;

/// Writes messages. Omits fields with default values, unless they are optional.
class message_writer {
 public:
  explicit message_writer(std::string& bytes) : out_(bytes) {}

  template <class Message>
  void write(const Message& message) {
    std::apply([&](const auto&... field) { (write_member(field, message.*field.member), ...); },
               layout<Message>::fields);
  }

 private:
  template <field_kind Kind, class Message, class Member>
  void write_member(const field<Kind, Message, Member>& of, const Member& member) {
    if constexpr (is_vector<Member>) {
      for (const auto& element : member) write_value<Kind>(of.number, element);
    } else if constexpr (is_optional<Member>) {
      if (member) write_value<Kind>(of.number, *member);
    } else if (member != Member{}) {
      write_value<Kind>(of.number, member);
    }
  }

  template <field_kind Kind, class Value>
  void write_value(std::uint32_t number, const Value& value) {
    if constexpr (Kind == field_kind::text || Kind == field_kind::raw) {
      out_.add_bytes(number, value.data(), value.size());
    } else if constexpr (Kind == field_kind::message) {
      std::string bytes;
      message_writer(bytes).write(value);
      out_.add_message(number, bytes);
    } else {
      write_number(number, value);
    }
  }

  template <class Value>
  void write_number(std::uint32_t number, Value value) {
    if constexpr (std::same_as<Value, bool>) {
      out_.add_bool(number, value);
    } else if constexpr (std::same_as<Value, std::uint32_t>) {
      out_.add_uint32(number, value);
    } else {
      out_.add_int64(number, static_cast<std::int64_t>(value));  // int32 is sign-extended
    }
  }

  protozero::pbf_writer out_;
};

/// Reads a message. Skips unknown fields. As Protocol Buffers specify, the last occurrence of a field wins,
/// and repeated submessages are merged.
class message_reader {
 public:
  explicit message_reader(std::string_view bytes) : in_(bytes.data(), bytes.size()) {}

  template <class Message>
  void read(Message& message) {
    message_ = layout<Message>::name;
    try {
      while (in_.next()) {
        field_ = {};
        if (!read_known(message)) in_.skip();
      }
    } catch (const protozero::exception& problem) {
      refuse(std::string("is damaged (") + problem.what() + ")");
    }
  }

 private:
  [[noreturn]] void refuse(const std::string& problem) const {
    throw message_error(message_, field_, problem);
  }

  template <class Message>
  bool read_known(Message& message) {
    return std::apply(
        [&](const auto&... field) {
          return (... || (field.number == in_.tag() && read_field(field, message.*field.member)));
        },
        layout<Message>::fields);
  }

  template <field_kind Kind, class Message, class Member>
  bool read_field(const field<Kind, Message, Member>& of, Member& member) {
    field_ = of.name;
    constexpr auto expected = Kind == field_kind::number ? protozero::pbf_wire_type::varint
                                                         : protozero::pbf_wire_type::length_delimited;
    if (in_.wire_type() != expected)
      refuse("has the wire type " + std::to_string(static_cast<int>(in_.wire_type())) + ", not " +
             std::to_string(static_cast<int>(expected)));
    if constexpr (is_vector<Member>) {
      if (member.size() == max_elements)
        refuse("has more than " + std::to_string(max_elements) + " elements");
      read_value<Kind>(member.emplace_back());
    } else if constexpr (is_optional<Member>) {
      read_value<Kind>(member ? *member : member.emplace());
    } else {
      read_value<Kind>(member);
    }
    return true;
  }

  template <field_kind Kind, class Value>
  void read_value(Value& value) {
    if constexpr (Kind == field_kind::number) {
      read_number(value);
    } else {
      const protozero::data_view view = in_.get_view();
      const std::string_view bytes(view.data(), view.size());
      if constexpr (Kind == field_kind::message) {
        message_reader(bytes).read(value);
      } else {
        if constexpr (Kind == field_kind::text) check_text(bytes);
        value.assign(bytes);
      }
    }
  }

  template <class Value>
  void read_number(Value& value) {
    if constexpr (std::same_as<Value, bool>) {
      value = in_.get_uint64() != 0;
    } else if constexpr (std::is_enum_v<Value>) {
      value = static_cast<Value>(in_.get_int32());
    } else {
      value = static_cast<Value>(in_.get_int64());
    }
  }

  void check_text(std::string_view bytes) const {
    if (bytes.size() > max_text_size)
      refuse("has " + std::to_string(bytes.size()) + " bytes, more than " + std::to_string(max_text_size));
    if (!inngest::detail::is_utf8(bytes)) refuse("is not UTF-8");
  }

  protozero::pbf_reader in_;
  std::string_view message_;
  std::string_view field_;
};

/// The bytes of a message.
template <class Message>
[[nodiscard]] std::string encode(const Message& message) {
  std::string bytes;
  message_writer(bytes).write(message);
  return bytes;
}

/// Reads a message that owns its contents.
/// \throws message_error for invalid bytes, text that is not UTF-8, and anything larger than the limits
/// above.
template <class Message>
[[nodiscard]] Message decode(std::string_view bytes) {
  if (bytes.size() > max_message_size)
    throw message_error(
        layout<Message>::name, "",
        "it has " + std::to_string(bytes.size()) + " bytes, more than " + std::to_string(max_message_size));
  Message message;
  message_reader(bytes).read(message);
  return message;
}

}  // namespace inngest::inline INNGEST_ABI::connect::detail
