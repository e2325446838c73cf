#pragma once

#include <cstddef>
#include <string_view>

#include <inngest/config.hpp>

namespace inngest::inline INNGEST_ABI::detail {

/// Whether the text is valid UTF-8.
bool is_utf8(std::string_view text);

/// The number of bytes of an incomplete UTF-8 character at the end of a text; 0 to 3.
std::size_t incomplete_utf8_at_end(std::string_view text);

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/detail/impl/utf8.ipp>
#endif
