#pragma once

#include <algorithm>
#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/doctor.hpp>

namespace inngest::inline INNGEST_ABI {

INNGEST_INLINE bool diagnosis::healthy() const {
  return std::none_of(findings.begin(), findings.end(),
                      [](const finding& found) { return found.level == finding::severity::problem; });
}

INNGEST_INLINE std::string diagnosis::text() const {
  constexpr const char* marks[] = {"ok      ", "warning ", "PROBLEM "};
  std::string out;
  for (const finding& found : findings) {
    out += marks[static_cast<std::size_t>(found.level)] + found.check + ": " + found.text + "\n";
  }
  return out;
}

}  // namespace inngest::inline INNGEST_ABI

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE diagnosis examination::run() {
  check_mode();
  check_keys();
  if (check_server()) {
    check_signing_key();
    check_registration();
  }
  return std::move(out_);
}

INNGEST_INLINE void examination::add(severity level, std::string check, std::string text) {
  out_.findings.push_back({level, std::move(check), std::move(text)});
}

INNGEST_INLINE void examination::check_mode() {
  add(severity::ok, "mode",
      is_cloud() ? "cloud: works with a server that has keys, at " + settings().api_base_url()
                 : "dev: works with a dev server, at " + settings().api_base_url());
}

INNGEST_INLINE void examination::check_keys() {
  for (const std::string& remark : settings().remarks()) add(severity::warning, "options", remark);
  const signing_keys keys = app_.keys();
  if (!is_cloud()) return add(severity::ok, "keys", "a dev server needs none");
  if (settings().event_key().empty())
    add(severity::problem, "event key", "missing, so events cannot be sent: set INNGEST_EVENT_KEY");
  else
    add(severity::ok, "event key", "set");
  if (keys.current.empty()) {
    add(severity::problem, "signing key",
        "missing, so every call from the server is refused: set INNGEST_SIGNING_KEY, or INNGEST_DEV=1 for "
        "a dev "
        "server");
  } else {
    check_key_form("signing key", keys.current);
  }
  if (!keys.fallback.empty()) check_key_form("fallback signing key", keys.fallback);
  if (!keys.fallback.empty() && keys.fallback == keys.current)
    add(severity::warning, "fallback signing key", "is the same as the signing key");
}

INNGEST_INLINE void examination::check_key_form(const std::string& name, const std::string& key) {
  const std::string_view rest = std::string_view(key).substr(protocol::prefix_length(key));
  const bool hex =
      !rest.empty() && std::all_of(rest.begin(), rest.end(), [](char c) { return hex_digit(c) >= 0; });
  const bool spaced = key.find_first_of(" \t\r\n") != std::string::npos;
  if (spaced) return add(severity::problem, name, "contains white space, perhaps from copying");
  if (!hex || rest.size() % 2 != 0)
    return add(severity::warning, name, "is not hexadecimal after its prefix: is it a signing key?");
  if (key.starts_with("signkey-test-") && settings().env().empty()) {
    return add(severity::warning, name,
               "belongs to a branch environment (signkey-test-), but no environment is set: set INNGEST_ENV");
  }
  if (rest.size() < 32) return add(severity::warning, name, "is short: 64 hex digits are usual");
  add(severity::ok, name, "set and well-formed");
}

INNGEST_INLINE bool examination::check_server() {
  try {
    const http::response answer = app_.call_api({.method = "GET", .url = "/health"});
    if (!is_inngest_health(answer) &&
        !is_inngest_api(app_.call_api({.method = "GET", .url = "/v1/events?limit=1"}))) {
      add(severity::problem, "server",
          "the server at " + settings().api_base_url() + " is not an Inngest server: GET /health returned " +
              described(answer) + ". " + address_advice());
      return false;
    }
    add(severity::ok, "server", "answers at " + settings().api_base_url());
    check_kind(answer);
    check_clock(answer);
    return true;
  } catch (const unreachable& problem) {
    const std::string advice = is_cloud() ? "check INNGEST_API_BASE_URL and the network"
                                          : "start the dev server, or set INNGEST_DEV to its URL";
    add(severity::problem, "server",
        "no server answers at " + settings().api_base_url() + " (" + problem.what() + "): " + advice);
  } catch (const configuration_error& problem) {
    add(severity::problem, "server", problem.what());
  }
  return false;
}

INNGEST_INLINE std::string examination::address_advice() const {
  return is_cloud() ? "Check INNGEST_API_BASE_URL, and any proxy in between"
                    : "Set INNGEST_DEV to the dev server's URL";
}

INNGEST_INLINE bool examination::is_inngest_health(const http::response& answer) {
  if (answer.headers.find(protocol::header::server_kind)) return true;
  const json body = json::parse(answer.body, nullptr, false);
  return answer.status == 200 && body.is_object() && body.value("status", json()) == 200 &&
         body.contains("message");
}

INNGEST_INLINE bool examination::is_inngest_api(const http::response& answer) {
  if (answer.headers.find(protocol::header::server_kind)) return true;
  const json body = json::parse(answer.body, nullptr, false);
  if (!body.is_object()) return false;
  if (answer.status == 200) return body.value("data", json()).is_array();
  return (answer.status == 401 || answer.status == 403) && body.contains("error");
}

INNGEST_INLINE std::string examination::described(const http::response& answer) {
  const std::string type(answer.headers.find("content-type").value_or(""));
  return "status " + std::to_string(answer.status) + " and " +
         (answer.body.empty() ? "nothing else"
          : type.empty()      ? "something else"
                              : type);
}

INNGEST_INLINE void examination::check_kind(const http::response& answer) {
  const auto kind = answer.headers.find(protocol::header::server_kind);
  if (!kind) return;
  if (*kind == to_string(settings().mode())) return add(severity::ok, "kind of server", std::string(*kind));
  if (!is_cloud())
    return add(severity::problem, "kind of server",
               "the server is a cloud or self-hosted one, and this app is in dev mode: unset INNGEST_DEV and "
               "set INNGEST_SIGNING_KEY");
  const std::string found = "the server is a dev server, and this app is in cloud mode";
  if (app_.keys().current.empty())
    return add(severity::problem, "kind of server",
               found + ": if it has no keys, set INNGEST_DEV=1; otherwise set INNGEST_SIGNING_KEY");
  // An engine with keys calls itself a dev server, too.
  add(severity::warning, "kind of server",
      found + ": it must have keys, and the app's signing key (INNGEST_SIGNING_KEY) must be its own");
}

INNGEST_INLINE void examination::check_clock(const http::response& answer) {
  const auto date = answer.headers.find("date");
  const auto there = date ? detail::parse_http_date(*date) : std::nullopt;
  if (!there) return;
  const auto here = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const auto apart = std::chrono::abs(here - *there);
  const std::string text = "differs from the server's by " + std::to_string(apart.count()) + " s";
  if (apart > protocol::signature_window)
    add(severity::problem, "clock",
        text + ": signatures are refused from five minutes on. Set this machine's clock");
  else if (apart > std::chrono::seconds(30))
    add(severity::warning, "clock", text + ": signatures are refused from five minutes on");
  else
    add(severity::ok, "clock", text);
}

INNGEST_INLINE void examination::check_signing_key() {
  if (!is_cloud() || app_.keys().current.empty()) return;
  const http::response answer = app_.call_api({.method = "GET", .url = "/v1/events?limit=1"});
  if (answer.status == 401 || answer.status == 403)
    add(severity::problem, "signing key",
        "the server refuses it: compare the app's signing key (INNGEST_SIGNING_KEY) with the server's");
  else if (answer.status < 300)
    add(severity::ok, "signing key", "the server accepts it");
}

INNGEST_INLINE void examination::check_registration() {
  if (served_ == nullptr) return;
  std::vector<runs::registered_function> there;
  try {
    there = runs(app_).functions();
  } catch (const error& problem) {
    return add(severity::warning, "registration",
               std::string("the server's registrations cannot be read: ") + problem.what());
  }
  if (there.empty()) {
    return add(severity::problem, "registration",
               "the server has no functions of app \"" + app_.id() +
                   "\": sync it, with handler::sync or the dev "
                   "server's -u");
  }
  for (const any_function& served : served_->functions()) {
    const auto found = std::find_if(there.begin(), there.end(),
                                    [&](const auto& registered) { return registered.slug == served.slug(); });
    if (found == there.end())
      add(severity::problem, "function \"" + served.id() + "\"", "is not registered: sync the app again");
    else
      check_triggers(served, found->config);
  }
  for (const auto& registered : there) {
    const auto& all = served_->functions();
    const bool known = std::any_of(all.begin(), all.end(),
                                   [&](const any_function& ours) { return ours.slug() == registered.slug; });
    if (!known)
      add(severity::warning, "function \"" + registered.slug + "\"",
          "is registered, but this app does not have it: sync the app again, or its runs will fail");
  }
}

INNGEST_INLINE void examination::check_triggers(const any_function& function, const std::string& config) {
  const json registered = json::parse(config, nullptr, false);
  const json ours = json::parse(protocol::describe_each(function.triggers(), protocol::describe_trigger));
  const bool told = registered.is_object() && registered.contains("triggers");
  if (told && registered.at("triggers") != ours) {
    return add(severity::problem, "function \"" + function.id() + "\"",
               "its triggers differ from the registered ones: sync the app again");
  }
  add(severity::ok, "function \"" + function.id() + "\"", "registered");
}

}  // namespace inngest::inline INNGEST_ABI::detail
