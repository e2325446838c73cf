#pragma once

#include <inngest/config.hpp>
#include <inngest/middleware.hpp>

namespace inngest::inline INNGEST_ABI {

INNGEST_INLINE std::string middleware::wrap_step(const call_info&, const step_info&,
                                                 next_call<std::string> next) {
  return next();
}

INNGEST_INLINE std::string middleware::wrap_step_handler(const call_info&, const step_info&,
                                                         next_call<std::string> next) {
  return next();
}

INNGEST_INLINE sent_events middleware::wrap_send_event(const std::vector<any_event>&,
                                                       next_call<sent_events> next) {
  return next();
}

}  // namespace inngest::inline INNGEST_ABI
