#pragma once

#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>

namespace support {

/// Ends the process with a sentence when something takes too long: threads that hang can't be ended
/// otherwise. One at a time. It is a signal and not a thread, because tests fork.
class watchdog {
 public:
  /// `seconds` for each thing that begins; 0 watches nothing.
  explicit watchdog(unsigned seconds) : seconds_(seconds) { std::signal(SIGALRM, &bark); }
  ~watchdog() { end(); }
  watchdog(const watchdog&) = delete;
  watchdog& operator=(const watchdog&) = delete;

  /// Starts to watch something, and no longer what began before it.
  void begin(const std::string& name) {
    end();
    sentence() = name + " hangs: it has not ended after " + std::to_string(seconds_) + " s\n";
    ::alarm(seconds_);
  }
  void end() { ::alarm(0); }

 private:
  static std::string& sentence() {
    static std::string of_what_began;
    return of_what_began;
  }

  static void bark(int) {  // only what a handler of signals may do
    const std::string& said = sentence();
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, said.data(), said.size());
    ::_exit(EXIT_FAILURE);
  }

  const unsigned seconds_;
};

}  // namespace support
