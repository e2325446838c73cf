#pragma once

#include <chrono>
#include <csignal>
#include <thread>

inline volatile std::sig_atomic_t stop_signal = 0;

/// Waits until the process is asked to end: by Ctrl-C, or by SIGTERM from systemd, Docker or Kubernetes.
inline void wait_for_stop_signal() {
  std::signal(SIGINT, [](int signal) { stop_signal = signal; });
  std::signal(SIGTERM, [](int signal) { stop_signal = signal; });
  while (stop_signal == 0) std::this_thread::sleep_for(std::chrono::milliseconds(50));
}
