#pragma once

#include <algorithm>
#include <chrono>

#include <inngest/config.hpp>
#include <inngest/detail/crypto.hpp>
#include <inngest/detail/hex.hpp>
#include <inngest/step.hpp>

namespace inngest::inline INNGEST_ABI {

INNGEST_INLINE step::step(execution::replay& replay, std::span<const detail::event_shape> events)
    : step_base(replay), ai(replay), events_(events) {}

INNGEST_INLINE std::string step::idempotency_key() const {
  const execution::step_call* running = replay_->running();
  if (running == nullptr) {
    throw configuration_error(
        "ctx.step.idempotency_key() was called outside a step: call it in the step's body, whose key it is");
  }
  std::string hex =
      detail::sha256_hex("inngest idempotency key\n" + std::string(replay_->request().run_id()) + "\n" +
                         detail::to_hex(running->hash));
  hex.resize(32);
  hex[12] = '8';  // a custom UUID: RFC 9562, version 8
  hex[16] = "89ab"[detail::hex_digit(hex[16]) & 3];
  for (const std::size_t at : {8u, 13u, 18u, 23u}) hex.insert(at, 1, '-');
  return hex;
}

INNGEST_INLINE void step::sleep(step_options options, duration_ms duration) {
  fall_asleep(std::move(options), [&](const execution::step_call& call) {
    if (detail::is_beyond_max_wait(duration)) refuse_sleep(call, std::to_string(duration.count()) + " ms");
    return to_text(duration_ms(std::max<std::chrono::milliseconds>(duration, {})));
  });
}

INNGEST_INLINE void step::sleep_until(step_options options, detail::saturated_time time) {
  fall_asleep(std::move(options), [&](const execution::step_call& call) {
    const detail::saturated_time now(replay_->services().now());  // rounded up like `time`
    if (time > detail::add_saturated(now, detail::max_wait)) refuse_sleep(call, "until " + to_text(time));
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

INNGEST_INLINE void step::score(step_options options, const std::string& name, const score_value& value,
                                const metadata_target& target) {
  send_metadata(std::move(options), target,
                protocol::metadata_object({}, "inngest.score", "merge", protocol::score_values(name, value)));
}

INNGEST_INLINE void step::score(step_id id, const std::string& name, const score_value& value,
                                const metadata_target& target) {
  score(step_options{.id = id}, name, value, target);
}

INNGEST_INLINE void step::set_metadata(step_options options, const std::string& kind, const json& values,
                                       const metadata_target& target, metadata_change change) {
  send_metadata(
      std::move(options), target,
      protocol::metadata_object({}, "userland." + kind, to_string(change), encode(values, "values")));
}

INNGEST_INLINE void step::set_metadata(step_id id, const std::string& kind, const json& values,
                                       const metadata_target& target, metadata_change change) {
  set_metadata(step_options{.id = id}, kind, values, target, change);
}

INNGEST_INLINE void step::refuse_sleep(const execution::step_call& call, const std::string& how_long) {
  throw step_options_error(call.id, "a sleep may take at most 366 days, not " + how_long);
}

INNGEST_INLINE std::string step::timeout_text(const execution::step_call& call, duration_ms timeout) {
  if (timeout < std::chrono::milliseconds::zero() || detail::is_beyond_max_wait(timeout)) {
    throw step_options_error(
        call.id, "its timeout must be from 0 to 366 days, not " + std::to_string(timeout.count()) + " ms");
  }
  return to_text(timeout);
}

INNGEST_INLINE std::string step::invoke_payload(std::string_view data, const invoke_options& invoke) const {
  detail::json_object_text out;
  out.add_raw("data", data);
  if (invoke.v) out.add_exact("v", *invoke.v);
  const std::string meta = protocol::meta_text(invoke.meta, replay_->propagated_sessions());
  if (!meta.empty()) out.add_raw("meta", meta);
  return out.text();
}

INNGEST_INLINE void step::send_metadata(step_options options, const metadata_target& target,
                                        const std::string& metadata) {
  const std::string& run = target.run_id.empty() ? replay_->request().run_id() : target.run_id;
  const auto request = protocol::metadata_request(run, target, metadata);
  const auto send = [&](const execution::step_call&, std::string&) {
    protocol::expect_success(replay_->services().call_api(request), "setting metadata");
  };
  start_run<void>(
      std::move(options), step_kind::run, [] { return plan_of(); }, send)
      .get();
}

}  // namespace inngest::inline INNGEST_ABI
