#pragma once

#include <inngest/config.hpp>
#include <inngest/protocol/registration.hpp>

namespace inngest::inline INNGEST_ABI::protocol {

INNGEST_INLINE std::string duration_text(const std::optional<duration_s>& duration) {
  return duration ? to_text(*duration) : std::string();
}

INNGEST_INLINE std::string describe_trigger(const trigger_definition& trigger) {
  json_object_text out;
  out.add_if("event", trigger.event).add_if("expression", trigger.expression).add_if("cron", trigger.cron);
  return out.add_if("jitter", duration_text(trigger.jitter)).text();
}

INNGEST_INLINE std::string describe_limit(const concurrency_limit& limit) {
  json_object_text out;
  out.add("limit", limit.limit).add_if("key", limit.key);
  if (limit.scope == concurrency_scope::environment) out.add("scope", "env");
  if (limit.scope == concurrency_scope::account) out.add("scope", "account");
  return out.text();
}

INNGEST_INLINE std::string describe_cancel(const cancel_on& cancel) {
  json_object_text out;
  out.add("event", cancel.event).add_if("if", detail::matching_expression(cancel.expression, cancel.match));
  return out.add_if("timeout", duration_text(cancel.timeout)).text();
}

INNGEST_INLINE std::string describe_tag(const function_tag& tag) {
  return json_object_text().add("name", tag.name).add("value", tag.value).text();
}

INNGEST_INLINE void describe_flow_control(json_object_text& out, const function_options& options) {
  const auto& limits = options.concurrency.limits();
  if (!limits.empty()) out.add_raw("concurrency", describe_each(limits, describe_limit));
  if (const auto& throttle = options.throttle) {
    json_object_text described;
    described.add("limit", throttle->limit)
        .add("period", to_text(throttle->period))
        .add_if("key", throttle->key);
    if (throttle->burst) described.add("burst", *throttle->burst);
    out.add_raw("throttle", described.text());
  }
  if (const auto& limit = options.rate_limit) {
    json_object_text described;
    described.add("limit", limit->limit).add("period", to_text(limit->period)).add_if("key", limit->key);
    out.add_raw("rateLimit", described.text());
  }
  if (const auto& debounce = options.debounce) {
    json_object_text described;
    described.add("period", to_text(debounce->period)).add_if("key", debounce->key);
    out.add_raw("debounce", described.add_if("timeout", duration_text(debounce->timeout)).text());
  }
  if (const auto& batch = options.batch) {
    json_object_text described;
    described.add("maxSize", batch->max_size)
        .add("timeout", to_text(batch->timeout))
        .add_if("key", batch->key);
    out.add_raw("batchEvents", described.add_if("if", batch->condition).text());
  }
  if (const auto& singleton = options.singleton) {
    json_object_text described;
    described.add("mode", singleton->mode == singleton_mode::skip ? "skip" : "cancel");
    out.add_raw("singleton", described.add_if("key", singleton->key).text());
  }
  if (!options.priority.empty())
    out.add_raw("priority", json_object_text().add("run", options.priority).text());
  out.add_if("idempotency", options.idempotency);
  if (!options.tags.empty()) out.add_raw("tags", describe_each(options.tags, describe_tag));
  if (options.timeouts.start || options.timeouts.finish) {
    json_object_text described;
    described.add_if("start", duration_text(options.timeouts.start));
    out.add_raw("timeouts", described.add_if("finish", duration_text(options.timeouts.finish)).text());
  }
  if (!options.cancel_on.empty()) out.add_raw("cancel", describe_each(options.cancel_on, describe_cancel));
}

INNGEST_INLINE std::string describe_function(const std::string& slug, const function_options& options,
                                             const std::vector<trigger_definition>& triggers,
                                             const std::string& url) {
  const std::string step_url = url + (url.find('?') == std::string::npos ? "?" : "&") +
                               "fnId=" + http::percent_encoded(slug) + "&stepId=step";
  json_object_text step;
  step.add("id", "step").add("name", "step");
  const char* type = url.starts_with("ws://") || url.starts_with("wss://") ? "ws" : "http";
  step.add_raw("runtime", json_object_text().add("type", type).add("url", step_url).text());
  if (options.retries) step.add_raw("retries", json_object_text().add("attempts", *options.retries).text());
  json_object_text out;
  out.add("id", slug).add("name", options.name.empty() ? options.id : options.name);
  out.add_raw("triggers", describe_each(triggers, describe_trigger));
  out.add_raw("steps", json_object_text().add_raw("step", step.text()).text());
  describe_flow_control(out, options);
  return out.text();
}

}  // namespace inngest::inline INNGEST_ABI::protocol
