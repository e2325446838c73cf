#pragma once

#include <cstddef>

namespace inngest {

/// What an Inngest server takes at most. It is checked before anything is sent, so that the error can name
/// what is too large. Raise it for a server of your own that takes more, lower it for a plan that takes less.
struct size_limits {
  /// Bytes of one event. The server's own default is 512 KiB, its most 3 MB.
  std::size_t event = 3 * 1024 * 1024;
  /// Bytes of one step's result, as JSON.
  std::size_t step_output = 4 * 1024 * 1024;
  /// Bytes of all results of a run together.
  std::size_t state = 32 * 1024 * 1024;
  /// Steps that are reported at once.
  std::size_t operations = 1000;
};

}  // namespace inngest
