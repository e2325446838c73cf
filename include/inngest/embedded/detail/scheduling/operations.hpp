#pragma once

#include <optional>
#include <string>

#include <inngest/config.hpp>
#include <inngest/detail/hex.hpp>
#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/detail/incoming_event.hpp>
#include <inngest/embedded/detail/outgoing_request.hpp>
#include <inngest/embedded/detail/reported_operation.hpp>
#include <inngest/embedded/detail/scheduling/active_run.hpp>
#include <inngest/embedded/detail/scheduling/event_view.hpp>
#include <inngest/embedded/detail/scheduling/lifecycle.hpp>
#include <inngest/embedded/detail/scheduling/scheduler_state.hpp>
#include <inngest/embedded/detail/scheduling/steps.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/error.hpp>
#include <inngest/expression.hpp>
#include <inngest/json.hpp>
#include <inngest/json/detail/document.hpp>
#include <inngest/json/detail/dom.hpp>
#include <inngest/json/detail/text.hpp>

namespace inngest::inline INNGEST_ABI::embedded::scheduling {

bool ends_step(const reported_operation& op);

/// Executes the operations of an app's answer, one at a time.
class operations {
 public:
  operations(scheduler_state& state, steps& steps, lifecycle& lifecycle);

  /// Executes an operation. If it is not possible, returns the error with which a server fails the run, and
  /// changes nothing.
  [[nodiscard]] std::optional<run_error> take(active_run& run, const job& call, const reported_operation& op,
                                              bool waits_for_group, timestamp now);

  /// Remembers or drops a deferred call. Returns false for other operations.
  bool take_deferred(active_run& run, const reported_operation& op);

 private:
  /// Continues the run after a step that the app ran; for a step of a parallel group, once all steps of the
  /// group have run.
  void take_result(active_run& run, const job& call, const reported_operation& op, timestamp now);

  /// SDKs of execution version 2 are called once for a parallel group, when all of its steps have run, but
  /// after every step of a race.
  void plan(active_run& run, const job& call, const reported_operation& op, bool waits_for_group,
            timestamp now);

  /// Remembers a function to run after the run has ended.
  void defer(active_run& run, const reported_operation& op);

  /// The data of a deferred function's event: the input, and the run that defers it.
  static std::string deferred_input(const active_run& run, const reported_operation& op,
                                    const std::string& slug);

  /// Drops a deferred call.
  void abort_deferred(active_run& run, const reported_operation& op);

  /// \throws payload_error for sessions that a server rejects.
  static std::string invoke_meta(const reported_operation& op);

  std::optional<run_error> begin_sleep(active_run& run, const job& call, const reported_operation& op,
                                       timestamp now);

  std::optional<run_error> begin_event_wait(active_run& run, const job& call, const reported_operation& op,
                                            timestamp now);

  std::optional<run_error> begin_signal_wait(active_run& run, const job& call, const reported_operation& op,
                                             timestamp now);

  std::optional<run_error> begin_invoke(active_run& run, const job& call, const reported_operation& op,
                                        timestamp now);

  /// The data of an invoked function's event, like a server's.
  static std::string invoke_data(const active_run& run, const reported_operation& op, const std::string& slug,
                                 timestamp expires);

  std::optional<run_error> begin_request(active_run& run, const job& call, const reported_operation& op,
                                         timestamp now);

  /// Whether the run continues after the step, even if the other steps of its group have not run.
  static bool is_race(const reported_operation& op);
  /// The error of an operation that is not possible.
  static run_error refused(const reported_operation& op, const std::string& why);
  /// A server's error for a duration of more than a year.
  static run_error too_long(const std::string& what);
  static std::string not_a_time(const std::string& what, const std::string& text);

  scheduler_state& state_;
  steps& steps_;
  lifecycle& lifecycle_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded::scheduling

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/scheduling/impl/operations.ipp>
#endif
