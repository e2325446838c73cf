#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <inngest/config.hpp>

// The messages of Connect, in both directions: worker to gateway, gateway to worker, and the two HTTP routes
// beside the WebSocket. They are plain values; codec.hpp converts them to and from bytes.
//
// A string whose comment says "bytes" may contain any bytes; all others are UTF-8. A `std::optional` is a
// field that may be absent.

namespace inngest::inline INNGEST_ABI::connect::detail {

/// The type of the payload of a `connect_message`.
enum class message_kind : std::int32_t {
  gateway_hello = 0,                     ///< gateway: first frame of a connection, without payload
  worker_connect = 1,                    ///< worker: `worker_connect_request`
  gateway_connection_ready = 2,          ///< gateway: `gateway_connection_ready`
  gateway_executor_request = 3,          ///< gateway: `executor_request`
  worker_ready = 4,                      ///< worker: ready for requests, without payload
  worker_request_ack = 5,                ///< worker: `worker_request_ack`
  worker_reply = 6,                      ///< worker: `sdk_response`
  worker_reply_ack = 7,                  ///< gateway: `worker_reply_ack`
  worker_pause = 8,                      ///< worker: send no more requests, without payload
  worker_heartbeat = 9,                  ///< worker, without payload
  gateway_heartbeat = 10,                ///< gateway: the answer to a heartbeat, without payload
  gateway_closing = 11,                  ///< gateway: connect to another gateway, without payload
  worker_request_extend_lease = 12,      ///< worker: `extend_lease`
  worker_request_extend_lease_ack = 13,  ///< gateway: `extend_lease_ack`
  sync_failed = 14,                      ///< gateway: an app can't be registered; `system_error`
  worker_status = 15,                    ///< worker: `worker_status`
};

/// The frame of the WebSocket: every binary frame is one of these.
struct connect_message {
  message_kind kind{};
  std::string payload{};  ///< bytes
};

/// One of a worker's apps.
struct app_configuration {
  std::string app_name{};
  std::optional<std::string> app_version{};
  std::string functions{};  ///< bytes: the JSON array of function definitions
};

/// The two tokens from `start_response`.
struct auth_data {
  std::string session_token{};
  std::string sync_token{};
};

/// The machine that a worker runs on.
struct system_attributes {
  std::int32_t cpu_cores = 0;
  std::int64_t mem_bytes = 0;
  std::string os{};
};

/// A moment: seconds since 1970, and nanoseconds from 0 to 999,999,999.
struct message_time {
  std::int64_t seconds = 0;
  std::int32_t nanos = 0;
};

/// Payload of `worker_connect`.
struct worker_connect_request {
  std::string connection_id{};
  std::string instance_id{};
  std::optional<auth_data> auth{};
  std::string capabilities{};  ///< bytes: JSON
  std::vector<app_configuration> apps{};
  bool worker_manual_readiness_ack = false;
  std::optional<system_attributes> system{};
  std::optional<std::string> environment{};
  std::string framework{};
  std::optional<std::string> platform{};
  std::string sdk_version{};
  std::string sdk_language{};
  std::optional<message_time> started_at{};
  std::optional<std::int64_t> max_worker_concurrency{};
};

/// Payload of `gateway_connection_ready`. The intervals are Go durations, such as "10s" or "1m30s".
struct gateway_connection_ready {
  std::string heartbeat_interval{};
  std::string extend_lease_interval{};
  std::string status_interval{};
};

/// Payload of `worker_status`.
struct worker_status {
  std::vector<std::string> in_flight_request_ids{};
  bool shutdown_requested = false;
};

/// Payload of `gateway_executor_request`: call a function.
struct executor_request {
  std::string request_id{};
  std::string account_id{};
  std::string env_id{};
  std::string app_id{};
  std::string app_name{};
  std::string function_id{};
  std::string function_slug{};
  std::optional<std::string> step_id{};
  std::string request_payload{};   ///< bytes: the JSON that `serve` receives as the body of a call
  std::string system_trace_ctx{};  ///< bytes
  std::string user_trace_ctx{};    ///< bytes
  std::string run_id{};
  std::string lease_id{};
  std::string job_id{};
};

/// Payload of `worker_request_ack`: the worker runs the request.
struct worker_request_ack {
  std::string request_id{};
  std::string account_id{};
  std::string env_id{};
  std::string app_id{};
  std::string function_slug{};
  std::optional<std::string> step_id{};
  std::string system_trace_ctx{};  ///< bytes
  std::string user_trace_ctx{};    ///< bytes
  std::string run_id{};
};

/// Payload of `worker_request_extend_lease`: the worker still runs the request.
struct extend_lease {
  std::string request_id{};
  std::string account_id{};
  std::string env_id{};
  std::string app_id{};
  std::string function_slug{};
  std::optional<std::string> step_id{};
  std::string system_trace_ctx{};  ///< bytes
  std::string user_trace_ctx{};    ///< bytes
  std::string run_id{};
  std::string lease_id{};
};

/// Payload of `worker_request_extend_lease_ack`. Without a new lease, the worker has lost the request.
struct extend_lease_ack {
  std::string request_id{};
  std::string account_id{};
  std::string env_id{};
  std::string app_id{};
  std::string function_slug{};
  std::optional<std::string> new_lease_id{};
};

/// The result of a call.
enum class response_status : std::int32_t {
  not_completed = 0,  ///< HTTP 206: steps were reported
  done = 1,           ///< HTTP 200: the function ended
  error = 2,          ///< any other HTTP status
};

/// Payload of `worker_reply`, and body of `POST /v0/connect/flush`.
struct sdk_response {
  std::string request_id{};
  std::string account_id{};
  std::string env_id{};
  std::string app_id{};
  response_status status{};
  std::string body{};  ///< bytes
  bool no_retry = false;
  std::optional<std::string> retry_after{};
  std::string sdk_version{};
  std::uint32_t request_version = 0;
  std::string system_trace_ctx{};  ///< bytes
  std::string user_trace_ctx{};    ///< bytes
  std::string run_id{};
};

/// Payload of `worker_reply_ack`: the gateway has the reply.
struct worker_reply_ack {
  std::string request_id{};
};

/// Payload of `sync_failed`, also the JSON of a close reason.
struct system_error {
  std::string code{};
  std::optional<std::string> data{};  ///< bytes: JSON
  std::string message{};
};

/// Body of `POST /v0/connect/start`.
struct start_request {
  std::vector<std::string> exclude_gateways{};
};

/// Answer of `POST /v0/connect/start`.
struct start_response {
  std::string connection_id{};
  std::string gateway_endpoint{};
  std::string gateway_group{};
  std::string session_token{};
  std::string sync_token{};
};

/// Answer of `POST /v0/connect/flush`.
struct flush_response {
  std::string request_id{};
};

/// The state of a connection, as a server shows it.
enum class connection_status : std::int32_t {
  connected = 0,
  ready = 1,
  draining = 2,
  disconnecting = 3,
  disconnected = 4,
};

/// Why a connection ended. Its name, such as "WORKER_SHUTDOWN", is the reason in the WebSocket's close frame.
enum class disconnect_reason : std::int32_t {
  worker_shutdown = 0,
  unexpected = 1,
  gateway_draining = 2,
  consecutive_heartbeats_missed = 3,
  message_too_large = 4,
};

/// The name on the wire, such as "WORKER_SHUTDOWN"; "UNEXPECTED" for other values.
constexpr const char* to_string(disconnect_reason reason) {
  switch (reason) {
    case disconnect_reason::worker_shutdown:
      return "WORKER_SHUTDOWN";
    case disconnect_reason::unexpected:
      return "UNEXPECTED";
    case disconnect_reason::gateway_draining:
      return "GATEWAY_DRAINING";
    case disconnect_reason::consecutive_heartbeats_missed:
      return "CONSECUTIVE_HEARTBEATS_MISSED";
    case disconnect_reason::message_too_large:
      return "MESSAGE_TOO_LARGE";
  }
  return "UNEXPECTED";
}

/// The WebSocket's subprotocol.
inline constexpr const char* gateway_subprotocol = "v0.connect.inngest.com";

}  // namespace inngest::inline INNGEST_ABI::connect::detail
