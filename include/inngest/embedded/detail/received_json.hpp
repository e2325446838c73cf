#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/error.hpp>
#include <inngest/json.hpp>
#include <inngest/json/detail/dom.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// How deeply received JSON may nest. The engine puts it into documents of its own (an event's data becomes
/// `event.data.event.data` of a lifecycle event in a call's body), which must not be deeper than a reader
/// takes.
inline constexpr std::size_t max_received_depth =
    INNGEST_MAX_JSON_DEPTH > 32 ? INNGEST_MAX_JSON_DEPTH - 16 : INNGEST_MAX_JSON_DEPTH / 2;

/// Checks JSON that somebody else wrote, completely, with the strictest of the library's parsers: syntax,
/// UTF-8, halves of surrogate pairs, numbers that are too large, depth. Reading text that passed never fails
/// because of its bytes. \throws payload_error naming `at`.
void check_received_json(std::string_view text, const detail::json_path& at);

/// Text as JSON: itself if it is JSON, null if it is empty, otherwise a JSON string.
std::string received_json_or_string(std::string_view text);

/// The same as a value, for what is only shown: a stored text that is not JSON must not hide what is beside
/// it.
json received_json_value(std::string_view text);

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/received_json.ipp>
#endif
