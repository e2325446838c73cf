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

/// How deep written JSON may be nested. Servers embed it in other documents (an event's data becomes
/// `event.data.event.data` of a lifecycle event in a call's body), which readers must still accept.
inline constexpr std::size_t max_written_depth =
    INNGEST_MAX_JSON_DEPTH > 32 ? INNGEST_MAX_JSON_DEPTH - 16 : INNGEST_MAX_JSON_DEPTH / 2;

/// \throws payload_error that names the position.
[[noreturn]] void fail_at(const json_path& at, const std::string& problem);
[[noreturn]] void fail_too_deep(const json_path& at, std::size_t limit = INNGEST_MAX_JSON_DEPTH);

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/json/detail/impl/path.ipp>
#endif
