#pragma once

#include <stdexcept>
#include <string>

namespace terminal {

/// The program's exit codes.
enum class outcome {
  ok = 0,
  problem = 1,      ///< a problem was found, or the engine rejected a command
  wrong_usage = 2,  ///< the command line or one of its values is wrong
  no_engine = 3,    ///< no engine answers, or it rejects the key
};

/// Ends the program with a message and an exit code.
class failure : public std::runtime_error {
 public:
  failure(outcome code, const std::string& message) : std::runtime_error(message), code_(code) {}
  outcome code() const noexcept { return code_; }

 private:
  outcome code_;
};

}  // namespace terminal
