#pragma once

#include <chrono>

#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/detail/scheduling/batches.hpp>
#include <inngest/embedded/detail/scheduling/event_view.hpp>
#include <inngest/embedded/detail/scheduling/lifecycle.hpp>
#include <inngest/embedded/detail/scheduling/scheduler_state.hpp>
#include <inngest/embedded/store.hpp>

namespace inngest::embedded::scheduling {

/// Whether an event starts a run of a function, and when: what the function's flow control says.
class admission {
 public:
  admission(scheduler_state& state, lifecycle& lifecycle, batches& batches)
      : state_(state), lifecycle_(lifecycle), batches_(batches) {}

  /// Begins a run for an event, at once, later or not at all. An id starts a function once; an event that
  /// flow control turned away does not use up its id, as on a server.
  void admit(const shared_function& function, const event_record& event, event_view& view, timestamp now) {
    if (state_.flow.is_known_id(*function, event.given_id, now)) return;
    if (function->batch && view.fulfils(function->batch->condition)) {
      state_.flow.remember_id(*function, event.given_id, now);
      return batches_.add_to_batch(function, event, view, now);
    }
    const timestamp happens(std::chrono::milliseconds(view.time()));
    if (happens > now && !function->debounce) {
      state_.flow.remember_id(*function, event.given_id, now);
      return batches_.begin_later(function, event, happens, now);
    }
    begin_or_debounce(function, event, view, now);
  }

  /// The same for what a schedule starts, of which a server gathers no batch. The event's id is its planned
  /// time: of two schedules that tick together, one starts the function.
  void admit_scheduled(const shared_function& function, const event_record& event, timestamp now) {
    event_view view(event.text);
    if (state_.flow.is_known_id(*function, event.given_id, now)) return;
    begin_or_debounce(function, event, view, now);
  }

 private:
  void begin_or_debounce(const shared_function& function, const event_record& event, event_view& view,
                         timestamp now) {
    if (state_.flow.is_limited(*function, event.id, view, now)) return;
    if (function->debounce) return batches_.debounce(function, event, view, now);
    if (!lifecycle_.begin(function, run_input::of(event), {}, now).empty())
      state_.flow.remember_id(*function, event.given_id, now);
  }

  scheduler_state& state_;
  lifecycle& lifecycle_;
  batches& batches_;
};

}  // namespace inngest::embedded::scheduling
