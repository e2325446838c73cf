#pragma once

#include <memory>
#include <type_traits>
#include <utility>

#include <inngest/config.hpp>

namespace inngest::inline INNGEST_ABI::detail {

template <class Signature>
class function_ref;

/// A callable passed down the stack: no copy, no allocation. The callable must outlive the call.
template <class Result, class... Arguments>
class function_ref<Result(Arguments...)> {
 public:
  template <class Callable>
    requires(!std::is_same_v<std::remove_cvref_t<Callable>, function_ref> &&
             std::is_invocable_r_v<Result, Callable&, Arguments...>)
  function_ref(Callable&& callable)  // NOLINT: implicit, as std::function's
      : target_(const_cast<void*>(static_cast<const void*>(std::addressof(callable)))),
        call_([](void* target, Arguments... arguments) -> Result {
          return (*static_cast<std::remove_reference_t<Callable>*>(target))(
              std::forward<Arguments>(arguments)...);
        }) {}

  Result operator()(Arguments... arguments) const {
    return call_(target_, std::forward<Arguments>(arguments)...);
  }

 private:
  void* target_;
  Result (*call_)(void*, Arguments...);
};

}  // namespace inngest::inline INNGEST_ABI::detail
