#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/embedded/store.hpp>
#include <inngest/error.hpp>
#include <inngest/expression.hpp>
#include <inngest/function.hpp>
#include <inngest/http.hpp>
#include <inngest/json.hpp>
#include <inngest/json/detail/dom.hpp>
#include <inngest/protocol/registration.hpp>
#include <inngest/time/detail/cron.hpp>
#include <inngest/time/detail/cron_next.hpp>
#include <inngest/time/detail/server_duration.hpp>
#include <inngest/time/duration.hpp>

// A function as the engine knows it: what was registered, whether by this process or over HTTP.

namespace inngest::embedded {

/// An expression, shared by what was copied; none is null.
using shared_expression = std::shared_ptr<const expression>;
using std::chrono::milliseconds;

struct registered_trigger {
  std::string event{};
  shared_expression condition{};
  std::string schedule{};  // as registered
  std::optional<detail::cron_schedule> cron{};
  milliseconds jitter{};
};

struct registered_limit {
  enum class scope { function, environment, account };
  int limit = 0;
  shared_expression key{};
  scope within = scope::function;
};

struct registered_throttle {
  int limit = 1;
  int burst = 0;  // beyond the limit
  milliseconds period{};
  shared_expression key{};
};

struct registered_rate_limit {
  int limit = 1;
  milliseconds period{};
  shared_expression key{};
};

struct registered_debounce {
  milliseconds period{};
  std::optional<milliseconds> timeout{};
  shared_expression key{};
};

struct registered_batch {
  std::size_t max_size = 1;
  milliseconds timeout{};
  shared_expression key{};
  shared_expression condition{};
};

struct registered_singleton {
  bool cancels = false;  // the run before; otherwise the new one is skipped
  shared_expression key{};
};

struct registered_cancel {
  std::string event{};
  shared_expression condition{};
  std::optional<milliseconds> timeout{};
};

struct function_definition {
  std::string slug{};
  std::string app_id{};
  std::string name{};
  /// Where the app answers; empty when it is this process.
  std::string url{};
  int retries = 4;  // the server's default
  std::vector<registered_trigger> triggers{};
  std::vector<registered_limit> concurrency{};
  std::optional<registered_throttle> throttle{};
  std::optional<registered_rate_limit> rate_limit{};
  std::optional<registered_debounce> debounce{};
  std::optional<registered_batch> batch{};
  std::optional<registered_singleton> singleton{};
  shared_expression priority{};
  shared_expression idempotency{};
  std::vector<registered_cancel> cancels{};
  std::optional<milliseconds> start_timeout{};
  std::optional<milliseconds> finish_timeout{};
  /// The registration, as JSON.
  std::string text{};

  /// The id within the app.
  std::string id() const { return slug.starts_with(app_id + "-") ? slug.substr(app_id.size() + 1) : slug; }
};

/// Where a function is called, for one step or ("step") as a whole.
inline std::string call_url(const function_definition& function, const std::string& step) {
  const std::size_t query = function.url.find('?');
  std::string out =
      function.url.substr(0, query) + "?fnId=" + http::percent_encoded(function.slug) + "&stepId=" + step;
  if (query == std::string::npos) return out;
  std::string_view rest = std::string_view(function.url).substr(query + 1);
  while (!rest.empty()) {  // what the app itself has put there
    const std::string_view each = rest.substr(0, rest.find('&'));
    if (!each.starts_with("fnId=") && !each.starts_with("stepId=")) out += "&" + std::string(each);
    rest.remove_prefix((std::min)(each.size() + 1, rest.size()));
  }
  return out;
}

/// Reads one function of a registration. What is wrong is named with the function and the option.
class definition_reader {
 public:
  /// \throws configuration_error
  static function_definition read(const json& text, std::string app_id) {
    definition_reader reader(text);
    return reader.read(std::move(app_id));
  }

 private:
  explicit definition_reader(const json& whole) : whole_(whole) {}

  function_definition read(std::string app_id) {
    if (!whole_.is_object()) throw configuration_error("a function must be a JSON object");
    out_.slug = text_of(whole_, "id");
    if (out_.slug.empty()) throw configuration_error("a function has no id");
    out_.app_id = std::move(app_id);
    out_.name = text_of(whole_, "name");
    if (out_.name.empty()) out_.name = out_.slug;
    out_.text = whole_.dump();
    read_triggers();
    read_step();
    read_flow_control();
    read_ends();
    return std::move(out_);
  }

  // ---- members ----------------------------------------------------------------------------------------

  [[noreturn]] void fail(const std::string& problem) const {
    throw configuration_error("function \"" + out_.slug + "\": " + problem);
  }

  /// The member, or null when the object has none of the name.
  static const json& member(const json& object, const char* name) {
    static const json none;
    const auto found = object.is_object() ? object.find(name) : object.end();
    return found == object.end() || !object.is_object() ? none : *found;
  }

  static std::string text_of(const json& object, const char* name) {
    const json& found = member(object, name);
    return found.is_string() ? found.get<std::string>() : std::string();
  }

  int number_of(const json& object, const char* name, int otherwise) const {
    const json& found = member(object, name);
    return found.is_null() ? otherwise : to_number(found, name);
  }

  int to_number(const json& found, const char* name) const {
    if (!found.is_number_integer()) fail(std::string(name) + " must be a whole number");
    const auto number = found.get<std::int64_t>();  // of a larger one it would be another
    const bool is_larger = found.is_number_unsigned() && !std::in_range<int>(found.get<std::uint64_t>());
    if (is_larger || !std::in_range<int>(number)) fail(std::string(name) + " is too large: " + found.dump());
    return static_cast<int>(number);
  }

  std::optional<milliseconds> duration_of(const json& object, const char* name) const {
    const std::string text = text_of(object, name);
    if (text.empty()) return std::nullopt;
    const auto out = detail::parse_server_duration(text);
    if (!out) fail(std::string(name) + " is no duration: \"" + text + "\"");
    return out;
  }

  /// A time in which something may happen some times, or the wait for more: at least so long, as a negative
  /// one means the same as none.
  std::optional<milliseconds> period_of(const json& object, const char* name, milliseconds least) const {
    const auto out = duration_of(object, name);
    return out ? std::optional((std::max)(*out, least)) : std::nullopt;
  }

  shared_expression expression_of(const json& object, const char* name) const {
    std::string text = text_of(object, name);
    if (text.empty()) return nullptr;
    try {
      return std::make_shared<const expression>(text);
    } catch (const expression_error& problem) {
      fail(std::string(name) + " (" + text + "): " + problem.what());
    }
  }

  // ---- options ----------------------------------------------------------------------------------------

  void read_triggers() {
    for (const json& each : member(whole_, "triggers")) {
      registered_trigger trigger{.event = text_of(each, "event"),
                                 .condition = expression_of(each, "expression"),
                                 .schedule = text_of(each, "cron"),
                                 .jitter = period_of(each, "jitter", none).value_or(none)};
      if (!trigger.schedule.empty()) {
        try {
          trigger.cron = detail::cron_schedule::parse(trigger.schedule);
          // Reads its time zone, now and not when the function is registered or its schedule has fired.
          detail::cron_next(*trigger.cron, floor<milliseconds>(std::chrono::system_clock::now()));
        } catch (const configuration_error& problem) {
          fail("cron (" + trigger.schedule + "): " + problem.what());
        }
      }
      if (trigger.event.empty() && !trigger.cron) fail("a trigger has neither event nor cron");
      out_.triggers.push_back(std::move(trigger));
    }
  }

  void read_step() {
    const json& steps = member(whole_, "steps");
    if (!steps.is_object() || steps.empty()) return;
    const json& step = *steps.begin();
    out_.url = text_of(member(step, "runtime"), "url");
    out_.retries = std::clamp(number_of(member(step, "retries"), "attempts", out_.retries), 0, 20);
  }

  void read_flow_control() {
    const json& limits = member(whole_, "concurrency");
    if (limits.is_array()) {
      for (const json& each : limits) read_limit(each);
    } else if (!limits.is_null()) {
      read_limit(limits);
    }
    if (const json& each = member(whole_, "throttle"); each.is_object()) {
      out_.throttle = registered_throttle{.limit = (std::max)(1, number_of(each, "limit", 1)),
                                          .burst = (std::max)(0, number_of(each, "burst", 0)),
                                          .period = period_of(each, "period", shortest).value_or(shortest),
                                          .key = expression_of(each, "key")};
    }
    if (const json& each = member(whole_, "rateLimit"); each.is_object()) {
      out_.rate_limit =
          registered_rate_limit{.limit = (std::max)(1, number_of(each, "limit", 1)),
                                .period = period_of(each, "period", shortest).value_or(shortest),
                                .key = expression_of(each, "key")};
    }
    if (const json& each = member(whole_, "debounce"); each.is_object()) {
      out_.debounce = registered_debounce{.period = period_of(each, "period", none).value_or(none),
                                          .timeout = period_of(each, "timeout", none),
                                          .key = expression_of(each, "key")};
    }
    const json& batch = member(whole_, "batchEvents");
    const int size = number_of(batch, "maxSize", 1);
    if (const json& each = batch; each.is_object() && size > 1) {
      out_.batch = registered_batch{.max_size = static_cast<std::size_t>(size),
                                    .timeout = period_of(each, "timeout", none).value_or(none),
                                    .key = expression_of(each, "key"),
                                    .condition = expression_of(each, "if")};
    }
    if (const json& each = member(whole_, "singleton"); each.is_object()) {
      out_.singleton = registered_singleton{.cancels = text_of(each, "mode") == "cancel",
                                            .key = expression_of(each, "key")};
    }
    out_.priority = expression_of(member(whole_, "priority"), "run");
    out_.idempotency = expression_of(whole_, "idempotency");
  }

  void read_limit(const json& limit) {
    registered_limit out;
    out.limit = limit.is_number() ? to_number(limit, "concurrency") : number_of(limit, "limit", 0);
    out.key = expression_of(limit, "key");
    const std::string scope = text_of(limit, "scope");
    if (scope == "env") out.within = registered_limit::scope::environment;
    if (scope == "account") out.within = registered_limit::scope::account;
    if (out.limit > 0) out_.concurrency.push_back(std::move(out));
  }

  void read_ends() {
    const json& timeouts = member(whole_, "timeouts");
    out_.start_timeout = duration_of(timeouts, "start");
    out_.finish_timeout = duration_of(timeouts, "finish");
    for (const json& each : member(whole_, "cancel")) {
      out_.cancels.push_back({.event = text_of(each, "event"),
                              .condition = expression_of(each, "if"),
                              .timeout = duration_of(each, "timeout")});
    }
  }

  static constexpr milliseconds none{0}, shortest{1};

  const json& whole_;
  function_definition out_;
};

/// The functions of an app elsewhere. What it gives needs nothing more of the machine: the time zones of its
/// schedules have been read. \throws configuration_error, payload_error
inline std::vector<function_definition> read_registration(const app_record& app) {
  const json whole = detail::parse_dom(app.text);
  if (!whole.is_object()) throw configuration_error("a registration must be a JSON object");
  const json functions = whole.value("functions", json::array());
  if (!functions.is_array()) throw configuration_error("a registration's functions must be an array");
  std::vector<function_definition> out;
  for (const json& each : functions) out.push_back(definition_reader::read(each, app.id));
  return out;
}

/// A function of this process.
inline function_definition define(const any_function& function) {
  const std::string text =
      protocol::describe_function(function.slug(), function.options(), function.triggers(), "");
  function_definition out = definition_reader::read(detail::parse_dom(text), function.app_id());
  out.url.clear();
  return out;
}

}  // namespace inngest::embedded
