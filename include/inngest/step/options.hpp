#pragma once

#include <optional>
#include <string>

#include <inngest/config.hpp>
#include <inngest/event.hpp>
#include <inngest/members.hpp>
#include <inngest/time/duration.hpp>

namespace inngest::inline INNGEST_ABI {

/// Options of a wait for an event.
struct wait_options {
  /// How long to wait, up to 366 days. Required; zero ends the wait at once. After that the step returns
  /// nullopt.
  required_duration timeout;
  /// A CEL expression over `event` (the run's event) and `async` (the received event). Events for which it is
  /// not true do not end the wait. Default: every event of the type ends it.
  std::string expression{};
  /// A field that must be the same in both events: "data.userId", or inngest::same<&Order::user_id>.
  event_match match{};
};

/// What happens when a run waits for a signal that another run is already waiting for.
enum class signal_conflict {
  fail,     ///< the second run fails; the default of servers
  replace,  ///< the first run no longer receives the signal
};

/// Options of a wait for a signal.
struct signal_options {
  /// The name of the signal.
  std::string signal;
  /// How long to wait, up to 366 days. Required; zero ends the wait at once. After that the step returns
  /// nullopt.
  required_duration timeout;
  /// What happens when another run already waits for the signal.
  signal_conflict on_conflict = signal_conflict::fail;
};

/// Options of an invoke step.
struct invoke_options {
  /// How long to wait for the result, up to 366 days, before the step fails with "InngestInvokeTimeoutError".
  std::optional<duration_ms> timeout{};
  /// Sessions of the invoked run, in addition to those that it inherits.
  event_meta meta{};
  /// The version of the data.
  std::optional<std::string> v{};
};

}  // namespace inngest::inline INNGEST_ABI
