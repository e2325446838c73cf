#pragma once

#include <inngest/config.hpp>
#include <inngest/step.hpp>

namespace inngest::inline INNGEST_ABI {

INNGEST_INLINE step::step(execution::replay& replay, std::span<const detail::event_shape> events)
    : step_base(replay), ai(replay), events_(events) {}

INNGEST_INLINE void step::sleep(step_options options, duration_ms duration) {
  fall_asleep(std::move(options), [&](const execution::step_call& call) {
    if (detail::is_beyond_longest_wait(duration))
      refuse_sleep(call, std::to_string(duration.count()) + " ms");
    return to_text(duration_ms(std::max<std::chrono::milliseconds>(duration, {})));
  });
}

INNGEST_INLINE void step::sleep_until(step_options options, detail::saturated_time time) {
  fall_asleep(std::move(options), [&](const execution::step_call& call) {
    const detail::saturated_time now(replay_->services().now());  // rounded up like `time`
    if (time > detail::add_saturated(now, detail::longest_wait)) refuse_sleep(call, "until " + to_text(time));
    return to_text(std::max<timestamp>(time, timestamp()));
  });
}

INNGEST_INLINE sent_events step::send_event(step_options options, std::vector<any_event> events) {
  const auto send = [this, &events](const execution::step_call&, std::string& out) {
    encode_to(out, sent_events{replay_->services().send(events, *replay_)});
  };
  const auto plan = [] { return plan_of("sendEvent", "{\"type\":\"step.sendEvent\"}"); };
  return start_run<sent_events>(std::move(options), step_kind::send_event, plan, send).get();
}

INNGEST_INLINE sent_events step::send_event(step_id id, std::vector<any_event> events) {
  return send_event(step_options{.id = id}, std::move(events));
}

INNGEST_INLINE sent_events step::send_event(step_options options, std::initializer_list<any_event> events) {
  return send_event(std::move(options), std::vector<any_event>(events));
}

INNGEST_INLINE sent_events step::send_event(step_id id, std::initializer_list<any_event> events) {
  return send_event(step_options{.id = id}, std::vector<any_event>(events));
}

INNGEST_INLINE sent_events step::send_event(step_options options, const any_event& event) {
  return send_event(std::move(options), std::vector<any_event>{event});
}

INNGEST_INLINE sent_events step::send_event(step_id id, const any_event& event) {
  return send_event(step_options{.id = id}, event);
}

INNGEST_INLINE fetch_response step::fetch(step_options options, const fetch_request& request) {
  auto call = ask_server(std::move(options), step_kind::fetch, [&] {
    detail::json_object_text text;
    text.add_exact("url", request.url).add_exact("method", request.method);
    text.add_raw("headers", encode(request.headers, "headers"));
    if (!request.body.empty()) text.add_exact("body", request.body);
    return protocol::operation{.options = text.text()};
  });
  return detail::read_memo<fetch_response>(*replay_, call);
}

INNGEST_INLINE fetch_response step::fetch(step_id id, const fetch_request& request) {
  return fetch(step_options{.id = id}, request);
}

INNGEST_INLINE void step::score(step_options options, const std::string& name, double value) {
  set_run_metadata(std::move(options), protocol::metadata_object({}, "inngest.score", "merge",
                                                                 protocol::score_values(name, value)));
}

INNGEST_INLINE void step::score(step_id id, const std::string& name, double value) {
  score(step_options{.id = id}, name, value);
}

INNGEST_INLINE void step::set_metadata(step_options options, const std::string& kind, const json& values) {
  set_run_metadata(std::move(options),
                   protocol::metadata_object({}, "userland." + kind, "set", encode(values, "values")));
}

INNGEST_INLINE void step::set_metadata(step_id id, const std::string& kind, const json& values) {
  set_metadata(step_options{.id = id}, kind, values);
}

INNGEST_INLINE void step::refuse_sleep(const execution::step_call& call, const std::string& how_long) {
  throw step_options_error(call.id, "a sleep may take at most 366 days, not " + how_long);
}

INNGEST_INLINE std::string step::timeout_text(const execution::step_call& call, duration_ms timeout) {
  if (timeout < std::chrono::milliseconds::zero() || detail::is_beyond_longest_wait(timeout)) {
    throw step_options_error(
        call.id, "its timeout must be from 0 to 366 days, not " + std::to_string(timeout.count()) + " ms");
  }
  return to_text(timeout);
}

INNGEST_INLINE void step::set_run_metadata(step_options options, const std::string& metadata) {
  const auto send = [&](const execution::step_call&, std::string&) {
    const auto request = protocol::metadata_request(replay_->request().run_id(), {}, metadata);
    protocol::expect_success(replay_->services().call_api(request), "setting metadata");
  };
  start_run<void>(
      std::move(options), step_kind::run, [] { return plan_of(); }, send)
      .get();
}

}  // namespace inngest::inline INNGEST_ABI
