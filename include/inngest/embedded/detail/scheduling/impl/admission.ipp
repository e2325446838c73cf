#pragma once

#include <chrono>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/scheduling/admission.hpp>

namespace inngest::inline INNGEST_ABI::embedded::scheduling {

INNGEST_INLINE admission::admission(scheduler_state& state, lifecycle& lifecycle, batches& batches)
    : state_(state), lifecycle_(lifecycle), batches_(batches) {}

INNGEST_INLINE void admission::admit(const shared_function& function, const event_record& event,
                                     event_view& view, timestamp now) {
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

INNGEST_INLINE void admission::admit_scheduled(const shared_function& function, const event_record& event,
                                               timestamp now) {
  event_view view(event.text);
  if (state_.flow.is_known_id(*function, event.given_id, now)) return;
  begin_or_debounce(function, event, view, now);
}

INNGEST_INLINE void admission::begin_or_debounce(const shared_function& function, const event_record& event,
                                                 event_view& view, timestamp now) {
  if (state_.flow.is_limited(*function, event.id, view, now)) return;
  if (function->debounce) return batches_.debounce(function, event, view, now);
  if (!lifecycle_.begin(function, run_input::of(event), {}, now).empty())
    state_.flow.remember_id(*function, event.given_id, now);
}

}  // namespace inngest::inline INNGEST_ABI::embedded::scheduling
