#pragma once

#include <cstddef>

#include <inngest/config.hpp>

namespace inngest::inline INNGEST_ABI {

/// The maximum sizes that an Inngest server accepts. They are checked before anything is sent, so that errors
/// can name what is too large. Raise them if your own server accepts more; lower them for a plan with lower
/// limits.
struct size_limits {
  /// Bytes of one event. A server's default limit is 512 KiB, its maximum 3 MB.
  std::size_t event = 3 * 1024 * 1024;
  /// Bytes of one step's result as JSON.
  std::size_t step_output = 4 * 1024 * 1024;
  /// Bytes of all results of a run.
  std::size_t state = 32 * 1024 * 1024;
  /// Steps reported in one answer.
  std::size_t operations = 1000;
};

}  // namespace inngest::inline INNGEST_ABI
