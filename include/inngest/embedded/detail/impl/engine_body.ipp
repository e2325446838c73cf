#pragma once

#include <algorithm>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/engine_body.hpp>
#include <inngest/embedded/detail/run_match.hpp>
#include <inngest/time/detail/saturated.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE engine_body::engine_body(client app, const std::vector<any_function>& functions,
                                        engine_options options)
    : app_(std::move(app)),
      options_(with_defaults(std::move(options))),
      handler_(app_, functions,
               {.framework = "embedded",
                .on_log = [this](const log_record& record) { keep_log(record); },
                .name_of_step = [this](const std::string& run_id,
                                       const step_hash& step) { return name_of_step(run_id, step); }}),
      clock_(options_.system_time),
      started_at_(clock_.now()),
      hub_(std::make_shared<realtime_hub>(options_.system_time)),
      core_(definitions(handler_), unfinished(),
            {.retry_delay = options_.retry_delay,
             .max_chain = options_.max_chain,
             .collects_progress = options_.on_progress != nullptr},
            clock_.now()),
      takeover_(app_, std::make_shared<loopback>(*this, hub_)) {
  {
    const std::lock_guard lock(mutex_);
    commits_.commit_first_changes(
        [this](std::set<std::string, std::less<>> spared) { make_room(std::move(spared)); });
  }
  log_unreadable();
  deliver();
  try {
    committer_ = std::thread([this] { commits_.commit_in_background(mutex_, [this] { deliver(); }); });
    cleaner_ = std::thread([this] { clean(); });
    bulk_.go_on();
    for (std::size_t i = 0; i < options_.workers; ++i) workers_.emplace_back([this] { work(); });
  } catch (...) {
    end_threads();
    throw;
  }
}

INNGEST_INLINE engine_body::~engine_body() {
  end_threads();
  hub_->end();
}

INNGEST_INLINE bool engine_body::stop(duration_ms grace) {
  std::unique_lock lock(mutex_);
  begin_to_stop();
  lock.unlock();
  deliver();
  lock.lock();
  settled_.wait_for(lock, detail::within_a_year(grace), [&] { return core_.calls_under_way() == 0; });
  commits_.is_committed(lock, commits_.changed());
  const bool all_ended = core_.calls_under_way() == 0;
  lock.unlock();
  abandoning_.request_stop();
  deliver();
  return all_ended;
}

INNGEST_INLINE std::size_t engine_body::calls_under_way() const {
  const std::lock_guard lock(mutex_);
  return core_.calls_under_way();
}

INNGEST_INLINE engine_body::loopback::visit::visit(loopback& at) : at_(at) {
  const std::lock_guard lock(at_.mutex_);
  if (at_.engine_ == nullptr) throw unreachable("the engine has ended");
  ++at_.visitors_;
}

INNGEST_INLINE engine_body::loopback::visit::~visit() {
  const std::lock_guard lock(at_.mutex_);
  if (--at_.visitors_ == 0) at_.left_.notify_all();
}

INNGEST_INLINE void engine_body::loopback::leave_engine() {
  std::unique_lock lock(mutex_);
  left_.wait(lock, [&] { return visitors_ == 0; });
  engine_ = nullptr;
}

INNGEST_INLINE http::response engine_body::loopback::send(const http::request& request,
                                                          std::chrono::milliseconds timeout) {
  const visit here(*this);
  if (is_endpoint_route(request)) return engine_->answer_endpoint(request, true, timeout);
  return server_api<engine_body>(*engine_).answer(request);
}

INNGEST_INLINE void engine_body::loopback::stream(const http::request& request,
                                                  const http::streaming& handlers) {
  const bool subscribes = request.method == "GET" && request.path() == "/v1/realtime/sse";
  if (subscribes) return hub_->stream(realtime_token_of(request), handlers);
  if (handlers.next_piece) return publish_stream(request, handlers);
  const http::response answer = send(request, {});
  if ((!handlers.on_head || handlers.on_head(answer)) && handlers.on_piece) handlers.on_piece(answer.body);
}

INNGEST_INLINE void engine_body::loopback::publish_stream(const http::request& request,
                                                          const http::streaming& handlers) {
  http::response answer;
  try {
    stream_publisher<loopback> publisher(*this, request);
    for (auto piece = handlers.next_piece(); piece; piece = handlers.next_piece()) {
      if (!publisher.take(*piece)) answer = realtime_refusal(413, realtime_api<engine_body>::stream_too_long);
    }
  } catch (const payload_error& problem) {
    answer = realtime_refusal(400, problem.what());
  }
  if ((!handlers.on_head || handlers.on_head(answer)) && handlers.on_piece) handlers.on_piece(answer.body);
}

INNGEST_INLINE void engine_body::loopback::note(const realtime::message& message) {
  try {
    const visit here(*this);
    engine_->note(message);
  } catch (const unreachable&) {  // the engine has ended
  }
}

INNGEST_INLINE engine_body::takeover::takeover(const client& app, std::shared_ptr<loopback> transport)
    : app_(app), transport_(std::move(transport)) {
  app_.replace_transport(transport_);
}

INNGEST_INLINE engine_body::takeover::~takeover() {
  app_.restore_transport();
  transport_->leave_engine();
}

INNGEST_INLINE engine_body::event_sender& engine_body::sender() {
  thread_local event_sender current;
  return current;
}

INNGEST_INLINE engine_body::sending_run::sending_run(const void* engine, std::string_view run_id)
    : before_(sender()) {
  sender() = {engine, run_id};
}

INNGEST_INLINE engine_options engine_body::with_defaults(engine_options options) {
  if (options.workers == 0) throw configuration_error("engine_options::workers must be at least 1");
  const auto refuse_negative = [](duration_ms time, const std::string& name) {
    if (time < duration_ms::zero())
      throw configuration_error("engine_options::" + name + " must not be negative");
  };
  refuse_negative(options.history, "history");
  refuse_negative(options.audit_history, "audit_history");
  for (std::size_t i = 0; i < options.retention.size(); ++i)
    refuse_negative(options.retention[i].keep, "retention[" + std::to_string(i) + "].keep");
  if (!options.store) options.store = std::make_shared<memory_store>();
  if (!options.requests) options.requests = detail::default_transport();
  if (!options.retry_delay) options.retry_delay = server_retry_delay;
  return options;
}

INNGEST_INLINE std::vector<function_definition> engine_body::definitions(const handler& handler) {
  std::vector<function_definition> out;
  for (const any_function& function : handler.functions()) out.push_back(define(function));
  return out;
}

INNGEST_INLINE void engine_body::log_unreadable() const {
  constexpr std::size_t most = 100;
  const auto& all = core_.state().unreadable();
  for (std::size_t i = 0; i < (std::min)(all.size(), most); ++i) {
    std::string text = "the engine's store has an unreadable record: " + all[i].table + " where " +
                       all[i].key + ": " + all[i].reason;
    if (!all[i].run_id.empty()) text += "; run \"" + all[i].run_id + "\" is set aside";
    app_.log().error(text);
  }
  if (all.size() > most)
    app_.log().error("... and " + std::to_string(all.size() - most) + " more: see engine::unreadable()");
}

INNGEST_INLINE unfinished_work engine_body::unfinished() {
  unfinished_work out = options_.store->load();
  clock_.go_on_from(time_to_continue_from(out, *options_.store));
  if (out.runs.empty() && out.events.empty()) return out;
  app_.log().info("the engine resumes " + counted(out.runs.size(), "run") + " with " +
                  counted(out.memos.size(), "result") + " of steps, " +
                  counted(out.jobs.size(), "pending job") + " and " + counted(out.events.size(), "event") +
                  " from its store");
  return out;
}

INNGEST_INLINE std::string engine_body::counted(std::size_t count, const char* what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

INNGEST_INLINE void engine_body::begin_to_stop() {
  core_.begin_to_stop();
  commits_.commit_at_once();
  wake_.notify_all();
  settled_.notify_all();
  commits_.wake();
  bulk_.wake();
  cleaner_wake_.notify_one();
}

INNGEST_INLINE void engine_body::end_threads() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
    begin_to_stop();
  }
  deliver();
  {
    std::unique_lock lock(mutex_);
    settled_.wait(lock, [&] { return waiting_for_responses_ == 0; });
  }
  if (!abandoning_.stop_requested()) stop(std::chrono::seconds(10));
  for (std::thread& worker : workers_) worker.join();
  bulk_.join();
  {
    const std::lock_guard lock(mutex_);
    commits_.stop();
  }
  if (committer_.joinable()) committer_.join();
  if (cleaner_.joinable()) cleaner_.join();
  deliver();
}

INNGEST_INLINE void engine_body::clean() {
  const auto stops = [&] { return core_.is_stopping(); };
  std::unique_lock lock(mutex_);
  while (!core_.is_stopping()) {
    // A failed commit will be retried. The store may have it nevertheless, and the retry would partly restore
    // a run that was removed in between. All other old records go, because the store may be full of them.
    const bool has_problem = !core_.problem().empty();
    if (has_problem) settled_.wait(lock, [&] { return !core_.is_committing(); });
    std::set<std::string, std::less<>> spared;
    if (has_problem) spared = core_.uncommitted_runs();
    lock.unlock();
    if (has_problem)
      make_room(std::move(spared));
    else
      forget_old();
    lock.lock();
    cleaner_wake_.wait_for(lock, std::chrono::seconds(10), stops);
    cleaner_wake_.wait_for(lock, std::chrono::minutes(10),
                           [&] { return stops() || !core_.problem().empty(); });
  }
}

INNGEST_INLINE void engine_body::forget_old() noexcept {
  try {
    options_.store->forget(
        {.history = options_.history, .rules = options_.retention, .audit = options_.audit_history},
        clock_.now());
    if (options_.size_budget > 0) log_early_removal(options_.store->forget_down_to(options_.size_budget));
  } catch (...) {
    app_.log().error("the engine can't remove old records from its store: " + words_of_exception());
  }
}

INNGEST_INLINE void engine_body::make_room(std::set<std::string, std::less<>> spared) noexcept {
  try {
    log_early_removal(options_.store->make_room(
        {.kept = {.history = options_.history, .rules = options_.retention, .audit = options_.audit_history},
         .bytes = options_.size_budget,
         .spared = std::move(spared)},
        clock_.now()));
  } catch (...) {
    app_.log().error("the engine can't remove old records from its store: " + words_of_exception());
  }
}

INNGEST_INLINE void engine_body::log_early_removal(std::size_t runs) const {
  if (runs == 0) return;
  app_.log().warn("the engine removed " + counted(runs, "ended run") +
                  " before their time, because its store exceeded engine_options::size_budget");
}

}  // namespace inngest::inline INNGEST_ABI::embedded
