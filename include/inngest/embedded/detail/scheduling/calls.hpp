#pragma once

#include <optional>

#include <inngest/config.hpp>
#include <inngest/detail/function_ref.hpp>
#include <inngest/detail/hex.hpp>
#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/detail/outgoing_request.hpp>
#include <inngest/embedded/detail/scheduling/active_run.hpp>
#include <inngest/embedded/detail/scheduling/answers.hpp>
#include <inngest/embedded/detail/scheduling/batches.hpp>
#include <inngest/embedded/detail/scheduling/lifecycle.hpp>
#include <inngest/embedded/detail/scheduling/scheduler_state.hpp>
#include <inngest/embedded/detail/scheduling/schedules.hpp>
#include <inngest/embedded/detail/scheduling/steps.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/http.hpp>
#include <inngest/protocol/headers.hpp>
#include <inngest/protocol/http_run.hpp>

namespace inngest::inline INNGEST_ABI::embedded::scheduling {

/// Whether a call of the function, which is in another process, can be made now. If not, it waits until
/// scheduler::retry_blocked().
using app_gate = detail::function_ref<bool(const function_definition&)>;

inline constexpr auto every_app = [](const function_definition&) { return true; };

/// Takes due calls, builds their requests, and processes their answers. Handles due timers.
class calls {
 public:
  calls(scheduler_state& state, steps& steps, lifecycle& lifecycle, batches& batches, schedules& schedules,
        answers& answers);

  /// Takes the next due call. Pending effects of earlier timers may still end its run.
  std::optional<job> take_next(timestamp now, app_gate gate);

  /// The request of a call, whose run must exist. The URL has no origin when the app is in this process.
  http::request request_for(const job& call) const;

  void finish(const job& call, const http::response& answer, timestamp now);

  void postpone(const job& call, timestamp due);

 private:
  /// The request that calls a remote endpoint again: the one that began the run.
  static http::request endpoint_request(const active_run& run, const job& call);

  /// Blocks calls of paused functions, and the timeouts of their runs. Lets first calls wait for their turns
  /// in a throttle. Asks the gate for calls of functions in other processes. All other jobs may pass.
  job_passage passage_of(const job& due, timestamp now, app_gate gate);

  void begin(active_run& run, const job& call, timestamp now);

  /// The call's run; null when it has ended.
  active_run* end(const job& call);

  void end_timer(active_run& run, const job& timer, timestamp now);

  scheduler_state& state_;
  steps& steps_;
  lifecycle& lifecycle_;
  batches& batches_;
  schedules& schedules_;
  answers& answers_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded::scheduling

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/scheduling/impl/calls.ipp>
#endif
