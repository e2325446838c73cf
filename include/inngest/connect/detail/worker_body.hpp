#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/connect/detail/calls.hpp>
#include <inngest/connect/detail/effects.hpp>
#include <inngest/connect/detail/link.hpp>
#include <inngest/connect/detail/session.hpp>
#include <inngest/connect/worker_options.hpp>
#include <inngest/execution/call_stop.hpp>
#include <inngest/protocol/api.hpp>
#include <inngest/serve.hpp>
#include <inngest/thread_pool.hpp>

namespace inngest::inline INNGEST_ABI::connect::detail {

/// The threads around a session. All events are passed to the session under a lock. The main thread executes
/// the session's effects one after the other, and never waits for the network: each connection has a
/// receiving and a sending thread, and HTTP requests have threads of their own.
class worker_body : public std::enable_shared_from_this<worker_body> {
 public:
  /// \throws configuration_error for invalid options.
  worker_body(std::vector<app> apps, worker_options options);

  void start();
  void pause() {
    update_session([](session& of, session::time now) { of.pause(now); });
  }
  void resume() {
    update_session([](session& of, session::time now) { of.resume(now); });
  }
  /// Returns whether all calls ended and all replies arrived.
  bool stop(std::chrono::milliseconds grace);
  /// Stops if still running, and waits for all threads.
  void finish();
  /// Returns when `until` is requested, or when the session has ended.
  void wait_for(const stop_token& until);

  const worker_options& options() const { return options_; }
  worker_state state() const { return look(&session::state); }
  std::string connection_id() const { return look(&session::connection_id); }
  std::size_t calls_under_way() const;
  std::string last_problem() const {
    return look([](const session& of) { return of.last_problem(); });
  }
  std::string fatal_problem() const {
    return look([](const session& of) { return of.fatal_problem(); });
  }

 private:
  using clock = std::chrono::steady_clock;
  class task;

  static worker_options checked(const std::vector<app>& apps, worker_options options);
  static std::vector<handler> handlers_of(const std::vector<app>& apps, const worker_options& options);
  worker_connect_request hello() const;
  const inngest::client& client() const { return handlers_.front().client(); }

  template <class Input>
  void update_session(Input input) {
    const std::lock_guard lock(mutex_);
    input(session_, clock::now());
    take_effects();
  }
  template <class Query>
  std::invoke_result_t<Query, const session&> look(Query query) const {
    const std::lock_guard lock(mutex_);
    return std::invoke(query, session_);
  }
  void take_effects();

  // ---- the main thread
  void work();
  void perform(effect what) noexcept;
  void perform(dial what);
  void perform(send_frame what);
  void perform(close_connection what);
  void perform(run_call what);
  void perform(stop_call what);
  void perform(flush_reply what);
  void perform(show_state what);
  void perform(write_log what);

  // ---- connections
  void run_connection(connection_number number, const std::vector<std::string>& excluded,
                      const std::shared_ptr<link>& over);
  start_response ask_for_gateway(const std::vector<std::string>& excluded, dial_failure& why) const;
  std::unique_ptr<websocket> open_socket(const start_response& with) const;
  void receive_all(connection_number number, link& over);
  void send_all(connection_number number, link& over);
  void send_frames(connection_number number, link& over);

  // ---- calls
  void start_calls();
  bool start_call(executor_request request, const execution::call_stop& stop);
  void end_call(const std::string& request_id, sdk_response reply);
  sdk_response answer(executor_request request, const execution::call_stop& stop) const;

  // ---- replies
  void flush_some();
  void flush_one(const flush_reply& what);

  static constexpr std::size_t max_flushes = 4;  // at the same time
  static constexpr std::chrono::milliseconds retry_delay{100};

  const worker_options options_;
  const std::vector<handler> handlers_;
  std::atomic<bool> is_waiting_for_executor_ = false;

  mutable std::mutex mutex_;  // guards the members below
  std::condition_variable changed_;
  session session_;
  std::deque<effect> effects_;
  std::map<connection_number, std::shared_ptr<link>> links_;
  std::deque<executor_request> waiting_;  // wait for a free place or thread
  std::map<std::string, execution::call_stop, std::less<>> calls_;
  std::size_t running_ = 0;
  std::deque<flush_reply> unflushed_;
  std::size_t flushes_ = 0;
  bool is_started_ = false, has_worked_ = false;
  std::thread main_;

  thread_pool io_{{.threads = 4'096, .queue = 1}};
};

}  // namespace inngest::inline INNGEST_ABI::connect::detail
