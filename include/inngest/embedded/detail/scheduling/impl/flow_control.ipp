#pragma once

#include <cstdint>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/scheduling/flow_control.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE bool flow_control::is_limited(const function_definition& function, const std::string& event_id,
                                             event_view& view, timestamp now) {
  if (function.idempotency) {
    const auto value = view.limiting_key(function.idempotency);
    return value && !is_first("once:" + function.slug + ":" + *value, event_id, now);
  }
  if (!function.rate_limit) return false;
  const registered_rate_limit& limit = *function.rate_limit;
  const auto value = view.limiting_key(limit.key);
  const rate allowed{
      .limit = limit.limit, .burst = std::int64_t{limit.limit} / 10 + 1, .period = limit.period};
  return value && !memory_.take("rate:" + function.slug + ":" + *value, allowed, now);
}

INNGEST_INLINE bool flow_control::is_known_id(const function_definition& function,
                                              const std::string& given_id, timestamp now) const {
  return !given_id.empty() && memory_.find(key_of_id(function, given_id), now).has_value();
}

INNGEST_INLINE void flow_control::remember_id(const function_definition& function,
                                              const std::string& given_id, timestamp now) {
  if (!given_id.empty()) memory_.remember(key_of_id(function, given_id), "", now + std::chrono::hours(24));
}

INNGEST_INLINE std::optional<std::string> flow_control::invoked_by(const function_definition& function,
                                                                   const std::string& key,
                                                                   timestamp now) const {
  if (key.empty()) return std::nullopt;
  return memory_.find("invoked:" + function.slug + ":" + key, now);
}

INNGEST_INLINE void flow_control::remember_invoked(const function_definition& function,
                                                   const std::string& key, const std::string& run_id,
                                                   timestamp now) {
  if (!key.empty())
    memory_.remember("invoked:" + function.slug + ":" + key, run_id, now + std::chrono::hours(24));
}

INNGEST_INLINE std::vector<bulk_cancellation> flow_control::bulk_cancellations(timestamp now) const {
  std::vector<bulk_cancellation> out;
  for (const std::string& text : memory_.all_of("cancellation:", now)) {
    if (auto found = cancellation_api::from_text(text)) out.push_back(std::move(*found));
  }
  return out;
}

INNGEST_INLINE void flow_control::remember(const bulk_cancellation& cancellation) {
  memory_.remember("cancellation:" + cancellation.id, cancellation_api::text_of(cancellation),
                   cancellation.created_at + std::chrono::hours(24 * 30));
}

INNGEST_INLINE bool flow_control::remove_bulk_cancellation(const std::string& id) {
  return memory_.forget("cancellation:" + id);
}

INNGEST_INLINE std::string flow_control::throttle_key(const function_definition& function, event_view& view) {
  if (!function.throttle) return "";
  return "throttle:" + function.slug + ":" + view.key(function.throttle->key);
}

INNGEST_INLINE flow_control::turns flow_control::throttled(const std::string& key,
                                                           const registered_throttle& throttle,
                                                           timestamp now) {
  const rate allowed = rate_of(throttle);
  return {.at = memory_.next_time(key, allowed, now),
          .interval = std::chrono::ceil<std::chrono::milliseconds>(flow_memory::interval(allowed))};
}

INNGEST_INLINE void flow_control::count_begun(const std::string& key, const registered_throttle& throttle,
                                              timestamp now) {
  memory_.take(key, rate_of(throttle), now);
}

INNGEST_INLINE rate flow_control::rate_of(const registered_throttle& throttle) {
  return {.limit = throttle.limit,
          .burst = std::int64_t{throttle.limit} + throttle.burst,
          .period = throttle.period};
}

INNGEST_INLINE std::string flow_control::key_of_id(const function_definition& function,
                                                   const std::string& given_id) {
  return "event:" + function.slug + ":" + given_id;
}

INNGEST_INLINE bool flow_control::is_first(std::string key, const std::string& event_id, timestamp now) {
  if (memory_.find(key, now)) return false;
  memory_.remember(std::move(key), event_id, now + std::chrono::hours(24));
  return true;
}

}  // namespace inngest::inline INNGEST_ABI::embedded
