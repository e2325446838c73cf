#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/error.hpp>

// A handler's path is text, but for some frameworks paths are patterns.

namespace inngest::inline INNGEST_ABI::detail {

/// The path with a backslash before each special character.
inline std::string escaped_path(std::string_view path, std::string_view special) {
  std::string out;
  for (const char c : path) {
    if (special.find(c) != special.npos) out += '\\';
    out += c;
  }
  return out;
}

/// For a framework that can't escape its special characters.
/// \throws configuration_error when the path has one.
inline void refuse_in_path(const std::string& path, std::string_view special, const std::string& framework) {
  const std::size_t found = path.find_first_of(special);
  if (found == path.npos) return;
  throw configuration_error("serve_options::path: " + framework + " can't serve \"" + path + "\", because '" +
                            path[found] + "' makes it a pattern");
}

}  // namespace inngest::inline INNGEST_ABI::detail
