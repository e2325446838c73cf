#pragma once

#include <cstddef>
#include <string>

#include <inngest/config.hpp>

namespace inngest::inline INNGEST_ABI::detail {

/// An empty text with room for `size` bytes, for the body of a request. A large one gets the memory of an
/// earlier body where there is some: fresh pages of the system cost more than reading the bytes into them.
std::string text_with_room(std::size_t size);

/// Keeps the memory of a text that is no longer needed, if it is worth it: 64 KB or more, and at most 32 MB
/// together.
void give_back(std::string text) noexcept;

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/detail/impl/spare_texts.ipp>
#endif
