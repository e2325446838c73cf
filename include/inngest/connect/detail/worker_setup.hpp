#pragma once

#include <charconv>
#include <cstdint>
#include <limits>
#include <random>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/connect/detail/codec.hpp>
#include <inngest/connect/detail/machine.hpp>
#include <inngest/connect/detail/worker_body.hpp>
#include <inngest/http/detail/request_line.hpp>
#include <inngest/protocol/headers.hpp>
#include <inngest/protocol/registration.hpp>
#include <inngest/serving/description.hpp>
#include <inngest/settings.hpp>
#include <inngest/version.hpp>

// How a worker is set up, from its options and the environment. Included by worker_body.hpp.

namespace inngest::inline INNGEST_ABI::connect::detail {

inline constexpr std::size_t max_apps = 100;  // a gateway accepts no more

/// Checks the settings that all apps must share, because one connection serves them all.
inline void check_apps(const std::vector<app>& apps) {
  if (apps.empty()) throw configuration_error("a connect worker needs at least one app");
  if (apps.size() > max_apps) {
    throw configuration_error("a connect worker has at most " + std::to_string(max_apps) + " apps, not " +
                              std::to_string(apps.size()));
  }
  std::set<std::string> ids;
  const inngest::client& first = apps.front().client;
  for (const app& of : apps) {
    if (!ids.insert(of.client.id()).second)
      throw configuration_error("two apps of a connect worker have the id \"" + of.client.id() + "\"");
    const inngest::settings& mine = of.client.settings();
    if (mine.env() != first.settings().env() || mine.api_base_url() != first.settings().api_base_url()) {
      throw configuration_error("the apps \"" + first.id() + "\" and \"" + of.client.id() +
                                "\" have different environments or API URLs, and one connection can't "
                                "serve both: use a worker for each");
    }
  }
  if (first.settings().mode() == mode::cloud && first.keys().current.empty()) {
    throw configuration_error(
        "a connect worker needs a signing key: set INNGEST_SIGNING_KEY, or "
        "INNGEST_DEV=1 to work with a dev server");
  }
}

inline std::size_t read_max_concurrency(const inngest::settings& settings) {
  constexpr const char* name = "INNGEST_CONNECT_MAX_WORKER_CONCURRENCY";
  const std::string text = inngest::detail::trimmed(settings.variable(name).value_or(""));
  std::uint32_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (!text.empty() && (problem != std::errc() || end != text.data() + text.size()))
    throw configuration_error(std::string(name) + " must be a number, not \"" + text + "\"");
  return number;
}

inline worker_options worker_body::checked(const std::vector<app>& apps, worker_options options) {
  check_apps(apps);
  const inngest::settings& settings = apps.front().client.settings();
  if (options.max_concurrency == 0) options.max_concurrency = read_max_concurrency(settings);
  if (options.max_concurrency > static_cast<std::size_t>((std::numeric_limits<std::int32_t>::max)()))
    throw configuration_error("worker_options::max_concurrency is too large");
  if (options.instance_id.empty()) options.instance_id = host_name();
  inngest::detail::check_plain_text("worker_options::instance_id", options.instance_id);
  if (options.instance_id.size() > 256)
    throw configuration_error("worker_options::instance_id must not be longer than 256 bytes");
  if (options.gateway_url.empty())
    options.gateway_url =
        inngest::detail::trimmed(settings.variable("INNGEST_CONNECT_GATEWAY_URL").value_or(""));
  if (!options.gateway_url.empty() && !is_websocket_url(options.gateway_url)) {
    throw configuration_error(
        "worker_options::gateway_url or INNGEST_CONNECT_GATEWAY_URL is not a valid ws or wss URL: \"" +
        inngest::detail::shown_url(options.gateway_url) + "\"");
  }
  if (!options.connector) {
    throw configuration_error(
        "a connect worker needs a WebSocket library: include <inngest/connect.hpp> for Boost.Beast, or set "
        "worker_options::connector");
  }
  if (!options.executor)
    options.executor = std::make_shared<thread_pool>(thread_pool_options{.threads = options.max_concurrency});
  return options;
}

inline std::vector<handler> worker_body::handlers_of(const std::vector<app>& apps,
                                                     const worker_options& options) {
  std::vector<handler> out;
  for (const app& of : apps) {
    out.emplace_back(
        of.client, of.functions,
        serve_options{
            .executor = options.executor, .max_runtime = std::chrono::minutes(5), .framework = "connect"});
  }
  return out;
}

inline worker_connect_request worker_body::hello() const {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  worker_connect_request out;
  out.instance_id = options_.instance_id;
  out.capabilities = R"({"trust_probe":"v1","connect":"v1"})";
  out.worker_manual_readiness_ack = true;
  out.system = this_machine();
  out.framework = "connect";
  out.sdk_version = "v" INNGEST_VERSION;
  out.sdk_language = "cpp";
  out.started_at = message_time{.seconds = std::chrono::duration_cast<std::chrono::seconds>(now).count()};
  if (options_.max_concurrency > 0)
    out.max_worker_concurrency = static_cast<std::int64_t>(options_.max_concurrency);
  const std::string& env = client().settings().env();
  if (!env.empty()) out.environment = env;
  for (const handler& of : handlers_) {
    app_configuration described{.app_name = of.client().id()};
    const std::string& version = of.client().settings().app_version();
    if (!version.empty()) described.app_version = version;
    const auto registered = serving::registered_functions(of.functions());
    described.functions = protocol::describe_each(registered, [](const any_function& function) {
      return protocol::describe_function(function.slug(), function.options(), function.triggers(),
                                         "wss://connect");
    });
    out.apps.push_back(std::move(described));
  }
  return out;
}

inline worker_body::worker_body(std::vector<app> apps, worker_options options)
    : options_(checked(apps, std::move(options))),
      handlers_(handlers_of(apps, options_)),
      session_(hello(), std::random_device()()) {}

}  // namespace inngest::inline INNGEST_ABI::connect::detail
