#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <inngest/duration.hpp>
#include <inngest/http.hpp>
#include <inngest/json.hpp>
#include <inngest/options.hpp>
#include <inngest/protocol/headers.hpp>
#include <inngest/trigger.hpp>

// What a server is told of an app's functions. Nothing here is sent often, so it is built as a DOM.

namespace inngest::protocol {

inline void add_text(json& object, const char* key, const std::string& text) {
  if (!text.empty()) object[key] = text;
}

inline void add_duration(json& object, const char* key, const std::optional<std::chrono::seconds>& duration) {
  if (duration) object[key] = to_text(*duration);
}

inline json describe_triggers(const std::vector<trigger_definition>& triggers) {
  json out = json::array();
  for (const trigger_definition& each : triggers) {
    json trigger = json::object();
    add_text(trigger, "event", each.event);
    add_text(trigger, "expression", each.expression);
    add_text(trigger, "cron", each.cron);
    out.push_back(std::move(trigger));
  }
  return out;
}

inline json describe_concurrency(const concurrency& concurrency) {
  json out = json::array();
  for (const concurrency_limit& each : concurrency.limits()) {
    json limit{{"limit", each.limit}};
    add_text(limit, "key", each.key);
    if (each.scope == concurrency_scope::environment) limit["scope"] = "env";
    if (each.scope == concurrency_scope::account) limit["scope"] = "account";
    out.push_back(std::move(limit));
  }
  return out;
}

inline void describe_flow_control(json& out, const function_options& options) {
  if (!options.concurrency.limits().empty()) out["concurrency"] = describe_concurrency(options.concurrency);
  if (const auto& throttle = options.throttle) {
    json& each = out["throttle"] = {{"limit", throttle->limit}, {"period", to_text(throttle->period)}};
    add_text(each, "key", throttle->key);
    if (throttle->burst) each["burst"] = *throttle->burst;
  }
  if (const auto& limit = options.rate_limit) {
    json& each = out["rateLimit"] = {{"limit", limit->limit}, {"period", to_text(limit->period)}};
    add_text(each, "key", limit->key);
  }
  if (const auto& debounce = options.debounce) {
    json& each = out["debounce"] = {{"period", to_text(debounce->period)}};
    add_text(each, "key", debounce->key);
    add_duration(each, "timeout", debounce->timeout);
  }
  if (const auto& singleton = options.singleton) {
    json& each = out["singleton"] = {{"mode", singleton->mode == singleton_mode::skip ? "skip" : "cancel"}};
    add_text(each, "key", singleton->key);
  }
  if (!options.priority.empty()) out["priority"] = {{"run", options.priority}};
  add_text(out, "idempotency", options.idempotency);
  if (options.timeouts.start || options.timeouts.finish) {
    json& each = out["timeouts"] = json::object();
    add_duration(each, "start", options.timeouts.start);
    add_duration(each, "finish", options.timeouts.finish);
  }
  for (const cancel_on& cancel : options.cancel_on) {
    json each{{"event", cancel.event}};
    add_text(each, "if", cancel.expression);
    add_duration(each, "timeout", cancel.timeout);
    out["cancel"].push_back(std::move(each));
  }
}

/// The registration of one function, which the server will call at `url`.
inline json describe_function(const std::string& slug, const function_options& options,
                              const std::vector<trigger_definition>& triggers, const std::string& url) {
  const std::string step_url = url + (url.find('?') == std::string::npos ? "?" : "&") +
                               "fnId=" + http::percent_encoded(slug) + "&stepId=step";
  json step{{"id", "step"}, {"name", "step"}, {"runtime", {{"type", "http"}, {"url", step_url}}}};
  if (options.retries) step["retries"] = {{"attempts", *options.retries}};
  json out{{"id", slug},
           {"name", options.name.empty() ? options.id : options.name},
           {"triggers", describe_triggers(triggers)},
           {"steps", {{"step", std::move(step)}}}};
  describe_flow_control(out, options);
  return out;
}

/// What this SDK can do beyond the least.
inline json capabilities() { return {{"in_band_sync", "v1"}, {"trust_probe", "v1"}}; }

}  // namespace inngest::protocol
