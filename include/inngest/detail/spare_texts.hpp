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

/// Stores the memory of an unused text for reuse, if it is 64 KB to 32 MB, and at most 128 MB in total: a
/// server reads the bodies of all its clients at once, and so needs as many again. Ignores a text beyond the
/// number of those that the functions above have made, because nobody would ask for it.
void give_back(std::string text) noexcept;

/// Frees what is stored. A thread_pool does so when there was no work for one of its threads for a while.
void free_spare_texts() noexcept;

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/detail/impl/spare_texts.ipp>
#endif
