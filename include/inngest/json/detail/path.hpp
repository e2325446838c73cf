#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <inngest/config.hpp>

namespace inngest::inline INNGEST_ABI::detail {

/// The position of a reader in a payload, such as `data.nodes[2].position.x`. It lives on the reader's stack
/// and becomes text only when an error is reported.
class json_path {
 public:
  json_path() = default;
  explicit json_path(std::string_view root) : key_(root) {}
  json_path(const json_path& parent, std::string_view key);
  json_path(const json_path& parent, std::size_t index);

  /// The number of enclosing arrays and objects.
  std::size_t depth() const { return depth_; }

  std::string text() const;

 private:
  const json_path* parent_ = nullptr;
  std::size_t depth_ = 0;
  std::string_view key_;
  std::size_t index_ = 0;
  bool is_index_ = false;
};

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/json/detail/impl/path.ipp>
#endif
