#pragma once

#include <cstdio>
#include <cstdlib>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/http/detail/request_line.hpp>
#include <inngest/settings.hpp>

namespace inngest::inline INNGEST_ABI {

INNGEST_INLINE bool event_keeper::try_flush(const sender& send) {
  flush(send);
  return true;
}

}  // namespace inngest::inline INNGEST_ABI

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE std::optional<std::string> read_environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? std::optional<std::string>(value) : std::nullopt;
}

INNGEST_INLINE bool is_url(std::string_view text) { return !url_problem(text); }

INNGEST_INLINE void check_plain_text(const std::string& name, const std::string& text) {
  if (has_control_characters(text))
    throw configuration_error(name + " must not contain line breaks or other control characters");
  if (!is_utf8(text)) throw configuration_error(name + " must be UTF-8");
}

}  // namespace inngest::inline INNGEST_ABI::detail

namespace inngest::inline INNGEST_ABI {

INNGEST_INLINE settings::settings(client_options options) : options_(std::move(options)) {
  if (detail::is_blank(options_.id))
    throw configuration_error("client_options::id must not be empty or blank");
  if (!options_.environment) options_.environment = detail::read_environment;
  detail::check_plain_text("client_options::id", options_.id);
  std::string dev_variable = variable("INNGEST_DEV").value_or("");
  dev_variable.resize(dev_variable.find_last_not_of(detail::white_space) + 1);
  if (!options_.mode) options_.mode = mode_of(dev_variable);
  const bool dev = options_.mode == inngest::mode::dev;

  fill_key(options_.event_key, "event_key", "INNGEST_EVENT_KEY", true);
  fill_key(options_.signing_key, "signing_key", "INNGEST_SIGNING_KEY");
  fill_key(options_.signing_key_fallback, "signing_key_fallback", "INNGEST_SIGNING_KEY_FALLBACK");
  fill(options_.env, {"INNGEST_ENV", "BRANCH_NAME", "VERCEL_GIT_COMMIT_REF", "BRANCH", "CF_PAGES_BRANCH",
                      "RENDER_GIT_BRANCH", "RAILWAY_GIT_BRANCH"});
  platform_ = platform_from_environment();
  if (!options_.session_propagation) options_.session_propagation = session_propagation_from_environment();
  fill(options_.serve_origin, {"INNGEST_SERVE_ORIGIN"});
  fill(options_.serve_path, {"INNGEST_SERVE_PATH"});
  detail::check_plain_text("client_options::env, INNGEST_ENV or the branch of the host", options_.env);
  detail::check_plain_text("client_options::serve_path or INNGEST_SERVE_PATH", options_.serve_path);
  detail::check_plain_text("client_options::app_version", options_.app_version);
  if (!options_.serve_origin.empty()) options_.serve_origin = checked_url(options_.serve_origin);
  if (!options_.serve_path.empty() && !options_.serve_path.starts_with('/'))
    options_.serve_path.insert(0, "/");
  const std::string dev_default = detail::is_url(dev_variable) ? dev_variable : "http://127.0.0.1:8288";
  fill_url(options_.api_base_url, "INNGEST_API_BASE_URL", dev ? dev_default : "https://api.inngest.com");
  fill_url(options_.event_api_base_url, "INNGEST_EVENT_API_BASE_URL", dev ? dev_default : "https://inn.gs");
  if (!options_.log) options_.log = logger(log_to_stderr, log_level_from_environment());
  if (options_.timeout <= std::chrono::milliseconds::zero())
    throw configuration_error("client_options::timeout must be more than zero");
  if (const std::string problem = detail::problem_of(options_.checkpointing); !problem.empty())
    throw configuration_error("client_options::" + problem);
  if (options_.send_attempts < 1)
    throw configuration_error("client_options::send_attempts must be at least 1");
  if (options_.when_unreachable == unreachable_policy::keep && !options_.outbox) {
    throw configuration_error(
        "client_options::when_unreachable = keep needs client_options::outbox: see <inngest/outbox.hpp>");
  }
}

INNGEST_INLINE std::string settings::describe() const {
  const auto set = [](const std::string& key) { return key.empty() ? "not set" : "set"; };
  return "id: " + id() + "\nmode: " + std::string(to_string(mode())) + "\nevent key: " + set(event_key()) +
         "\nsigning key: " + set(signing_key()) + "\nsigning key fallback: " + set(signing_key_fallback()) +
         "\nenv: " + env() + "\napi: " + api_base_url() + "\nevent api: " + event_api_base_url() +
         "\nserve origin: " + serve_origin() + "\nserve path: " + serve_path() + "\n";
}

INNGEST_INLINE std::optional<std::string> settings::variable(const char* name) const {
  auto value = options_.environment(name);
  if (value && detail::is_blank(*value)) value.reset();
  return value;
}

INNGEST_INLINE std::string settings::platform_from_environment() const {
  const auto says = [&](const char* name, const char* value) { return variable(name) == value; };
  if (says("VERCEL", "1")) return "vercel";
  if (says("NETLIFY", "true")) return "netlify";
  if (says("CF_PAGES", "1")) return "cloudflare-pages";
  if (says("RENDER", "true")) return "render";
  return variable("RAILWAY_ENVIRONMENT") ? "railway" : "";
}

INNGEST_INLINE bool settings::session_propagation_from_environment() const {
  const std::string value = detail::trimmed(variable("INNGEST_SESSION_PROPAGATION").value_or("true"));
  if (value == "true" || value == "1") return true;
  if (value == "false" || value == "0") return false;
  throw configuration_error("INNGEST_SESSION_PROPAGATION must be 1, 0, true or false, not \"" + value + "\"");
}

INNGEST_INLINE inngest::mode settings::mode_of(const std::string& dev_variable) {
  if (dev_variable.empty() || dev_variable == "0" || dev_variable == "false") return inngest::mode::cloud;
  if (dev_variable == "1" || dev_variable == "true" || detail::is_url(dev_variable))
    return inngest::mode::dev;
  throw configuration_error("INNGEST_DEV must be 1, 0, true, false or a URL, not \"" +
                            detail::shown_url(dev_variable) + "\"");
}

INNGEST_INLINE log_level settings::log_level_from_environment() const {
  const auto value = variable("INNGEST_LOG_LEVEL");
  if (!value) return log_level::info;
  if (const auto level = parse_log_level(detail::trimmed(*value))) return *level;
  throw configuration_error("INNGEST_LOG_LEVEL must be debug, info, warn, error or off, not \"" + *value +
                            "\"");
}

INNGEST_INLINE void settings::fill(std::string& option, std::initializer_list<const char*> names) const {
  option = detail::trimmed(option);
  for (const char* name : names) {
    if (option.empty()) option = detail::trimmed(variable(name).value_or(""));
  }
}

INNGEST_INLINE void settings::fill_key(std::string& key, const char* option, const char* name,
                                       bool is_event_key) {
  std::string whose = std::string("client_options::") + option;
  std::string given = std::move(key);
  key = detail::checked_key(whose, given, is_event_key);
  if (key.empty()) {
    given = variable(name).value_or("");
    whose = name;
    key = detail::checked_key(whose, given, is_event_key);
  }
  if (key != given) remarks_.push_back(whose + " has white space around it, which is ignored");
}

INNGEST_INLINE void settings::fill_url(std::string& option, const char* name,
                                       const std::string& otherwise) const {
  fill(option, {name, "INNGEST_BASE_URL"});
  if (option.empty()) option = otherwise;
  option = checked_url(option);
}

INNGEST_INLINE std::string settings::checked_url(std::string url) {
  if (const auto problem = detail::url_problem(url)) throw configuration_error(*problem);
  detail::check_plain_text("a URL", url);
  while (url.ends_with('/')) url.pop_back();
  return url;
}

}  // namespace inngest::inline INNGEST_ABI
