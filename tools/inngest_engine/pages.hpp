#pragma once

#include <cstddef>
#include <string>

#include <inngest/json.hpp>

#include "door.hpp"

namespace terminal {

/// Reads up to `most` items of a list, page by page. `member` names the list in an answer, whose `next` is
/// the cursor of the next page. Returns {member: [...], "next": ...}; `next` is null when there are no more.
inngest::json read_pages(door& from, const std::string& path, const std::string& member, parameters query,
                         std::size_t most);

/// The note at the end of an incomplete list; empty when the list is complete.
std::string more_text(const inngest::json& list, const std::string& member);

}  // namespace terminal
