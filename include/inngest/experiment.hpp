#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/crypto.hpp>
#include <inngest/error.hpp>
#include <inngest/execution/replay.hpp>
#include <inngest/protocol/metadata.hpp>
#include <inngest/protocol/step_kinds.hpp>

namespace inngest::inline INNGEST_ABI {

/// One variant of an experiment: see group::experiment.
template <class Run>
struct variant {
  /// A variant with a name and a body, which may use steps.
  variant(std::string called, Run body) : name(std::move(called)), run(std::move(body)) {}
  /// The name, unique in the experiment.
  std::string name;
  /// Runs when the variant is chosen.
  Run run;
};

/// The chosen variant and its result.
template <class Result>
struct experiment_result {
  /// The variant's name.
  std::string variant;
  /// What the variant's body returned.
  Result result;
};

/// Names a chosen variant, for scores: `inngest::experiment_ref{"pricing", chosen.variant}`.
struct experiment_ref {
  /// The experiment's id.
  std::string experiment;
  /// The variant's name.
  std::string variant;

  /// Whether both name the same variant of the same experiment.
  bool operator==(const experiment_ref&) const = default;
};

/// The weight of a variant, relative to the other weights.
struct variant_weight {
  /// The variant's name.
  std::string name;
  /// 0 or more; a variant with 0 is never chosen.
  double weight = 1;
};

/// How a variant is chosen. Use the functions of the namespace inngest::experiment to make one.
struct experiment_strategy {
  /// The displayed name: "fixed", "weighted", "bucket" or "custom".
  std::string name;
  /// Returns the name of the chosen variant. Called once per run.
  std::function<std::string(std::string_view run_id, const std::vector<std::string>& variants)> choose;
  /// The weights, for display; empty for none.
  std::vector<variant_weight> weights{};
};

/// Strategies for choosing a variant of an experiment.
namespace experiment {
namespace detail {

/// Maps the text's SHA-256 to a number from 0 to 1 and returns the variant whose share contains it. Variants
/// are ordered by name.
std::string by_weight(std::string_view text, std::vector<variant_weight> weights);

void check(const std::vector<variant_weight>& weights);

}  // namespace detail

/// Always chooses the same variant.
[[nodiscard]] experiment_strategy fixed(std::string variant);

/// Chooses by weight, with the run's id as the source of randomness.
/// \throws configuration_error for invalid weights.
[[nodiscard]] experiment_strategy weighted(std::vector<variant_weight> weights);

/// Chooses by a value, such as a user's id: the same value gets the same variant in every run. Without
/// weights, all variants have equal shares.
/// \throws configuration_error for invalid weights.
[[nodiscard]] experiment_strategy bucket(std::string value, std::vector<variant_weight> weights = {});

/// Chooses with your own function, which is called once per run.
[[nodiscard]] experiment_strategy custom(
    std::function<std::string(const std::vector<std::string>& variants)> choose);

}  // namespace experiment

namespace execution {

struct chosen_variant {
  std::string name;
  std::string step_options;  // a JSON object for the variant's steps
};

/// The step that chooses a variant.
chosen_variant choose_variant(replay& replay, inngest::step_options options,
                              const experiment_strategy& strategy, std::vector<std::string> variants);

}  // namespace execution
}  // namespace inngest::inline INNGEST_ABI

#if !defined(INNGEST_COMPILED)
#include <inngest/impl/experiment.ipp>
#endif
