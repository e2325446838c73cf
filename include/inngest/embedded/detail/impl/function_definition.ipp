#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/embedded/detail/function_definition.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// The app's own parameters of a function's URL, each after a '&'.
INNGEST_INLINE std::string own_parameters(std::string_view url) {
  std::string out;
  const std::size_t query = url.find('?');
  std::string_view rest = query == std::string_view::npos ? std::string_view() : url.substr(query + 1);
  while (!rest.empty()) {
    const std::string_view parameter = rest.substr(0, rest.find('&'));
    if (!parameter.starts_with("fnId=") && !parameter.starts_with("stepId="))
      out += "&" + std::string(parameter);
    rest.remove_prefix((std::min)(parameter.size() + 1, rest.size()));
  }
  return out;
}

INNGEST_INLINE std::string call_url(const function_definition& function, const std::string& step) {
  return function.url.substr(0, function.url.find('?')) + "?fnId=" + http::percent_encoded(function.slug) +
         "&stepId=" + step + own_parameters(function.url);
}

INNGEST_INLINE std::string app_url(std::string_view function_url) {
  std::string parameters = own_parameters(function_url);
  if (!parameters.empty()) parameters.front() = '?';
  return std::string(function_url.substr(0, function_url.find('?'))) + parameters;
}

INNGEST_INLINE function_definition definition_reader::read(const json& text, std::string app_id) {
  definition_reader reader(text);
  return reader.read(std::move(app_id));
}

INNGEST_INLINE function_definition definition_reader::read(std::string app_id) {
  if (!whole_.is_object()) throw configuration_error("a function must be a JSON object");
  out_.name = text_of(whole_, "name");
  out_.slug = text_of(whole_, "id");
  if (out_.slug.empty()) out_.slug = slug_of_name(out_.name);
  if (out_.slug.empty()) throw configuration_error("a function has neither an id nor a name");
  out_.uuid = function_uuid(out_.slug);
  out_.app_id = std::move(app_id);
  if (out_.name.empty()) out_.name = out_.slug;
  out_.text = whole_.dump();
  read_triggers();
  read_step();
  read_flow_control();
  read_ends();
  read_tags();
  read_handled_ends();
  return std::move(out_);
}

INNGEST_INLINE void definition_reader::fail(const std::string& problem) const {
  throw configuration_error("function \"" + out_.slug + "\": " + problem);
}

INNGEST_INLINE std::string definition_reader::text_of(const json& object, const char* name) {
  const json& found = member(object, name);
  return found.is_string() ? found.get<std::string>() : std::string();
}

INNGEST_INLINE int definition_reader::number_of(const json& object, const char* name, int otherwise) const {
  const json& found = member(object, name);
  return found.is_null() ? otherwise : to_number(found, name);
}

INNGEST_INLINE int definition_reader::to_number(const json& found, const char* name) const {
  if (!found.is_number_integer()) fail(std::string(name) + " must be a whole number");
  const auto number = found.get<std::int64_t>();  // get() would wrap a larger number
  const bool is_larger = found.is_number_unsigned() && !std::in_range<int>(found.get<std::uint64_t>());
  if (is_larger || !std::in_range<int>(number)) fail(std::string(name) + " is too large: " + found.dump());
  return static_cast<int>(number);
}

INNGEST_INLINE std::optional<milliseconds> definition_reader::duration_of(const json& object,
                                                                          const char* name) const {
  const std::string text = text_of(object, name);
  if (text.empty()) return std::nullopt;
  const auto out = detail::parse_server_duration(text);
  if (!out) fail(std::string(name) + " is not a duration: \"" + text + "\"");
  return out;
}

INNGEST_INLINE std::optional<milliseconds> definition_reader::timeout_of(const json& object,
                                                                         const char* name) const {
  const auto out = detail::parse_server_duration(text_of(object, name));
  return out ? std::optional((std::max)(*out, none)) : std::nullopt;
}

INNGEST_INLINE std::optional<milliseconds> definition_reader::period_of(const json& object, const char* name,
                                                                        milliseconds least) const {
  const auto out = duration_of(object, name);
  return out ? std::optional((std::max)(*out, least)) : std::nullopt;
}

INNGEST_INLINE shared_expression definition_reader::expression_of(const json& object,
                                                                  const char* name) const {
  std::string text = text_of(object, name);
  if (text.empty()) return nullptr;
  try {
    return std::make_shared<const expression>(text);
  } catch (const expression_error& problem) {
    fail(std::string(name) + " (" + text + "): " + problem.what());
  }
}

INNGEST_INLINE void definition_reader::read_triggers() {
  for (const json& object : member(whole_, "triggers")) {
    registered_trigger trigger{.event = text_of(object, "event"),
                               .condition = expression_of(object, "expression"),
                               .schedule = text_of(object, "cron"),
                               .jitter = period_of(object, "jitter", none).value_or(none)};
    if (!trigger.schedule.empty()) {
      try {
        trigger.cron = detail::cron_schedule::parse(trigger.schedule);
        // Reads the time zone now, so that registering the function and its schedule can't fail later.
        detail::cron_next(*trigger.cron, floor<milliseconds>(std::chrono::system_clock::now()));
      } catch (const configuration_error& problem) {
        fail("cron (" + trigger.schedule + "): " + problem.what());
      }
    }
    if (trigger.event.empty() && !trigger.cron) fail("a trigger has neither event nor cron");
    out_.triggers.push_back(std::move(trigger));
  }
}

INNGEST_INLINE void definition_reader::read_step() {
  const json& steps = member(whole_, "steps");
  if (!steps.is_object() || steps.empty()) return;
  const json& step = *steps.begin();
  const json& runtime = member(step, "runtime");
  out_.url = text_of(runtime, "type") == "ws" ? std::string(connect_url) : text_of(runtime, "url");
  out_.is_endpoint = text_of(runtime, "type") == "endpoint";
  const json& retries = member(step, "retries");
  const int chosen = retries.is_object() ? number_of(retries, "attempts", out_.retries)
                                         : number_of(whole_, "retries", out_.retries);
  out_.retries = std::clamp(chosen, 0, 20);
}

INNGEST_INLINE void definition_reader::read_flow_control() {
  read_concurrency();
  if (const json& throttle = member(whole_, "throttle"); throttle.is_object()) {
    out_.throttle = registered_throttle{.limit = (std::max)(1, number_of(throttle, "limit", 1)),
                                        .burst = (std::max)(0, number_of(throttle, "burst", 0)),
                                        .period = period_of(throttle, "period", shortest).value_or(shortest),
                                        .key = expression_of(throttle, "key")};
  }
  if (const json& rate_limit = member(whole_, "rateLimit"); rate_limit.is_object()) {
    out_.rate_limit =
        registered_rate_limit{.limit = (std::max)(1, number_of(rate_limit, "limit", 1)),
                              .period = period_of(rate_limit, "period", shortest).value_or(shortest),
                              .key = expression_of(rate_limit, "key")};
  }
  if (const json& debounce = member(whole_, "debounce"); debounce.is_object()) {
    out_.debounce = registered_debounce{.period = period_of(debounce, "period", none).value_or(none),
                                        .timeout = timeout_of(debounce, "timeout"),
                                        .key = expression_of(debounce, "key")};
  }
  const json& batch = member(whole_, "batchEvents");
  const int size = number_of(batch, "maxSize", 1);
  if (batch.is_object() && size > 1) {
    out_.batch = registered_batch{.max_size = static_cast<std::size_t>(size),
                                  .timeout = period_of(batch, "timeout", none).value_or(none),
                                  .key = expression_of(batch, "key"),
                                  .condition = expression_of(batch, "if")};
  }
  if (const json& singleton = member(whole_, "singleton"); singleton.is_object()) {
    out_.singleton = registered_singleton{.cancels = detail::same_word(text_of(singleton, "mode"), "cancel"),
                                          .key = expression_of(singleton, "key")};
  }
  out_.priority = expression_of(member(whole_, "priority"), "run");
  out_.idempotency = expression_of(whole_, "idempotency");
}

INNGEST_INLINE void definition_reader::read_concurrency() {
  const json& limits = member(whole_, "concurrency");
  const json &of_runs = member(limits, "fn"), &of_calls = member(limits, "step");
  if (of_runs.empty() && of_calls.empty()) return read_limits(limits, false);
  read_limits(of_calls, false);
  read_limits(of_runs, true);
}

INNGEST_INLINE void definition_reader::read_limits(const json& limits, bool holds_for_run) {
  if (limits.is_array()) {
    for (const json& limit : limits) read_limit(limit, holds_for_run);
  } else if (limits.is_object() || limits.is_number()) {
    read_limit(limits, holds_for_run);
  }
}

INNGEST_INLINE void definition_reader::read_limit(const json& limit, bool holds_for_run) {
  registered_limit out{.holds_for_run = holds_for_run};
  out.limit = limit.is_number() ? to_number(limit, "concurrency") : number_of(limit, "limit", 0);
  out.key = expression_of(limit, "key");
  const std::string scope = text_of(limit, "scope");
  if (detail::same_word(scope, "env") && !holds_for_run) out.within = registered_limit::scope::environment;
  if (detail::same_word(scope, "account") && !holds_for_run) out.within = registered_limit::scope::account;
  if (out.limit > 0) out_.concurrency.push_back(std::move(out));
}

INNGEST_INLINE void definition_reader::read_ends() {
  const json& timeouts = member(whole_, "timeouts");
  out_.start_timeout = timeout_of(timeouts, "start");
  out_.finish_timeout = timeout_of(timeouts, "finish");
  for (const json& cancel : member(whole_, "cancel")) {
    out_.cancels.push_back({.event = text_of(cancel, "event"),
                            .condition = expression_of(cancel, "if"),
                            .timeout = duration_of(cancel, "timeout")});
  }
}

INNGEST_INLINE void definition_reader::read_tags() {
  for (const json& tag : member(whole_, "tags")) {
    registered_tag out{.name = text_of(tag, "name"), .value = expression_of(tag, "value")};
    const std::string problem = detail::problem_of_tag_name(out.name);
    if (!problem.empty()) fail("tags: " + problem);
    if (!out.value) fail("tags: \"" + out.name + "\" has no value");
    out_.tags.push_back(std::move(out));
  }
}

INNGEST_INLINE void definition_reader::read_handled_ends() {
  if (out_.triggers.size() != 1 || !out_.triggers[0].condition) return;
  const registered_trigger& trigger = out_.triggers[0];
  if (!trigger.event.starts_with("inngest/function.")) return;
  for (const std::string_view end : {"-failure", "-cancel", "-success"}) {
    if (!out_.slug.ends_with(end)) continue;
    const std::string function = out_.slug.substr(0, out_.slug.size() - end.size());
    const std::string compares = "event.data.function_id == '" + function + "'";
    if (trigger.condition->text().starts_with(compares)) out_.handles_ends_of = function;
  }
}

INNGEST_INLINE std::vector<function_definition> read_registration(const app_record& app) {
  const json whole = detail::parse_dom(app.text);
  if (!whole.is_object()) throw configuration_error("a registration must be a JSON object");
  const json& functions = registered_member(whole, "functions");
  if (!functions.is_array() && !functions.is_null())
    throw configuration_error("a registration's functions must be an array");
  std::vector<function_definition> out;
  for (const json& function : functions) out.push_back(definition_reader::read(function, app.id));
  return out;
}

INNGEST_INLINE function_definition define(const any_function& function) {
  const std::string text =
      protocol::describe_function(function.slug(), function.options(), function.triggers(), "");
  function_definition out = definition_reader::read(detail::parse_dom(text), function.app_id());
  out.url.clear();
  out.is_endpoint = function.is_endpoint();
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::embedded
