#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <exception>
#include <iterator>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <inngest/detail/result_traits.hpp>
#include <inngest/execution/replay.hpp>

namespace inngest {

/// Branches of steps that run at the same time: `ctx.group`.
class group {
 public:
  explicit group(execution::replay& replay) : replay_(&replay) {}

  /// Runs branches of several steps each side by side and gives all their results, as a tuple; a branch that
  /// returns nothing gives std::monostate. When branches fail, the rest still end before the first failure is
  /// thrown.
  ///
  ///     auto [logo, palette] = ctx.group.parallel([&] { return ctx.step.run("logo", ...); },
  ///                                               [&] { return ctx.step.run("palette", ...); });
  template <std::invocable... Branches>
  auto parallel(Branches&&... branches) -> std::tuple<detail::value_of<Branches>...> {
    all_branches all(*replay_);
    // braces, unlike a call's parentheses, run the branches in order: the order of step ids depends on it
    std::tuple<std::optional<detail::value_of<Branches>>...> results{all.run(branches)...};
    all.end();
    return std::apply(
        [](auto&... each) { return std::tuple<detail::value_of<Branches>...>(std::move(*each)...); },
        results);
  }

  /// Runs one branch for each element and gives their results in order; nothing when they return nothing.
  template <class Range, class Branch>
    requires(!std::invocable<Range&> &&
             std::invocable<Branch&, decltype(*std::begin(std::declval<Range&>()))>)
  auto parallel(Range&& range, Branch&& branch) {
    using element = decltype(*std::begin(range));
    using returned = std::invoke_result_t<Branch&, element>;
    all_branches all(*replay_);
    if constexpr (std::is_void_v<returned>) {
      for (auto&& each : range) {
        const auto call = [&] { branch(each); };
        all.run(call);
      }
      all.end();
    } else {
      std::vector<std::optional<returned>> results;
      for (auto&& each : range) {
        const auto call = [&]() -> returned { return branch(each); };
        results.push_back(all.run(call));
      }
      all.end();
      std::vector<returned> out;
      out.reserve(results.size());
      for (auto& each : results) out.push_back(std::move(*each));
      return out;
    }
  }

  /// Runs branches side by side and gives the result of the one that ended first, by the order in which the
  /// server got the results of its steps. It throws if that one failed. The steps that the others have begun
  /// still run; they begin no new ones.
  template <std::invocable First, std::invocable... Rest>
  auto race(First&& first, Rest&&... rest) -> std::invoke_result_t<First&> {
    using returned = std::invoke_result_t<First&>;
    static_assert((std::is_same_v<returned, std::invoke_result_t<Rest&>> && ...),
                  "inngest: the branches of a race must return the same type");
    const std::size_t completed_before = replay_->last_completed();
    winner<detail::value_of<First>> best;
    std::vector<protocol::operation> of_others;
    consider(best, of_others, first);
    (consider(best, of_others, rest), ...);
    if (!best.found) {
      replay_->record_again(std::move(of_others));
      replay_->suspend_group();
    }
    replay_->record_again(std::move(best.operations));
    replay_->set_last_completed(std::max(completed_before, best.completed_at));
    if (best.error) std::rethrow_exception(best.error);
    if constexpr (!std::is_void_v<returned>) return std::move(*best.value);
  }

 private:
  template <class Branch, class Result>
  static void call(Branch& branch, std::optional<Result>& out) {
    if constexpr (std::is_void_v<std::invoke_result_t<Branch&>>) {
      branch();
      out.emplace();
    } else {
      out.emplace(branch());
    }
  }

  /// Branches all of which must end.
  class all_branches {
   public:
    explicit all_branches(execution::replay& replay) : replay_(replay) {}

    template <class Branch>
    std::optional<detail::value_of<Branch>> run(Branch& branch) {
      std::optional<detail::value_of<Branch>> out;
      const auto ended = replay_.run_branch([&] { call(branch, out); });
      unfinished_ = unfinished_ || !ended.finished;
      if (ended.error && ended.finished && !first_error_) first_error_ = ended.error;
      return out;
    }

    void end() {
      if (unfinished_) replay_.suspend_group();
      if (first_error_) std::rethrow_exception(first_error_);
    }

   private:
    execution::replay& replay_;
    bool unfinished_ = false;
    std::exception_ptr first_error_;
  };

  template <class Result>
  struct winner {
    bool found = false;
    std::size_t completed_at = 0;
    std::exception_ptr error{};
    std::optional<Result> value{};
    std::vector<protocol::operation> operations{};  // that it began
  };

  template <class Result, class Branch>
  void consider(winner<Result>& best, std::vector<protocol::operation>& of_others, Branch& branch) {
    const std::size_t recorded = replay_->recorded();
    std::optional<Result> value;
    const auto ended = replay_->run_branch([&] { call(branch, value); });
    std::vector<protocol::operation> begun = replay_->take_recorded_after(recorded);
    if (!ended.finished) {
      std::move(begun.begin(), begun.end(), std::back_inserter(of_others));
    } else if (!best.found || ended.completed_at < best.completed_at) {
      best = {.found = true,
              .completed_at = ended.completed_at,
              .error = ended.error,
              .value = std::move(value),
              .operations = std::move(begun)};
    }
  }

  execution::replay* replay_;
};

}  // namespace inngest
