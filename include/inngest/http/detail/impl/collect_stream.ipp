#pragma once

#include <string_view>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/http/detail/collect_stream.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE void collect_stream(http::response& answer) {
  const auto stream = std::exchange(answer.stream, nullptr);
  if (!stream) return;
  answer.body.clear();
  stream([&](std::string_view piece) {
    answer.body += piece;
    return true;
  });
}

}  // namespace inngest::inline INNGEST_ABI::detail
