#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace inngest::detail {

/// Where in a payload a reader is, such as `data.nodes[2].position.x`. It lives on the reader's stack and
/// becomes text only when there is an error to report.
class json_path {
 public:
  json_path() = default;
  explicit json_path(std::string_view root) : key_(root) {}
  json_path(const json_path& parent, std::string_view key)
      : parent_(&parent), depth_(parent.depth_ + 1), key_(key) {}
  json_path(const json_path& parent, std::size_t index)
      : parent_(&parent), depth_(parent.depth_ + 1), index_(index), is_index_(true) {}

  /// How many arrays and objects deep it is.
  std::size_t depth() const { return depth_; }

  std::string text() const {
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

 private:
  const json_path* parent_ = nullptr;
  std::size_t depth_ = 0;
  std::string_view key_;
  std::size_t index_ = 0;
  bool is_index_ = false;
};

}  // namespace inngest::detail
