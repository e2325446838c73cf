#pragma once

#include <algorithm>
#include <bit>
#include <cstring>

#include <inngest/config.hpp>
#include <inngest/json/detail/members.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE bool duplicate_search::run() {
  while (skip_to('"', '{', '}')) {
    const char found = *at_++;
    if (found == '{') {
      open_.push_back({names_.size(), true});
    } else if (found == '}') {
      if (!open_.empty() && close()) return true;
    } else if (!open_.empty()) {
      const char* const begin = at_;
      const bool escaped = skip_string();
      const std::string_view raw(begin, static_cast<std::size_t>(at_ - begin));
      if (at_ != end_) ++at_;
      if (is_name()) add(raw, escaped);
    } else {
      skip_string();
      if (at_ != end_) ++at_;
    }
  }
  while (!open_.empty()) {  // unclosed objects
    if (close()) return true;
  }
  return false;
}

INNGEST_INLINE bool duplicate_search::skip_to(char a, char b, char c) {
  if constexpr (std::endian::native == std::endian::little) {
    for (; end_ - at_ >= 8; at_ += 8) {
      std::uint64_t bytes;
      std::memcpy(&bytes, at_, sizeof bytes);
      const std::uint64_t hits = places_of(a, bytes) | places_of(b, bytes) | places_of(c, bytes);
      if (hits == 0) continue;
      at_ += std::countr_zero(hits) / 8;
      return true;
    }
  }
  for (; at_ != end_; ++at_) {
    if (*at_ == a || *at_ == b || *at_ == c) return true;
  }
  return false;
}

INNGEST_INLINE std::uint64_t duplicate_search::places_of(char c, std::uint64_t bytes) {
  constexpr std::uint64_t ones = 0x0101010101010101;
  const std::uint64_t zero_where_equal = bytes ^ (ones * static_cast<unsigned char>(c));
  return (zero_where_equal - ones) & ~zero_where_equal & (ones << 7);
}

INNGEST_INLINE bool duplicate_search::skip_string() {
  bool escaped = false;
  while (skip_to('"', '\\', '"') && *at_ == '\\') {
    escaped = true;
    at_ += end_ - at_ > 1 ? 2 : 1;
  }
  return escaped;
}

INNGEST_INLINE bool duplicate_search::is_name() {
  while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
  return at_ != end_ && *at_ == ':';
}

INNGEST_INLINE void duplicate_search::add(std::string_view raw, bool escaped) {
  std::string_view name = raw;
  if (escaped) {
    std::string& plain = unescaped_.emplace_back();
    unescape(plain, raw);
    name = plain;
  }
  object& self = open_.back();
  if (names_.size() > self.first && name <= names_.back()) self.ascending = false;
  names_.push_back(name);
}

INNGEST_INLINE bool duplicate_search::close() {
  const object self = open_.back();
  open_.pop_back();
  const auto first = names_.begin() + static_cast<std::ptrdiff_t>(self.first);
  if (!self.ascending) {
    std::sort(first, names_.end());
    if (std::adjacent_find(first, names_.end()) != names_.end()) return true;
  }
  names_.erase(first, names_.end());
  return false;
}

}  // namespace inngest::inline INNGEST_ABI::detail
