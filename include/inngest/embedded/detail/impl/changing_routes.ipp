#pragma once

#include <cstddef>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/changing_routes.hpp>
#include <inngest/embedded/detail/path_parts.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE bool fits(const std::vector<std::string>& pattern, const std::vector<std::string>& path) {
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == "**") return path.size() > i;
    if (i >= path.size() || (pattern[i] != "*" && pattern[i] != path[i])) return false;
  }
  return pattern.size() == path.size();
}

INNGEST_INLINE const changing_route* find_changing_route(std::string_view method,
                                                         const std::vector<std::string>& path) {
  for (const changing_route& route : changing_routes) {
    if (route.method == method && fits(detail::path_parts(route.path), path)) return &route;
  }
  return nullptr;
}

INNGEST_INLINE std::string target_of(const changing_route& route, const std::vector<std::string>& path) {
  const std::vector<std::string> pattern = detail::path_parts(route.path);
  std::string out;
  for (std::size_t i = 0; i < pattern.size() && i < path.size(); ++i) {
    if (pattern[i] == "*") out += (out.empty() ? "" : " ") + path[i];
  }
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::embedded
