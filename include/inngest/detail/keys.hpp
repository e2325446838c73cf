#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/error.hpp>

// Keys and other short texts as people give them: in options and in environment variables.

namespace inngest::inline INNGEST_ABI::detail {

inline constexpr std::string_view white_space = " \t\r\n\v\f";

/// Text without white space around it: what is copied or read from a file often ends with a new line.
std::string trimmed(std::string_view text);

bool has_control_characters(std::string_view text);

/// The key without white space around it. `name` says whose key it is; the error does not repeat the key.
/// An event key may have spaces in it.
/// \throws configuration_error for a key that can only be a mistake.
std::string checked_key(const std::string& name, std::string_view given, bool is_event_key = false);

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/detail/impl/keys.ipp>
#endif
