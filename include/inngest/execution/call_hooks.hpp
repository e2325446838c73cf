#pragma once

#include <string>

#include <inngest/config.hpp>
#include <inngest/detail/function_ref.hpp>
#include <inngest/execution/hooks.hpp>
#include <inngest/execution/mistakes.hpp>
#include <inngest/middleware.hpp>

namespace inngest::inline INNGEST_ABI::execution {

/// The middleware hooks of one call of a handler. Records whether a hook threw, because the handler then
/// stopped early.
class call_hooks {
 public:
  /// The arguments must outlive it. In a rehearsal, hooks that only receive notifications are not called.
  call_hooks(const hooks& all, const call_info& call, bool is_rehearsal)
      : all_(all), call_(call), is_rehearsal_(is_rehearsal) {}

  const hooks& all() const { return all_; }
  bool empty() const { return all_.empty(); }
  bool threw() const { return threw_; }
  /// Called when a hook's exception was caught and only became a warning.
  void forget_exception() { threw_ = false; }

  /// Calls `call` with every middleware, except in a rehearsal.
  template <class Call>
  void notify(Call&& call) {
    if (is_rehearsal_ || all_.empty()) return;
    threw_ = true;
    all_.for_each(call);
    threw_ = false;
  }

  /// Passes the id, the name and the input of a step through transform_step_input. `input` is what the step
  /// uses, see accepted_input(); null for a step without arguments.
  void transform_input(const step_info& step, step_input& changed, std::string* input);

  /// Passes a step's result, as JSON text, through wrap_step.
  std::string wrap_result(const step_info& step, next_call<std::string> innermost);

  /// Calls the body of a step inside wrap_step_handler. It returns JSON text. Exceptions count as the step's.
  std::string wrap_body(const step_info& step, next_call<std::string> innermost);

  /// Calls the handler inside wrap_function_handler. It returns JSON text.
  std::string wrap_handler(next_call<std::string> innermost);

 private:
  /// Calls hooks around `innermost`. Exceptions of `innermost` are not attributed to the hooks.
  std::string wrap(detail::function_ref<std::string(next_call<std::string>)> hooks,
                   next_call<std::string> innermost);

  const hooks& all_;
  const call_info& call_;
  const bool is_rehearsal_;
  bool threw_ = false;
};

}  // namespace inngest::inline INNGEST_ABI::execution

#if !defined(INNGEST_COMPILED)
#include <inngest/execution/impl/call_hooks.ipp>
#endif
