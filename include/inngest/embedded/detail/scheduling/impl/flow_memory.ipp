#pragma once

#include <algorithm>
#include <charconv>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/scheduling/flow_memory.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE void flow_memory::load(remembered_value value) {
  expiries_.emplace(value.expires, value.key);
  values_.insert_or_assign(value.key, std::move(value));
}

INNGEST_INLINE std::optional<std::string> flow_memory::find(const std::string& key, timestamp now) const {
  const auto found = values_.find(key);
  if (found == values_.end() || found->second.expires <= now) return std::nullopt;
  return found->second.text;
}

INNGEST_INLINE void flow_memory::remember(std::string key, std::string text, timestamp expires) {
  remembered_value value{.key = std::move(key), .text = std::move(text), .expires = expires};
  changes_.values.push_back(value);
  load(std::move(value));
}

INNGEST_INLINE std::vector<std::string> flow_memory::all_of(std::string_view prefix, timestamp now) const {
  std::map<std::string, std::string> found;
  for (const auto& [key, value] : values_) {
    if (key.starts_with(prefix) && value.expires > now) found.emplace(key, value.text);
  }
  std::vector<std::string> out;
  for (auto& [key, text] : found) out.push_back(std::move(text));
  return out;
}

INNGEST_INLINE std::size_t flow_memory::count(std::string_view prefix) const {
  return static_cast<std::size_t>(std::count_if(
      values_.begin(), values_.end(), [&](const auto& entry) { return entry.first.starts_with(prefix); }));
}

INNGEST_INLINE bool flow_memory::forget(const std::string& key) {
  if (values_.erase(key) == 0) return false;
  changes_.removed_values.push_back(key);
  return true;
}

INNGEST_INLINE bool flow_memory::take(const std::string& key, const rate& rate, timestamp now) {
  const std::chrono::nanoseconds even = even_time(key, now);
  if (even - slack(rate) > now.time_since_epoch()) return false;
  set_even_time(key, after(even, interval(rate)), now);
  return true;
}

INNGEST_INLINE timestamp flow_memory::next_time(const std::string& key, const rate& rate, timestamp now) {
  std::chrono::nanoseconds even = even_time(key, now);
  // Runs that the rate has allowed cannot lead further. But older versions also counted runs that had not
  // begun, and a function's rate may have become faster.
  const std::chrono::nanoseconds latest = after(after(now.time_since_epoch(), slack(rate)), interval(rate));
  if (even > latest) set_even_time(key, even = latest, now);
  return (std::max)(timestamp(std::chrono::ceil<std::chrono::milliseconds>(even - slack(rate))), now);
}

INNGEST_INLINE std::chrono::nanoseconds flow_memory::after(std::chrono::nanoseconds time,
                                                           std::chrono::nanoseconds wait) {
  return std::chrono::nanoseconds(detail::add_saturated(time.count(), wait.count()));
}

INNGEST_INLINE void flow_memory::clean(timestamp now) {
  while (!expiries_.empty() && expiries_.begin()->first <= now) {
    const auto found = values_.find(expiries_.begin()->second);
    if (found != values_.end() && found->second.expires <= now) {
      changes_.removed_values.push_back(found->first);
      values_.erase(found);
    }
    expiries_.erase(expiries_.begin());
  }
}

INNGEST_INLINE std::chrono::nanoseconds flow_memory::interval(const rate& rate) {
  return detail::saturate<std::chrono::nanoseconds>(rate.period) / std::max<std::int64_t>(1, rate.limit);
}

INNGEST_INLINE std::chrono::nanoseconds flow_memory::slack(const rate& rate) {
  const std::int64_t more = std::max<std::int64_t>(1, rate.burst) - 1;
  return more == 0 ? std::chrono::nanoseconds::zero()
                   : std::chrono::nanoseconds(detail::multiply_saturated(interval(rate).count(), more));
}

INNGEST_INLINE std::chrono::nanoseconds flow_memory::even_time(const std::string& key, timestamp now) const {
  const std::string text = find(key, now).value_or("0");
  std::int64_t count = 0;
  std::from_chars(text.data(), text.data() + text.size(), count);
  return std::max<std::chrono::nanoseconds>(std::chrono::nanoseconds(count), now.time_since_epoch());
}

INNGEST_INLINE void flow_memory::set_even_time(const std::string& key, std::chrono::nanoseconds even,
                                               timestamp now) {
  const timestamp expires(std::chrono::ceil<std::chrono::milliseconds>(even));
  remember(key, std::to_string(even.count()), (std::max)(expires, now + std::chrono::milliseconds(1)));
}

}  // namespace inngest::inline INNGEST_ABI::embedded
