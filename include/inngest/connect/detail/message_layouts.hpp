#pragma once

#include <cstdint>
#include <string_view>
#include <tuple>

#include <inngest/config.hpp>
#include <inngest/connect/detail/messages.hpp>

// The number, name and kind of each field of each message, as the protocol defines them.

namespace inngest::inline INNGEST_ABI::connect::detail {

/// How a member is written. `text` must be UTF-8; `raw` may be any bytes.
enum class field_kind { text, raw, number, message };

/// A field of a message. The member may be a `std::optional`, and a `std::vector` for repeated fields.
template <field_kind Kind, class Message, class Member>
struct field {
  std::uint32_t number;
  std::string_view name;
  Member Message::*member;
};

template <class Message, class Member>
constexpr field<field_kind::text, Message, Member> text(std::uint32_t number, std::string_view name,
                                                        Member Message::*member) {
  return {number, name, member};
}
template <class Message, class Member>
constexpr field<field_kind::raw, Message, Member> raw(std::uint32_t number, std::string_view name,
                                                      Member Message::*member) {
  return {number, name, member};
}
template <class Message, class Member>
constexpr field<field_kind::number, Message, Member> number(std::uint32_t number, std::string_view name,
                                                            Member Message::*member) {
  return {number, name, member};
}
template <class Message, class Member>
constexpr field<field_kind::message, Message, Member> message(std::uint32_t number, std::string_view name,
                                                              Member Message::*member) {
  return {number, name, member};
}

/// The name and fields of a message.
template <class Message>
struct layout;

template <>
struct layout<connect_message> {
  static constexpr std::string_view name = "ConnectMessage";
  static constexpr auto fields =
      std::tuple(number(1, "kind", &connect_message::kind), raw(2, "payload", &connect_message::payload));
};

template <>
struct layout<app_configuration> {
  static constexpr std::string_view name = "AppConfiguration";
  static constexpr auto fields = std::tuple(text(1, "app_name", &app_configuration::app_name),
                                            text(2, "app_version", &app_configuration::app_version),
                                            raw(4, "functions", &app_configuration::functions));
};

template <>
struct layout<auth_data> {
  static constexpr std::string_view name = "AuthData";
  static constexpr auto fields = std::tuple(text(1, "session_token", &auth_data::session_token),
                                            text(2, "sync_token", &auth_data::sync_token));
};

template <>
struct layout<system_attributes> {
  static constexpr std::string_view name = "SystemAttributes";
  static constexpr auto fields = std::tuple(number(1, "cpu_cores", &system_attributes::cpu_cores),
                                            number(2, "mem_bytes", &system_attributes::mem_bytes),
                                            text(3, "os", &system_attributes::os));
};

template <>
struct layout<message_time> {
  static constexpr std::string_view name = "Timestamp";
  static constexpr auto fields =
      std::tuple(number(1, "seconds", &message_time::seconds), number(2, "nanos", &message_time::nanos));
};

template <>
struct layout<worker_connect_request> {
  using type = worker_connect_request;
  static constexpr std::string_view name = "WorkerConnectRequestData";
  static constexpr auto fields =
      std::tuple(text(1, "connection_id", &type::connection_id), text(2, "instance_id", &type::instance_id),
                 message(3, "auth_data", &type::auth), raw(4, "capabilities", &type::capabilities),
                 message(5, "apps", &type::apps),
                 number(6, "worker_manual_readiness_ack", &type::worker_manual_readiness_ack),
                 message(7, "system_attributes", &type::system), text(8, "environment", &type::environment),
                 text(9, "framework", &type::framework), text(10, "platform", &type::platform),
                 text(11, "sdk_version", &type::sdk_version), text(12, "sdk_language", &type::sdk_language),
                 message(13, "started_at", &type::started_at),
                 number(14, "max_worker_concurrency", &type::max_worker_concurrency));
};

template <>
struct layout<gateway_connection_ready> {
  using type = gateway_connection_ready;
  static constexpr std::string_view name = "GatewayConnectionReadyData";
  static constexpr auto fields = std::tuple(text(1, "heartbeat_interval", &type::heartbeat_interval),
                                            text(2, "extend_lease_interval", &type::extend_lease_interval),
                                            text(3, "status_interval", &type::status_interval));
};

template <>
struct layout<worker_status> {
  using type = worker_status;
  static constexpr std::string_view name = "WorkerStatusData";
  static constexpr auto fields = std::tuple(text(1, "in_flight_request_ids", &type::in_flight_request_ids),
                                            number(2, "shutdown_requested", &type::shutdown_requested));
};

template <>
struct layout<executor_request> {
  using type = executor_request;
  static constexpr std::string_view name = "GatewayExecutorRequestData";
  static constexpr auto fields = std::tuple(
      text(1, "request_id", &type::request_id), text(2, "account_id", &type::account_id),
      text(3, "env_id", &type::env_id), text(4, "app_id", &type::app_id),
      text(5, "app_name", &type::app_name), text(6, "function_id", &type::function_id),
      text(7, "function_slug", &type::function_slug), text(8, "step_id", &type::step_id),
      raw(9, "request_payload", &type::request_payload), raw(10, "system_trace_ctx", &type::system_trace_ctx),
      raw(11, "user_trace_ctx", &type::user_trace_ctx), text(12, "run_id", &type::run_id),
      text(13, "lease_id", &type::lease_id), text(14, "job_id", &type::job_id));
};

/// The fields that the acknowledgement of a request and the extension of its lease begin with.
template <class Message>
constexpr auto fields_of_request() {
  return std::tuple(text(1, "request_id", &Message::request_id), text(2, "account_id", &Message::account_id),
                    text(3, "env_id", &Message::env_id), text(4, "app_id", &Message::app_id),
                    text(5, "function_slug", &Message::function_slug), text(6, "step_id", &Message::step_id),
                    raw(7, "system_trace_ctx", &Message::system_trace_ctx),
                    raw(8, "user_trace_ctx", &Message::user_trace_ctx), text(9, "run_id", &Message::run_id));
}

template <>
struct layout<worker_request_ack> {
  static constexpr std::string_view name = "WorkerRequestAckData";
  static constexpr auto fields = fields_of_request<worker_request_ack>();
};

template <>
struct layout<extend_lease> {
  static constexpr std::string_view name = "WorkerRequestExtendLeaseData";
  static constexpr auto fields = std::tuple_cat(fields_of_request<extend_lease>(),
                                                std::tuple(text(10, "lease_id", &extend_lease::lease_id)));
};

template <>
struct layout<extend_lease_ack> {
  using type = extend_lease_ack;
  static constexpr std::string_view name = "WorkerRequestExtendLeaseAckData";
  static constexpr auto fields = std::tuple(
      text(1, "request_id", &type::request_id), text(2, "account_id", &type::account_id),
      text(3, "env_id", &type::env_id), text(4, "app_id", &type::app_id),
      text(5, "function_slug", &type::function_slug), text(6, "new_lease_id", &type::new_lease_id));
};

template <>
struct layout<sdk_response> {
  using type = sdk_response;
  static constexpr std::string_view name = "SDKResponse";
  static constexpr auto fields = std::tuple(
      text(1, "request_id", &type::request_id), text(2, "account_id", &type::account_id),
      text(3, "env_id", &type::env_id), text(4, "app_id", &type::app_id), number(5, "status", &type::status),
      raw(6, "body", &type::body), number(7, "no_retry", &type::no_retry),
      text(8, "retry_after", &type::retry_after), text(9, "sdk_version", &type::sdk_version),
      number(10, "request_version", &type::request_version),
      raw(11, "system_trace_ctx", &type::system_trace_ctx), raw(12, "user_trace_ctx", &type::user_trace_ctx),
      text(13, "run_id", &type::run_id));
};

template <>
struct layout<worker_reply_ack> {
  static constexpr std::string_view name = "WorkerReplyAckData";
  static constexpr auto fields = std::tuple(text(1, "request_id", &worker_reply_ack::request_id));
};

template <>
struct layout<system_error> {
  static constexpr std::string_view name = "SystemError";
  static constexpr auto fields =
      std::tuple(text(1, "code", &system_error::code), raw(2, "data", &system_error::data),
                 text(3, "message", &system_error::message));
};

template <>
struct layout<start_request> {
  static constexpr std::string_view name = "StartRequest";
  static constexpr auto fields = std::tuple(text(1, "exclude_gateways", &start_request::exclude_gateways));
};

template <>
struct layout<start_response> {
  using type = start_response;
  static constexpr std::string_view name = "StartResponse";
  static constexpr auto fields = std::tuple(
      text(1, "connection_id", &type::connection_id), text(2, "gateway_endpoint", &type::gateway_endpoint),
      text(3, "gateway_group", &type::gateway_group), text(4, "session_token", &type::session_token),
      text(5, "sync_token", &type::sync_token));
};

template <>
struct layout<flush_response> {
  static constexpr std::string_view name = "FlushResponse";
  static constexpr auto fields = std::tuple(text(1, "request_id", &flush_response::request_id));
};

}  // namespace inngest::inline INNGEST_ABI::connect::detail
