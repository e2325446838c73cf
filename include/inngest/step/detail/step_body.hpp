#pragma once

#include <chrono>
#include <concepts>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/detail/result_traits.hpp>
#include <inngest/error.hpp>
#include <inngest/json.hpp>
#include <inngest/stop_token.hpp>

// A step's body: its possible signatures, its result and its call.

namespace inngest::inline INNGEST_ABI::detail {

/// Whether the body takes a stop_token after its arguments.
template <class Body, class... Arguments>
inline constexpr bool takes_stop_token = std::invocable<Body&, Arguments..., stop_token>;

template <class Body, class... Arguments>
struct returned_by_body : returned_by<Body, Arguments...> {};
template <class Body, class... Arguments>
  requires takes_stop_token<Body, Arguments...>
struct returned_by_body<Body, Arguments...> : returned_by<Body, Arguments..., stop_token> {
};

/// Checks a step's body with readable compile errors, and finds its result type.
template <class Body, class... Arguments>
struct step_result {
  static constexpr bool callable =
      std::invocable<Body&, Arguments...> || takes_stop_token<Body, Arguments...>;
  static_assert(
      callable,
      "inngest: a step's body is called without arguments: [&] { ... }, or with those that are "
      "given after it; a std::stop_token may come last. If it is, it has an error: see the first message");
  static constexpr bool may_throw = !std::is_nothrow_invocable_v<Body&, Arguments...> &&
                                    !std::is_nothrow_invocable_v<Body&, Arguments..., stop_token>;
  static_assert(may_throw,
                "inngest: a step's body must not be noexcept: its errors are reported and retried");
  using returned = typename returned_by_body<Body, Arguments...>::type;
  static_assert(json_result<returned>,
                "inngest: a step's result is stored as JSON and read back: declare its type with "
                "INNGEST_FIELDS(Type, members...), or give it nlohmann's to_json and from_json");
  static constexpr bool valid = callable && may_throw && json_result<returned>;
  using type = result_form_t<returned>;
};

/// The result type of a step's body, as read back from JSON.
template <class Body, class... Arguments>
using step_result_t = typename step_result<std::remove_cvref_t<Body>, Arguments...>::type;

/// Asks a step's body to stop at the step's deadline. Costs nothing if there is no deadline.
class deadline_timer {
 public:
  deadline_timer(std::optional<std::chrono::milliseconds> limit, stop_source call);
  ~deadline_timer();
  deadline_timer(const deadline_timer&) = delete;
  deadline_timer& operator=(const deadline_timer&) = delete;

  stop_token token() const { return source_.get_token(); }
  bool is_over() const { return limit_ && std::chrono::steady_clock::now() >= ends_; }
  deadline_exceeded error() const;

 private:
  const std::optional<std::chrono::milliseconds> limit_;
  std::chrono::steady_clock::time_point ends_{};
  stop_source source_;
  std::mutex mutex_;  // guards has_ended_
  std::condition_variable body_ended_;
  bool has_ended_ = false;
  std::thread thread_;  // the last member: it uses the others
};

template <class Body, class... Arguments>
decltype(auto) call_body(Body& body, stop_token stop, Arguments&... arguments) {
  if constexpr (takes_stop_token<Body, Arguments&...>)
    return body(arguments..., std::move(stop));
  else
    return body(arguments...);
}

/// Calls the body and appends its result as JSON. When the deadline has passed, `call` is asked to stop.
template <class Body, class... Arguments>
void run_body(Body& body, std::optional<std::chrono::milliseconds> limit, const stop_source& call,
              std::string& out, Arguments&... arguments) {
  const deadline_timer deadline(limit, call);
  try {
    if constexpr (std::is_void_v<typename returned_by_body<Body, Arguments&...>::type>)
      call_body(body, deadline.token(), arguments...);
    else
      encode_to(out, call_body(body, deadline.token(), arguments...), "result");
  } catch (const inngest::error&) {
    throw;  // its code already determines retries
  } catch (...) {
    if (deadline.is_over()) std::throw_with_nested(deadline.error());
    throw;
  }
  if (deadline.is_over()) throw deadline.error();
}

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/step/detail/impl/step_body.ipp>
#endif
