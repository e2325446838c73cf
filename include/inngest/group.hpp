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
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/result_traits.hpp>
#include <inngest/execution/replay.hpp>
#include <inngest/experiment.hpp>

namespace inngest::inline INNGEST_ABI {

/// Branches of steps that run at the same time: `ctx.group`.
class group {
 public:
  /// Used by the library.
  explicit group(execution::replay& replay) : replay_(&replay) {}

  /// Runs branches at the same time, each with any number of steps, and returns all results as a tuple. A
  /// branch without a result yields std::monostate. When branches fail, the first failure is thrown after all
  /// branches have ended. Steps of different branches need different ids unless their order is fixed: the run
  /// fails if results decide which branch reaches an id first.
  ///
  ///     auto [logo, palette] = ctx.group.parallel([&] { return ctx.step.run("logo", ...); },
  ///                                               [&] { return ctx.step.run("palette", ...); });
  template <std::invocable... Branches>
  auto parallel(Branches&&... branches) -> std::tuple<detail::value_of<Branches>...> {
    all_branches all(*replay_);
    // The order of step ids depends on the order of the branches: braces guarantee it, parentheses do not.
    std::tuple<std::optional<detail::value_of<Branches>>...> results{all.run(branches)...};
    all.end();
    return std::apply(
        [](auto&... result) { return std::tuple<detail::value_of<Branches>...>(std::move(*result)...); },
        results);
  }

  /// Runs one branch for each element and returns the results in order, or void when branches return void.
  template <class Range, class Branch>
    requires(!std::invocable<Range&> &&
             std::invocable<Branch&, decltype(*std::begin(std::declval<Range&>()))>)
  auto parallel(Range&& range, Branch&& branch) {
    using element = decltype(*std::begin(range));
    using returned = std::invoke_result_t<Branch&, element>;
    all_branches all(*replay_);
    if constexpr (std::is_void_v<returned>) {
      for (auto&& item : range) {
        const auto call = [&] { branch(item); };
        all.run(call);
      }
      all.end();
    } else {
      std::vector<std::optional<returned>> results;
      for (auto&& item : range) {
        const auto call = [&]() -> returned { return branch(item); };
        results.push_back(all.run(call));
      }
      all.end();
      std::vector<returned> out;
      out.reserve(results.size());
      for (auto& result : results) out.push_back(std::move(*result));
      return out;
    }
  }

  /// Runs branches at the same time and returns the result of the branch that ended first, in the order in
  /// which the server received step results. Throws if that branch failed. Steps that other branches have
  /// already begun still run, but those branches begin no new steps, and the server does not wait for them.
  template <std::invocable First, std::invocable... Rest>
  auto race(First&& first, Rest&&... rest) -> std::invoke_result_t<First&> {
    using returned = std::invoke_result_t<First&>;
    static_assert((std::is_same_v<returned, std::invoke_result_t<Rest&>> && ...),
                  "inngest: the branches of a race must return the same type");
    winner<detail::value_of<First>> best;
    std::vector<protocol::operation> of_others;
    const execution::replay::group_scope scope(*replay_, execution::branches::kind::race);
    const std::size_t completed_before = replay_->last_completed();
    const std::size_t ids_before = replay_->race_ids();
    const std::size_t conflicts_before = replay_->race_conflicts();
    const std::size_t began_at = replay_->reached();
    replay_->note_race();
    {
      const shared_options told(*replay_, "{\"parallelMode\":\"race\"}");
      consider(best, of_others, first);
      (consider(best, of_others, rest), ...);
    }
    const std::size_t decided_at = (std::max)(best.completed_at, began_at);
    replay_->settle_conflicts(conflicts_before, best.found ? std::optional(decided_at) : std::nullopt);
    if (!best.found) {
      replay_->record_again(std::move(of_others));
      replay_->suspend_group();
    }
    if (best.first_open < best.completed_at) replay_->leave_race_open();
    replay_->release_ids_of_losers(ids_before, decided_at);
    replay_->record_again(std::move(best.operations));
    replay_->set_last_completed((std::max)(completed_before, best.completed_at));
    if (best.error) std::rethrow_exception(best.error);
    if constexpr (!std::is_void_v<returned>) return std::move(*best.value);
  }

  /// Chooses one of several variants once per run, and runs it. The server stores and shows the choice.
  /// `choose` is a strategy such as experiment::weighted: see <inngest/experiment.hpp>. The variants return
  /// values of one type, which is not void.
  /// \throws non_retriable_error when the stored choice is a variant that no longer exists.
  ///
  ///     auto [variant, price] = ctx.group.experiment(
  ///         "pricing", experiment::weighted({{"old", 80}, {"new", 20}}),
  ///         inngest::variant("old", [&] { return ctx.step.run("old price", ...); }),
  ///         inngest::variant("new", [&] { return ctx.step.run("new price", ...); }));
  template <class First, class... Rest>
  auto experiment(step_options options, const experiment_strategy& choose, const variant<First>& first,
                  const variant<Rest>&... rest) -> experiment_result<std::invoke_result_t<const First&>> {
    using returned = std::invoke_result_t<const First&>;
    static_assert((std::is_same_v<returned, std::invoke_result_t<const Rest&>> && ...),
                  "inngest: the variants of an experiment must return the same type");
    static_assert(!std::is_void_v<returned>, "inngest: a variant of an experiment must return something");
    const std::string id(options.id.text());
    const execution::chosen_variant chosen =
        execution::choose_variant(*replay_, std::move(options), choose, {first.name, rest.name...});
    const shared_options told(*replay_, chosen.step_options);
    std::optional<returned> result;
    const auto attempt = [&](const auto& variant) {
      if (!result && variant.name == chosen.name) result.emplace(variant.run());
    };
    attempt(first);
    (attempt(rest), ...);
    if (!result) {
      throw non_retriable_error("experiment \"" + id + "\": variant \"" + chosen.name +
                                "\" was chosen earlier, but no variant has this name now");
    }
    return {chosen.name, std::move(*result)};
  }
  /// Like the other overload, without options.
  template <class First, class... Rest>
  auto experiment(step_id id, const experiment_strategy& choose, const variant<First>& first,
                  const variant<Rest>&... rest) {
    return experiment(step_options{.id = id}, choose, first, rest...);
  }

 private:
  /// Adds options to all steps recorded during its lifetime, after those of the enclosing group.
  class shared_options {
   public:
    shared_options(execution::replay& replay, const std::string& object);
    ~shared_options() { replay_.exchange_shared_options(std::move(before_)); }
    shared_options(const shared_options&) = delete;
    shared_options& operator=(const shared_options&) = delete;

   private:
    execution::replay& replay_;
    std::string before_;
  };

  template <class Branch, class Result>
  static void call(Branch& branch, std::optional<Result>& out) {
    if constexpr (std::is_void_v<std::invoke_result_t<Branch&>>) {
      branch();
      out.emplace();
    } else {
      out.emplace(branch());
    }
  }

  /// A group that ends when all its branches have ended.
  class all_branches {
   public:
    explicit all_branches(execution::replay& replay);

    template <class Branch>
    std::optional<detail::value_of<Branch>> run(Branch& branch) {
      std::optional<detail::value_of<Branch>> out;
      const auto ended = replay_.run_branch([&] { call(branch, out); });
      unfinished_ = unfinished_ || !ended.finished;
      if (ended.error && ended.finished && !first_error_) first_error_ = ended.error;
      return out;
    }

    void end();

   private:
    execution::replay& replay_;
    execution::replay::group_scope scope_;
    bool unfinished_ = false;
    std::exception_ptr first_error_;
  };

  template <class Result>
  struct winner {
    bool found = false;
    std::size_t completed_at = 0;
    std::exception_ptr error{};
    std::optional<Result> value{};
    std::vector<protocol::operation> operations{};  // begun by the branch
    /// When the first of the unfinished branches got its last result. If that was before the race was
    /// decided, the branch has already reported its next step to the server.
    std::size_t first_open = static_cast<std::size_t>(-1);
  };

  template <class Result, class Branch>
  void consider(winner<Result>& best, std::vector<protocol::operation>& of_others, Branch& branch) {
    const std::size_t recorded = replay_->recorded();
    std::optional<Result> value;
    const auto ended = replay_->run_branch([&] { call(branch, value); });
    std::vector<protocol::operation> begun = replay_->take_recorded_after(recorded);
    if (!ended.finished) {
      if (!begun.empty()) best.first_open = (std::min)(best.first_open, ended.completed_at);
      std::move(begun.begin(), begun.end(), std::back_inserter(of_others));
    } else if (!best.found || ended.completed_at < best.completed_at) {
      best = {.found = true,
              .completed_at = ended.completed_at,
              .error = ended.error,
              .value = std::move(value),
              .operations = std::move(begun),
              .first_open = best.first_open};
    }
  }

  execution::replay* replay_;
};

}  // namespace inngest::inline INNGEST_ABI

#if !defined(INNGEST_COMPILED)
#include <inngest/impl/group.ipp>
#endif
