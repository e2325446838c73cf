#pragma once

#include <concepts>
#include <type_traits>
#include <variant>

#include <inngest/config.hpp>
#include <inngest/json.hpp>

namespace inngest::inline INNGEST_ABI::detail {

/// The result of a callable; void when it can't be called, which a static assertion has reported by then.
template <class Callable, class... Arguments>
struct returned_by {
  using type = void;
};
template <class Callable, class... Arguments>
  requires std::invocable<Callable&, Arguments...>
struct returned_by<Callable, Arguments...> {
  using type = std::invoke_result_t<Callable&, Arguments...>;
};
template <class Callable, class... Arguments>
using returned_by_t = typename returned_by<Callable, Arguments...>::type;

/// The type in which a result is read back from JSON; void for void and for invalid callables.
template <class Returned>
struct result_form {
  using type = void;
};
template <class Returned>
  requires(!std::is_void_v<Returned> && json_convertible<Returned>)
struct result_form<Returned> {
  using type = json_form<Returned>;
};
template <class Returned>
using result_form_t = typename result_form<Returned>::type;

template <class Returned>
concept json_result = std::is_void_v<Returned> || json_convertible<Returned>;

/// A callable's result as a value; std::monostate for void.
template <class Callable>
using value_of = std::conditional_t<std::is_void_v<returned_by_t<Callable>>, std::monostate,
                                    std::decay_t<returned_by_t<Callable>>>;

}  // namespace inngest::inline INNGEST_ABI::detail
