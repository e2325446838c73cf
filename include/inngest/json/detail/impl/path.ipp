#pragma once

#include <inngest/config.hpp>
#include <inngest/json/detail/path.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE json_path::json_path(const json_path& parent, std::string_view key)
    : parent_(&parent), depth_(parent.depth_ + 1), key_(key) {}

INNGEST_INLINE json_path::json_path(const json_path& parent, std::size_t index)
    : parent_(&parent), depth_(parent.depth_ + 1), index_(index), is_index_(true) {}

INNGEST_INLINE std::string json_path::text() const {
  std::string out = parent_ ? parent_->text() : std::string();
  if (is_index_) {
    out += '[';
    out += std::to_string(index_);
    out += ']';
  } else if (!key_.empty()) {
    if (!out.empty()) out += '.';
    out += key_;
  }
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::detail
