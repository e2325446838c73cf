#pragma once

#include <inngest/config.hpp>
#include <inngest/detail/fixed_string.hpp>

// Forward declarations of the classes that programs hold or pass on. Cheap to compile: it includes no JSON,
// no HTTP and no strings.
//
// An `inngest::context` needs its event types from <inngest/event.hpp>; take an `inngest::basic_context&`
// where any context will do.

namespace inngest::inline INNGEST_ABI {

// ---- events -----------------------------------------------------------------------------------------------

template <detail::fixed_string Name, class Data>
struct event;
class any_event;
struct sent_events;

/// Whether a type is made from inngest::event.
template <class T>
inline constexpr bool is_event = false;
template <detail::fixed_string Name, class Data>
inline constexpr bool is_event<event<Name, Data>> = true;

/// Any event type made from inngest::event.
template <class T>
concept event_type = is_event<T>;

template <event_type... Events>
class one_of;
template <event_type... Events>
struct trigger;

// ---- apps and functions -----------------------------------------------------------------------------------

class client;
struct client_options;
class settings;
class logger;
struct dependency;
struct signing_keys;
class middleware;

class any_function;
struct function_options;
template <class Output, event_type... Events>
class function;
template <class Data>
class deferred_function;
template <event_type Event, class Output>
struct function_ref;

class handler;
struct serve_options;

class durable_endpoint;
class endpoint_context;
struct endpoint_options;

// ---- handlers and steps -----------------------------------------------------------------------------------

class basic_context;
template <event_type... Events>
class context;
template <event_type... Events>
class ended_run_context;
template <event_type... Events>
class failure_context;
template <event_type... Events>
class cancel_context;
template <class Output, event_type... Events>
class success_context;
class context_logger;

class step;
class ai_steps;
class group;
class step_id;
struct step_options;
template <class Result, class Run>
class step_handle;
template <class Result>
struct experiment_result;
struct experiment_strategy;
template <class Run>
struct variant;
struct fetch_request;
class deferred_handle;
struct fetch_response;

// ---- errors -----------------------------------------------------------------------------------------------

class error;
class step_error;
class payload_error;

// ---- tools ------------------------------------------------------------------------------------------------

class expression;
class runs;
struct run_info;
class outbox;
class run_traces;
class user_span;
struct outbox_options;
struct diagnosis;
class httplib_transport;

namespace http {
class headers;
struct request;
struct response;
class transport;
}  // namespace http

// ---- an engine in the process, and tests ------------------------------------------------------------------

namespace embedded {
class engine;
struct engine_options;
struct run;
class http_server;
struct http_server_options;
class store;
class memory_store;
class sqlite_store;
struct sqlite_options;
}  // namespace embedded

namespace testing {
class harness;
struct harness_options;
class test_run;
class test_step;
struct recorded_run;
}  // namespace testing

}  // namespace inngest::inline INNGEST_ABI
