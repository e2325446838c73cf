#pragma once

#include <algorithm>
#include <chrono>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/scheduling/batches.hpp>
#include <inngest/embedded/detail/scheduling/run_labels.hpp>

namespace inngest::inline INNGEST_ABI::embedded::scheduling {

INNGEST_INLINE bool batches::is_collecting(const active_run& run) {
  return !run.record.gathering.empty() && !is_of_the_future(run);
}

INNGEST_INLINE void batches::add_to_batch(const shared_function& function, const event_record& event,
                                          event_view& view, timestamp now) {
  const std::string key = function->slug + ":" + view.key(function->batch->key);
  active_run* run = state_.runs.buffer(key);
  if (run) {
    run->record.events.push_back({.id = event.id, .text = event.text});
    state_.journal.write(*run);
  } else {
    run = &open_buffer(function, event, key, now + function->batch->timeout, now);
  }
  if (run->record.events.size() >= function->batch->max_size) close(*run, now);
}

INNGEST_INLINE void batches::debounce(const shared_function& function, const event_record& event,
                                      event_view& view, timestamp now) {
  const registered_debounce& options = *function->debounce;
  const std::string key = std::string(debounce_prefix) + function->slug + ":" + view.key(options.key);
  active_run* run = state_.runs.buffer(key);
  if (!run) {
    open_buffer(function, event, key,
                now + (std::min)(options.period, options.timeout.value_or(options.period)), now);
    return;
  }
  if (event_view(run->event_text()).time() > view.time()) return;  // the event is older than the stored one
  run->record.events = {{.id = event.id, .text = event.text}};
  run->record.run.event_id = event.id;
  run->record.run.event_name = event.name;
  set_labels(*run);
  state_.journal.write(*run);
  timestamp due = now + options.period;
  if (options.timeout) due = (std::min)(due, run->record.run.queued_at + *options.timeout);
  state_.jobs.remove_of_kind(*run, job::kind::gathered);
  close_at(*run, due, now);
}

INNGEST_INLINE void batches::begin_later(const shared_function& function, const event_record& event,
                                         timestamp due, timestamp now) {
  active_run& run = lifecycle_.add(function, run_input::of(event), {}, now);
  run.record.gathering = std::string(future_prefix) + run.id();
  lifecycle_.note_queued(run, event.name, now);
  close_at(run, due, now);
}

INNGEST_INLINE void batches::close(active_run& run, timestamp now) {
  state_.jobs.remove_of_kind(run, job::kind::gathered);
  state_.runs.forget_buffer(run);
  const bool is_debounced = is_debounce(run);
  const bool is_admitted = is_admitted_by_flow_control(run, now);
  const timestamp happens(std::chrono::milliseconds(event_view(run.event_text()).time()));
  if (is_debounced && is_admitted && happens > now) return put_off(run, happens, now);
  run.record.gathering.clear();
  state_.journal.write(run);
  if (is_admitted && lifecycle_.make_room(*run.function, run.event_text(), now))
    lifecycle_.queue_first_call(run, now);
  else
    lifecycle_.skip(run, now);
}

INNGEST_INLINE void batches::put_off(active_run& run, timestamp due, timestamp now) {
  run.record.gathering = std::string(future_prefix) + run.id();
  state_.journal.write(run);
  close_at(run, due, now);
}

INNGEST_INLINE bool batches::is_admitted_by_flow_control(const active_run& run, timestamp now) {
  // a debounce counts its events when they arrive, and their ids when it closes
  if (is_of_the_future(run)) return run.function->debounce || is_within_limits(run, now);
  return !is_debounce(run) || is_first_of_its_id(run, now);
}

INNGEST_INLINE bool batches::is_debounce(const active_run& run) {
  return run.record.gathering.starts_with(debounce_prefix);
}

INNGEST_INLINE bool batches::is_of_the_future(const active_run& run) {
  return run.record.gathering.starts_with(future_prefix);
}

INNGEST_INLINE active_run& batches::open_buffer(const shared_function& function, const event_record& event,
                                                const std::string& key, timestamp due, timestamp now) {
  active_run& run = lifecycle_.add(function, run_input::of(event), {}, now);
  run.record.gathering = key;
  state_.runs.set_buffer(run);
  lifecycle_.note_queued(run, event.name, now);
  close_at(run, due, now);
  return run;
}

INNGEST_INLINE void batches::close_at(active_run& run, timestamp due, timestamp now) {
  state_.jobs.add(run, {.what = job::kind::gathered, .due = due, .begun = now});
}

INNGEST_INLINE bool batches::is_within_limits(const active_run& run, timestamp now) {
  const run_event& event = run.record.events.front();
  event_view view(event.text);
  return !state_.flow.is_limited(*run.function, event.id, view, now);
}

INNGEST_INLINE bool batches::is_first_of_its_id(const active_run& run, timestamp now) {
  const run_event& event = run.record.events.front();
  const std::string id = detail::find_text(event.text, "id");
  const std::string given_id = id == event.id ? std::string() : id;  // the engine's own id is not stored
  if (state_.flow.is_known_id(*run.function, given_id, now)) return false;
  state_.flow.remember_id(*run.function, given_id, now);
  return true;
}

}  // namespace inngest::inline INNGEST_ABI::embedded::scheduling
