#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/connect/detail/codec.hpp>
#include <inngest/connect/detail/effects.hpp>
#include <inngest/connect/detail/messages.hpp>
#include <inngest/connect/worker_options.hpp>
#include <inngest/log.hpp>
#include <inngest/time/detail/server_duration.hpp>

namespace inngest::inline INNGEST_ABI::connect::detail {

/// Why a connection could not be made.
struct dial_failure {
  enum class kind {
    unauthorized,   ///< the server refused all keys
    limit,          ///< the server allows no more connections
    no_gateway,     ///< the server did not name a gateway
    no_connection,  ///< the gateway did not answer
  };
  kind what;
  std::string message;
  /// The gateway's group, if the server named one.
  std::string group{};
};

/// The worker's side of the protocol as a state machine: incoming messages are passed to its functions
/// together with the time, and take_effects() returns the actions to execute. It does no I/O, and has no
/// thread or clock.
class session {
 public:
  using time = std::chrono::steady_clock::time_point;
  using duration = std::chrono::milliseconds;

  /// `hello` is the message that is the same for all connections, without the connection's id and tokens.
  /// `seed` is for the jitter of delays.
  session(worker_connect_request hello, std::uint32_t seed);

  // ---- what the program wants -------------------------------------------------------------------------

  /// Starts to connect. Further calls do nothing.
  void start(time now);
  /// Receives no more calls until resume().
  void pause(time now);
  /// Receives calls again.
  void resume(time now);
  /// Ends after all calls have ended and their replies were delivered. After `grace`, calls are asked to
  /// stop; after `last_wait` more, it ends in any case. Another call can only shorten the time.
  void stop(time now, duration grace, duration last_wait);

  // ---- what the world does ----------------------------------------------------------------------------

  /// The WebSocket to the gateway is open.
  void opened(connection_number number, const start_response& with, time now);
  void dial_failed(connection_number number, const dial_failure& why, time now);
  /// A binary frame has arrived.
  void received(connection_number number, std::string_view bytes, time now);
  /// The WebSocket has ended. `why` is for the log and contains the reason of the close frame.
  void lost(connection_number number, std::string_view why, time now);
  /// The frame that acknowledges a request was sent, perhaps over a connection that was lost meanwhile.
  void acknowledged(const std::string& request_id, time now);
  /// No more frames are sent over a connection. Requests that it did not acknowledge are not run: the server
  /// gives them to another worker.
  void sending_ended(connection_number number);
  /// A call has ended. The response's ids need not be filled in.
  void finished(const std::string& request_id, sdk_response response, time now);
  /// A reply sent over HTTP was accepted (`done`), refused permanently, or could not be sent.
  enum class flush_result { done, refused, failed };
  void flushed(const std::string& request_id, flush_result result, std::string_view problem, time now);
  /// Executes what is due.
  void tick(time now);

  // ---- what it wants ----------------------------------------------------------------------------------

  /// When tick() must be called next; time::max() for never.
  time next_tick() const { return timers_.empty() ? (time::max)() : timers_.begin()->due; }
  effects take_effects() { return std::exchange(out_, {}); }

  worker_state state() const { return state_; }
  bool has_ended() const { return state_ == worker_state::closed; }
  /// The error if all keys were refused before the first connection; the session has then ended.
  const std::string& fatal_problem() const { return fatal_problem_; }
  /// Why the last connection attempt failed; empty when it succeeded.
  const std::string& last_problem() const { return last_problem_; }
  /// The id that the server gave to the active connection; empty if there is none.
  std::string connection_id() const;
  /// The number of calls that were acknowledged and have not ended, except those whose lease was lost.
  std::size_t calls_under_way() const;
  /// The number of replies that the server has not confirmed.
  std::size_t replies_kept() const { return replies_.size(); }
  /// The number of calls and replies that were unfinished when the session ended.
  std::size_t abandoned() const { return abandoned_; }

  // Time limits of the protocol.
  static constexpr duration hello_timeout{10'000};
  static constexpr duration ready_timeout{20'000};
  static constexpr duration reply_timeout{5'000};
  /// How long the old connection is kept next to its successor, for messages already on their way.
  static constexpr duration overlap{5'000};
  /// If a connection lasted this long, its loss causes no delay.
  static constexpr duration stable_after{10'000};
  /// How long after its end a server remembers a call.
  static constexpr duration reply_lifetime{300'000};
  static constexpr int max_unanswered_heartbeats = 2;
  /// The maximum size in bytes of a frame that a gateway reads.
  static constexpr std::size_t max_frame = std::size_t{8} * 1024 * 1024;

  /// The maximum delay before an attempt, counted from 1; jitter shortens it by up to a fifth.
  static duration delay_of(int attempt);

 private:
  enum class phase { dialing, hello, ready, active, draining };
  struct connection {
    phase in = phase::dialing;
    std::string id{};
    std::string group{};
    auth_data auth{};
    duration heartbeat{}, lease{}, status{};
    int unanswered = 0;
    time active_since{};
    time next_heartbeat{}, next_status{};
    std::optional<time> deadline{};  // of the handshake, or of a draining connection
  };
  struct call {
    executor_request request;
    std::string first_lease;               // a repeated message has it, too
    std::set<connection_number> asked_on;  // that may still acknowledge it
    bool is_acknowledged = false;
    bool is_lost = false;          // the lease
    std::string extended_lease{};  // that the last extension asked about
    std::optional<time> extend_at{};
    bool is_extension_due = false;  // as soon as there is a connection
  };
  struct reply {
    std::string bytes;
    time give_up_at;
    std::optional<connection_number> sent_on{};
    bool is_flushing = false;
    int attempt = 0;
    std::optional<time> due{};  // of the acknowledgement, or of the next attempt
  };
  enum class timer_kind { dial, deadline, heartbeat, status, lease, reply, grace, end };
  struct timer {
    time due;
    timer_kind kind;
    connection_number number = 0;
    std::string request_id{};
    bool operator<(const timer& other) const {  // libc++ 14 has no <=> of times
      return std::tie(due, kind, number, request_id) <
             std::tie(other.due, other.kind, other.number, other.request_id);
    }
  };
  using connections = std::map<connection_number, connection>;
  using calls = std::map<std::string, call, std::less<>>;
  using replies = std::map<std::string, reply, std::less<>>;

  template <class Message>
  void send(connection_number number, message_kind kind, const Message& message,
            std::string acknowledged = {});
  void send(connection_number number, message_kind kind);
  void log(log_level level, std::string text) { out_.push_back(write_log{level, std::move(text)}); }
  void at(time due, timer_kind kind, connection_number number = 0, std::string request_id = {});
  void fire(const timer& due, time now);
  void update_state();

  // ---- connections
  bool needs_connection() const;
  void dial_now();
  void dial_later(duration delay, time now);
  void retry(std::string problem, time now, bool soon = false);
  void exclude(const std::string& group);
  void receive_in(connections::iterator at, const connect_message& frame, time now);
  void greet(connections::iterator at, time now);
  void activate(connections::iterator at, const gateway_connection_ready& with, time now);
  void retire(connections::iterator at, time now);
  void retire_others(time now);
  void close_if_drained(connection_number number);
  void end_draining(connections::iterator at);
  void drop(connections::iterator at, std::uint16_t code, std::string reason, std::string problem, time now);
  void forget(connections::iterator at);
  void beat(connections::iterator at, time now);
  void report_status(connections::iterator at, time now);

  // ---- calls
  void on_request(connection_number number, executor_request request, time now);
  void on_repeated_request(connection_number number, call& of, const executor_request& request);
  void acknowledge(connection_number number, const executor_request& request, bool runs);
  void extend_lease(call& of, time now);
  void on_extension(const extend_lease_ack& answer);
  bool is_grace_over(time now) const { return grace_ends_ && now >= *grace_ends_; }
  std::size_t unfinished_calls() const;
  void end_if_idle();
  void end();

  // ---- replies
  void deliver(const std::string& request_id, reply& kept, time now);
  void flush(const std::string& request_id, reply& kept);
  void on_reply_ack(const std::string& request_id);
  void give_up(replies::iterator at, std::string_view why);
  sdk_response completed(const executor_request& request, sdk_response response) const;

  const worker_connect_request hello_;
  std::set<std::string, std::less<>> apps_;
  std::minstd_rand jitter_;

  worker_state state_ = worker_state::idle;
  bool is_started_ = false, is_paused_ = false, is_stopping_ = false, was_active_ = false;
  std::string fatal_problem_, last_problem_;
  std::size_t abandoned_ = 0;

  connections connections_;
  connection_number last_number_ = 0;
  std::optional<connection_number> active_;   // in phase active
  std::optional<connection_number> pending_;  // dialing, or in the handshake
  std::set<std::string> excluded_;
  int attempts_ = 0;  // failed ones in a row
  std::optional<time> dial_at_;
  std::optional<time> grace_ends_, end_at_;

  calls calls_;
  std::size_t running_ = 0;  // acknowledged and not lost
  replies replies_;
  std::set<timer> timers_;
  effects out_;
};

}  // namespace inngest::inline INNGEST_ABI::connect::detail
