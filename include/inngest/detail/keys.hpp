#pragma once

#include <string>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/error.hpp>

// Keys and other short texts in options and environment variables.

namespace inngest::inline INNGEST_ABI::detail {

/// Removes surrounding white space: copied texts and texts from files often end with a new line.
std::string trimmed(std::string_view text);

bool has_control_characters(std::string_view text);

/// The key without surrounding white space. `name` names the key in errors, which never contain the key
/// itself. An event key may contain spaces. \throws configuration_error for an obviously invalid key.
std::string checked_key(const std::string& name, std::string_view given, bool is_event_key = false);

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/detail/impl/keys.ipp>
#endif
