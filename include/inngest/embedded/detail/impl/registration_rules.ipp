#pragma once

#include <algorithm>
#include <initializer_list>
#include <set>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/embedded/detail/registration_rules.hpp>
#include <inngest/error.hpp>
#include <inngest/http/detail/request_line.hpp>
#include <inngest/time/detail/server_duration.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE void check_registration(const json& registration) {
  const json& functions = registered_member(registration, "functions");
  if (!functions.is_array()) return;  // the reader reports the problem
  std::string all;
  for (const json& function : functions) {
    function_rules rules(function);
    for (const std::string& problem : rules.problems())
      all += (all.empty() ? "function \"" : "; function \"") + rules.shown_name() + "\": " + problem;
  }
  if (!all.empty()) throw configuration_error("At least one function is invalid: " + all);
}

INNGEST_INLINE function_rules::function_rules(const json& function) : function_(function) {}

INNGEST_INLINE std::vector<std::string> function_rules::problems() {
  if (!function_.is_object()) return {"it must be a JSON object"};
  check_types();
  if (!problems_.empty()) return std::move(problems_);  // the other rules need the types
  check_steps();
  check_triggers();
  check_concurrency();
  check_rates();
  check_debounce();
  check_batch();
  check_singleton();
  check_cancels();
  return std::move(problems_);
}

INNGEST_INLINE std::string function_rules::shown_name() const {
  const std::string id = text_of(function_, "id");
  return id.empty() ? text_of(function_, "name") : id;
}

INNGEST_INLINE void function_rules::check_types() {
  using kind = bool (json::*)() const noexcept;
  const auto need = [&](std::initializer_list<std::string_view> names, kind is, const char* what) {
    for (const std::string_view name : names) {
      const json& found = member(name);
      if (!found.is_null() && !(found.*is)()) add(std::string(name) + " must be " + what);
    }
  };
  need({"id", "name", "idempotency"}, &json::is_string, "a text");
  need({"triggers", "cancel"}, &json::is_array, "a list");
  need({"steps", "throttle", "rateLimit", "debounce", "batchEvents", "singleton", "priority", "timeouts"},
       &json::is_object, "an object");
  need({"retries"}, &json::is_number_integer, "a whole number");
}

INNGEST_INLINE void function_rules::check_steps() {
  if (text_of(function_, "name").empty()) add("a function needs a name");
  const json& steps = member("steps");
  if (steps.size() != 1) return add("a function must have one step");
  const json& step = *steps.begin();
  if (text_of(step, "name").empty()) add("a step needs a name");
  const json& url = registered_member(registered_member(step, "runtime"), "url");
  if (!url.is_string()) return add("its step has no URL");
  const auto text = url.get<std::string>();
  const auto schemes = {"http:", "https:", "ws:", "wss:"};
  if (std::none_of(schemes.begin(), schemes.end(), [&](const char* scheme) {
        return detail::same_word(std::string_view(text).substr(0, std::string_view(scheme).size()), scheme);
      }))
    add("its URL must begin with http:// or https://: " + detail::shown_url(text));
}

INNGEST_INLINE void function_rules::check_triggers() {
  const json& triggers = member("triggers");
  check_count(triggers.size(), detail::option_limits::triggers, "triggers");
  std::set<std::string> seen, schedules;
  for (const json& trigger : triggers) {
    if (!trigger.is_object()) {
      add("a trigger must be an object");
      continue;
    }
    const std::string event = text_of(trigger, "event"), cron = text_of(trigger, "cron");
    const bool is_new = seen.insert(trigger.dump()).second && (cron.empty() || schedules.insert(cron).second);
    if (!is_new) add("the trigger \"" + (cron.empty() ? event : cron) + "\" is there twice");
    check_trigger(trigger);
  }
}

INNGEST_INLINE void function_rules::check_trigger(const json& trigger) {
  const bool is_event = has(trigger, "event") || has(trigger, "expression");
  const bool is_cron = has(trigger, "cron") || has(trigger, "jitter");
  if (is_event && is_cron) return add("a trigger can't have both an event and a cron schedule");
  if (!is_event && !is_cron) return add("a trigger must have an event or a cron schedule");
  if (is_cron) return check_cron(trigger);
  check_expression(trigger, "expression", "a trigger");
  const std::string event = text_of(trigger, "event");
  if (event.empty()) add("an event trigger must name an event");
  if (event.size() > static_cast<std::size_t>(detail::option_limits::event_name.most))
    add("an event's name is longer than " + std::to_string(detail::option_limits::event_name.most) +
        " characters");
}

INNGEST_INLINE void function_rules::check_cron(const json& trigger) {
  constexpr std::size_t longest = 255;
  if (text_of(trigger, "cron").size() > longest)
    add("a cron schedule is longer than " + std::to_string(longest) + " characters");
  const std::string text = text_of(trigger, "jitter");
  if (text.find_first_not_of(" \t\r\n") == std::string::npos) return;
  const auto jitter = detail::parse_server_duration(text);
  constexpr auto& limit = detail::option_limits::cron_jitter;
  if (!jitter) return add("jitter is not a duration: \"" + text + "\"");
  if (jitter->count() != 0 &&
      (*jitter < std::chrono::seconds(limit.least) || *jitter > std::chrono::seconds(limit.most)))
    add("jitter must be " + limit.text());
}

INNGEST_INLINE void function_rules::check_concurrency() {
  const json& concurrency = member("concurrency");
  const json& of_runs = registered_member(concurrency, "fn");
  const json& of_calls = registered_member(concurrency, "step");
  const bool is_split = !of_runs.empty() || !of_calls.empty();
  const json& limits = is_split ? of_calls : concurrency;
  if (limits.is_array()) {
    check_count(limits.size(), detail::option_limits::concurrency_limits, "concurrency limits");
    for (const json& limit : limits) check_limit_of_calls(limit);
  } else if (limits.is_object()) {
    check_limit_of_calls(limits);
  }
  if (of_runs.size() > 1) add("only one function concurrency limit is allowed");
  for (const json& limit : of_runs) check_limit_of_runs(limit);
}

INNGEST_INLINE void function_rules::check_limit_of_calls(const json& limit) {
  if (!limit.is_object()) return add("a concurrency limit must be an object");
  number_of(limit, "limit", "concurrency", 0, 0);
  check_expression(limit, "key", "concurrency");
  const std::string text = has(limit, "scope") ? text_of(limit, "scope") : "fn";
  if (!detail::same_word(text, "fn") && !detail::same_word(text, "env") &&
      !detail::same_word(text, "account"))
    return add("unknown concurrency scope \"" + text + "\"");
  if (!detail::same_word(text, "fn") && text_of(limit, "key").empty())
    add("a concurrency limit of the scope \"" + text + "\" needs a key");
}

INNGEST_INLINE void function_rules::check_limit_of_runs(const json& limit) {
  if (!limit.is_object()) return add("a concurrency limit must be an object");
  number_of(limit, "limit", "function concurrency", 1, 0);
  check_expression(limit, "key", "function concurrency");
  const std::string scope = text_of(limit, "scope");
  if (scope == "app") add("apps can't set function concurrency of the scope \"app\"");
  if (!scope.empty() && scope != "fn" && scope != "app")
    add("unknown function concurrency scope \"" + scope + "\"");
}

INNGEST_INLINE void function_rules::check_rates() {
  if (is_chosen("throttle")) {
    number_of(member("throttle"), "limit", "throttle", 0, 1);
    number_of(member("throttle"), "burst", "throttle", 0, 0);
    duration_of(member("throttle"), "period", "throttle");
  }
  check_expression(function_, "idempotency", "a function");
  if (!is_chosen("rateLimit") || !text_of(function_, "idempotency").empty()) return;
  check_expression(member("rateLimit"), "key", "rateLimit");
  number_of(member("rateLimit"), "limit", "rateLimit", 1, 0);
  const auto period = duration_of(member("rateLimit"), "period", "rateLimit");
  if (period && *period > std::chrono::seconds(detail::option_limits::rate_limit_period.most))
    add("rateLimit: its period must be at most a day");
}

INNGEST_INLINE void function_rules::check_debounce() {
  if (!is_chosen("debounce")) return;
  constexpr auto& limit = detail::option_limits::debounce_period;
  const auto period = duration_of(member("debounce"), "period", "debounce");
  if (period && (*period < std::chrono::seconds(limit.least) || *period > std::chrono::seconds(limit.most)))
    add("debounce: its period must be " + limit.text());
}

INNGEST_INLINE void function_rules::check_batch() {
  if (!is_chosen("batchEvents")) return;
  const json& batch = member("batchEvents");
  number_of(batch, "maxSize", "batchEvents", detail::option_limits::batch_size.least, 0);
  const std::string text = text_of(batch, "timeout");
  const bool has_day_or_week = text.find_first_of("dw") != std::string::npos;  // servers read these elsewhere
  const auto timeout = duration_of(batch, "timeout", "batchEvents");
  if (has_day_or_week)
    add("batchEvents: its timeout may have the units h, m and s only: \"" + text + "\"");
  else if (timeout && *timeout < std::chrono::seconds(detail::option_limits::batch_timeout.least))
    add("batchEvents: its timeout must be at least a second");
  check_expression(batch, "key", "batchEvents");
  check_expression(batch, "if", "batchEvents");
  check_batch_companions();
}

INNGEST_INLINE void function_rules::check_batch_companions() {
  if (!member("cancel").empty()) add("batching and cancellation exclude each other");
  if (member("debounce").is_object()) add("batching and debouncing exclude each other");
  if (member("singleton").is_object()) add("batching and singletons exclude each other");
  if (registered_member(member("priority"), "run").is_string())
    add("batching and priority exclude each other");
}

INNGEST_INLINE void function_rules::check_singleton() {
  if (!is_chosen("singleton")) return;
  const json& singleton = member("singleton");
  const std::string mode = has(singleton, "mode") ? text_of(singleton, "mode") : "skip";
  if (!detail::same_word(mode, "skip") && !detail::same_word(mode, "cancel"))
    add("unknown singleton mode \"" + mode + "\": it must be \"skip\" or \"cancel\"");
}

INNGEST_INLINE void function_rules::check_cancels() {
  check_count(member("cancel").size(), detail::option_limits::cancel_on, "cancellation events");
  for (const json& cancel : member("cancel")) check_expression(cancel, "if", "a cancellation");
  check_expression(member("priority"), "run", "priority");
}

INNGEST_INLINE std::string function_rules::text_of(const json& object, std::string_view name) {
  const json& found = registered_member(object, name);
  return found.is_string() ? found.get<std::string>() : std::string();
}

INNGEST_INLINE bool function_rules::has(const json& object, std::string_view name) {
  for (auto item = object.begin(); item != object.end(); ++item) {
    if (detail::same_word(item.key(), name)) return true;
  }
  return false;
}

INNGEST_INLINE long long function_rules::number_of(const json& object, std::string_view name,
                                                   const std::string& what, long long least,
                                                   long long otherwise) {
  const json& found = registered_member(object, name);
  const std::string where = what + ": its " + std::string(name);
  if (!found.is_null() && !found.is_number_integer()) {
    add(where + " must be a whole number");
    return otherwise;
  }
  const long long out = found.is_null() ? otherwise : found.get<long long>();
  if (out < least) add(where + " must be at least " + std::to_string(least));
  return out;
}

INNGEST_INLINE std::optional<std::chrono::milliseconds> function_rules::duration_of(const json& object,
                                                                                    std::string_view name,
                                                                                    const std::string& what) {
  const std::string text = text_of(object, name);
  auto out = detail::parse_server_duration(text);
  if (text.empty())
    add(what + ": it needs a " + std::string(name));
  else if (!out)
    add(what + ": its " + std::string(name) + " is not a duration: \"" + text + "\"");
  return out;
}

INNGEST_INLINE void function_rules::check_expression(const json& object, std::string_view name,
                                                     const std::string& what) {
  const json& found = registered_member(object, name);
  if (!found.is_null() && text_of(object, name).empty())
    add(what + ": its " + std::string(name) + " must be an expression");
}

INNGEST_INLINE void function_rules::check_count(std::size_t count, const detail::option_range& limit,
                                                std::string_view what) {
  if (count > static_cast<std::size_t>(limit.most))
    add("it has more than " + std::to_string(limit.most) + " " + std::string(what));
}

}  // namespace inngest::inline INNGEST_ABI::embedded
