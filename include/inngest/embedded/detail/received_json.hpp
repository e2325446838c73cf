#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/error.hpp>
#include <inngest/json.hpp>
#include <inngest/json/detail/dom.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// The maximum nesting depth of received JSON, which the engine embeds in other documents.
inline constexpr std::size_t max_received_depth = detail::max_written_depth;

/// Validates received JSON with the strictest of the library's parsers: syntax, UTF-8, surrogate pairs, the
/// range of numbers, depth. Text that passes can be read later without errors. \throws payload_error naming
/// `at`.
void check_received_json(std::string_view text, const detail::json_path& at);

/// The text as JSON: null if it is empty, the text itself if it is JSON, otherwise a JSON string.
std::string received_json_or_string(std::string_view text);

/// Like received_json_or_string(), as a value for display: one stored text that is not JSON must not hide
/// other values.
json received_json_value(std::string_view text);

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/received_json.ipp>
#endif
