#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <random>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/detail/hex.hpp>
#include <inngest/detail/sha1.hpp>
#include <inngest/embedded/detail/registered_names.hpp>

namespace inngest::inline INNGEST_ABI::embedded::names {

using uuid_bytes = std::array<std::uint8_t, 16>;

/// The text of a UUID, whose bytes get the version and the variant of RFC 9562.
INNGEST_INLINE std::string uuid_text(uuid_bytes bytes, std::uint8_t version) {
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0f) | version << 4);
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3f) | 0x80);
  std::string out = detail::to_hex(bytes);
  for (const std::size_t place : {20U, 16U, 12U, 8U}) out.insert(place, 1, '-');
  return out;
}

/// The UUID of a name: version 5, in the namespace of object identifiers, which servers use.
INNGEST_INLINE std::string uuid_of_name(std::string_view name) {
  std::string text("\x6b\xa7\xb8\x12\x9d\xad\x11\xd1\x80\xb4\x00\xc0\x4f\xd4\x30\xc8", 16);
  text += name;
  const detail::sha1_digest digest = detail::sha1::of(text);
  uuid_bytes bytes{};
  std::copy_n(digest.begin(), bytes.size(), bytes.begin());
  return uuid_text(bytes, 5);
}

}  // namespace inngest::inline INNGEST_ABI::embedded::names

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE const json& registered_member(const json& object, std::string_view name) {
  static const json none;
  if (!object.is_object()) return none;
  const auto exact = object.find(name);
  if (exact != object.end() && !exact->is_null()) return *exact;
  for (auto item = object.begin(); item != object.end(); ++item) {
    if (!item->is_null() && detail::same_word(item.key(), name)) return *item;
  }
  return none;
}

INNGEST_INLINE std::string function_uuid(std::string_view slug) { return names::uuid_of_name(slug); }

INNGEST_INLINE std::string app_uuid(std::string_view app_id) { return names::uuid_of_name(app_id); }

INNGEST_INLINE std::string random_uuid() {
  static thread_local std::mt19937_64 source{std::random_device()()};
  names::uuid_bytes bytes{};
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(source() & 0xff);
  return names::uuid_text(bytes, 4);
}

INNGEST_INLINE bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (is_dash ? text[i] != '-' : detail::hex_digit(text[i]) < 0) return false;
  }
  return true;
}

INNGEST_INLINE std::string slug_of_name(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == '&') {
      out += "and";
    } else if (c == '@') {
      out += "at";
    } else if (detail::is_letter_or_digit(c) || c == '_') {
      out += detail::to_lower(c);
    } else if (!out.ends_with('-')) {
      out += '-';
    }
  }
  const std::size_t begin = out.find_first_not_of("-_"), end = out.find_last_not_of("-_");
  return begin == std::string::npos ? std::string() : out.substr(begin, end - begin + 1);
}

}  // namespace inngest::inline INNGEST_ABI::embedded
