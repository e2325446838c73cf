#pragma once

#include <string>
#include <vector>

#include <inngest/config.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// One of the checks of engine::health().
struct health_check {
  std::string name{};    ///< "engine", "store", "workers", "clock" or "apps"
  bool ok = true;        ///< whether the check passed
  std::string detail{};  ///< the problem or the finding, for people
};

/// Whether an engine works.
struct engine_health {
  /// Whether the engine responds. If not, only a restart of the process helps.
  bool live = true;
  /// Whether the engine is live and all checks pass, so that it should receive work. It may become ready
  /// again by itself, for example when the disk has space again.
  bool ready = true;
  /// The individual checks.
  std::vector<health_check> checks{};
};

}  // namespace inngest::inline INNGEST_ABI::embedded
