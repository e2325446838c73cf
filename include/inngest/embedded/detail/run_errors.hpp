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

/// The error as JSON: as reported by the app, or the engine's own. Like a server's, it always has a name and
/// a message: the engine adds them if the app omitted them.
std::string text_of(const run_error& error);

/// The error limited to about 8 KB: of a larger error, the name and the beginnings of message and stack.
std::string short_text_of(const run_error& error);

/// The memo of a step that failed with the error.
inline std::string memo_of(const run_error& error) { return "{\"error\":" + text_of(error) + "}"; }

/// The error in the form in which a server passes it to lifecycle events and to the step that invoked the
/// run: `{"error", "name", "message"}`, plus `"stack"` and `"cause"` if present. `problem` describes the
/// problem with the app's answer, such as "invalid status code: 500"; if empty, the message is used.
std::string standard_text_of(const run_error& error, const std::string& problem);

run_error read_error(std::string_view text);

/// The error of an unsuccessful answer. Without an SDK's header, it may come from a proxy, or the app failed
/// before its SDK was called: the error's stack then contains the answer, like a server's.
run_error read_error(const http::response& answer);

/// What an app said that refused the signature of a call; empty for other answers. The page of a proxy that
/// has its own users is another answer.
std::string refused_signature(const http::response& answer);

/// The problem with an unsuccessful answer, in a server's words.
std::string problem_of(const http::response& answer);

/// The beginning of a long text, cut between characters.
std::string shortened(std::string_view text, std::size_t longest = 160);

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/run_errors.ipp>
#endif
