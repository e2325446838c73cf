#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/connect/detail/codec.hpp>
#include <inngest/connect/detail/messages.hpp>
#include <inngest/connect/detail/session.hpp>

// The part of a session that opens, maintains and replaces connections. Included by session.hpp.

namespace inngest::inline INNGEST_ABI::connect::detail {

// ---- making a connection ------------------------------------------------------------------------------

/// A stopping worker needs a connection only to keep the leases of its calls. A request whose acknowledgement
/// is still being sent counts, because it will be a call.
inline bool session::needs_connection() const {
  return is_started_ && !has_ended() && !active_ && !pending_ && (!is_stopping_ || unfinished_calls() > 0);
}

inline void session::dial_later(duration delay, time now) { at(*(dial_at_ = now + delay), timer_kind::dial); }

inline void session::dial_now() {
  dial_at_.reset();
  if (!needs_connection()) return;
  pending_ = ++last_number_;
  connections_.try_emplace(*pending_);
  out_.push_back(dial{*pending_, {excluded_.begin(), excluded_.end()}});
}

inline void session::retry(std::string problem, time now, bool is_soon) {
  last_problem_ = std::move(problem);
  ++attempts_;
  const duration longest = is_soon ? duration(1'500) : delay_of(attempts_);
  const auto part = std::uniform_int_distribution<std::int64_t>(0, longest.count() / 5)(jitter_);
  const duration delay = longest - duration(part);
  log(attempts_ > 1 || was_active_ ? log_level::warn : log_level::error,
      "connect: " + last_problem_ + "; next attempt in " + std::to_string(delay.count()) + " ms");
  dial_later(delay, now);
}

inline void session::exclude(const std::string& group) {
  constexpr std::size_t most = 100;
  if (group.empty()) return;
  if (excluded_.size() >= most) excluded_.clear();
  excluded_.insert(group);
}

inline void session::opened(connection_number number, const start_response& with, time now) {
  const auto found = connections_.find(number);
  if (found == connections_.end()) return;
  connection& of = found->second;
  of.in = phase::hello;
  of.id = with.connection_id;
  of.group = with.gateway_group;
  of.auth = {.session_token = with.session_token, .sync_token = with.sync_token};
  at(*(of.deadline = now + hello_timeout), timer_kind::deadline, number);
}

inline void session::dial_failed(connection_number number, const dial_failure& why, time now) {
  if (connections_.erase(number) == 0) return;
  pending_.reset();
  if (why.what == dial_failure::kind::unauthorized && !was_active_) {
    fatal_problem_ = last_problem_ = why.message;
    log(log_level::error, "connect: " + why.message);
    return end();
  }
  exclude(why.group);
  if (why.group.empty()) excluded_.clear();  // perhaps there is only this gateway
  retry(why.message, now);
  end_if_idle();
}

inline void session::received(connection_number number, std::string_view bytes, time now) {
  const auto found = connections_.find(number);
  if (found == connections_.end()) return;
  try {
    receive_in(found, decode<connect_message>(bytes), now);
  } catch (const message_error& problem) {
    const auto still = connections_.find(number);
    if (still == connections_.end()) return;
    drop(still, 1007, to_string(disconnect_reason::unexpected), problem.what(), now);
  }
}

inline void session::receive_in(connections::iterator at, const connect_message& frame, time now) {
  const connection_number number = at->first;
  connection& of = at->second;
  const auto refuse = [&](const char* expected) {
    std::string problem = std::string("the gateway did not send ") + expected;
    if (frame.kind == message_kind::sync_failed) {
      const auto error = decode<system_error>(frame.payload);
      problem = "the gateway can't register the apps: " + error.message + " (" + error.code + ")";
    }
    drop(at, 4001, to_string(disconnect_reason::unexpected), std::move(problem), now);
  };
  if (of.in == phase::hello)
    return frame.kind == message_kind::gateway_hello ? greet(at, now) : refuse("its greeting first");
  if (of.in == phase::ready) {
    if (frame.kind != message_kind::gateway_connection_ready) return refuse("that the connection is ready");
    return activate(at, decode<gateway_connection_ready>(frame.payload), now);
  }
  switch (frame.kind) {
    case message_kind::gateway_heartbeat:
      of.unanswered = 0;
      break;
    case message_kind::gateway_executor_request:
      on_request(number, decode<executor_request>(frame.payload), now);
      break;
    case message_kind::worker_request_extend_lease_ack:
      on_extension(decode<extend_lease_ack>(frame.payload));
      break;
    case message_kind::worker_reply_ack:
      on_reply_ack(decode<worker_reply_ack>(frame.payload).request_id);
      break;
    case message_kind::gateway_closing:
      if (of.in == phase::draining) break;
      log(log_level::info, "connect: the gateway \"" + of.group + "\" closes, connecting to another one");
      exclude(of.group);
      retire(at, now);
      update_state();
      dial_later(duration(0), now);
      break;
    case message_kind::sync_failed: {
      const auto error = decode<system_error>(frame.payload);
      log(log_level::error, "connect: the gateway can't register the apps: " + error.message);
      break;
    }
    default:
      log(log_level::debug,
          "connect: a frame of kind " + std::to_string(static_cast<int>(frame.kind)) + " is ignored");
  }
}

inline void session::greet(connections::iterator at, time now) {
  connection& of = at->second;
  worker_connect_request hello = hello_;
  hello.connection_id = of.id;
  hello.auth = of.auth;
  send(at->first, message_kind::worker_connect, hello);
  of.in = phase::ready;
  this->at(*(of.deadline = now + ready_timeout), timer_kind::deadline, at->first);
}

/// The interval that a gateway has named, or the usual one.
inline std::chrono::milliseconds interval_of(const std::string& text, std::chrono::milliseconds usual) {
  constexpr std::chrono::milliseconds longest = std::chrono::hours(1);
  const auto read = inngest::detail::parse_server_duration(text);
  if (!read || read->count() < 0 || (read->count() == 0 && usual.count() != 0)) return usual;
  return (std::min)(*read, longest);
}

inline void session::activate(connections::iterator at, const gateway_connection_ready& with, time now) {
  using std::chrono::seconds;
  connection& of = at->second;
  of.in = phase::active;
  of.deadline.reset();
  of.active_since = now;
  of.heartbeat = interval_of(with.heartbeat_interval, seconds(10));
  of.lease = interval_of(with.extend_lease_interval, seconds(5));
  of.status = interval_of(with.status_interval, seconds(0));
  pending_.reset();
  active_ = at->first;
  was_active_ = true;
  last_problem_.clear();
  excluded_.erase(of.group);
  log(log_level::info, "connect: connected, gateway \"" + of.group + "\", connection " + of.id);
  send(at->first, is_paused_ || is_stopping_ ? message_kind::worker_pause : message_kind::worker_ready);
  this->at(of.next_heartbeat = now + of.heartbeat, timer_kind::heartbeat, at->first);
  if (of.status > duration(0)) this->at(of.next_status = now + of.status, timer_kind::status, at->first);
  update_state();
  for (auto& [id, called] : calls_)
    if (called.is_extension_due) extend_lease(called, now);
  for (auto& [id, kept] : replies_)
    if (!kept.sent_on && !kept.is_flushing) flush(id, kept);
  retire_others(now);
}

// ---- keeping a connection, and letting it go ------------------------------------------------------------

inline void session::beat(connections::iterator at, time now) {
  connection& of = at->second;
  if (of.unanswered >= max_unanswered_heartbeats)
    return drop(at, 4001, to_string(disconnect_reason::consecutive_heartbeats_missed),
                "the gateway does not answer heartbeats", now);
  ++of.unanswered;
  send(at->first, message_kind::worker_heartbeat);
  this->at(of.next_heartbeat = now + of.heartbeat, timer_kind::heartbeat, at->first);
}

inline void session::report_status(connections::iterator at, time now) {
  connection& of = at->second;
  worker_status status{.in_flight_request_ids = {}, .shutdown_requested = is_stopping_};
  for (const auto& [id, called] : calls_)
    if (called.is_acknowledged && !called.is_lost) status.in_flight_request_ids.push_back(id);
  send(at->first, message_kind::worker_status, status);
  this->at(of.next_status = now + of.status, timer_kind::status, at->first);
}

/// Keeps the active connection open until its successor exists.
inline void session::retire(connections::iterator at, time now) {
  if (now - at->second.active_since >= stable_after) attempts_ = 0;
  at->second.in = phase::draining;
  if (active_ == at->first) active_.reset();
}

/// The successor is ready: the other connections end once all messages sent on them are acknowledged.
inline void session::retire_others(time now) {
  std::vector<connection_number> others;
  for (auto& [number, of] : connections_) {
    if (of.in != phase::draining) continue;
    at(*(of.deadline = now + overlap), timer_kind::deadline, number);
    others.push_back(number);
  }
  for (const connection_number number : others) close_if_drained(number);
}

inline void session::close_if_drained(connection_number number) {
  const auto found = connections_.find(number);
  if (found == connections_.end() || found->second.in != phase::draining || !active_) return;
  for (const auto& [id, kept] : replies_)
    if (kept.sent_on == number) return;
  for (const auto& [id, called] : calls_)
    if (called.asked_on.contains(number)) return;
  end_draining(found);
}

inline void session::end_draining(connections::iterator at) {
  out_.push_back(close_connection{at->first, 1000, to_string(disconnect_reason::gateway_draining), true});
  forget(at);
}

/// Closes a connection that is no longer useful.
inline void session::drop(connections::iterator at, std::uint16_t code, std::string reason,
                          std::string problem, time now) {
  const connection_number number = at->first;
  out_.push_back(close_connection{number, code, std::move(reason), false});
  lost(number, problem, now);
}

inline void session::lost(connection_number number, std::string_view why, time now) {
  const auto found = connections_.find(number);
  if (found == connections_.end()) return;
  const phase was = found->second.in;
  const bool was_stable = was == phase::active && now - found->second.active_since >= stable_after;
  const std::string group = found->second.group;
  const bool was_pending = pending_ == number;
  if (active_ == number) active_.reset();
  if (was_pending) pending_.reset();
  forget(found);
  update_state();
  if (was == phase::draining) return end_if_idle();
  exclude(group);
  const bool is_closing = why.find("connect_gateway_closing") != std::string_view::npos;
  const std::string problem =
      std::string(was == phase::active ? "the connection was lost: " : "no connection: ") + std::string(why);
  if (was_stable) {
    attempts_ = 0;
    last_problem_ = problem;
    log(log_level::warn, "connect: " + problem + "; connecting again");
    dial_later(duration(0), now);
  } else {
    retry(problem, now, is_closing);
  }
  end_if_idle();
}

/// Removes a connection, and sends over HTTP what was not acknowledged on it. Its requests stay: an
/// acknowledgement may have been sent just before, and sending_ended() says when none will be.
inline void session::forget(connections::iterator at) {
  const connection_number number = at->first;
  connections_.erase(at);
  for (auto& [id, kept] : replies_)
    if (kept.sent_on == number) flush(id, kept);
}

// ---- sending --------------------------------------------------------------------------------------------

template <class Message>
void session::send(connection_number number, message_kind kind, const Message& message,
                   std::string acknowledged) {
  out_.push_back(send_frame{number, encode(connect_message{kind, encode(message)}), std::move(acknowledged)});
}

inline void session::send(connection_number number, message_kind kind) {
  out_.push_back(send_frame{number, encode(connect_message{kind, {}})});
}

}  // namespace inngest::inline INNGEST_ABI::connect::detail
