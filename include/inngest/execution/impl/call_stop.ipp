#pragma once

#include <inngest/config.hpp>
#include <inngest/execution/call_stop.hpp>

namespace inngest::inline INNGEST_ABI::execution {

INNGEST_INLINE void call_stop::request_shutdown() const {
  state_->shutdown = true;
  request();
}

}  // namespace inngest::inline INNGEST_ABI::execution
