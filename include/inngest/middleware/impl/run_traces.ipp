#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <iterator>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/error.hpp>
#include <inngest/middleware/otlp.hpp>
#include <inngest/middleware/run_traces.hpp>
#include <inngest/protocol/api.hpp>

namespace inngest::inline INNGEST_ABI {

struct run_traces::state {
  explicit state(run_traces_options chosen) : options(chosen) {}

  const run_traces_options options;
  std::mutex mutex;  // guards the members below
  std::condition_variable changed{};
  std::deque<span> waiting{};
  std::size_t added = 0;
  std::size_t done = 0;  // sent or dropped
  std::size_t dropped = 0;
  bool is_flushed = false;
  bool is_stopping = false;
  bool is_started = false;

  void add(const span& ended) {
    if (detail::attributes_in_run(ended).empty()) return;
    const std::lock_guard lock(mutex);
    if (is_stopping || waiting.size() >= options.capacity) {
      ++dropped;
      return;
    }
    waiting.push_back(ended);
    ++added;
    if (waiting.size() >= options.batch) changed.notify_all();
  }

  /// Waits for a batch; empty when no spans are left and the thread must end.
  std::vector<span> next() {
    std::unique_lock lock(mutex);
    const auto is_due = [&] { return is_stopping || is_flushed || waiting.size() >= options.batch; };
    while (waiting.empty() && !is_stopping) changed.wait_for(lock, options.interval, is_due);
    if (!is_due()) changed.wait_for(lock, options.interval, is_due);
    const auto count = static_cast<std::ptrdiff_t>((std::min)(options.batch, waiting.size()));
    std::vector<span> out(std::make_move_iterator(waiting.begin()),
                          std::make_move_iterator(waiting.begin() + count));
    waiting.erase(waiting.begin(), waiting.begin() + count);
    if (waiting.empty()) is_flushed = false;
    return out;
  }

  void note_done(std::size_t count, bool was_sent) {
    const std::lock_guard lock(mutex);
    done += count;
    if (!was_sent) dropped += count;
    changed.notify_all();
  }

  void run(const client& app) {
    for (auto spans = next(); !spans.empty(); spans = next()) {
      bool was_sent = false;
      try {
        const std::string problem = send(app, spans);
        was_sent = problem.empty();
        if (!was_sent)
          app.log().warn(std::to_string(spans.size()) + " spans of runs were dropped: " + problem);
      } catch (...) {  // from a user's transport or logger
      }
      note_done(spans.size(), was_sent);
    }
  }

  /// Sends spans, with one retry if the server can't accept them now. Returns why the server rejected them.
  static std::string send(const client& app, const std::vector<span>& spans) {
    http::request request{.method = "POST",
                          .url = "/v1/traces/userland",
                          .headers = {{"content-type", "application/x-protobuf"}},
                          .body = detail::otlp_for_server(spans, app.id())};
    std::string problem;
    for (int attempt = 0; attempt < 2; ++attempt) {
      try {
        const http::response answer = app.call_api(request);
        if (answer.status >= 200 && answer.status < 300) return {};
        problem = "the server answered " + std::to_string(answer.status);
        if (answer.status < 500) break;
      } catch (const std::exception& failed) {
        problem = failed.what();
      }
    }
    return problem;
  }
};

INNGEST_INLINE run_traces::run_traces(run_traces_options options) {
  const bool is_valid = options.interval.count() > 0 && options.batch > 0 && options.capacity > 0;
  if (!is_valid) {
    throw configuration_error("run_traces_options: interval, batch and capacity must be greater than zero");
  }
  state_ = std::make_shared<state>(options);
}

INNGEST_INLINE run_traces::~run_traces() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->is_stopping = true;
    state_->changed.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

INNGEST_INLINE span_sink run_traces::sink() const {
  return [state = state_](const span& ended) { state->add(ended); };
}

INNGEST_INLINE void run_traces::start(client app) {
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->is_started) throw configuration_error("run_traces: start() was called before");
    state_->is_started = true;
  }
  thread_ = std::thread([state = state_, app = std::move(app)] { state->run(app); });
}

INNGEST_INLINE bool run_traces::flush(duration_ms timeout) {
  std::unique_lock lock(state_->mutex);
  if (!state_->is_started) return false;
  const std::size_t target = state_->added;
  state_->is_flushed = !state_->waiting.empty();
  state_->changed.notify_all();
  return state_->changed.wait_for(lock, std::chrono::milliseconds(timeout),
                                  [&] { return state_->done >= target; });
}

INNGEST_INLINE std::size_t run_traces::dropped() const {
  const std::lock_guard lock(state_->mutex);
  return state_->dropped;
}

}  // namespace inngest::inline INNGEST_ABI
