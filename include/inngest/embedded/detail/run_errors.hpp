#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/http.hpp>
#include <inngest/json.hpp>
#include <inngest/json/detail/dom.hpp>
#include <inngest/json/detail/text.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

inline std::string words_of(const run_error& error) { return error.name + ": " + error.message; }

/// The error as JSON: as the app told it, or the engine's own. Where the app gave no name, or no message, it
/// has those that the engine gave it, as on a server: whoever reads it finds both.
std::string text_of(const run_error& error);

/// The memo of a step that failed so.
inline std::string memo_of(const run_error& error) { return "{\"error\":" + text_of(error) + "}"; }

run_error read_error(std::string_view text);

run_error read_error(const http::response& answer);

/// Enough of a text to recognize it by, cut between characters.
std::string shortened(const std::string& text);

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/run_errors.ipp>
#endif
