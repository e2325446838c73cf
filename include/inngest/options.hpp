#pragma once

#include <cstddef>
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

// The options of functions. Expressions are CEL over `event`, and `async` for the later event where two
// events are compared. A key may also be a member: inngest::key<&Order::customer>. Durations are std::chrono;
// the server rounds them to seconds.

namespace inngest::inline INNGEST_ABI {

/// Which steps a concurrency limit counts.
enum class concurrency_scope {
  function,     ///< those of this function
  environment,  ///< those of all functions of the environment with the same key
  account       ///< those of all functions of the account with the same key
};

/// Limits the number of steps that run at the same time, separately for each value of `key` if one is given.
/// Scopes wider than the function need a key: all functions with the same key share the limit.
struct concurrency_limit {
  /// The number of concurrent steps: 1 or more.
  int limit = 0;
  /// An expression; steps with the same value share the limit. Default: all steps share it.
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

/// Limits how often runs start. Runs above the limit start later. The embedded engine counts a run when its
/// first call begins: a run that ends before is not counted, and runs that a stop, a pause or another limit
/// has delayed start at the throttle's rate. The limit is spread over the period: a run may start every
/// `period / limit`, and `limit + burst` at once after a pause.
struct throttle {
  /// The number of runs that may start in a period: 1 or more.
  int limit = 1;
  /// The length of a period: 1 s or more.
  duration_s period{};
  /// An expression; runs with the same value share the limit. Default: all runs share it.
  std::string key{};
  /// How many runs may start immediately in addition to `limit`. Default: none.
  std::optional<int> burst{};
};

/// Limits how often runs start. Events above the limit start no run. The limit is spread over the period, as
/// on a server: of events at the same time, a tenth of the limit and one more start runs, and then one may
/// start every `period / limit`. So a limit of 3 in 60 s starts one run of three events at once.
struct rate_limit {
  /// The number of runs that may start in a period: 1 or more.
  int limit = 1;
  /// The length of a period: 1 s to 24 hours.
  duration_s period{};
  /// An expression; runs with the same value share the limit. Default: all runs share it.
  std::string key{};
};

/// Delays a run until no further event has arrived for a period. The run receives the newest event by `ts`:
/// as on a server, an event whose `ts` is before the stored event's has no effect.
struct debounce {
  /// The time without events after which the run starts: 1 s to 7 days.
  duration_s period{};
  /// An expression; events with the same value are debounced together. Default: all events are.
  std::string key{};
  /// The longest total delay: 1 s or more. Default: no limit.
  std::optional<duration_s> timeout{};
};

/// Passes several events to one run: see context::events. Can't be combined with cancel_on, debounce,
/// singleton, priority, rate_limit or idempotency; servers ignore the last two for batches.
struct batch {
  /// The run starts after this many events: 2 to 100.
  int max_size = 100;
  /// The run starts at the latest this long after the first event: 1 s to 10 minutes.
  duration_s timeout{};
  /// An expression; events with the same value are batched together. Default: all events are.
  std::string key{};
  /// An expression; an event for which it is false starts its own run. Default: every event joins a batch.
  std::string condition{};
};

/// Saves step results while the function continues, instead of one answer and one call per step. Results that
/// can't be saved are sent in the answer, so nothing is lost and nothing runs twice.
struct checkpointing {
  /// If false, every step ends the call.
  bool enabled = true;
  /// Results are saved when this many are unsaved. 1 is the safest, because a crash repeats unsaved steps.
  int buffered_steps = 1;
  /// Results are also saved when this much time has passed since the last save; checked when a step ends.
  /// Default: no limit.
  std::optional<duration_ms> max_interval{};
  /// After this time the call starts no further steps, and the server makes another call. Default: 10
  /// seconds; 5 minutes on a Connect worker, where no proxy limits the duration of a call.
  std::optional<duration_ms> max_runtime{};
};

/// What happens to a second run while the first is still active.
enum class singleton_mode {
  skip,   ///< the second run does not start
  cancel  ///< the first run is cancelled
};

/// Allows one run at a time, separately for each value of `key` if one is given.
struct singleton {
  /// Which run gives way: the new one or the old one.
  singleton_mode mode = singleton_mode::skip;
  /// An expression; runs with the same value exclude each other. Default: all runs do.
  std::string key{};
};

/// Cancels a run when an event arrives. The embedded engine leaves out a run whose debounce still collects
/// events.
struct cancel_on {
  /// The event's name.
  std::string event;
  /// An expression over `event`, the run's event, and `async`, the cancelling event. Empty means true.
  std::string expression{};
  /// A field that must be equal in both events: "data.userId", or inngest::same<&Order::user_id>.
  event_match match{};
  /// How long the event can cancel the run. Default: no limit.
  std::optional<duration_s> timeout{};
};

namespace detail {

/// Why the options are invalid; empty if they are valid.
std::string problem_of(const checkpointing& options);

/// The maximum sizes of a tag's name and value, in bytes.
inline constexpr std::size_t max_tag_name_size = 64, max_tag_value_size = 256;

/// Why a tag's name is invalid; empty if it is valid.
std::string problem_of_tag_name(std::string_view name);

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

/// A tag for every run of a function, by which an embedded engine finds the runs: see basic_context::tag.
struct function_tag {
  /// The tag's name: 1 to 64 bytes, without a colon.
  std::string name;
  /// An expression for the value, such as "event.data.customer_id". A text, a number or a bool of at most 256
  /// bytes becomes the tag's value; for anything else the run gets no tag.
  std::string value;
};

/// The options of a function. Only `id` is required.
struct function_options {
  /// Identifies the function within the app. A function with another id is another function to the server.
  std::string id;
  /// The displayed name. Default: the id.
  std::string name{};
  /// How often a failed step, or the function itself, is retried: 0 to 20. Default: the server's, 4.
  std::optional<int> retries{};
  /// Limits how many steps run at the same time. Default: no limit.
  inngest::concurrency concurrency{};
  /// Limits how often runs start; further runs wait. Default: no limit.
  std::optional<inngest::throttle> throttle{};
  /// Limits how often runs start; further events are dropped. Default: no limit.
  std::optional<inngest::rate_limit> rate_limit{};
  /// Delays runs until events pause. Default: no delay.
  std::optional<inngest::debounce> debounce{};
  /// Passes several events to one run. Default: one event per run.
  std::optional<inngest::batch> batch{};
  /// Allows only one run at a time. Default: no restriction.
  std::optional<inngest::singleton> singleton{};
  /// An expression for the run's priority: it is queued as if this many seconds earlier, -600 to 600.
  /// Default: 0.
  std::string priority{};
  /// An expression; a second event with the same value within 24 hours starts no run.
  std::string idempotency{};
  /// Tags by which an embedded engine finds the runs as soon as they are queued. An Inngest server ignores
  /// them: use basic_context::tag there.
  std::vector<function_tag> tags{};
  /// Events that cancel a run: at most five.
  std::vector<inngest::cancel_on> cancel_on{};
  /// Cancels runs that take too long. Default: no limits.
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
