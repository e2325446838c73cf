#pragma once

#include <utility>

#include <inngest/config.hpp>
#include <inngest/json/bytes.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE std::string read_base64(json_value& value, const json_path& at) {
  expect(value, json_type::string, at, "string");
  auto bytes = from_base64(take(value.get_string(), at));
  if (!bytes) fail_at(at, "expected base64 with padding, found other text");
  return std::move(*bytes);
}

INNGEST_INLINE void fail_byte_count(const json_path& at, std::size_t expected, std::size_t found) {
  fail_at(at, "expected " + std::to_string(expected) + " bytes, found " + std::to_string(found));
}

}  // namespace inngest::inline INNGEST_ABI::detail
