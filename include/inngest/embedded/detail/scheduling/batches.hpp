#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/detail/scheduling/active_run.hpp>
#include <inngest/embedded/detail/scheduling/event_view.hpp>
#include <inngest/embedded/detail/scheduling/lifecycle.hpp>
#include <inngest/embedded/detail/scheduling/scheduler_state.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/json/detail/text.hpp>

namespace inngest::inline INNGEST_ABI::embedded::scheduling {

/// Runs that do not call their function yet: batches and debounces, which still take events in, and runs of
/// events of the future. Each has a job of the kind `gathered`, which ends that.
class batches {
 public:
  batches(scheduler_state& state, lifecycle& lifecycle) : state_(state), lifecycle_(lifecycle) {}

  /// Whether a batch or a debounce still takes events in.
  static bool is_collecting(const active_run& run);

  /// Puts the event into the function's batch. The batch begins when it is full, or at its timeout.
  void add_to_batch(const shared_function& function, const event_record& event, event_view& view,
                    timestamp now);

  /// The last event counts. The run begins when no other event has come for a while.
  void debounce(const shared_function& function, const event_record& event, event_view& view, timestamp now);

  /// An event of the future starts its run then, and takes part in flow control only then.
  void begin_later(const shared_function& function, const event_record& event, timestamp due, timestamp now);

  /// The run has all its events: it begins, if flow control allows it.
  void close(active_run& run, timestamp now);

 private:
  static constexpr std::string_view future_prefix = "future:";  // of `gathering`

  static bool is_of_the_future(const active_run& run);

  active_run& open_buffer(const shared_function& function, const event_record& event, const std::string& key,
                          timestamp due, timestamp now);

  void close_at(active_run& run, timestamp due, timestamp now);

  bool is_within_limits(const active_run& run, timestamp now);

  /// Whether no event with the id that the sender gave has started the function. Remembers the id.
  bool is_first_of_its_id(const active_run& run, timestamp now);

  scheduler_state& state_;
  lifecycle& lifecycle_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded::scheduling

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/scheduling/impl/batches.ipp>
#endif
