#pragma once

#include <inngest/config.hpp>
#include <inngest/version.hpp>

// The names and values of the protocol's headers.

namespace inngest::inline INNGEST_ABI::protocol::header {

inline constexpr const char* sdk = "x-inngest-sdk";
inline constexpr const char* framework = "x-inngest-framework";
inline constexpr const char* environment = "x-inngest-env";
inline constexpr const char* platform = "x-inngest-platform";
inline constexpr const char* server_kind = "x-inngest-server-kind";
inline constexpr const char* expected_server_kind = "x-inngest-expected-server-kind";
inline constexpr const char* signature = "x-inngest-signature";
inline constexpr const char* sync_kind = "x-inngest-sync-kind";
inline constexpr const char* request_version = "x-inngest-req-version";
inline constexpr const char* request_id = "x-request-id";
inline constexpr const char* job_id = "x-inngest-job-id";
inline constexpr const char* no_retry = "x-inngest-no-retry";
inline constexpr const char* retry_after = "retry-after";
inline constexpr const char* event_id_seed = "x-inngest-event-id-seed";
inline constexpr const char* content_type = "content-type";
inline constexpr const char* authorization = "authorization";
inline constexpr const char* user_agent = "user-agent";
inline constexpr const char* server_timing = "server-timing";
inline constexpr const char* traceparent = "traceparent";
inline constexpr const char* tracestate = "tracestate";
// sent by a server that continues the run of an endpoint
inline constexpr const char* run_id = "x-run-id";
inline constexpr const char* step_id = "x-inngest-step-id";
inline constexpr const char* force_step_plan = "x-inngest-force-step-plan";
// sent to an engine, which reads it: after how many milliseconds an answer that waits for a run is given up
inline constexpr const char* max_wait = "x-inngest-cpp-longest-wait";

}  // namespace inngest::inline INNGEST_ABI::protocol::header

namespace inngest::inline INNGEST_ABI::protocol {

/// "<language>:v<version>". The server does not recognize an answer without it as that of an SDK.
inline constexpr const char* sdk_name = "cpp:v" INNGEST_VERSION;

/// The execution version in answers: the server waits for all steps of a parallel group before it calls the
/// function again.
inline constexpr const char* execution_version = "2";

inline constexpr const char* in_band = "in_band";
inline constexpr const char* out_of_band = "out_of_band";

}  // namespace inngest::inline INNGEST_ABI::protocol
