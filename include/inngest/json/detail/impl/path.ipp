#pragma once

#include <inngest/config.hpp>
#include <inngest/error.hpp>
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

INNGEST_INLINE void fail_at(const json_path& at, const std::string& problem) {
  throw payload_error(at.text(), problem);
}

INNGEST_INLINE void fail_too_deep(const json_path& at, std::size_t limit) {
  fail_at(at, "nested deeper than " + std::to_string(limit) + " levels");
}

}  // namespace inngest::inline INNGEST_ABI::detail
