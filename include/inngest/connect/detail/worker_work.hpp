#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include <inngest/config.hpp>
#include <inngest/connect/detail/worker_body.hpp>
#include <inngest/time/detail/saturated.hpp>

// The main thread of a worker, and its calls. Included by worker_body.hpp.

namespace inngest::inline INNGEST_ABI::connect::detail {

// ---- start and stop -------------------------------------------------------------------------------------

inline void worker_body::start() {
  const std::lock_guard lock(mutex_);
  if (is_started_) return;
  main_ = std::thread([this] { work(); });  // which begins when the mutex is free
  is_started_ = true;
  session_.start(clock::now());
  take_effects();
}

inline bool worker_body::stop(std::chrono::milliseconds grace) {
  constexpr std::chrono::milliseconds shortest{2'000};
  grace = inngest::detail::within_a_year(grace);
  const std::chrono::milliseconds last_wait = (std::max)(shortest, grace / 5);
  const auto latest = clock::now() + grace + last_wait;
  update_session([&](session& of, session::time now) { of.stop(now, grace, last_wait); });
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return !is_started_ || has_worked_; });
  // The session does not wait for calls that have lost their leases, but their bodies still run.
  const bool have_ended = changed_.wait_until(lock, latest, [&] { return calls_.empty(); });
  return have_ended && session_.abandoned() == 0;
}

inline void worker_body::finish() {
  stop(options_.grace);
  if (main_.joinable()) main_.join();
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::seconds(3), [&] { return links_.empty(); });
  for (const auto& [number, over] : links_) over->abort();
  changed_.wait(lock, [&] { return links_.empty() && calls_.empty() && flushes_ == 0; });
  lock.unlock();
  io_.stop();
}

inline void worker_body::wait_for(const stop_token& until) {
  const stop_callback wake(until, [this] {
    const std::lock_guard lock(mutex_);
    changed_.notify_all();
  });
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return until.stop_requested() || has_worked_; });
}

inline std::size_t worker_body::calls_under_way() const {
  const std::lock_guard lock(mutex_);
  return calls_.size();
}

// ---- the main thread --------------------------------------------------------------------------------------

inline void worker_body::take_effects() {
  effects more = session_.take_effects();
  std::move(more.begin(), more.end(), std::back_inserter(effects_));
  changed_.notify_all();
}

inline void worker_body::work() {
  constexpr auto max_wait = std::chrono::hours(1);
  std::unique_lock lock(mutex_);
  for (;;) {
    if (!effects_.empty()) {
      effect next = std::move(effects_.front());
      effects_.pop_front();
      lock.unlock();
      perform(std::move(next));
      lock.lock();
      continue;
    }
    if (session_.has_ended()) break;
    const auto now = clock::now();
    if (session_.next_tick() <= now) {
      session_.tick(now);
      take_effects();
      continue;
    }
    auto until = (std::min)(session_.next_tick(), now + max_wait);
    if (is_waiting_for_executor_) until = (std::min)(until, now + retry_delay);
    changed_.wait_until(lock, until);
    if (is_waiting_for_executor_) {
      lock.unlock();
      start_calls();
      lock.lock();
    }
  }
  for (const executor_request& request : waiting_) calls_.erase(request.request_id);
  waiting_.clear();
  unflushed_.clear();  // those that are not acknowledged meanwhile were counted as abandoned
  has_worked_ = true;
  changed_.notify_all();
}

inline void worker_body::perform(effect what) noexcept {
  try {
    std::visit([this](auto& of) { perform(std::move(of)); }, what);
  } catch (const std::exception& problem) {
    client().log().error(std::string("connect: ") + problem.what());
  } catch (...) {
    client().log().error("connect: a callback threw something that is not a std::exception");
  }
}

inline void worker_body::perform(dial what) {
  const auto over = std::make_shared<link>();
  const connection_number number = what.connection;
  {
    const std::lock_guard lock(mutex_);
    links_.emplace(number, over);
  }
  const bool is_posted = io_.post([this, number, excluded = std::move(what.excluded_groups), over] {
    run_connection(number, excluded, over);
    const std::lock_guard lock(mutex_);
    links_.erase(number);
    changed_.notify_all();
  });
  if (is_posted) return;
  update_session([&](session& of, session::time now) {
    links_.erase(number);
    of.dial_failed(number, {dial_failure::kind::no_connection, "the system has no thread for it"}, now);
  });
}

inline void worker_body::perform(send_frame what) {
  const std::lock_guard lock(mutex_);
  if (const auto found = links_.find(what.connection); found != links_.end())
    found->second->send(std::move(what.bytes), std::move(what.acknowledged));
}

inline void worker_body::perform(close_connection what) {
  const std::lock_guard lock(mutex_);
  if (const auto found = links_.find(what.connection); found != links_.end())
    found->second->close(what.code, std::move(what.reason), what.is_orderly);
}

inline void worker_body::perform(run_call what) {
  {
    const std::lock_guard lock(mutex_);
    calls_.try_emplace(what.request.request_id);
    waiting_.push_back(std::move(what.request));
  }
  start_calls();
}

/// Runs on another thread, because it calls user code.
inline void worker_body::perform(stop_call what) {
  execution::call_stop stop;
  {
    const std::lock_guard lock(mutex_);
    const auto found = calls_.find(what.request_id);
    if (found == calls_.end()) return;
    stop = found->second;
  }
  const bool is_posted = io_.post([stop, is_shutdown = what.is_shutdown] {
    if (is_shutdown)
      stop.request_shutdown();
    else
      stop.request();
  });
  if (!is_posted) client().log().error("connect: the system has no thread to stop a call");
}

inline void worker_body::perform(flush_reply what) {
  {
    const std::lock_guard lock(mutex_);
    unflushed_.push_back(std::move(what));
    if (flushes_ >= max_flushes) return;
    ++flushes_;
  }
  if (io_.post([this] { flush_some(); })) return;
  update_session([&](session& of, session::time now) {
    --flushes_;
    for (const flush_reply& unsent : std::exchange(unflushed_, {}))
      of.flushed(unsent.request_id, session::flush_result::failed, "the system has no thread for it", now);
  });
}

inline void worker_body::perform(show_state what) {
  if (options_.on_state_change) options_.on_state_change(what.state);
}

inline void worker_body::perform(write_log what) { client().log().log(what.level, what.text); }

// ---- calls ------------------------------------------------------------------------------------------------

/// A call on the executor. If the executor drops it, the server repeats the call.
class worker_body::task {
 public:
  task(std::shared_ptr<worker_body> of, executor_request request, execution::call_stop stop)
      : of_(std::move(of)), request_(std::move(request)), stop_(std::move(stop)) {}
  task(const task&) = delete;
  task& operator=(const task&) = delete;
  ~task() {
    if (claim()) end(busy_reply("the executor dropped the call"));
  }

  /// Returns the request of a call that the executor refused, for another attempt; `nullopt` if the executor
  /// runs it although it has failed.
  std::optional<executor_request> take_back() {
    if (!claim()) return std::nullopt;
    return std::move(request_);
  }

  /// Does nothing after take_back().
  void run() {
    if (!claim()) return;
    const std::string id = request_.request_id;
    sdk_response reply =
        stop_.is_requested() ? busy_reply("the worker is stopping") : of_->answer(std::move(request_), stop_);
    of_->end_call(id, std::move(reply));
  }

 private:
  /// Whether the caller is the first, who alone may use the request.
  bool claim() { return !is_claimed_.exchange(true); }

  static sdk_response busy_reply(const char* why) {
    return {.status = response_status::error,
            .body = R"({"name":"inngest::busy","message":")" + std::string(why) + "\"}",
            .retry_after = "1",
            .request_version = 2};
  }

  void end(sdk_response reply) noexcept {
    try {
      of_->end_call(request_.request_id, std::move(reply));
    } catch (...) {  // out of memory: the lease expires
    }
  }

  const std::shared_ptr<worker_body> of_;
  executor_request request_;
  const execution::call_stop stop_;
  std::atomic<bool> is_claimed_{false};
};

inline void worker_body::start_calls() {
  for (;;) {
    executor_request request;
    execution::call_stop stop;
    {
      const std::lock_guard lock(mutex_);
      is_waiting_for_executor_ = false;
      const bool is_full = options_.max_concurrency > 0 && running_ >= options_.max_concurrency;
      if (waiting_.empty() || is_full) return;
      request = std::move(waiting_.front());
      waiting_.pop_front();
      stop = calls_.find(request.request_id)->second;
      ++running_;
    }
    if (!start_call(std::move(request), stop)) return;
  }
}

inline bool worker_body::start_call(executor_request request, const execution::call_stop& stop) {
  const auto work = std::make_shared<task>(shared_from_this(), std::move(request), stop);
  bool is_posted = false;
  try {
    is_posted = options_.executor->post([work] { work->run(); });
  } catch (const std::exception& problem) {
    client().log().error(std::string("connect: the executor failed: ") + problem.what());
  } catch (...) {
    client().log().error("connect: the executor failed");
  }
  if (is_posted) return true;
  std::optional<executor_request> back = work->take_back();
  if (!back) return true;
  const std::lock_guard lock(mutex_);
  --running_;
  if (has_worked_) {
    calls_.erase(back->request_id);
  } else {
    waiting_.push_front(*std::move(back));
    is_waiting_for_executor_ = true;
  }
  changed_.notify_all();
  return false;
}

inline sdk_response worker_body::answer(executor_request request, const execution::call_stop& stop) const {
  for (const handler& of : handlers_) {
    if (of.client().id() == request.app_name)
      return reply_of(of.answer_in_process(call_of(std::move(request)), {}, stop));
  }
  return {};  // the session accepts only requests for these apps
}

inline void worker_body::end_call(const std::string& request_id, sdk_response reply) {
  {
    const std::lock_guard lock(mutex_);
    session_.finished(request_id, std::move(reply), clock::now());
    calls_.erase(request_id);
    --running_;
    take_effects();
  }
  start_calls();
}

}  // namespace inngest::inline INNGEST_ABI::connect::detail
