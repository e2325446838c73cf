#pragma once

#include <string>

#include <inngest/config.hpp>
#include <inngest/execution/hooks.hpp>

namespace inngest::inline INNGEST_ABI::execution {

INNGEST_INLINE hooks::hooks(const middleware_list& first, const middleware_list& then) : list_(first) {
  list_.insert(list_.end(), then.begin(), then.end());
}

INNGEST_INLINE std::string hooks::read_result(const call_info& call, const step_info& step,
                                              std::string result) const {
  return wrap_reversed<std::string>(
      [&](middleware& layer, next_call<std::string> next) { return layer.wrap_step(call, step, next); },
      [&] { return result; });
}

}  // namespace inngest::inline INNGEST_ABI::execution
