#pragma once

#include <algorithm>
#include <mutex>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/spare_texts.hpp>

namespace inngest::inline INNGEST_ABI::detail {

/// The texts whose memory is stored for reuse, by all threads.
struct spare_texts {
  static constexpr std::size_t smallest = 64 * 1024, largest = 32 * 1024 * 1024;  // bytes of a text
  static constexpr std::size_t most = 128 * 1024 * 1024;                          // bytes of all

  std::mutex mutex{};
  std::vector<std::string> texts{};  // in the order of their capacity
  std::size_t size = 0;              // bytes of all
  std::size_t lent = 0;              // texts that may come back; some never do

  spare_texts() { texts.reserve(most / smallest + 1); }

  auto first_with(std::size_t capacity) {
    return std::partition_point(texts.begin(), texts.end(),
                                [&](const std::string& text) { return text.capacity() < capacity; });
  }
  std::string take(std::vector<std::string>::iterator at) {
    std::string out = std::move(*at);
    size -= out.capacity();
    texts.erase(at);
    return out;
  }
};

INNGEST_INLINE spare_texts& all_spare_texts() {
  static spare_texts& all = *new spare_texts;  // never destroyed: threads may outlive main()
  return all;
}

/// A stored text with the contents that it had, or a new one.
INNGEST_INLINE std::string spare_text(std::size_t capacity) {
  if (capacity < spare_texts::smallest) return {};
  spare_texts& all = all_spare_texts();
  const std::lock_guard lock(all.mutex);
  ++all.lent;
  const auto found = all.first_with(capacity);
  return found == all.texts.end() ? std::string() : all.take(found);
}

INNGEST_INLINE std::string text_with_room(std::size_t size) {
  std::string out = spare_text(size);
  out.clear();
  out.reserve(size);
  return out;
}

INNGEST_INLINE std::string text_to_overwrite(std::size_t size, std::size_t room) {
  std::string out = spare_text(room);
  out.resize((std::min)(out.size(), size));
  out.reserve(room);
  return out;
}

INNGEST_INLINE void give_back(std::string text) noexcept {
  if (text.capacity() < spare_texts::smallest || text.capacity() > spare_texts::largest) return;
  spare_texts& all = all_spare_texts();
  const std::lock_guard lock(all.mutex);
  if (all.lent == 0) return;  // it was not lent, and nobody will ask for it
  --all.lent;
  all.size += text.capacity();
  all.texts.insert(all.first_with(text.capacity()), std::move(text));  // does not allocate
  while (all.size > spare_texts::most) all.take(all.texts.begin());
}

INNGEST_INLINE void free_spare_texts() noexcept {
  spare_texts& all = all_spare_texts();
  const std::lock_guard lock(all.mutex);
  all.texts.clear();  // keeps its own memory, so that give_back() does not allocate
  all.size = 0;
}

}  // namespace inngest::inline INNGEST_ABI::detail
