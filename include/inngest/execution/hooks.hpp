#pragma once

#include <cstddef>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/middleware.hpp>

namespace inngest::inline INNGEST_ABI::execution {

/// The middleware of a function: its client's, then its own. Most have none, and pay nothing.
class hooks {
 public:
  hooks() = default;
  hooks(const middleware_list& first, const middleware_list& then);

  bool empty() const { return list_.empty(); }

  template <class Call>
  void for_each(Call&& call) const {
    for (const auto& layer : list_) call(*layer);
  }

  /// `innermost` with all middleware around it, the last outermost.
  template <class Result, class Around>
  Result wrap_reversed(const Around& around, next_call<Result> innermost, std::size_t to = npos) const {
    const std::size_t count = to == npos ? list_.size() : to;
    if (count == 0) return innermost();
    const auto next = [&] { return wrap_reversed<Result>(around, innermost, count - 1); };
    return around(*list_[count - 1], next_call<Result>(next));
  }

  /// A result, as JSON text, as the middleware leaves it to those who read it.
  std::string read_result(const call_info& call, const step_info& step, std::string result) const;

  /// `innermost` with all middleware around it, the first outermost: `around(one, next)` calls one's hook.
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
