#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/connect/detail/codec.hpp>
#include <inngest/connect/detail/messages.hpp>
#include <inngest/connect/detail/session.hpp>
#include <inngest/protocol/headers.hpp>

// The part of a session that handles calls, their leases and their replies. Included by session.hpp.

namespace inngest::inline INNGEST_ABI::connect::detail {

// ---- calls ------------------------------------------------------------------------------------------------

/// A message about a request, with the fields copied from the request.
template <class Message>
Message about(const executor_request& request) {
  return {.request_id = request.request_id,
          .account_id = request.account_id,
          .env_id = request.env_id,
          .app_id = request.app_id,
          .function_slug = request.function_slug,
          .step_id = request.step_id,
          .system_trace_ctx = request.system_trace_ctx,
          .user_trace_ctx = request.user_trace_ctx,
          .run_id = request.run_id};
}

/// A request that can't be acknowledged is not run, because the server will also give it to another worker.
inline void session::on_request(connection_number number, executor_request request, time now) {
  if (request.request_id.empty() || !apps_.contains(request.app_name)) {
    return log(log_level::warn, "connect: a request for app \"" + request.app_name +
                                    "\" is ignored: this worker does not have the app, or it has no id");
  }
  if (const auto known = calls_.find(request.request_id); known != calls_.end())
    return on_repeated_request(number, known->second, request);
  if (const auto kept = replies_.find(request.request_id); kept != replies_.end()) {
    acknowledge(number, request, false);
    if (!kept->second.is_flushing) deliver(kept->first, kept->second, now);
    return;
  }
  if (is_grace_over(now)) return;  // it would be asked to stop at once
  acknowledge(number, request, true);
  std::string id = request.request_id, lease = request.lease_id;
  calls_.emplace(std::move(id),
                 call{.request = std::move(request), .first_lease = std::move(lease), .asked_on = {number}});
}

/// A server repeats a message that was not acknowledged in time, and gives a call whose lease has expired a
/// new lease.
inline void session::on_repeated_request(connection_number number, call& of,
                                         const executor_request& request) {
  if (of.is_lost) {
    return log(log_level::info, "connect: request " + request.request_id +
                                    " is left to another worker: its earlier call has not stopped yet");
  }
  if (!request.lease_id.empty() && request.lease_id != of.first_lease)
    of.request.lease_id = of.first_lease = request.lease_id;
  if (of.is_acknowledged) return acknowledge(number, request, false);
  // The first acknowledgement is on its way; that over another connection is perhaps lost.
  if (of.asked_on.insert(number).second) acknowledge(number, request, true);
}

inline void session::acknowledge(connection_number number, const executor_request& request, bool runs) {
  send(number, message_kind::worker_request_ack, about<worker_request_ack>(request),
       runs ? request.request_id : std::string());
}

inline void session::acknowledged(const std::string& request_id, time now) {
  const auto found = calls_.find(request_id);
  if (found == calls_.end() || found->second.is_acknowledged) return;
  call& of = found->second;
  of.is_acknowledged = true;
  ++running_;
  executor_request request = of.request;
  of.request.request_payload.clear();
  out_.push_back(run_call{std::move(request)});
  if (is_grace_over(now)) out_.push_back(stop_call{request_id, true});
  const std::set<connection_number> asked_on = std::exchange(of.asked_on, {});
  const auto connected = connections_.find(*asked_on.begin());
  const duration interval = connected != connections_.end() ? connected->second.lease : duration(5'000);
  at(*(of.extend_at = now + interval), timer_kind::lease, 0, request_id);
  for (const connection_number number : asked_on) close_if_drained(number);
}

inline void session::sending_ended(connection_number number) {
  for (auto of = calls_.begin(); of != calls_.end();) {
    std::set<connection_number>& asked_on = of->second.asked_on;
    of = asked_on.erase(number) > 0 && asked_on.empty() ? calls_.erase(of) : std::next(of);
  }
  end_if_idle();
}

/// Leases are never extended over a draining connection: the answer could get lost, and the old lease be
/// rejected later.
inline void session::extend_lease(call& of, time now) {
  if (of.is_lost) return;
  of.is_extension_due = !active_;
  if (!active_) return;
  auto message = about<connect::detail::extend_lease>(of.request);
  message.lease_id = of.extended_lease = of.request.lease_id;
  send(*active_, message_kind::worker_request_extend_lease, message);
  at(*(of.extend_at = now + connections_.at(*active_).lease), timer_kind::lease, 0, of.request.request_id);
}

inline void session::on_extension(const extend_lease_ack& answer) {
  const auto found = calls_.find(answer.request_id);
  if (found == calls_.end() || !found->second.is_acknowledged || found->second.is_lost) return;
  call& of = found->second;
  if (answer.new_lease_id && !answer.new_lease_id->empty()) {
    of.request.lease_id = *answer.new_lease_id;
    return;
  }
  const bool is_about_earlier_lease = !of.extended_lease.empty() && of.extended_lease != of.request.lease_id;
  if (is_about_earlier_lease) return;  // the server has made the call again meanwhile
  log(log_level::warn, "connect: the lease of request " + answer.request_id + " of function \"" +
                           of.request.function_slug + "\" was lost, its call is asked to stop");
  of.is_lost = true;
  of.extend_at.reset();
  --running_;
  out_.push_back(stop_call{answer.request_id, false});
  end_if_idle();
}

inline void session::finished(const std::string& request_id, sdk_response response, time now) {
  const auto found = calls_.find(request_id);
  if (found == calls_.end()) return;
  const bool is_lost = found->second.is_lost;
  const executor_request request = std::move(found->second.request);
  calls_.erase(found);
  if (is_lost) return end_if_idle();  // another worker runs it
  --running_;
  const auto [kept, is_new] = replies_.try_emplace(
      request_id,
      reply{.bytes = encode(completed(request, std::move(response))), .give_up_at = now + reply_lifetime});
  if (is_new) deliver(request_id, kept->second, now);
  end_if_idle();
}

inline std::size_t session::calls_under_way() const { return running_; }

// ---- replies ----------------------------------------------------------------------------------------------

inline sdk_response session::completed(const executor_request& request, sdk_response response) const {
  constexpr std::size_t around = 64 * 1024;
  if (response.body.size() + request.system_trace_ctx.size() + request.user_trace_ctx.size() + around >
      max_frame) {
    response.status = response_status::error;
    response.no_retry = true;
    response.retry_after.reset();
    response.body = R"({"name":"inngest::too_large","message":"the answer of the function has )" +
                    std::to_string(response.body.size()) +
                    R"( bytes, and a gateway accepts 8 MB: return less, or use more steps"})";
  }
  response.request_id = request.request_id;
  response.account_id = request.account_id;
  response.env_id = request.env_id;
  response.app_id = request.app_id;
  response.run_id = request.run_id;
  response.system_trace_ctx = request.system_trace_ctx;
  response.user_trace_ctx = request.user_trace_ctx;
  response.sdk_version = protocol::sdk_name;
  return response;
}

/// Sends a reply over the connection, and later over HTTP if it is not acknowledged. Without a connection, it
/// is sent over HTTP immediately.
inline void session::deliver(const std::string& request_id, reply& kept, time now) {
  if (!active_) return flush(request_id, kept);
  out_.push_back(send_frame{*active_, encode(connect_message{message_kind::worker_reply, kept.bytes})});
  kept.sent_on = *active_;
  at(*(kept.due = now + reply_timeout), timer_kind::reply, 0, request_id);
}

inline void session::flush(const std::string& request_id, reply& kept) {
  const auto was_on = std::exchange(kept.sent_on, std::nullopt);
  kept.due.reset();
  kept.is_flushing = true;
  out_.push_back(flush_reply{request_id, kept.bytes});
  if (was_on) close_if_drained(*was_on);
}

inline void session::on_reply_ack(const std::string& request_id) {
  const auto found = replies_.find(request_id);
  if (found == replies_.end()) return;
  const auto was_on = found->second.sent_on;
  replies_.erase(found);
  if (was_on) close_if_drained(*was_on);
  end_if_idle();
}

inline void session::flushed(const std::string& request_id, flush_result result, std::string_view problem,
                             time now) {
  const auto found = replies_.find(request_id);
  if (found == replies_.end()) return;
  reply& kept = found->second;
  kept.is_flushing = false;
  if (result == flush_result::refused) return give_up(found, problem);
  if (result == flush_result::done) {
    replies_.erase(found);
    return end_if_idle();
  }
  at(*(kept.due = now + delay_of(++kept.attempt)), timer_kind::reply, 0, request_id);
}

inline void session::give_up(replies::iterator at, std::string_view why) {
  log(log_level::error, "connect: the reply to request " + at->first +
                            " is lost, the server will make another call: " + std::string(why));
  replies_.erase(at);
  end_if_idle();
}

// ---- the end ----------------------------------------------------------------------------------------------

inline std::size_t session::unfinished_calls() const {
  return static_cast<std::size_t>(
      std::count_if(calls_.begin(), calls_.end(), [](const auto& of) { return !of.second.is_lost; }));
}

inline void session::end_if_idle() {
  if (is_stopping_ && !has_ended() && replies_.empty() && unfinished_calls() == 0) end();
}

inline void session::end() {
  if (has_ended()) return;
  const std::size_t unfinished = unfinished_calls();
  abandoned_ = unfinished + replies_.size();
  if (abandoned_ > 0)
    log(log_level::warn, "connect: stopped with " + std::to_string(unfinished) + " calls and " +
                             std::to_string(replies_.size()) + " replies under way");
  for (const auto& [number, of] : connections_)
    out_.push_back(close_connection{number, 1000, to_string(disconnect_reason::worker_shutdown),
                                    of.in == phase::active || of.in == phase::draining});
  connections_.clear();
  active_.reset();
  pending_.reset();
  calls_.clear();
  replies_.clear();
  running_ = 0;
  timers_.clear();
  state_ = worker_state::closed;
  out_.push_back(show_state{state_});
}

}  // namespace inngest::inline INNGEST_ABI::connect::detail
