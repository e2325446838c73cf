#pragma once

#include <cstddef>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/path_parts.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE std::string decoded_path_part(std::string_view part) {
  std::string out;
  for (std::size_t end = part.find('+'); end != std::string_view::npos; end = part.find('+')) {
    out += http::percent_decoded(part.substr(0, end)) + '+';
    part.remove_prefix(end + 1);
  }
  return out + http::percent_decoded(part);
}

INNGEST_INLINE std::vector<std::string> path_parts(std::string_view path) {
  std::vector<std::string> out;
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::string_view part = path.substr(0, path.find('/'));
    out.push_back(decoded_path_part(part));
    path.remove_prefix(part.size());
  }
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::detail
