#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/reserved_events.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/time/timestamp.hpp>

// Queries for events and runs, and their results.

namespace inngest::inline INNGEST_ABI::embedded {

/// An event that the engine accepted.
struct event_record {
  std::string id{};    ///< a ULID made by the engine: ids grow with time
  std::string name{};  ///< such as "shop/order.placed"
  std::string text{};  ///< the whole event as JSON
  /// When the engine accepted the event, by the engine's clock.
  timestamp received_at{};
  /// The id that the sender gave the event; empty if none. A store need not store it, because the text
  /// contains it.
  std::string given_id{};
  /// False until the event has started its runs and ended the waits for it. load() returns the events for
  /// which it is false.
  bool dispatched = true;
  /// The id of the event that this one repeats: see engine::resend(). Empty for other events.
  std::string resent_from{};
  /// The length of the chain of runs that led to this event, in which each run sent the event that started
  /// the next. Not stored.
  std::size_t chain = 0;
};

/// An event of a run. A batch has several.
struct run_event {
  std::string id{};    ///< event_record::id
  std::string text{};  ///< the whole event as JSON
};

/// The name of the event with which deferred functions start.
inline constexpr std::string_view deferred_event = detail::reserved_event::deferred;

/// Selects a page of runs, newest first. A run must match all members that are set.
struct run_query {
  /// Runs of this status; `nullopt` selects all.
  std::optional<run_status> status{};
  /// Runs of the function with this slug; empty selects all.
  std::string function{};
  /// Runs whose id, event id or event name contains this text; empty selects all.
  std::string search{};
  /// The id of the last run of the previous page, or run_page::next; empty for the first page.
  std::string before{};
  /// The maximum number of runs in a page.
  std::size_t limit = 50;
  /// Runs of any of these statuses; empty selects all.
  std::vector<run_status> statuses{};
  /// Runs of any of the functions with these slugs; `nullopt` selects all, an empty list none.
  std::optional<std::vector<std::string>> functions{};
  /// Runs started by basic_context::defer (true), or all others (false); `nullopt` selects both.
  std::optional<bool> is_deferred{};
  /// Runs that were rerun later (true), or the others (false); `nullopt` selects both. Of a run and all its
  /// reruns only the newest is not repeated, even if it failed again.
  std::optional<bool> is_repeated{};
  /// The time by which runs are selected and ordered. Runs that do not have it, because they have not started
  /// or ended, are not selected.
  enum class time { queued, started, ended };
  /// See `time`.
  time by = time::queued;
  /// Runs whose time is this or later.
  std::optional<timestamp> from{};
  /// Runs whose time is before this.
  std::optional<timestamp> until{};
  /// Whether the oldest runs come first. `before` is still the last run of the previous page.
  bool oldest_first = false;
  /// Runs of the app with this id; empty selects all.
  std::string app{};
  /// Runs whose event has this name; empty selects all.
  std::string event_name{};
  /// Runs that the event with this id started, alone or in a batch; empty selects all. The id is the
  /// engine's.
  std::string event_id{};
  /// Runs whose error contains this text in its name or message, ignoring the case of ASCII letters. Empty
  /// selects all. Not indexed.
  std::string error{};
  /// Runs that have all these tags.
  std::vector<run_tag> tags{};
  /// Runs with this concurrency key or idempotency key; empty selects all.
  std::string key{};
  /// Runs with this concurrency key; empty selects all.
  std::string concurrency_key{};
  /// Runs with this idempotency key; empty selects all.
  std::string idempotency_key{};
  /// A CEL condition over `event`, `events`, `output` and `error`, such as "event.data.amount > 100"; empty
  /// selects all. A run for which it can't be evaluated is not selected. Not indexed.
  std::string where{};
};

/// A page of runs.
struct run_page {
  std::vector<run> runs{};  ///< without their timelines
  /// The value of run_query::before for the next page; empty when no runs are left. There may be more runs
  /// even if this page is empty, because a page reads a limited number of runs.
  std::string next{};
};

/// Selects a page of events, newest first.
struct event_query {
  /// The id of the last event of the previous page, or event_page::next; empty for the first page.
  std::string before{};
  /// The maximum number of events in a page.
  std::size_t limit = 50;
  /// Events with this name; empty selects all.
  std::string name{};
  /// The event with this id, assigned by the engine; empty selects all.
  std::string id{};
  /// Events whose id or name contains this text; empty selects all. Not indexed.
  std::string search{};
  /// Events that the engine accepted at this time or later.
  std::optional<timestamp> from{};
  /// Events that the engine accepted before this time.
  std::optional<timestamp> until{};
  /// A CEL condition over `event`; empty selects all. An event for which it can't be evaluated is not
  /// selected. Not indexed.
  std::string where{};
};

/// A page of events.
struct event_page {
  std::vector<event_record> events{};  ///< the events
  /// The value of event_query::before for the next page; empty when no events are left: see run_page::next.
  std::string next{};
};

/// The number of runs that a query selects.
struct run_count {
  std::size_t count = 0;  ///< the number
  /// Where to continue counting; empty when all runs are counted.
  std::string next{};
};

/// The numbers of runs over time.
struct run_histogram {
  /// The runs of one interval.
  struct bucket {
    timestamp at{};             ///< when the interval begins
    std::size_t completed = 0;  ///< see run_status::completed
    std::size_t failed = 0;     ///< see run_status::failed
    std::size_t cancelled = 0;  ///< see run_status::cancelled
    std::size_t other = 0;      ///< skipped and unfinished runs

    /// The counter of a status.
    std::size_t& of(run_status status);
  };

  timestamp from{};               ///< when the first bucket begins
  timestamp until{};              ///< when the last bucket ends
  std::vector<bucket> buckets{};  ///< of equal length, oldest first
  /// Runs before this time are not counted, because the time limit was reached; `nullopt` when all are.
  std::optional<timestamp> counted_from{};
};

/// The properties of a run that counting needs.
struct run_point {
  std::string id{};     ///< the run
  run_status status{};  ///< its status
  timestamp time{};     ///< the time that the query chooses
};

}  // namespace inngest::inline INNGEST_ABI::embedded
