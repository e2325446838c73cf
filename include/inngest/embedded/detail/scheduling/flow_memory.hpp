#pragma once

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <inngest/embedded/store.hpp>
#include <inngest/time/detail/saturated.hpp>

namespace inngest::embedded {

/// How much of something there may be in a time: `limit` in each `period`, and `burst` of it at once. The
/// generic cell rate algorithm, which needs one number for each key: when the next is due if all came evenly.
struct rate {
  std::int64_t limit = 1;
  std::int64_t burst = 1;
  std::chrono::milliseconds period{};
};

/// What flow control remembers, and forgets when its time is over: keys that were used, rates.
class flow_memory {
 public:
  /// Notes there what changes, to be committed.
  explicit flow_memory(embedded::changes& changes) : changes_(changes) {}

  void load(remembered_value value) {
    expiries_.emplace(value.expires, value.key);
    values_.insert_or_assign(value.key, std::move(value));
  }

  /// What was remembered for the key, if that is not over.
  std::optional<std::string> find(const std::string& key, timestamp now) const {
    const auto found = values_.find(key);
    if (found == values_.end() || found->second.expires <= now) return std::nullopt;
    return found->second.text;
  }

  void remember(std::string key, std::string text, timestamp expires) {
    remembered_value value{.key = std::move(key), .text = std::move(text), .expires = expires};
    changes_.values.push_back(value);
    load(std::move(value));
  }

  /// Counts one in and gives true, or false when there are too many.
  bool take(const std::string& key, const rate& rate, timestamp now) {
    const std::chrono::nanoseconds even = even_time(key, now);
    if (even - slack(rate) > now.time_since_epoch()) return false;
    count_in(key, rate, even, now);
    return true;
  }

  /// Counts one in, and gives the time at which it is allowed.
  timestamp reserve(const std::string& key, const rate& rate, timestamp now) {
    const std::chrono::nanoseconds even = even_time(key, now);
    const timestamp allowed(std::chrono::ceil<std::chrono::milliseconds>(even - slack(rate)));
    count_in(key, rate, even, now);
    return (std::max)(allowed, now);
  }

  std::size_t size() const { return values_.size(); }

  /// Forgets what is over.
  void clean(timestamp now) {
    while (!expiries_.empty() && expiries_.begin()->first <= now) {
      const auto found = values_.find(expiries_.begin()->second);
      if (found != values_.end() && found->second.expires <= now) {
        changes_.removed_values.push_back(found->first);
        values_.erase(found);
      }
      expiries_.erase(expiries_.begin());
    }
  }

 private:
  static std::chrono::nanoseconds interval(const rate& rate) {
    return detail::saturate<std::chrono::nanoseconds>(rate.period) / std::max<std::int64_t>(1, rate.limit);
  }
  static std::chrono::nanoseconds slack(const rate& rate) {
    const std::int64_t more = std::max<std::int64_t>(1, rate.burst) - 1;
    return more == 0 ? std::chrono::nanoseconds::zero()
                     : std::chrono::nanoseconds(detail::multiply_saturated(interval(rate).count(), more));
  }

  std::chrono::nanoseconds even_time(const std::string& key, timestamp now) const {
    const std::string text = find(key, now).value_or("0");
    std::int64_t count = 0;
    std::from_chars(text.data(), text.data() + text.size(), count);
    return std::max<std::chrono::nanoseconds>(std::chrono::nanoseconds(count), now.time_since_epoch());
  }

  void count_in(const std::string& key, const rate& rate, std::chrono::nanoseconds even, timestamp now) {
    const std::chrono::nanoseconds next(detail::add_saturated(even.count(), interval(rate).count()));
    const timestamp expires(std::chrono::ceil<std::chrono::milliseconds>(next));
    remember(key, std::to_string(next.count()), (std::max)(expires, now + std::chrono::milliseconds(1)));
  }

  embedded::changes& changes_;
  std::unordered_map<std::string, remembered_value> values_;
  std::multimap<timestamp, std::string> expiries_;
};

}  // namespace inngest::embedded
