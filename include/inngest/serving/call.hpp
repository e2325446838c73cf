#pragma once

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>

#include <inngest/config.hpp>
#include <inngest/detail/hex.hpp>
#include <inngest/error.hpp>
#include <inngest/execution/call_stop.hpp>
#include <inngest/execution/replay.hpp>
#include <inngest/http.hpp>
#include <inngest/middleware.hpp>
#include <inngest/protocol/api.hpp>
#include <inngest/protocol/call_request.hpp>
#include <inngest/protocol/headers.hpp>
#include <inngest/protocol/http_run.hpp>
#include <inngest/serving/answers.hpp>
#include <inngest/serving/call_registry.hpp>
#include <inngest/serving/checkpoints.hpp>
#include <inngest/serving/running.hpp>
#include <inngest/serving/served_app.hpp>

// POST: calls a function, or one of its steps.

namespace inngest::inline INNGEST_ABI::serving {

/// Whether a request calls a function. Probes do not.
bool is_call(const http::request& request);

/// The step that a call must run; `nullopt` when the call names none.
/// \throws protocol_error when the name is not a hash.
std::optional<step_hash> target_of(const http::request& request);

/// A request that was read, or the reason why it can't be read.
struct incoming_call {
  std::unique_ptr<protocol::call_request> request{};
  std::exception_ptr problem{};
  std::chrono::steady_clock::duration took{};  // how long it took to read

  /// \throws protocol_error when it can't be read.
  protocol::call_request& get() const;
};

incoming_call read_call(const http::request& request, std::string body);

/// The description of a call that middleware receives.
call_info info_of(const served_function& served, const http::request& request,
                  const protocol::call_request* call);

/// Fetches events and steps that were too large for the request.
void fetch_state(const served_app& app, protocol::call_request& call);

/// Lets middleware change the events before the handler reads them.
void transform_input(const served_function& served, protocol::call_request& call,
                     const http::request& request);

/// Adds the times for reading the request and running the handler, and the trace of the call.
void add_call_headers(http::response& out, const http::request& request,
                      std::chrono::steady_clock::duration parsing,
                      std::chrono::steady_clock::duration running);

/// The answer to a call whose middleware has thrown the exception that is being handled: the server learns
/// its type, and whether and when to try again, as from a handler's exception. `told` are the hooks that
/// learn of the error; null for none.
http::response answer_to_exception(const served_app& app, const served_function& served,
                                   const http::request& request, const protocol::call_request& call,
                                   const execution::hooks* told, const execution::call_stop& stop);

void log_warnings(const served_app& app, const served_function& served, const protocol::call_request& call,
                  const execution::outcome& outcome);

http::response call_function(const served_app& app, const served_function& served,
                             const http::request& request, const incoming_call& incoming,
                             const save_results* save, const execution::call_stop& stop);

/// Answers a registered call. `save` stores results in this process; null when the server stores them.
http::response answer_call(const served_app& app, http::request request, const save_results* save,
                           const execution::call_stop& stop);

/// Lets the app's route answer a request, and counts the request as a running call until it is answered.
http::response answer_if_running(const served_app& app, http::request request,
                                 const execution::call_stop& stop);

/// Converts an endpoint's response to the form in which servers store it, if middleware has changed that.
void seal_response(execution::outcome& outcome);

/// Registers a call while it is answered, and rejects it when the app is stopping.
http::response answer_if_running(const served_app& app, http::request request, const save_results* save,
                                 const execution::call_stop& stop);

}  // namespace inngest::inline INNGEST_ABI::serving

#if !defined(INNGEST_COMPILED)
#include <inngest/serving/impl/call.ipp>
#endif
