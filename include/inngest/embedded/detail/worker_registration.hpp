#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/connect/detail/messages.hpp>
#include <inngest/detail/crypto.hpp>
#include <inngest/detail/hex.hpp>
#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/error.hpp>
#include <inngest/json.hpp>
#include <inngest/json/detail/dom.hpp>
#include <inngest/json/detail/text.hpp>

// A worker's description of itself and its apps when it connects, validated completely.

namespace inngest::inline INNGEST_ABI::embedded {

/// An id in the form of a UUID that is always the same for the same text.
std::string uuid_of(std::string_view text);

/// An app of a worker.
struct worker_app {
  std::string id{};
  std::string version{};
  /// The ids of its functions, each prefixed with the app's: "app-function".
  std::vector<std::string> functions{};
  /// The body of its registration, as an app sends it to /fn/register.
  std::string registration{};
  /// The same for workers with the same functions.
  std::string hash{};
};

/// Reads one of the worker's apps.
/// \throws configuration_error or payload_error, with messages for users.
worker_app read_worker_app(const connect::detail::worker_connect_request& worker,
                           const connect::detail::app_configuration& app);

inline std::string uuid_of(std::string_view text) {
  auto bytes = detail::sha256(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0f) | 0x50);
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3f) | 0x80);
  std::string out = detail::to_hex(std::span(bytes).first(16));
  for (const std::size_t dash : {std::size_t{8}, std::size_t{13}, std::size_t{18}, std::size_t{23}})
    out.insert(dash, 1, '-');
  return out;
}

/// The function's definition, called over the connections of workers regardless of the worker's URLs.
inline json over_connection(json function) {
  json& steps = function["steps"];
  if (!steps.is_object() || steps.empty()) steps = {{"step", {{"id", "step"}, {"name", "step"}}}};
  json& step = *steps.begin();
  if (!step.is_object()) throw configuration_error("a function's step must be a JSON object");
  step["runtime"] = {{"type", "ws"}, {"url", std::string(connect_url)}};
  return function;
}

inline worker_app read_worker_app(const connect::detail::worker_connect_request& worker,
                                  const connect::detail::app_configuration& app) {
  if (app.app_name.empty()) throw configuration_error("an app has no name");
  const std::string named = "app \"" + detail::to_printable(app.app_name) + "\": ";
  json functions;
  try {
    functions = detail::parse_dom(app.functions);
  } catch (const payload_error& problem) {
    throw configuration_error(named + "its functions are " + problem.what());
  }
  if (!functions.is_array()) throw configuration_error(named + "its functions must be a JSON array");
  worker_app out{.id = app.app_name, .version = app.app_version.value_or("")};
  json definitions = json::array();
  for (const json& function : functions) {
    if (!function.is_object() || !function.contains("id") || !function["id"].is_string())
      throw configuration_error(named + "a function has no id");
    out.functions.push_back(function["id"].get<std::string>());
    definitions.push_back(over_connection(function));
  }
  out.hash = detail::sha256_hex(worker.sdk_language + ":" + worker.sdk_version + ":" + out.version + ":" +
                                out.id + ":" + definitions.dump());
  const json body{{"v", "1"},
                  {"url", std::string(connect_url)},
                  {"deployType", "connect"},
                  {"sdk", worker.sdk_language + ":" + worker.sdk_version},
                  {"appName", out.id},
                  {"appVersion", out.version},
                  {"functions", std::move(definitions)}};
  out.registration = encode(body);
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::embedded
