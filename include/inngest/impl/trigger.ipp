#pragma once

#include <inngest/config.hpp>
#include <inngest/trigger.hpp>

namespace inngest::inline INNGEST_ABI {

INNGEST_INLINE trigger<scheduled_timer> cron(std::string schedule, const cron_options& options) {
  return {{trigger_definition{.cron = std::move(schedule), .jitter = options.jitter}}};
}

}  // namespace inngest::inline INNGEST_ABI
