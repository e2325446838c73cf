#pragma once

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

/// Runs whose function is not called yet: batches and debounces, which still collect events, and runs of
/// events with a time in the future. Each run has a job of the kind `gathered`, which starts it.
class batches {
 public:
  batches(scheduler_state& state, lifecycle& lifecycle) : state_(state), lifecycle_(lifecycle) {}

  /// Whether the run is a batch or a debounce that still collects events.
  static bool is_collecting(const active_run& run);

  /// Adds the event to the function's batch. The batch starts when it is full, or at its timeout.
  void add_to_batch(const shared_function& function, const event_record& event, event_view& view,
                    timestamp now);

  /// Debounces the event: the run starts with the last event, after a period without events.
  void debounce(const shared_function& function, const event_record& event, event_view& view, timestamp now);

  /// Delays the run of an event with a time in the future. Flow control applies at that time.
  void begin_later(const shared_function& function, const event_record& event, timestamp due, timestamp now);

  /// Starts the run with the events collected so far, if flow control allows it. A debounced event with a
  /// time in the future starts it at that time.
  void close(active_run& run, timestamp now);

 private:
  // What a run gathers is told by its `run_record::gathering`, because its function may have changed since.
  static constexpr std::string_view future_prefix = "future:", debounce_prefix = "debounce:";

  static bool is_of_the_future(const active_run& run);

  static bool is_debounce(const active_run& run);

  active_run& open_buffer(const shared_function& function, const event_record& event, const std::string& key,
                          timestamp due, timestamp now);

  void close_at(active_run& run, timestamp due, timestamp now);

  /// Delays the run of a debounce that has closed.
  void put_off(active_run& run, timestamp due, timestamp now);

  bool is_admitted_by_flow_control(const active_run& run, timestamp now);

  bool is_within_limits(const active_run& run, timestamp now);

  /// Whether the event is the first with its sender's id that starts the function. Remembers the id.
  bool is_first_of_its_id(const active_run& run, timestamp now);

  scheduler_state& state_;
  lifecycle& lifecycle_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded::scheduling

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/scheduling/impl/batches.ipp>
#endif
