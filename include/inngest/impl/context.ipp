#pragma once

#include <inngest/config.hpp>
#include <inngest/context.hpp>

namespace inngest::inline INNGEST_ABI {

INNGEST_INLINE void context_logger::log(log_level level, std::string_view message) const {
  if (!replay_->is_replaying()) target_.log(level, message);
}

INNGEST_INLINE basic_context::basic_context(execution::replay& replay, const handler_resources& resources,
                                            std::span<const detail::event_shape> events)
    : run_id(replay.request().run_id()),
      function_id(replay.info().function_id),
      attempt(replay.request().attempt()),
      max_attempts(replay.request().max_attempts()),
      step(replay, events),
      group(replay),
      log(resources.log, replay),
      replay_(&replay),
      resources_(&resources) {}

}  // namespace inngest::inline INNGEST_ABI
