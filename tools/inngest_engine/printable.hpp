#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <inngest/json.hpp>

// Texts for a terminal. Names, errors and payloads come from other programs, so a terminal must not interpret
// control sequences in them.

namespace terminal {

/// How line ends are treated.
enum class lines { escaped, kept };

/// The text without characters that control a terminal, or that hide or reorder others: control characters,
/// direction marks, bytes that are not UTF-8. They become escapes such as \x1b and \u{202e}.
std::string printable(std::string_view text, lines ends = lines::escaped);

/// Indented JSON, with these characters as JSON escapes.
std::string printable_json(const inngest::json& value);

/// The number of terminal columns of a printable text.
std::size_t columns_of(std::string_view text);

/// The text, shortened with "…" if it has more than `columns` columns.
std::string shortened(std::string_view text, std::size_t columns);

}  // namespace terminal
