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

/// The error as JSON: as the app reported it, or the engine's own. Like a server's, it always has a name and
/// a message: the engine adds those that the app omitted.
std::string text_of(const run_error& error);

/// The memo of a step that failed with the error.
inline std::string memo_of(const run_error& error) { return "{\"error\":" + text_of(error) + "}"; }

run_error read_error(std::string_view text);

run_error read_error(const http::response& answer);

/// The beginning of a long text, cut between characters.
std::string shortened(const std::string& text);

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/run_errors.ipp>
#endif
