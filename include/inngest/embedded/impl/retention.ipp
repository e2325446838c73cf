#pragma once

#include <algorithm>
#include <chrono>

#include <inngest/config.hpp>
#include <inngest/embedded/retention.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE duration_ms retention::keep_for(std::string_view function, run_status status) const {
  duration_ms out = history;
  int best = 0;
  for (const retention_rule& rule : rules) {
    if (!rule.function.empty() && rule.function != function) continue;
    if (rule.status && *rule.status != status) continue;
    const int weight = 1 + (rule.function.empty() ? 0 : 2) + (rule.status ? 1 : 0);
    if (weight <= best) continue;
    best = weight;
    out = rule.keep;
  }
  return out;
}

INNGEST_INLINE duration_ms retention::shortest() const {
  duration_ms out = history;
  for (const retention_rule& rule : rules) out = (std::min<duration_ms>)(out, rule.keep);
  return out;
}

INNGEST_INLINE duration_ms retention::longest() const {
  duration_ms out = history;
  for (const retention_rule& rule : rules) out = (std::max<duration_ms>)(out, rule.keep);
  return out;
}

INNGEST_INLINE timestamp time_before(timestamp now, duration_ms duration) {
  const std::chrono::milliseconds span = duration;
  return span < now.time_since_epoch() ? now - span : timestamp();
}

}  // namespace inngest::inline INNGEST_ABI::embedded
