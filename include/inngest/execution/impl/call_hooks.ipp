#pragma once

#include <inngest/config.hpp>
#include <inngest/execution/call_hooks.hpp>

namespace inngest::inline INNGEST_ABI::execution {

INNGEST_INLINE void call_hooks::transform_input(const step_info& step, step_input& changed,
                                                std::string* input) {
  threw_ = true;  // also where a hook leaves something unusable
  all_.for_each([&](middleware& layer) { layer.transform_step_input(call_, step, changed); });
  refuse_blank_id(step, changed.id);
  if (input && changed.input != step.input) *input = accepted_input(step, changed.input);
  threw_ = false;
}

INNGEST_INLINE std::string call_hooks::wrap_result(const step_info& step, next_call<std::string> innermost) {
  const auto around = [&](middleware& layer, next_call<std::string> next) {
    return layer.wrap_step(call_, step, next);
  };
  return wrap([&](next_call<std::string> next) { return all_.wrap_reversed<std::string>(around, next); },
              innermost);
}

INNGEST_INLINE std::string call_hooks::wrap_body(const step_info& step, next_call<std::string> innermost) {
  return all_.wrap<std::string>(
      [&](middleware& layer, next_call<std::string> next) {
        return layer.wrap_step_handler(call_, step, next);
      },
      innermost);
}

INNGEST_INLINE std::string call_hooks::wrap_handler(next_call<std::string> innermost) {
  const auto around = [&](middleware& layer, next_call<std::string> next) {
    return layer.wrap_function_handler(call_, next);
  };
  return wrap([&](next_call<std::string> next) { return all_.wrap<std::string>(around, next); }, innermost);
}

INNGEST_INLINE std::string call_hooks::wrap(detail::function_ref<std::string(next_call<std::string>)> hooks,
                                            next_call<std::string> innermost) {
  threw_ = true;
  std::string out = hooks([&] {
    threw_ = false;
    std::string result = innermost();
    threw_ = true;
    return result;
  });
  threw_ = false;
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::execution
