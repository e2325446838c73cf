#pragma once

#include <chrono>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <inngest/dependencies.hpp>
#include <inngest/middleware.hpp>
#include <inngest/options/detail/option_limits.hpp>
#include <inngest/time/detail/saturated.hpp>
#include <inngest/time/duration.hpp>

// What a function may say of itself. Expressions are CEL over `event` (and `async`, the later event, where
// two are compared). Durations are std::chrono; the server rounds to seconds.

namespace inngest {

/// Whose steps a concurrency limit counts.
enum class concurrency_scope { function, environment, account };

/// At most `limit` steps at once (1 or more), for each value of `key` where one is given.
/// The wider scopes need a key: the limit is shared by all functions that name the same one.
struct concurrency_limit {
  int limit = 0;
  std::string key{};
  concurrency_scope scope = concurrency_scope::function;
};

/// One limit or two: `.concurrency = 5`, `.concurrency = {{.limit = 5, .key = "event.data.userId"}}`.
class concurrency {
 public:
  concurrency() = default;
  concurrency(int limit) : limits_{{.limit = limit}} {}
  concurrency(std::initializer_list<concurrency_limit> limits) : limits_(limits) {}
  const std::vector<concurrency_limit>& limits() const { return limits_; }

 private:
  std::vector<concurrency_limit> limits_;
};

/// Runs start at most `limit` times (and `burst` more at once) in a `period` of a second or more; later ones
/// wait.
struct throttle {
  int limit = 1;
  duration_s period{};
  std::string key{};
  std::optional<int> burst{};
};

/// Runs start at most `limit` times in a `period`; later ones are dropped. Up to 24 hours.
struct rate_limit {
  int limit = 1;
  duration_s period{};
  std::string key{};
};

/// A run starts when no further event came for `period` (1 s to 7 days), at the latest after `timeout`.
struct debounce {
  duration_s period{};
  std::string key{};
  std::optional<duration_s> timeout{};
};

/// A run is given several events at once: see context::events. Not together with cancel_on, debounce,
/// singleton or priority.
struct batch {
  /// A run starts when so many have come: 2 to 100.
  int max_size = 100;
  /// And at the latest so long after the first came: 1 s to 10 minutes.
  duration_s timeout{};
  /// An expression: events with the same value are gathered together.
  std::string key{};
  /// An expression: events for which it is false start a run of their own.
  std::string condition{};
};

/// How results of steps are saved while the function goes on, instead of one answer and one call for each
/// step. What can't be saved goes into an answer: nothing is lost, and nothing runs twice.
struct checkpointing {
  bool enabled = true;
  /// Results are saved when so many wait: 1 is safest, as a crash repeats what was not saved.
  int buffered_steps = 1;
  /// And when the last save is so long ago; looked at when a step ends.
  std::optional<duration_ms> max_interval{};
  /// After so long no further step begins; the server makes another call.
  duration_ms max_runtime = std::chrono::seconds(10);
};

/// What a second run does while the first is still on its way.
enum class singleton_mode { skip, cancel };

/// At most one run at a time, for each value of `key` where one is given.
struct singleton {
  singleton_mode mode = singleton_mode::skip;
  std::string key{};
};

/// Cancels a run when the event comes, if `expression` (over `event`, the run's, and `async`, this one) is
/// true. After `timeout` the run can no longer be cancelled by it.
struct cancel_on {
  std::string event;
  std::string expression{};
  /// A field that must be the same in both events, such as "data.userId".
  std::string match{};
  std::optional<duration_s> timeout{};
};

namespace detail {

/// Whether there is nothing to be read in it.
constexpr bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos;
}

/// What no server or clock would take of it; empty when all is well.
inline std::string problem_of(const checkpointing& options) {
  using std::chrono::milliseconds;
  if (options.buffered_steps < 1) {
    return "checkpointing.buffered_steps must be at least 1, not " + std::to_string(options.buffered_steps);
  }
  constexpr milliseconds none{}, longest = std::chrono::seconds(longest_period);
  if (options.max_runtime <= none || options.max_runtime > longest)
    return "checkpointing.max_runtime must be more than zero, up to 100 years";
  if (options.max_interval && (*options.max_interval < none || *options.max_interval > longest))
    return "checkpointing.max_interval must not be negative, nor more than 100 years";
  return {};
}

/// The expression of a wait or cancellation with its `match`, over `event` and `async`.
inline std::string matching_expression(const std::string& expression, const std::string& match) {
  if (match.empty()) return expression;
  const std::string same = "event." + match + " == async." + match;
  return expression.empty() ? same : "(" + expression + ") && " + same;
}

}  // namespace detail

/// How long a run may wait to start, and take to finish, before it is cancelled.
struct timeouts {
  std::optional<duration_s> start{};
  std::optional<duration_s> finish{};
};

/// The options of a function. Only `id` is required.
struct function_options {
  /// What tells the function from the app's others. Renaming it makes it another function.
  std::string id;
  /// Shown to people; the id when empty.
  std::string name{};
  /// How often a failed step, or the function itself, is tried again: 0 to 20. The server's default is 4.
  std::optional<int> retries{};
  inngest::concurrency concurrency{};
  std::optional<inngest::throttle> throttle{};
  std::optional<inngest::rate_limit> rate_limit{};
  std::optional<inngest::debounce> debounce{};
  std::optional<inngest::batch> batch{};
  std::optional<inngest::singleton> singleton{};
  /// An expression that gives each run -600 to 600 seconds of precedence over runs that were queued before.
  std::string priority{};
  /// An expression: a second event with the same value within 24 hours starts no run.
  std::string idempotency{};
  /// At most five.
  std::vector<inngest::cancel_on> cancel_on{};
  inngest::timeouts timeouts{};
  /// Default: client_options::checkpointing.
  std::optional<inngest::checkpointing> checkpointing{};
  /// After the client's.
  middleware_list middleware{};
  /// Found before the client's: see provide().
  std::vector<dependency> dependencies{};
};

}  // namespace inngest
