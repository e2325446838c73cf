#pragma once

#include <optional>
#include <string>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/scheduling/active_run.hpp>
#include <inngest/embedded/detail/scheduling/scheduler_state.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/time/timestamp.hpp>

namespace inngest::inline INNGEST_ABI::embedded::scheduling {

/// The current activity of an unfinished run.
struct run_activity {
  run_status status = run_status::queued;
  std::string waits_for{};           // see run::waits_for
  std::optional<timestamp> until{};  // see run::until
  /// When its call that has not begun became due; `nullopt` when there is none.
  std::optional<timestamp> due{};
  /// Whether that call waits because its remote app has no free worker.
  bool awaits_worker = false;
};

/// The run's activity; without `waits_for` and without the `until` of a queued run if `with_words` is false.
run_activity activity_of(const scheduler_state& state, const active_run& run, timestamp now, bool with_words);

}  // namespace inngest::inline INNGEST_ABI::embedded::scheduling

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/scheduling/impl/run_activity.ipp>
#endif
