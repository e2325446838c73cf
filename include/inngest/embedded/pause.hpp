#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/time/timestamp.hpp>

// Types for the pauses and schedules of an engine.

namespace inngest::inline INNGEST_ABI::embedded {

/// The target of engine::pause(): a function, all functions of an app, or one schedule of a function.
struct pause_target {
  /// The kinds of targets.
  enum class kind { function, app, schedule };
  kind what = kind::function;  ///< the kind
  /// The slug of a function ("app-function"), or the id of an app.
  std::string name{};
  /// For a schedule, its text as registered, such as "TZ=Europe/Paris 0 9 * * *".
  std::string cron{};

  /// The function with this slug.
  static pause_target function(std::string slug) { return {.name = std::move(slug)}; }
  /// All functions of an app, including those that it registers later.
  static pause_target app(std::string id) { return {.what = kind::app, .name = std::move(id)}; }
  /// A schedule of a function.
  static pause_target schedule(std::string slug, std::string cron) {
    return {.what = kind::schedule, .name = std::move(slug), .cron = std::move(cron)};
  }
  /// The target as text for people, such as "function shop-charge".
  std::string text() const;
  /// Whether both are the same target.
  bool operator==(const pause_target&) const = default;
};

/// The kind's name: "function", "app" or "schedule".
constexpr std::string_view to_string(pause_target::kind what) {
  return what == pause_target::kind::function ? "function"
         : what == pause_target::kind::app    ? "app"
                                              : "schedule";
}

/// A pause that has not ended.
struct pause_record {
  pause_target target{};  ///< what is paused
  timestamp since{};      ///< when it was paused
  std::string by{};       ///< who paused it: see audit_entry::actor
};

/// A schedule of a function.
struct schedule_info {
  std::string function{};         ///< the slug of the function
  std::string cron{};             ///< as registered, such as "TZ=Europe/Paris 0 9 * * *"
  std::string time_zone{};        ///< such as "UTC"
  std::vector<timestamp> next{};  ///< the next five times, without jitter
  bool is_paused = false;         ///< whether the schedule itself is paused: it skips its times
};

/// The result of engine::backfill().
struct backfill_result {
  /// The number of times of the schedule in the period, without those that the schedule will still start
  /// itself.
  std::size_t times = 0;
  std::vector<std::string> run_ids{};  ///< the new runs, in the order of their times
  std::size_t repeated = 0;            ///< times that were started before, also if a limit refused the run
  std::size_t skipped = 0;             ///< times without a run, because of a running singleton
};

/// The maximum number of times of one backfill.
inline constexpr std::size_t max_backfilled_times = 1000;

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/impl/pause.ipp>
#endif
