// The definitions of the library, for use as a compiled library: link this file and define INNGEST_COMPILED
// everywhere. The parts that need SQLite are in sqlite_store.cpp.

#ifndef INNGEST_COMPILED
#error "inngest: define INNGEST_COMPILED where this file is compiled and where the library is used"
#endif

#include <inngest/ai/detail/impl/answers.ipp>
#include <inngest/ai/detail/impl/requests.ipp>
#include <inngest/ai/impl/anthropic.ipp>
#include <inngest/ai/impl/chat.ipp>
#include <inngest/ai/impl/gemini.ipp>
#include <inngest/ai/impl/openai_responses.ipp>
#include <inngest/detail/impl/base64.ipp>
#include <inngest/detail/impl/crypto.ipp>
#include <inngest/detail/impl/hex.ipp>
#include <inngest/detail/impl/keys.ipp>
#include <inngest/detail/impl/log_limiter.ipp>
#include <inngest/detail/impl/spare_texts.ipp>
#include <inngest/detail/impl/type_name.ipp>
#include <inngest/detail/impl/ulid.ipp>
#include <inngest/detail/impl/utf8.ipp>
#include <inngest/embedded/detail/impl/app_answer.ipp>
#include <inngest/embedded/detail/impl/app_contacts.ipp>
#include <inngest/embedded/detail/impl/apps_api.ipp>
#include <inngest/embedded/detail/impl/audit_scope.ipp>
#include <inngest/embedded/detail/impl/bulk_api.ipp>
#include <inngest/embedded/detail/impl/bulk_plan.ipp>
#include <inngest/embedded/detail/impl/bulk_runner.ipp>
#include <inngest/embedded/detail/impl/bulk_text.ipp>
#include <inngest/embedded/detail/impl/cancellation_api.ipp>
#include <inngest/embedded/detail/impl/changing_routes.ipp>
#include <inngest/embedded/detail/impl/control_api.ipp>
#include <inngest/embedded/detail/impl/endpoint_runs.ipp>
#include <inngest/embedded/detail/impl/engine_body.ipp>
#include <inngest/embedded/detail/impl/engine_body_calls.ipp>
#include <inngest/embedded/detail/impl/engine_body_control.ipp>
#include <inngest/embedded/detail/impl/engine_body_delivery.ipp>
#include <inngest/embedded/detail/impl/engine_body_queries.ipp>
#include <inngest/embedded/detail/impl/engine_body_requests.ipp>
#include <inngest/embedded/detail/impl/engine_clock.ipp>
#include <inngest/embedded/detail/impl/engine_committer.ipp>
#include <inngest/embedded/detail/impl/engine_core.ipp>
#include <inngest/embedded/detail/impl/engine_monitor.ipp>
#include <inngest/embedded/detail/impl/event_sessions.ipp>
#include <inngest/embedded/detail/impl/event_shapes.ipp>
#include <inngest/embedded/detail/impl/file_lock.ipp>
#include <inngest/embedded/detail/impl/find_api.ipp>
#include <inngest/embedded/detail/impl/finder.ipp>
#include <inngest/embedded/detail/impl/function_definition.ipp>
#include <inngest/embedded/detail/impl/http_listener.ipp>
#include <inngest/embedded/detail/impl/http_parser.ipp>
#include <inngest/embedded/detail/impl/incoming_event.ipp>
#include <inngest/embedded/detail/impl/live_changes.ipp>
#include <inngest/embedded/detail/impl/open_answer.ipp>
#include <inngest/embedded/detail/impl/operating_api.ipp>
#include <inngest/embedded/detail/impl/outgoing_request.ipp>
#include <inngest/embedded/detail/impl/page_api.ipp>
#include <inngest/embedded/detail/impl/page_run.ipp>
#include <inngest/embedded/detail/impl/path_parts.ipp>
#include <inngest/embedded/detail/impl/realtime_api.ipp>
#include <inngest/embedded/detail/impl/realtime_hub.ipp>
#include <inngest/embedded/detail/impl/realtime_tokens.ipp>
#include <inngest/embedded/detail/impl/received_json.ipp>
#include <inngest/embedded/detail/impl/redirect.ipp>
#include <inngest/embedded/detail/impl/registered_names.ipp>
#include <inngest/embedded/detail/impl/registration_conflict.ipp>
#include <inngest/embedded/detail/impl/registration_rules.ipp>
#include <inngest/embedded/detail/impl/reported_operation.ipp>
#include <inngest/embedded/detail/impl/request_body.ipp>
#include <inngest/embedded/detail/impl/rerun_api.ipp>
#include <inngest/embedded/detail/impl/retry.ipp>
#include <inngest/embedded/detail/impl/run_api.ipp>
#include <inngest/embedded/detail/impl/run_errors.ipp>
#include <inngest/embedded/detail/impl/run_filter.ipp>
#include <inngest/embedded/detail/impl/run_match.ipp>
#include <inngest/embedded/detail/impl/run_notes.ipp>
#include <inngest/embedded/detail/impl/run_trace.ipp>
#include <inngest/embedded/detail/impl/server_access.ipp>
#include <inngest/embedded/detail/impl/set_aside.ipp>
#include <inngest/embedded/detail/scheduling/impl/active_run.ipp>
#include <inngest/embedded/detail/scheduling/impl/active_runs.ipp>
#include <inngest/embedded/detail/scheduling/impl/admission.ipp>
#include <inngest/embedded/detail/scheduling/impl/answers.ipp>
#include <inngest/embedded/detail/scheduling/impl/batches.ipp>
#include <inngest/embedded/detail/scheduling/impl/bulk_work.ipp>
#include <inngest/embedded/detail/scheduling/impl/calls.ipp>
#include <inngest/embedded/detail/scheduling/impl/change_journal.ipp>
#include <inngest/embedded/detail/scheduling/impl/engine_events.ipp>
#include <inngest/embedded/detail/scheduling/impl/event_view.ipp>
#include <inngest/embedded/detail/scheduling/impl/events.ipp>
#include <inngest/embedded/detail/scheduling/impl/flow_control.ipp>
#include <inngest/embedded/detail/scheduling/impl/flow_memory.ipp>
#include <inngest/embedded/detail/scheduling/impl/lifecycle.ipp>
#include <inngest/embedded/detail/scheduling/impl/limits.ipp>
#include <inngest/embedded/detail/scheduling/impl/operations.ipp>
#include <inngest/embedded/detail/scheduling/impl/pause_control.ipp>
#include <inngest/embedded/detail/scheduling/impl/pauses.ipp>
#include <inngest/embedded/detail/scheduling/impl/recovery.ipp>
#include <inngest/embedded/detail/scheduling/impl/rerun_plan.ipp>
#include <inngest/embedded/detail/scheduling/impl/run_activity.ipp>
#include <inngest/embedded/detail/scheduling/impl/run_jobs.ipp>
#include <inngest/embedded/detail/scheduling/impl/run_labels.ipp>
#include <inngest/embedded/detail/scheduling/impl/run_meter.ipp>
#include <inngest/embedded/detail/scheduling/impl/run_queue.ipp>
#include <inngest/embedded/detail/scheduling/impl/scheduler.ipp>
#include <inngest/embedded/detail/scheduling/impl/scheduler_state.ipp>
#include <inngest/embedded/detail/scheduling/impl/schedules.ipp>
#include <inngest/embedded/detail/scheduling/impl/steps.ipp>
#include <inngest/embedded/detail/scheduling/impl/subscriptions.ipp>
#include <inngest/embedded/detail/scheduling/impl/waiting_steps.ipp>
#include <inngest/embedded/detail/scheduling/impl/work_check.ipp>
#include <inngest/embedded/impl/engine.ipp>
#include <inngest/embedded/impl/function_stats.ipp>
#include <inngest/embedded/impl/memory_store.ipp>
#include <inngest/embedded/impl/metrics.ipp>
#include <inngest/embedded/impl/pause.ipp>
#include <inngest/embedded/impl/retention.ipp>
#include <inngest/embedded/impl/run.ipp>
#include <inngest/embedded/impl/store.ipp>
#include <inngest/embedded/impl/timeline.ipp>
#include <inngest/execution/impl/branches.ipp>
#include <inngest/execution/impl/call_hooks.ipp>
#include <inngest/execution/impl/call_stop.ipp>
#include <inngest/execution/impl/checkpoints.ipp>
#include <inngest/execution/impl/deferred_calls.ipp>
#include <inngest/execution/impl/hooks.ipp>
#include <inngest/execution/impl/mistakes.ipp>
#include <inngest/execution/impl/numbered_ids.ipp>
#include <inngest/execution/impl/replay.ipp>
#include <inngest/execution/impl/step_ids.ipp>
#include <inngest/expression/detail/impl/evaluator.ipp>
#include <inngest/expression/detail/impl/functions.ipp>
#include <inngest/expression/detail/impl/members.ipp>
#include <inngest/expression/detail/impl/parser.ipp>
#include <inngest/expression/detail/impl/pattern.ipp>
#include <inngest/expression/detail/impl/regex.ipp>
#include <inngest/expression/detail/impl/time.ipp>
#include <inngest/expression/detail/impl/token.ipp>
#include <inngest/expression/detail/impl/value.ipp>
#include <inngest/expression/impl/evaluation.ipp>
#include <inngest/expression/impl/expression_error.ipp>
#include <inngest/http/detail/impl/collect_stream.ipp>
#include <inngest/http/detail/impl/fields.ipp>
#include <inngest/http/detail/impl/request_line.ipp>
#include <inngest/http/detail/impl/status.ipp>
#include <inngest/http/impl/reply.ipp>
#include <inngest/impl/client.ipp>
#include <inngest/impl/context.ipp>
#include <inngest/impl/dependencies.ipp>
#include <inngest/impl/doctor.ipp>
#include <inngest/impl/endpoint.ipp>
#include <inngest/impl/error.ipp>
#include <inngest/impl/event.ipp>
#include <inngest/impl/experiment.ipp>
#include <inngest/impl/expression.ipp>
#include <inngest/impl/function.ipp>
#include <inngest/impl/group.ipp>
#include <inngest/impl/http.ipp>
#include <inngest/impl/log.ipp>
#include <inngest/impl/members.ipp>
#include <inngest/impl/middleware.ipp>
#include <inngest/impl/options.ipp>
#include <inngest/impl/outbox.ipp>
#include <inngest/impl/realtime.ipp>
#include <inngest/impl/runs.ipp>
#include <inngest/impl/serve.ipp>
#include <inngest/impl/settings.ipp>
#include <inngest/impl/sql_outbox.ipp>
#include <inngest/impl/step.ipp>
#include <inngest/impl/step_id.ipp>
#include <inngest/impl/testing.ipp>
#include <inngest/impl/thread_pool.ipp>
#include <inngest/impl/trigger.ipp>
#include <inngest/json/detail/impl/canonical.ipp>
#include <inngest/json/detail/impl/document.ipp>
#include <inngest/json/detail/impl/dom.ipp>
#include <inngest/json/detail/impl/members.ipp>
#include <inngest/json/detail/impl/path.ipp>
#include <inngest/json/detail/impl/scalars.ipp>
#include <inngest/json/detail/impl/shape.ipp>
#include <inngest/json/detail/impl/text.ipp>
#include <inngest/json/impl/bytes.ipp>
#include <inngest/json/impl/chrono.ipp>
#include <inngest/json/impl/variant.ipp>
#include <inngest/log/impl/sinks.ipp>
#include <inngest/middleware/detail/impl/server_span_id.ipp>
#include <inngest/middleware/impl/metrics.ipp>
#include <inngest/middleware/impl/otlp.ipp>
#include <inngest/middleware/impl/run_traces.ipp>
#include <inngest/middleware/impl/tracing.ipp>
#include <inngest/options/detail/impl/check_options.ipp>
#include <inngest/options/detail/impl/option_limits.ipp>
#include <inngest/outbox/detail/impl/outbox_file.ipp>
#include <inngest/platform/detail/impl/file.ipp>
#include <inngest/platform/detail/impl/signals.ipp>
#include <inngest/platform/detail/impl/socket.ipp>
#include <inngest/platform/detail/impl/stop_token.ipp>
#include <inngest/protocol/impl/api.ipp>
#include <inngest/protocol/impl/call_request.ipp>
#include <inngest/protocol/impl/error_info.ipp>
#include <inngest/protocol/impl/http_run.ipp>
#include <inngest/protocol/impl/lifecycle.ipp>
#include <inngest/protocol/impl/memo.ipp>
#include <inngest/protocol/impl/metadata.ipp>
#include <inngest/protocol/impl/operation.ipp>
#include <inngest/protocol/impl/registration.ipp>
#include <inngest/protocol/impl/sessions.ipp>
#include <inngest/protocol/impl/signature.ipp>
#include <inngest/realtime/detail/impl/requests.ipp>
#include <inngest/realtime/detail/impl/sse_parser.ipp>
#include <inngest/realtime/detail/impl/stream_body.ipp>
#include <inngest/realtime/detail/impl/subscription_body.ipp>
#include <inngest/realtime/impl/message.ipp>
#include <inngest/serving/impl/answers.ipp>
#include <inngest/serving/impl/call.ipp>
#include <inngest/serving/impl/call_registry.ipp>
#include <inngest/serving/impl/checkpoints.ipp>
#include <inngest/serving/impl/description.ipp>
#include <inngest/serving/impl/endpoint_route.ipp>
#include <inngest/serving/impl/heartbeats.ipp>
#include <inngest/serving/impl/identity.ipp>
#include <inngest/serving/impl/pending_call.ipp>
#include <inngest/serving/impl/pending_responses.ipp>
#include <inngest/serving/impl/registration.ipp>
#include <inngest/serving/impl/running.ipp>
#include <inngest/serving/impl/served_app.ipp>
#include <inngest/sql_outbox/impl/relay.ipp>
#include <inngest/sql_outbox/impl/sql.ipp>
#include <inngest/step/detail/impl/step_base.ipp>
#include <inngest/step/detail/impl/step_body.ipp>
#include <inngest/testing/impl/mocks.ipp>
#include <inngest/testing/impl/recorded_run.ipp>
#include <inngest/testing/impl/simulation.ipp>
#include <inngest/testing/impl/test_run.ipp>
#include <inngest/time/detail/impl/cron.ipp>
#include <inngest/time/detail/impl/cron_next.ipp>
#include <inngest/time/detail/impl/http_date.ipp>
#include <inngest/time/detail/impl/rfc3339.ipp>
#include <inngest/time/detail/impl/server_duration.ipp>
#include <inngest/time/detail/impl/time_zone.ipp>
#include <inngest/time/impl/duration.ipp>
#include <inngest/time/impl/timestamp.ipp>

#ifndef INNGEST_NO_HTTPLIB
#include <inngest/embedded/detail/impl/http_server_body.ipp>
#include <inngest/embedded/detail/impl/server_realtime.ipp>
#include <inngest/embedded/impl/http_server.ipp>
#include <inngest/transport/detail/impl/httplib_server.ipp>
#include <inngest/transport/detail/impl/httplib_tasks.ipp>
#include <inngest/transport/impl/httplib.ipp>
#endif

namespace inngest::inline INNGEST_ABI::detail {

std::shared_ptr<http::transport> default_transport() {
#ifdef INNGEST_NO_HTTPLIB
  return nullptr;
#else
  return std::make_shared<httplib_transport>();
#endif
}

}  // namespace inngest::inline INNGEST_ABI::detail

// Checks that every enumeration's table is complete. It takes a second to compile, so it is done only here.
namespace inngest::inline INNGEST_ABI::detail {

static_assert(has_full_table<protocol::opcode>(), "an opcode has no name in protocol/step_kinds.hpp");
static_assert(has_full_table<step_kind>(),
              "a step kind has no row in protocol::step_kinds, or its row is in another place");
static_assert(has_full_table<embedded::run_status>(), "a status of runs has no name in embedded/run.hpp");
static_assert(has_full_table<embedded::progress>(), "a progress has no name in embedded/run.hpp");
static_assert(has_full_table<realtime::message_kind>(),
              "a kind of message has no name in realtime/message.hpp");
static_assert(has_full_table<embedded::run_note::kind>(), "a kind of note has no name in embedded/store.hpp");
static_assert(has_full_table<embedded::job::kind>(), "a kind of job has no name in embedded/store.hpp");

}  // namespace inngest::inline INNGEST_ABI::detail
