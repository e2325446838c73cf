#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/time/timestamp.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// An app with functions in an engine: see engine::apps().
struct app_info {
  /// The app's id.
  std::string id{};
  /// The language of its SDK, such as "cpp" or "js"; empty if unknown.
  std::string sdk{};
  /// The version of its SDK; empty if unknown.
  std::string sdk_version{};
  /// The version that the app reports for itself; empty if it reports none.
  std::string version{};
  /// The app's address: the URL that the engine calls, "connect" for an app whose workers connect to a
  /// connect_gateway, or "this process". Empty for an app whose registrations were all rejected.
  std::string url{};
  /// The slugs of its functions, in alphabetical order.
  std::vector<std::string> functions{};
  /// The number of its connected workers; 0 for an app that is called over HTTP.
  std::size_t workers = 0;
  /// When it last registered; for this process, when the engine started. `nullopt` for an app that registered
  /// with an engine of an older version.
  std::optional<timestamp> registered_at{};
  /// When the engine last heard from it: an answer, a registration, or a worker's heartbeat. Not stored
  /// across restarts; `nullopt` for this process.
  std::optional<timestamp> last_contact{};
  /// Why the last contact failed: the app was not reached, did not answer like an SDK, or its registration
  /// was rejected. Errors of functions do not count. Empty when the last contact succeeded. Not stored across
  /// restarts.
  std::string last_error{};
  /// When the last contact failed.
  std::optional<timestamp> last_error_at{};
};

}  // namespace inngest::inline INNGEST_ABI::embedded
