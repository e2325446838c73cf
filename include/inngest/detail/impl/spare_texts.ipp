#pragma once

#include <algorithm>
#include <array>
#include <mutex>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/detail/spare_texts.hpp>

namespace inngest::inline INNGEST_ABI::detail {

/// The texts whose memory is kept, for all threads.
struct spare_texts {
  static constexpr std::size_t smallest = 64 * 1024, largest = 8 * 1024 * 1024 + 4096;  // bytes

  std::mutex mutex;
  std::array<std::string, 4> texts;
};

INNGEST_INLINE spare_texts& all_spare_texts() {
  static spare_texts& all = *new spare_texts;  // never destroyed: threads may outlive the end of main
  return all;
}

INNGEST_INLINE std::string text_with_room(std::size_t size) {
  std::string out;
  if (size >= spare_texts::smallest) {
    spare_texts& all = all_spare_texts();
    const std::lock_guard lock(all.mutex);
    for (std::string& text : all.texts) {
      const bool is_better = out.capacity() < size || text.capacity() < out.capacity();
      if (text.capacity() >= size && is_better) std::swap(out, text);
    }
  }
  out.reserve(size);
  return out;
}

INNGEST_INLINE void give_back(std::string text) noexcept {
  if (text.capacity() < spare_texts::smallest || text.capacity() > spare_texts::largest) return;
  text.clear();
  spare_texts& all = all_spare_texts();
  const std::lock_guard lock(all.mutex);
  const auto smaller = std::min_element(
      all.texts.begin(), all.texts.end(),
      [](const std::string& a, const std::string& b) { return a.capacity() < b.capacity(); });
  if (smaller->capacity() < text.capacity()) std::swap(*smaller, text);
}

}  // namespace inngest::inline INNGEST_ABI::detail
