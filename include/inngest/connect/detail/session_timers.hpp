#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/connect/detail/messages.hpp>
#include <inngest/connect/detail/session.hpp>

// The program's requests to a session, its state, and its timers. Included by session.hpp.

namespace inngest::inline INNGEST_ABI::connect::detail {

inline session::session(worker_connect_request hello, std::uint32_t seed)
    : hello_(std::move(hello)), jitter_(seed) {
  for (const app_configuration& of : hello_.apps) apps_.insert(of.app_name);
}

inline session::duration session::delay_of(int attempt) {
  constexpr std::array<int, 9> seconds{1, 2, 5, 10, 20, 30, 60, 120, 300};
  const int index = std::clamp(attempt - 1, 0, static_cast<int>(seconds.size()) - 1);
  return std::chrono::seconds(seconds[static_cast<std::size_t>(index)]);
}

// ---- what the program wants ---------------------------------------------------------------------------

inline void session::start(time now) {
  if (std::exchange(is_started_, true)) return;
  if (is_stopping_) return end();
  update_state();
  dial_later(duration(0), now);
}

inline void session::pause(time) {
  if (is_stopping_ || std::exchange(is_paused_, true)) return;
  if (active_) send(*active_, message_kind::worker_pause);
  update_state();
}

inline void session::resume(time now) {
  if (is_stopping_ || !std::exchange(is_paused_, false)) return;
  // A gateway sends no more requests over a connection that was paused, even after a resume.
  if (active_) {
    retire(connections_.find(*active_), now);
    dial_later(duration(0), now);
  }
  update_state();
}

inline void session::stop(time now, duration grace, duration last_wait) {
  const bool is_first = !std::exchange(is_stopping_, true);
  const time ends = now + grace, last = ends + last_wait;
  if (!grace_ends_ || ends < *grace_ends_) at(*(grace_ends_ = ends), timer_kind::grace);
  if (!end_at_ || last < *end_at_) at(*(end_at_ = last), timer_kind::end);
  if (!is_started_) return end();
  if (!is_first) return;
  if (active_) send(*active_, message_kind::worker_pause);
  log(log_level::info, "connect: stopping, " + std::to_string(running_) + " calls are under way");
  update_state();
  end_if_idle();
}

inline std::string session::connection_id() const {
  return active_ ? connections_.at(*active_).id : std::string();
}

inline void session::update_state() {
  if (!is_started_) return;
  worker_state now = worker_state::connecting;
  if (state_ == worker_state::closed)
    now = worker_state::closed;
  else if (is_stopping_)
    now = worker_state::closing;
  else if (active_)
    now = is_paused_ ? worker_state::paused : worker_state::active;
  else if (was_active_)
    now = worker_state::reconnecting;
  if (now == state_) return;
  state_ = now;
  out_.push_back(show_state{now});
}

// ---- timers -------------------------------------------------------------------------------------------

inline void session::at(time due, timer_kind kind, connection_number number, std::string request_id) {
  timers_.insert(timer{due, kind, number, std::move(request_id)});
}

inline void session::tick(time now) {
  while (!has_ended() && !timers_.empty() && timers_.begin()->due <= now) {
    const timer due = std::move(timers_.extract(timers_.begin()).value());
    fire(due, now);
  }
}

/// Does nothing if the timer's subject no longer exists or has a new time.
inline void session::fire(const timer& due, time now) {
  const auto connected = connections_.find(due.number);
  const bool is_connected = connected != connections_.end();
  const auto called = calls_.find(due.request_id);
  const auto replied = replies_.find(due.request_id);
  switch (due.kind) {
    case timer_kind::dial:
      if (dial_at_ == due.due) dial_now();
      break;
    case timer_kind::deadline:
      if (!is_connected || connected->second.deadline != due.due) break;
      if (connected->second.in == phase::draining) {
        end_draining(connected);
      } else {
        drop(connected, 4001, to_string(disconnect_reason::unexpected),
             connected->second.in == phase::hello ? "the gateway did not greet in time"
                                                  : "the gateway did not get ready in time",
             now);
      }
      break;
    case timer_kind::heartbeat:
      if (active_ == due.number && connected->second.next_heartbeat == due.due) beat(connected, now);
      break;
    case timer_kind::status:
      if (active_ == due.number && connected->second.next_status == due.due) report_status(connected, now);
      break;
    case timer_kind::lease:
      if (called != calls_.end() && called->second.extend_at == due.due) extend_lease(called->second, now);
      break;
    case timer_kind::reply:
      if (replied == replies_.end() || replied->second.due != due.due) break;
      if (now >= replied->second.give_up_at) return give_up(replied, "the server was not reached in time");
      flush(due.request_id, replied->second);
      break;
    case timer_kind::grace:
      if (grace_ends_ != due.due) break;
      for (const auto& [id, of] : calls_)
        if (of.is_acknowledged) out_.push_back(stop_call{id, true});
      break;
    case timer_kind::end:
      if (end_at_ == due.due) end();
      break;
  }
}

}  // namespace inngest::inline INNGEST_ABI::connect::detail
