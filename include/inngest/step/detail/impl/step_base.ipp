#pragma once

#include <inngest/config.hpp>
#include <inngest/step/detail/step_base.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE protocol::operation step_base::plan_of(std::string name, std::string options) {
  return {.code = protocol::opcode::step_planned, .name = std::move(name), .options = std::move(options)};
}

}  // namespace inngest::inline INNGEST_ABI::detail
