#pragma once

#ifndef _WIN32
#include <signal.h>
#endif

#include <inngest/config.hpp>
#include <inngest/platform/detail/signals.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE void block_broken_pipe_signal() {
#ifndef _WIN32
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
#endif
}

}  // namespace inngest::inline INNGEST_ABI::detail
