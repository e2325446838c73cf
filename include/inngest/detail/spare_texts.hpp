#pragma once

#include <cstddef>
#include <string>

#include <inngest/config.hpp>

namespace inngest::inline INNGEST_ABI::detail {

/// An empty text with room for `size` bytes, for a request body. A large one reuses the memory of an earlier
/// body if available: getting fresh pages from the system costs more than reading the bytes into them.
std::string text_with_room(std::size_t size);

/// The same with what the memory contained, up to `size` bytes: resizing an empty text would clear bytes that
/// are overwritten anyway. `room` is at least `size`.
std::string text_to_overwrite(std::size_t size, std::size_t room);

/// Stores the memory of an unused text for reuse, if it is 64 KB or more, and at most 32 MB in total.
void give_back(std::string text) noexcept;

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/detail/impl/spare_texts.ipp>
#endif
