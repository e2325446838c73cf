#pragma once

#include <exception>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/endpoint_options.hpp>
#include <inngest/execution/call_stop.hpp>
#include <inngest/execution/checkpoints.hpp>
#include <inngest/execution/replay.hpp>
#include <inngest/http.hpp>
#include <inngest/protocol/http_run.hpp>
#include <inngest/serving/route.hpp>
#include <inngest/serving/served_app.hpp>

// Durable endpoints: requests that begin runs, calls with which a server continues them, and requests for
// responses that were not available yet.

namespace inngest::inline INNGEST_ABI::serving {

/// Answers the requests of an endpoint.
class endpoint_route final : public route {
 public:
  explicit endpoint_route(endpoint_options options) : options_(std::move(options)) {}

  http::response answer(const served_app& app, http::request request,
                        const execution::call_stop& stop) const override;

 private:
  http::response respond(const served_app& app, http::request request,
                         const execution::call_stop& stop) const;

  http::response answer_inside(const served_app& app, const served_function& served, http::request& request,
                               const execution::call_stop& stop) const;

  bool begins_run(const std::string& method) const;

  const endpoint_options options_;
};

/// A run that this app begins for a client's request: steps run immediately and are saved. Used only once.
class begun_run {
 public:
  begun_run(const served_app& app, const served_function& served, const endpoint_options& options,
            http::request& request);

  /// Runs the handler as far as possible, and returns the client's response.
  http::response answer(const execution::call_stop& stop);

 private:
  /// What every call knows of the request, including the calls with which the server continues the run.
  protocol::http_event described() const;

  std::string call_text() const;

  execution::outcome run(const execution::call_stop& stop);

  /// Called where middleware has thrown before the handler began: the first attempt has failed, as if the
  /// handler had thrown.
  execution::outcome failed_before_handler(const protocol::call_request& call,
                                           const execution::replay_options& replay_options) const;

  /// The outcome of a run that the server knows, and that an exception of middleware has ended here: without
  /// one, the server would wait long for the rest, and the client would have no token.
  execution::outcome failed(const std::exception_ptr& thrown) const;

  http::response finish(execution::outcome outcome);

  /// Called after the handler has completed: saves the remaining operations, and returns the response.
  http::response complete(execution::outcome outcome);

  /// Called after the handler has failed permanently.
  http::response fail(execution::outcome outcome);

  /// Hands the run over to the server. `failure` is that of the handler or its only step, if one failed.
  http::response hand_over(const std::vector<protocol::operation>& operations,
                           const std::optional<protocol::failure>& failure);

  http::response pending() const;

  http::response not_saved() const;

  execution::checkpoints::saved save(const std::vector<protocol::operation>& operations,
                                     const std::optional<protocol::failure>& failure = {});

  /// Sends operations with up to four retries. Returns the answer's body; `nullopt` sets `problem_`.
  std::optional<std::string> send(const http::request& request);

  /// Answers the handler's requests to the server. A server refuses metadata of a run that it does not know:
  /// until the run has begun there, metadata is kept, and the handler need not know when that is.
  http::response call_api(http::request request);

  /// Sends the kept metadata, after a save that has made the run known. The handler can't be told of a
  /// refusal any more, which is logged.
  void send_kept_metadata();

  /// Sends metadata. Returns why that failed; empty if it did not. `retries` are those that are left; below 0
  /// nothing is sent.
  std::string problem_of_sending(const http::request& request, int& retries) const;

  const served_app& app_;
  const served_function& served_;
  const endpoint_options& options_;
  http::request& request_;
  const std::string run_id_;
  const std::string event_;
  bool is_begun_ = false;  // the server knows the run
  bool is_stale_ = false;  // the server already continues the run
  /// The server has begun the run with the operations that were sent, but its answer was lost, and with it
  /// the run's token.
  bool is_begun_unheard_ = false;
  protocol::begun_run_ids ids_{};
  std::string problem_{};  // why operations could not be saved

  std::mutex metadata_mutex_{};                 // guards the members below: a step's threads may tag the run
  bool sends_metadata_ = false;                 // at once
  std::vector<http::request> kept_metadata_{};  // in the handler's order
};

/// Answers a call with which a server continues a run.
http::response continue_run(const served_app& app, const served_function& served,
                            const http::request& request, const execution::call_stop& stop);

}  // namespace inngest::inline INNGEST_ABI::serving

#if !defined(INNGEST_COMPILED)
#include <inngest/serving/impl/endpoint_route.ipp>
#endif
