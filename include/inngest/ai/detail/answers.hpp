#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/error.hpp>
#include <inngest/json.hpp>

// Helpers that read the answers of several providers.

namespace inngest::inline INNGEST_ABI::ai::detail {

/// The text of a message: plain text, or the texts of its parts of the given type.
std::string text_of(const json& content, std::string_view type);

/// Some endpoints answer with status 200 and an error in the body.
void require_no_error(const std::optional<json>& error);

}  // namespace inngest::inline INNGEST_ABI::ai::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/ai/detail/impl/answers.ipp>
#endif
