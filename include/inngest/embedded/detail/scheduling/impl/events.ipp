#pragma once

#include <cstdint>
#include <exception>
#include <optional>
#include <utility>
#include <variant>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/scheduling/events.hpp>

namespace inngest::inline INNGEST_ABI::embedded::scheduling {

INNGEST_INLINE events::events(scheduler_state& state, steps& steps, lifecycle& lifecycle,
                              admission& admission)
    : state_(state), steps_(steps), lifecycle_(lifecycle), admission_(admission) {}

INNGEST_INLINE std::vector<std::string> events::accept(
    std::string body, timestamp now, std::string_view seed,
    const std::function<bool(const std::string&)>& is_dispatched, std::size_t chain) {
  const std::vector<incoming_event> incoming = read_incoming_events(std::move(body));
  const auto seeded = detail::ulid_seed::parse(seed);
  std::vector<std::string> ids;
  std::vector<event_record> fresh;
  for (const incoming_event& event : incoming) {
    const auto position = static_cast<std::uint32_t>(ids.size() + 1);
    ids.push_back(seeded ? seeded->ulid(position) : state_.ids.next(now));
    const bool is_repeated =
        seeded && (undispatched_.contains(ids.back()) || dispatching_.contains(ids.back()) ||
                   (is_dispatched && is_dispatched(ids.back())));
    if (is_repeated) continue;
    fresh.push_back(make_event_record(event, ids.back(), now));
    fresh.back().dispatched = false;
    fresh.back().chain = chain;
  }
  for (event_record& event : fresh) {
    undispatched_.insert(event.id);
    state_.journal.changes.events.push_back(std::move(event));
  }
  return ids;
}

INNGEST_INLINE std::string events::resend(const event_record& earlier, timestamp now) {
  if (incoming::is_reserved(earlier.name))
    throw configuration_error("event \"" + earlier.id + "\" is an event of the engine itself, \"" +
                              earlier.name +
                              "\": only events that were sent can be sent again; rerun its run instead");
  incoming_event event = read_incoming_events(earlier.text).at(0);
  event.id.reset();  // with the sender's id it would be a duplicate without effect
  event.ts.reset();
  event_record fresh = make_event_record(event, state_.ids.next(now), now);
  fresh.dispatched = false;
  fresh.resent_from = earlier.id;
  std::string id = fresh.id;
  undispatched_.insert(id);
  state_.journal.changes.events.push_back(std::move(fresh));
  return id;
}

INNGEST_INLINE void events::withdraw(const changes& changes) {
  for (const event_record& event : changes.events) undispatched_.erase(event.id);
}

INNGEST_INLINE void events::forget_dispatched(const changes& changes) {
  for (const std::string& id : changes.dispatched_events) dispatching_.erase(id);
}

INNGEST_INLINE void events::dispatch_new(const changes& changes, timestamp now) {
  for (const event_record& event : changes.events) {
    if (!event.dispatched && undispatched_.erase(event.id) > 0) dispatch_stored(event, now);
  }
}

INNGEST_INLINE void events::dispatch_stored(const event_record& event, timestamp now) {
  dispatching_.insert(event.id);
  state_.journal.changes.dispatched_events.push_back(event.id);
  dispatch(event, now);
}

INNGEST_INLINE void events::run_follow_ups(timestamp now) noexcept {
  bool more = true;
  while (more) {
    try {
      const std::optional<follow_up> next = lifecycle_.take_follow_up();
      more = next.has_value();
      if (more) std::visit([&](const auto& found) { follow(found, now); }, *next);
    } catch (const std::exception&) {  // out of memory, most likely
    }
  }
}

INNGEST_INLINE void events::follow(const deferred_call& deferred, timestamp now) {
  const auto function = state_.functions.find(deferred.slug);
  if (!function) return;  // the app no longer has it
  incoming_event scheduled{.name = std::string(deferred_event), .data = deferred.input};
  const json about = detail::parse_dom(deferred.input).value("_inngest", json());
  if (about.is_object() && about.contains("meta")) scheduled.meta = about["meta"].dump();
  const event_record event = make_event_record(scheduled, state_.ids.next(now), now);
  event_view view(event.text);
  admission_.admit(function, event, view, now);
}

INNGEST_INLINE void events::dispatch(const event_record& event, timestamp now) {
  event_view view(event.text);
  end_waits(event, view, now);
  cancel_runs(event, view, now);
  for (const shared_function& function : state_.functions.started_by(event.name, view))
    admission_.admit(function, event, view, now);
}

INNGEST_INLINE void events::end_waits(const event_record& event, event_view& view, timestamp now) {
  for (const auto& [place, condition] : state_.waits.for_event(event.name)) {
    active_run* run = state_.runs.find(place.run_id);
    if (!run) continue;
    if (condition) {
      event_view of_run(run->event_text());
      if (!of_run.fulfils(condition, view)) continue;
    }
    steps_.end(*run, place.step, {event.text, progress::event_received, shortened(event.text)}, now);
  }
}

INNGEST_INLINE void events::cancel_runs(const event_record& event, event_view& view, timestamp now) {
  for (const shared_function& function : std::vector(state_.functions.cancelled_by(event.name))) {
    for (const std::string& run_id : state_.runs.ids_of_function(function->slug)) {
      active_run* run = state_.runs.find(run_id);
      if (!run || batches::is_collecting(*run)) continue;
      if (is_cancelled_by(*run, *function, event, view, now)) lifecycle_.cancel(*run, now);
    }
  }
}

INNGEST_INLINE bool events::is_cancelled_by(const active_run& run, const function_definition& function,
                                            const event_record& event, event_view& view, timestamp now) {
  for (const registered_cancel& cancel : function.cancels) {
    if (cancel.event != event.name) continue;
    if (cancel.timeout && now > run.record.run.queued_at + *cancel.timeout) continue;
    event_view of_run(run.event_text());
    if (of_run.fulfils(cancel.condition, view)) return true;
  }
  return false;
}

}  // namespace inngest::inline INNGEST_ABI::embedded::scheduling
