#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <inngest/http.hpp>

namespace inngest::detail {

/// A part of a path, decoded. A plus is a plus there.
inline std::string decoded_path_part(std::string_view part) {
  std::string out;
  for (std::size_t end = part.find('+'); end != std::string_view::npos; end = part.find('+')) {
    out += http::percent_decoded(part.substr(0, end)) + '+';
    part.remove_prefix(end + 1);
  }
  return out + http::percent_decoded(part);
}

/// The parts of a path: "/v1/runs/x" is {"v1", "runs", "x"}. Who may ask and what is answered are both
/// decided by these, so no spelling of a path is guarded as one route and answered as another.
inline std::vector<std::string> path_parts(std::string_view path) {
  std::vector<std::string> out;
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::string_view part = path.substr(0, path.find('/'));
    out.push_back(decoded_path_part(part));
    path.remove_prefix(part.size());
  }
  return out;
}

}  // namespace inngest::detail
