#pragma once

#include <cstddef>

#include <inngest/config.hpp>
#include <inngest/middleware.hpp>

namespace inngest::inline INNGEST_ABI::execution {

/// The step as which middleware reads a run's output.
inline step_info output_step() {
  return {.id = "output", .name = "output", .kind = step_kind::invoke, .memoized = true};
}

/// The middleware of a function: first its client's, then its own. Functions without middleware pay nothing.
class hooks {
 public:
  hooks() = default;
  hooks(const middleware_list& first, const middleware_list& then);

  bool empty() const { return list_.empty(); }

  /// Calls `call` with every middleware, the first one first.
  template <class Call>
  void for_each(Call&& call) const {
    for (const auto& layer : list_) call(*layer);
  }

  /// Calls `innermost` wrapped in all middleware; the last one is the outermost.
  template <class Result, class Around>
  Result wrap_reversed(const Around& around, next_call<Result> innermost, std::size_t to = npos) const {
    const std::size_t count = to == npos ? list_.size() : to;
    if (count == 0) return innermost();
    const auto next = [&] { return wrap_reversed<Result>(around, innermost, count - 1); };
    return around(*list_[count - 1], next_call<Result>(next));
  }

  /// Passes a result, as JSON text, through the wrap_step hooks.
  std::string read_result(const call_info& call, const step_info& step, std::string result) const;

  /// Calls `innermost` wrapped in all middleware; the first one is the outermost. `around(layer, next)` calls
  /// the hook of one middleware.
  template <class Result, class Around>
  Result wrap(const Around& around, next_call<Result> innermost, std::size_t from = 0) const {
    if (from == list_.size()) return innermost();
    const auto next = [&] { return wrap<Result>(around, innermost, from + 1); };
    return around(*list_[from], next_call<Result>(next));
  }

 private:
  static constexpr std::size_t npos = static_cast<std::size_t>(-1);

  middleware_list list_;
};

}  // namespace inngest::inline INNGEST_ABI::execution

#if !defined(INNGEST_COMPILED)
#include <inngest/execution/impl/hooks.ipp>
#endif
