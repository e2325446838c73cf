#pragma once

#include <string>
#include <utility>
#include <vector>

namespace terminal {

/// Query parameters.
using parameters = std::vector<std::pair<std::string, std::string>>;

/// Whether a status is that of an unfinished run.
inline bool is_open(const std::string& status) {
  return status == "queued" || status == "running" || status == "waiting" || status == "sleeping" ||
         status == "paused";
}

}  // namespace terminal
