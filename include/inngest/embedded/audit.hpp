#pragma once

#include <cstddef>
#include <string>

#include <inngest/config.hpp>
#include <inngest/time/timestamp.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// An entry of an engine's audit trail: who changed what.
struct audit_entry {
  /// Who made the change: "program"; for requests to an http_server "key" (the signing key), "session" with
  /// the first six digits of its hash, or "anyone" when the server has no keys; "worker" for registrations by
  /// workers.
  std::string actor{};
  std::string action{};   ///< what was done, such as "pause" or "cancel run"
  std::string target{};   ///< its target, such as "function shop-charge", or a run's id
  std::string details{};  ///< more details, as JSON; may be empty
  std::string id{};       ///< a ULID made by the engine: ids grow with time
  timestamp at{};         ///< when, by the engine's clock
};

/// Selects a page of the audit trail, newest first.
struct audit_query {
  /// The id of the last entry of the previous page; empty for the first page.
  std::string before{};
  /// The maximum number of entries in a page.
  std::size_t limit = 50;
};

/// The name of the events that engine_options::audit_events enables.
inline constexpr const char* audit_event = "inngest-cpp/audit";

}  // namespace inngest::inline INNGEST_ABI::embedded
