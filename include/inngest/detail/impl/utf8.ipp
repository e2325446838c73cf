#pragma once

#include <string_view>

#include <inngest/config.hpp>
#include <inngest/detail/utf8.hpp>
#include <inngest/json/detail/simdjson.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE bool is_utf8(std::string_view text) {
  return simdjson::validate_utf8(text.data(), text.size());
}

}  // namespace inngest::inline INNGEST_ABI::detail
