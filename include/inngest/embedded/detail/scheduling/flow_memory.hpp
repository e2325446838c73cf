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

#include <inngest/config.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/time/detail/saturated.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

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

  void load(remembered_value value);

  /// What was remembered for the key, if that is not over.
  std::optional<std::string> find(const std::string& key, timestamp now) const;

  void remember(std::string key, std::string text, timestamp expires);

  /// Counts one in and gives true, or false when there are too many.
  bool take(const std::string& key, const rate& rate, timestamp now);

  /// Counts one in, and gives the time at which it is allowed.
  timestamp reserve(const std::string& key, const rate& rate, timestamp now);

  std::size_t size() const { return values_.size(); }

  /// Forgets what is over.
  void clean(timestamp now);

 private:
  static std::chrono::nanoseconds interval(const rate& rate);
  static std::chrono::nanoseconds slack(const rate& rate);

  std::chrono::nanoseconds even_time(const std::string& key, timestamp now) const;

  void count_in(const std::string& key, const rate& rate, std::chrono::nanoseconds even, timestamp now);

  embedded::changes& changes_;
  std::unordered_map<std::string, remembered_value> values_;
  std::multimap<timestamp, std::string> expiries_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/scheduling/impl/flow_memory.ipp>
#endif
