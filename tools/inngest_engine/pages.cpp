#include "pages.hpp"

#include <algorithm>

#include "session.hpp"

namespace terminal {

inngest::json read_pages(door& from, const std::string& path, const std::string& member, parameters query,
                         std::size_t most) {
  constexpr std::size_t largest_page = 200;
  inngest::json out{{member, inngest::json::array()}, {"next", nullptr}};
  std::string before;
  do {
    parameters asked = query;
    const std::size_t left = most - out[member].size();
    asked.emplace_back("limit", std::to_string(std::min(left, largest_page)));
    if (!before.empty()) asked.emplace_back("before", before);
    const inngest::json page = from.get(path, asked);
    const inngest::json items = page.value(member, inngest::json::array());
    for (const inngest::json& item : items) out[member].push_back(item);
    before = text_of(page, "next");  // the engine may look for a while and find nothing: it goes on from here
  } while (!before.empty() && out[member].size() < most);
  if (!before.empty()) out["next"] = before;
  return out;
}

std::string more_text(const inngest::json& list, const std::string& member) {
  if (list["next"].is_null()) return "";
  return "These are the first " + std::to_string(list[member].size()) + "; --limit shows more.";
}

}  // namespace terminal
