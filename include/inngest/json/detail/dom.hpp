#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/error.hpp>
#include <inngest/json/detail/path.hpp>

namespace inngest::inline INNGEST_ABI::detail {

/// The nesting depth of arrays and objects in `text`, which may be any bytes.
std::size_t nesting_depth(std::string_view text);

/// Whether nlohmann's parser would ignore a part of the text: it stops at a zero byte and skips a byte order
/// mark. Neither is JSON, and other readers refuse them.
bool has_overlooked_bytes(std::string_view text);

/// Whether the whole text is JSON.
bool is_json(std::string_view text);

nlohmann::json parse_dom(std::string_view text, const json_path& at = {});

/// The document as text.
std::string dom_text(const nlohmann::json& dom);

/// Appends the document. \throws payload_error for what nlohmann would write as something else, or not at
/// all: numbers that are not finite, discarded values, text that is not UTF-8, documents that are too deep.
void write_dom(std::string& out, const nlohmann::json& value, const json_path& at = {});

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/json/detail/impl/dom.ipp>
#endif
