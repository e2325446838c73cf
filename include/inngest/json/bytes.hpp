#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/base64.hpp>
#include <inngest/json/detail/codec.hpp>

// Bytes are an array of numbers in JSON unless they are declared as base64.

namespace inngest::inline INNGEST_ABI {
namespace detail {

template <class T>
inline constexpr bool is_byte =
    std::is_same_v<T, char> || std::is_same_v<T, signed char> || std::is_same_v<T, unsigned char> ||
    std::is_same_v<T, char8_t> || std::is_same_v<T, std::byte>;

/// A contiguous range of bytes: std::vector<std::byte>, std::string, std::span<const unsigned char>, ...
template <class T>
concept byte_range = range_like<T> && is_byte<std::remove_cv_t<typename T::value_type>> &&
    requires(const T& range) {
  range.data();
  range.size();
};

/// Reads a base64 text.
/// \throws payload_error for any other text.
std::string read_base64(json_value& value, const json_path& at);
[[noreturn]] void fail_byte_count(const json_path& at, std::size_t expected, std::size_t found);

template <byte_range Bytes>
Bytes bytes_of(std::string_view read, const json_path& at) {
  constexpr bool owns =
      is_fixed_array<Bytes> || std::is_constructible_v<Bytes, std::size_t, typename Bytes::value_type>;
  static_assert(owns,
                "inngest: bytes can only be read into a type that owns them: use std::vector<std::byte>");
  Bytes out{};
  if constexpr (is_fixed_array<Bytes>) {
    if (read.size() != out.size()) fail_byte_count(at, out.size(), read.size());
  } else {
    out.resize(read.size());
  }
  std::transform(read.begin(), read.end(), out.begin(),
                 [](char c) { return static_cast<typename Bytes::value_type>(c); });
  return out;
}

template <byte_range Bytes>
void write_base64(std::string& out, const Bytes& bytes) {
  out += '"';
  out += to_base64({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  out += '"';
}

template <class T>
struct without_optional {
  using type = T;
};
template <class T>
struct without_optional<std::optional<T>> {
  using type = T;
};

/// The form of a member of bytes.
struct base64_form {
  template <class Member>
  using shape_type = std::string;
  template <class Member>
  static consteval bool fits() {
    return byte_range<typename without_optional<Member>::type>;
  }
  template <class Member>
  static std::string expected() {
    return "string";
  }
  template <class Member>
  static Member read(json_value& value, const json_path& at) {
    if constexpr (is_optional<Member>) {
      if (is_null(value, at)) return std::nullopt;
    }
    return bytes_of<typename without_optional<Member>::type>(read_base64(value, at), at);
  }
  template <class Member>
  static void write(std::string& out, const Member& value, const json_path&) {
    if constexpr (is_optional<Member>)
      write_base64(out, *value);  // an empty optional is not written at all
    else
      write_base64(out, value);
  }
};

}  // namespace detail

/// In INNGEST_FIELDS: the member's bytes are base64 text (RFC 4648, with padding) instead of an array of
/// numbers. The member is a std::vector, std::array or std::string of bytes, or a std::optional of one.
///
///     struct Upload { std::string name; std::vector<std::byte> content; };
///     INNGEST_FIELDS(Upload, name, (content, inngest::as_base64))
inline constexpr detail::base64_form as_base64{};

/// Bytes as base64 text where there is no member, such as a step's result or argument, or an element. A
/// std::span can be written, and is read as a std::vector.
///
///     ctx.step.run("render", [&] { return inngest::base64{render(page)}; }).bytes
template <class Bytes = std::vector<std::byte>>
struct base64 {
  /// The bytes.
  Bytes bytes{};
  /// Whether the bytes are equal.
  bool operator==(const base64&) const = default;
};
template <class Bytes>
base64(Bytes) -> base64<Bytes>;

namespace detail {

template <byte_range Bytes>
struct own_codec<base64<Bytes>> {
  using shape_type = std::string;
  static constexpr const char* expected = "string";
  static constexpr unsigned types = json_types::string;

  static base64<Bytes> read(json_value& value, const json_path& at) {
    return {bytes_of<Bytes>(read_base64(value, at), at)};
  }
  static void write(std::string& out, const base64<Bytes>& value, const json_path&) {
    write_base64(out, value.bytes);
  }
};

template <class Byte, std::size_t Extent>
struct owning_form<base64<std::span<Byte, Extent>>> {
  using type = base64<std::vector<std::remove_cv_t<Byte>>>;
};

}  // namespace detail
}  // namespace inngest::inline INNGEST_ABI

#if !defined(INNGEST_COMPILED)
#include <inngest/json/impl/bytes.ipp>
#endif
