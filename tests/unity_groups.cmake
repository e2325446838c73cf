# Which test files are compiled together, where INNGEST_TEST_UNITY is on. Files of a group share what they instantiate
# and must not define the same names; about 25 s of compile time are a good size. Files that are not listed, such as new
# ones, are compiled alone.

set(unity_groups 0)
function(compile_together)
  math(EXPR count "${unity_groups} + 1")
  set(unity_groups ${count} PARENT_SCOPE)
  set_source_files_properties(${ARGN} PROPERTIES UNITY_GROUP "group_${count}")
endfunction()

# inngest_tests_of_headers has these. One group, because each file compiles all of the library again.
compile_together(json_test.cpp serve_test.cpp testing_test.cpp middleware/metrics_test.cpp step_test.cpp
                 expression_test.cpp embedded/restart_test.cpp)

compile_together(embedded/outgoing_request_test.cpp embedded/engine_failures_test.cpp
                 embedded/http_server_access_test.cpp)
compile_together(embedded/engine_test.cpp embedded/overlapping_calls_test.cpp embedded/event_intake_test.cpp
                 embedded/app_answer_test.cpp embedded/sqlite_store_test.cpp)
compile_together(embedded/flow_control_test.cpp embedded/durability_test.cpp embedded/enumerations_test.cpp
                 embedded/limits_test.cpp embedded/run_queue_test.cpp embedded/retry_test.cpp
                 embedded/reported_operation_test.cpp)
compile_together(embedded/active_runs_test.cpp embedded/continued_time_test.cpp execution/checkpoints_test.cpp
                 support/resources_test.cpp support/watchdog_test.cpp)
compile_together(embedded/engine_stop_test.cpp embedded/long_waits_test.cpp)
compile_together(embedded/http_server_limits_test.cpp embedded/signed_calls_test.cpp)
compile_together(embedded/apps_test.cpp embedded/control_test.cpp)
compile_together(embedded/endpoint_runs_test.cpp embedded/keep_test.cpp embedded/find_test.cpp
                 embedded/read_only_store_test.cpp)
compile_together(embedded/other_sdks_test.cpp embedded/bulk_test.cpp embedded/find_plan_test.cpp
                 embedded/run_filter_test.cpp)
compile_together(embedded/metrics_test.cpp embedded/find_runs_test.cpp)
compile_together(wire/reference_app_test.cpp matrix/step_kinds_test.cpp)
compile_together(matrix/step_kinds_story_test.cpp ai_test.cpp properties/call_reader_test.cpp)
compile_together(matrix/middleware_test.cpp group_test.cpp event_test.cpp)
compile_together(matrix/options_test.cpp expression_members_test.cpp)
compile_together(execution/misuse_test.cpp matrix/ends_test.cpp option_limits_test.cpp)
compile_together(execution/replay_test.cpp simulation/body_test.cpp)
compile_together(step_kinds_test.cpp conformance/exchanges_test.cpp)
compile_together(middleware/hooks_test.cpp checkpointing_test.cpp long_waits_test.cpp serving_options_test.cpp
                 public_types_test.cpp)
compile_together(matrix/step_kinds_recorded_test.cpp execution/shared_ids_test.cpp client_test.cpp
                 wire/stream_test.cpp draining_test.cpp)
compile_together(ends_of_runs_test.cpp broken_text_test.cpp outbox_faults_test.cpp serve_signature_test.cpp
                 client_calls_test.cpp stop_token_test.cpp http_test.cpp)
compile_together(execution/malformed_payload_test.cpp properties/http_doors_test.cpp wire/sync_test.cpp
                 wire/signed_test.cpp execution/deferred_test.cpp properties/schedule_test.cpp)
compile_together(runs_test.cpp adapters/httplib_test.cpp wire/checkpoint_test.cpp wire/nock_test.cpp outbox_test.cpp)
compile_together(middleware/tracing_test.cpp wire/meaning_test.cpp evaluation_test.cpp transport/httplib_test.cpp
                 adapters/httplib_socket_test.cpp protocol/registration_test.cpp)
compile_together(protocol/call_request_test.cpp expression_conformance_test.cpp time/cron_test.cpp
                 harness_growth_test.cpp protocol/error_info_test.cpp settings_test.cpp time/server_duration_test.cpp
                 time/duration_test.cpp)
compile_together(properties/expression_test.cpp detail/json_canonical_test.cpp detail/checked_math_test.cpp
                 detail/ascii_test.cpp detail/file_test.cpp detail/parse_real_test.cpp detail/spare_texts_test.cpp
                 detail/sha1_test.cpp log_test.cpp)
compile_together(options/check_options_test.cpp protocol/signature_test.cpp time/time_zone_test.cpp
                 embedded/page/web_page_test.cpp protocol/memo_test.cpp protocol/step_kinds_test.cpp
                 time/rfc3339_test.cpp)
compile_together(properties/codec_test.cpp properties/canonical_test.cpp middleware/every_step_kind_test.cpp)
compile_together(embedded/store_test.cpp embedded/idempotent_commit_test.cpp embedded/store_failures_test.cpp)
compile_together(embedded/unreadable_records_test.cpp embedded/taken_calls_test.cpp)
compile_together(json/names_test.cpp json/types_test.cpp properties/types_test.cpp)
compile_together(embedded/typed_events_test.cpp adapters/cgi_test.cpp middleware/user_spans_test.cpp)
compile_together(replies_test.cpp thread_pool_test.cpp serving/heartbeats_test.cpp patterns_test.cpp)
compile_together(typed_members_test.cpp properties/reply_parity_test.cpp)
compile_together(client_environment_test.cpp on_invoke_test.cpp execution/deferred_abort_test.cpp doctor_test.cpp)
compile_together(metadata_test.cpp middleware/hook_arguments_test.cpp runs_requests_test.cpp
                 sql_outbox/sql_outbox_faults_test.cpp)
compile_together(sql_outbox/step_transaction_test.cpp sql_outbox/sql_outbox_test.cpp)
compile_together(endpoint_test.cpp middleware/encryption_test.cpp middleware/docs_test.cpp adapters/custom_test.cpp)
compile_together(embedded/rest_v2_test.cpp embedded/store_migration_test.cpp)
compile_together(realtime_test.cpp embedded/realtime_test.cpp embedded/run_logs_test.cpp)
