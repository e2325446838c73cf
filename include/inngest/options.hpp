#pragma once

#include <chrono>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/dependencies.hpp>
#include <inngest/members.hpp>
#include <inngest/middleware.hpp>
#include <inngest/options/detail/option_limits.hpp>
#include <inngest/time/detail/saturated.hpp>
#include <inngest/time/duration.hpp>

// The options of functions. Expressions are CEL over `event` (and `async`, the later event, where two events
// are compared). A key may also be a member: inngest::key<&Order::customer>. Durations are std::chrono; the
// server rounds them to seconds.

namespace inngest::inline INNGEST_ABI {

/// Which steps a concurrency limit counts.
enum class concurrency_scope {
  function,     ///< those of this function
  environment,  ///< those of all functions of the environment with the same key
  account       ///< those of all functions of the account with the same key
};

/// Limits the number of steps that run concurrently, separately for each value of `key` if there is one.
/// Scopes wider than the function need a key: all functions with the same key share the limit.
struct concurrency_limit {
  /// The number of concurrent steps: 1 or more.
  int limit = 0;
  /// An expression; steps with the same value are counted together.
  std::string key{};
  /// Which steps are counted.
  concurrency_scope scope = concurrency_scope::function;
};

/// One or two concurrency limits: `.concurrency = 5`, `.concurrency = {{.limit = 5, .key =
/// "event.data.userId"}}`.
class concurrency {
 public:
  /// No limit.
  concurrency() = default;
  /// One limit without a key.
  concurrency(int limit) : limits_{{.limit = limit}} {}
  /// One or two limits.
  concurrency(std::initializer_list<concurrency_limit> limits) : limits_(limits) {}
  /// The limits; empty for none.
  const std::vector<concurrency_limit>& limits() const { return limits_; }

 private:
  std::vector<concurrency_limit> limits_;
};

/// Limits how often runs start; further runs wait.
struct throttle {
  /// Runs that may start in a period: 1 or more.
  int limit = 1;
  /// 1 s or more.
  duration_s period{};
  /// An expression; runs with the same value are counted together.
  std::string key{};
  /// Runs that may start at once in addition to `limit`.
  std::optional<int> burst{};
};

/// Limits how often runs start; further events start no run.
struct rate_limit {
  /// Runs that may start in a period: 1 or more.
  int limit = 1;
  /// 1 s to 24 hours.
  duration_s period{};
  /// An expression; runs with the same value are counted together.
  std::string key{};
};

/// Delays a run until no further event has arrived for a period. The run gets the last event.
struct debounce {
  /// 1 s to 7 days.
  duration_s period{};
  /// An expression; events with the same value are debounced together.
  std::string key{};
  /// The longest delay: 1 s or more. Default: none.
  std::optional<duration_s> timeout{};
};

/// Gives a run several events at once: see context::events. Cannot be combined with cancel_on, debounce,
/// singleton or priority.
struct batch {
  /// A run starts after this many events: 2 to 100.
  int max_size = 100;
  /// A run starts at the latest this long after the first event: 1 s to 10 minutes.
  duration_s timeout{};
  /// An expression; events with the same value are batched together.
  std::string key{};
  /// An expression; events for which it is false start a run of their own.
  std::string condition{};
};

/// Saves step results while the function continues, instead of one answer and one call per step. Results
/// that cannot be saved are put into the answer, so nothing is lost and nothing runs twice.
struct checkpointing {
  /// False: every step ends the call.
  bool enabled = true;
  /// Results are saved when this many are unsaved: 1 is safest, because a crash repeats unsaved steps.
  int buffered_steps = 1;
  /// Results are also saved this long after the last save; checked when a step ends. Default: no limit.
  std::optional<duration_ms> max_interval{};
  /// After this time the call starts no further steps, and the server makes another call.
  duration_ms max_runtime = std::chrono::seconds(10);
};

/// What happens to a second run while the first has not ended.
enum class singleton_mode {
  skip,   ///< the second run does not start
  cancel  ///< the first run is cancelled
};

/// Allows one run at a time, separately for each value of `key` if there is one.
struct singleton {
  /// Which of two runs gives way.
  singleton_mode mode = singleton_mode::skip;
  /// An expression; runs with the same value exclude each other.
  std::string key{};
};

/// Cancels a run when an event arrives.
struct cancel_on {
  /// The event's name.
  std::string event;
  /// An expression over `event`, the run's event, and `async`, this one; empty is true.
  std::string expression{};
  /// A field that must be equal in both events: "data.userId", or inngest::same<&Order::user_id>.
  event_match match{};
  /// After this time the event can no longer cancel the run. Default: no limit.
  std::optional<duration_s> timeout{};
};

namespace detail {

/// Whether the text is empty or white space.
constexpr bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos;
}

/// Why the options are invalid; empty if they are valid.
std::string problem_of(const checkpointing& options);

/// The expression of a wait or cancellation with its `match`, over `event` and `async`.
std::string matching_expression(const std::string& expression, const event_match& match);

}  // namespace detail

/// Cancels runs that take too long. Default: no limits.
struct timeouts {
  /// The longest time between queueing and starting.
  std::optional<duration_s> start{};
  /// The longest time between starting and ending.
  std::optional<duration_s> finish{};
};

/// The options of a function. Only `id` is required.
struct function_options {
  /// Identifies the function within the app. Another id makes it another function.
  std::string id;
  /// The displayed name. Default: the id.
  std::string name{};
  /// How often a failed step, or the function itself, is retried: 0 to 20. Default: the server's, 4.
  std::optional<int> retries{};
  /// How many steps run concurrently. Default: no limit.
  inngest::concurrency concurrency{};
  /// How often runs start; further runs wait. Default: no limit.
  std::optional<inngest::throttle> throttle{};
  /// How often runs start; further events are dropped. Default: no limit.
  std::optional<inngest::rate_limit> rate_limit{};
  /// Delays runs until events pause. Default: no delay.
  std::optional<inngest::debounce> debounce{};
  /// Gives a run several events. Default: one event per run.
  std::optional<inngest::batch> batch{};
  /// One run at a time. Default: no restriction.
  std::optional<inngest::singleton> singleton{};
  /// An expression for the run's priority: how many seconds ahead of its time it is queued, -600 to 600.
  std::string priority{};
  /// An expression; a second event with the same value within 24 hours starts no run.
  std::string idempotency{};
  /// Events that cancel a run: at most five.
  std::vector<inngest::cancel_on> cancel_on{};
  /// How long a run may take.
  inngest::timeouts timeouts{};
  /// How step results are saved. Default: client_options::checkpointing.
  std::optional<inngest::checkpointing> checkpointing{};
  /// Called after the client's middleware.
  middleware_list middleware{};
  /// Values for handlers, searched before the client's: see provide().
  std::vector<dependency> dependencies{};
};

}  // namespace inngest::inline INNGEST_ABI

#if !defined(INNGEST_COMPILED)
#include <inngest/impl/options.ipp>
#endif
