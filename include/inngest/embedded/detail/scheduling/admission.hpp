#pragma once

#include <chrono>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/detail/scheduling/batches.hpp>
#include <inngest/embedded/detail/scheduling/event_view.hpp>
#include <inngest/embedded/detail/scheduling/lifecycle.hpp>
#include <inngest/embedded/detail/scheduling/scheduler_state.hpp>
#include <inngest/embedded/store.hpp>

namespace inngest::inline INNGEST_ABI::embedded::scheduling {

/// Whether an event starts a run of a function, and when: what the function's flow control says.
class admission {
 public:
  admission(scheduler_state& state, lifecycle& lifecycle, batches& batches);

  /// Begins a run for an event, at once, later or not at all. An id starts a function once; an event that
  /// flow control turned away does not use up its id, as on a server.
  void admit(const shared_function& function, const event_record& event, event_view& view, timestamp now);

  /// The same for what a schedule starts, of which a server gathers no batch. The event's id is its planned
  /// time: of two schedules that tick together, one starts the function.
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
