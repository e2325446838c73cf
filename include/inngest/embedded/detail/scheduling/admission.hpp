#pragma once

#include <inngest/config.hpp>
#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/detail/scheduling/batches.hpp>
#include <inngest/embedded/detail/scheduling/event_view.hpp>
#include <inngest/embedded/detail/scheduling/lifecycle.hpp>
#include <inngest/embedded/detail/scheduling/scheduler_state.hpp>
#include <inngest/embedded/store.hpp>

namespace inngest::inline INNGEST_ABI::embedded::scheduling {

/// Decides, by a function's flow control, whether and when an event starts a run.
class admission {
 public:
  admission(scheduler_state& state, lifecycle& lifecycle, batches& batches);

  /// Starts a run for an event now, later or not at all. An event id starts a function only once. As on a
  /// server, an event that flow control rejects does not use up its id.
  void admit(const shared_function& function, const event_record& event, event_view& view, timestamp now);

  /// Like admit(), for the event of a schedule, which a server never adds to a batch. The event's id is its
  /// planned time: when two schedules are due at the same time, only one starts the function.
  void admit_scheduled(const shared_function& function, const event_record& event, timestamp now);

 private:
  void begin_or_debounce(const shared_function& function, const event_record& event, event_view& view,
                         timestamp now);

  scheduler_state& state_;
  lifecycle& lifecycle_;
  batches& batches_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded::scheduling

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/scheduling/impl/admission.ipp>
#endif
