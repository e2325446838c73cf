#pragma once

#include <algorithm>

#include <inngest/config.hpp>
#include <inngest/experiment.hpp>

namespace inngest::inline INNGEST_ABI::experiment::detail {

INNGEST_INLINE std::string by_weight(std::string_view text, std::vector<variant_weight> weights) {
  const std::string hash = inngest::detail::sha256_hex(text).substr(0, 8);
  const double place = static_cast<double>(std::stoul(hash, nullptr, 16)) / 4294967296.0;
  std::sort(weights.begin(), weights.end(),
            [](const variant_weight& a, const variant_weight& b) { return a.name < b.name; });
  double total = 0;
  for (const variant_weight& variant : weights) total += variant.weight;
  double end = 0;
  for (const variant_weight& variant : weights) {
    end += variant.weight / total;
    if (place < end) return variant.name;
  }
  return weights.back().name;
}

INNGEST_INLINE void check(const std::vector<variant_weight>& weights) {
  double total = 0;
  for (const variant_weight& variant : weights) {
    if (!(variant.weight >= 0 && variant.weight < 1e300)) {
      throw configuration_error("experiment: the weight of \"" + variant.name +
                                "\" must be a number that is not negative");
    }
    total += variant.weight;
  }
  if (total <= 0) throw configuration_error("experiment: at least one weight must be greater than zero");
}

}  // namespace inngest::inline INNGEST_ABI::experiment::detail

namespace inngest::inline INNGEST_ABI::experiment {

INNGEST_INLINE experiment_strategy fixed(std::string variant) {
  return {.name = "fixed", .choose = [variant = std::move(variant)](auto, const auto&) { return variant; }};
}

INNGEST_INLINE experiment_strategy weighted(std::vector<variant_weight> weights) {
  detail::check(weights);
  return {.name = "weighted",
          .choose = [weights](std::string_view run_id,
                              const auto&) { return detail::by_weight(run_id, weights); },
          .weights = weights};
}

INNGEST_INLINE experiment_strategy bucket(std::string value, std::vector<variant_weight> weights) {
  if (!weights.empty()) detail::check(weights);
  const auto choose = [value = std::move(value), weights](std::string_view,
                                                          const std::vector<std::string>& variants) {
    std::vector<variant_weight> shares = weights;
    if (shares.empty()) {
      for (const std::string& variant : variants) shares.push_back({.name = variant});
    }
    return detail::by_weight(value, shares);
  };
  return {.name = "bucket", .choose = choose, .weights = weights};
}

INNGEST_INLINE experiment_strategy
custom(std::function<std::string(const std::vector<std::string>& variants)> choose) {
  return {.name = "custom",
          .choose = [choose = std::move(choose)](std::string_view, const std::vector<std::string>& variants) {
            return choose(variants);
          }};
}

}  // namespace inngest::inline INNGEST_ABI::experiment

namespace inngest::inline INNGEST_ABI::execution {

INNGEST_INLINE chosen_variant choose_variant(replay& replay, inngest::step_options options,
                                             const experiment_strategy& strategy,
                                             std::vector<std::string> variants) {
  const std::string experiment(options.id.text());
  std::string names = "[";
  for (const std::string& variant : variants) {
    if (names.size() > 1) names += ',';
    detail::write_quoted(names, variant);
  }
  names += ']';
  step_call call = replay.enter(std::move(options), step_kind::experiment);
  if (!call.memo) {
    const auto choose = [&](std::string& out) {
      const std::string chosen = strategy.choose(replay.request().run_id(), variants);
      if (std::find(variants.begin(), variants.end(), chosen) == variants.end()) {
        throw non_retriable_error("experiment \"" + experiment + "\": there is no variant \"" + chosen +
                                  "\"");
      }
      detail::json_object_text values;
      values.add("name", experiment).add("variant", chosen).add("selection_strategy", strategy.name);
      values.add_raw("available_variants", names);
      if (!strategy.weights.empty()) {
        detail::json_object_text shares;
        for (const variant_weight& variant : strategy.weights) {
          std::string number;
          detail::codec<double>::write(number, variant.weight, {});
          shares.add_raw(variant.name, number);
        }
        values.add_raw("variant_weights", shares.text());
      }
      replay.add_metadata(protocol::metadata_object("step", "inngest.experiment", "set", values.text()));
      detail::write_quoted(out, chosen);
    };
    const protocol::operation plan{.code = protocol::row_of(step_kind::experiment).begins_with,
                                   .options = "{\"type\":\"group.experiment\"}"};
    replay.discover(call, plan, choose);
    replay.await(call, plan, choose);
  }
  chosen_variant out;
  out.name = replay.read_memo(call, true, [&](const protocol::memo& memo) {
    return protocol::read_result<std::string>(memo, call.id);
  });
  detail::json_object_text told;
  told.add("experimentStepID", detail::to_hex(call.hash)).add("experimentName", experiment);
  out.step_options = told.add("variant", out.name).add("selectionStrategy", strategy.name).text();
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::execution
