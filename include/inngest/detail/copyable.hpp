#pragma once

#include <concepts>
#include <memory>
#include <utility>

#include <inngest/config.hpp>

namespace inngest::inline INNGEST_ABI::detail {

/// A callable that std::function can hold: the callable itself, or one whose copies share it because it can
/// only be moved, like a lambda that captures a std::unique_ptr.
template <class Callable>
auto copyable(Callable callable) {
  if constexpr (std::copy_constructible<Callable>) {
    return callable;
  } else {
    return [shared = std::make_shared<Callable>(std::move(callable))](auto&&... arguments) -> decltype(auto) {
      return (*shared)(std::forward<decltype(arguments)>(arguments)...);
    };
  }
}

}  // namespace inngest::inline INNGEST_ABI::detail
