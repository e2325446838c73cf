#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include <inngest/config.hpp>

// The routes of the engine's server that change something. The server rejects every changing request without
// a row here, and adds an entry to the audit trail for every row with an action. So a new route can't be
// missing from the trail by mistake: without a row it does not work.

namespace inngest::inline INNGEST_ABI::embedded {

/// A route that changes something.
struct changing_route {
  std::string_view method{};
  /// Its path. `*` stands for any one part, and `**` at the end for any rest.
  std::string_view path{};
  /// What it does, in the words of the audit trail, such as "rerun run". Empty for the traffic of apps and
  /// SDKs, such as events and calls of workers, which is not audited.
  std::string_view action{};
  /// Whether the entry contains the request's body, up to 2,000 bytes. False for bodies with data of events.
  bool keeps_body = false;
  /// Whether a route below /api has parameters in its query. Others refuse them.
  bool has_parameters = false;
};

inline constexpr auto changing_routes = std::to_array<changing_route>({
    // the regular traffic of apps, workers and senders of events
    {"POST", "/e/*"},
    {"POST", "/v1/signals"},
    {"POST", "/v1/realtime/**"},
    {"POST", "/v1/runs/*/metadata"},
    {"POST", "/v1/checkpoint"},
    {"POST", "/v1/checkpoint/**"},
    {"POST", "/v1/http/**"},
    {"POST", "/v0/connect/**"},
    {"POST", "/v2/apps/*/functions/*/invoke"},

    // apps
    {"POST", "/fn/register", "register app"},
    {"PUT", "/fn/register", "register app"},

    // runs
    {"DELETE", "/v1/runs/*", "cancel run"},
    {"POST", "/v2/runs/*/cancel", "cancel run"},
    {"POST", "/v2/runs/*/rerun", "rerun run"},
    {"POST", "/api/runs/*/rerun", "rerun run"},
    {"POST", "/api/runs/*/cancel", "cancel run"},
    {"POST", "/api/events/*/resend", "resend event"},
    {"POST", "/api/functions/*/invoke", "invoke function"},
    {"POST", "/api/bulk", "begin bulk operation", true},
    {"POST", "/api/bulk/*/stop", "stop bulk operation"},
    {"POST", "/v1/cancellations", "cancel runs", true},
    {"DELETE", "/v1/cancellations/*", "remove cancellation"},

    // pauses, schedules, the store
    {"POST", "/api/pause", "pause", true},
    {"POST", "/api/resume", "resume", true},
    {"POST", "/api/drain", "drain", true},
    {"DELETE", "/api/drain", "end drain"},
    {"POST", "/api/schedules/run", "run schedule", true},
    {"POST", "/api/schedules/backfill", "backfill schedule", true},
    {"DELETE", "/api/unreadable", "remove unreadable record", false, true},
    {"POST", "/api/backup", "back up store", true},
});

/// The row for a request; null when there is none. `path` contains the decoded parts of its path.
const changing_route* find_changing_route(std::string_view method, const std::vector<std::string>& path);

/// The target of the route, for the audit trail: the parts of the path where its row has a `*`.
std::string target_of(const changing_route& route, const std::vector<std::string>& path);

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/changing_routes.ipp>
#endif
