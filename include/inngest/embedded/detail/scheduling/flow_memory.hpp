#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/time/detail/saturated.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// A rate: `limit` runs in each `period`, and `burst` more at the same time. The generic cell rate algorithm
/// (GCRA) enforces it with one number for each key: the time of the next run if all runs were evenly spaced.
struct rate {
  std::int64_t limit = 1;
  std::int64_t burst = 1;
  std::chrono::milliseconds period{};
};

/// The values that flow control remembers until they expire: used keys, and rates.
class flow_memory {
 public:
  /// Adds changed values to `changes`.
  explicit flow_memory(embedded::changes& changes) : changes_(changes) {}

  void load(remembered_value value);

  /// The value of the key, unless it has expired.
  std::optional<std::string> find(const std::string& key, timestamp now) const;

  void remember(std::string key, std::string text, timestamp expires);

  /// The values of all keys that begin with the prefix, ordered by key.
  std::vector<std::string> all_of(std::string_view prefix, timestamp now) const;

  /// Removes the value of the key. Returns false when it does not exist.
  bool forget(const std::string& key);

  /// Counts a run if the rate allows it now. Returns false otherwise.
  bool take(const std::string& key, const rate& rate, timestamp now);

  /// When the rate allows the next run: `now`, or later. Does not count it.
  timestamp next_time(const std::string& key, const rate& rate, timestamp now);

  /// The time from one run to the next, if they are evenly spaced.
  static std::chrono::nanoseconds interval(const rate& rate);

  std::size_t size() const { return values_.size(); }
  /// The number of keys that begin with the prefix.
  std::size_t count(std::string_view prefix) const;

  /// Removes expired values.
  void clean(timestamp now);

 private:
  static std::chrono::nanoseconds after(std::chrono::nanoseconds time, std::chrono::nanoseconds wait);
  static std::chrono::nanoseconds slack(const rate& rate);

  std::chrono::nanoseconds even_time(const std::string& key, timestamp now) const;

  void set_even_time(const std::string& key, std::chrono::nanoseconds even, timestamp now);

  embedded::changes& changes_;
  std::unordered_map<std::string, remembered_value> values_;
  std::multimap<timestamp, std::string> expiries_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/scheduling/impl/flow_memory.ipp>
#endif
