#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <inngest/client.hpp>
#include <inngest/embedded/memory_store.hpp>
#include <inngest/embedded/retry.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/embedded/scheduler.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/http.hpp>
#include <inngest/serve.hpp>

namespace inngest::embedded {

struct engine_options {
  /// Threads that run handlers.
  std::size_t workers = 2;
  /// Keeps the state. Default: a new memory_store.
  std::shared_ptr<embedded::store> store{};
  /// How long after the given attempt (0 is the first) the next one starts. Default: as an Inngest server
  /// does, from 15 seconds to two hours.
  std::function<std::chrono::milliseconds(int attempt)> retry_delay{};
  /// Told what happens, as it happens, one thing at a time and in order. The run comes without its timeline.
  /// Called from the engine's threads; it may send events, but must not wait for the engine.
  std::function<void(const run&, const timeline_entry&)> on_progress{};
};

/// Durable functions in this process, without a server.
///
///     inngest::embedded::engine engine{app, {ingest, synthesize}};
///     engine.send(BrandIngested{...});
///     engine.wait_until_idle(10s);
///
/// It calls the functions with the same requests and through the same handler as an Inngest server does.
/// While it lives it takes over the HTTP of its client: what app.send() and ctx.step.send_event() send, it
/// receives. All of it may be called from many threads at once.
///
/// In this version triggers and waits go by the event's name only, and flow control (concurrency, throttle
/// and the like) is not enforced: a warning says so for each function that asks for it. A trigger with an
/// expression is refused.
class engine {
 public:
  /// \throws configuration_error for a function that the engine can't run as it asks to be.
  engine(client app, std::vector<any_function> functions, engine_options options = {})
      : app_(std::move(app)),
        options_(with_defaults(std::move(options))),
        handler_(app_, checked(functions), {.framework = "embedded"}),
        scheduler_(functions, options_.store, options_.retry_delay) {
    app_.replace_transport(std::make_shared<loopback>(*this));
    for (std::size_t i = 0; i < options_.workers; ++i) workers_.emplace_back([this] { work(); });
  }

  /// Stops the workers; a handler that is running is waited for. What is not done stays in the store.
  ~engine() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    for (std::thread& each : workers_) each.join();
    app_.restore_transport();  // last: until then a handler's events still come here
  }

  engine(const engine&) = delete;
  engine& operator=(const engine&) = delete;

  /// Takes events in, as client::send does.
  /// \throws event_rejected, payload_error.
  sent_events send(const any_event& event) { return app_.send(event); }
  sent_events send(std::initializer_list<any_event> events) { return app_.send(events); }
  sent_events send(const std::vector<any_event>& events) { return app_.send(events); }

  /// Starts a run of the function now, whatever its triggers, and gives the run's id.
  /// \throws configuration_error when the function is not one of the engine's.
  std::string start(const any_function& function, const json& data = json::object()) {
    const auto& all = handler_.functions();
    const bool known = std::any_of(all.begin(), all.end(),
                                   [&](const any_function& each) { return each.slug() == function.slug(); });
    if (!known) throw configuration_error("the engine has no function \"" + function.id() + "\"");
    std::string id;
    {
      const std::lock_guard lock(mutex_);
      id = scheduler_.start(function.slug(), encode(data, "data"), now());
      collect_progress();
    }
    wake_.notify_all();
    deliver_progress();
    return id;
  }

  /// All runs, oldest first.
  std::vector<run> runs() const { return options_.store->runs(); }
  /// The runs that an event started.
  std::vector<run> runs_of(std::string_view event_id) const { return options_.store->runs_of(event_id); }
  /// A run with its timeline; nothing when there is none of the id.
  std::optional<run> find_run(std::string_view run_id) const { return options_.store->find_run(run_id); }

  /// Waits until the run has ended or the time is up, and gives it as it then is.
  /// \throws configuration_error when there is no such run.
  run wait_for(std::string_view run_id, std::chrono::milliseconds timeout) const {
    {
      std::unique_lock lock(mutex_);
      settled_.wait_for(lock, timeout, [&] { return !scheduler_.is_running(run_id) && is_told(); });
    }
    auto out = find_run(run_id);
    if (!out) throw configuration_error("there is no run \"" + std::string(run_id) + "\"");
    return std::move(*out);
  }

  /// Waits until no run is left that could go on; false when the time was up first.
  bool wait_until_idle(std::chrono::milliseconds timeout) const {
    std::unique_lock lock(mutex_);
    return settled_.wait_for(lock, timeout, [&] { return scheduler_.is_idle() && is_told(); });
  }

 private:
  /// The client's way to the engine: the part of a server's HTTP API that an app needs.
  class loopback final : public http::transport {
   public:
    explicit loopback(engine& engine) : engine_(&engine) {}
    http::response send(const http::request& request, std::chrono::milliseconds) override {
      return engine_->answer(request);
    }

   private:
    engine* engine_;
  };

  static engine_options with_defaults(engine_options options) {
    if (options.workers == 0) throw configuration_error("engine_options::workers must be at least 1");
    if (!options.store) options.store = std::make_shared<memory_store>();
    if (!options.retry_delay) options.retry_delay = server_retry_delay;
    return options;
  }

  std::vector<any_function> checked(const std::vector<any_function>& functions) const {
    for (const any_function& each : functions) {
      for (const trigger_definition& trigger : each.triggers()) {
        if (!trigger.expression.empty() && trigger.event != "inngest/deferred.schedule") {
          throw configuration_error("function \"" + each.id() +
                                    "\": the embedded engine does not evaluate trigger expressions");
        }
        if (!trigger.cron.empty()) {
          app_.log().warn("function \"" + each.id() +
                          "\": the embedded engine does not follow its cron schedule: use engine::start");
        }
      }
      const std::string ignored = flow_control(each.options());
      if (!ignored.empty())
        app_.log().warn("function \"" + each.id() + "\": the embedded engine does not enforce " + ignored);
    }
    return functions;
  }

  static std::string flow_control(const function_options& options) {
    std::string out;
    const auto name = [&out](bool used, const char* option) {
      if (used) out += (out.empty() ? "" : ", ") + std::string(option);
    };
    name(!options.concurrency.limits().empty(), "concurrency");
    name(options.throttle.has_value(), "throttle");
    name(options.rate_limit.has_value(), "rate_limit");
    name(options.debounce.has_value(), "debounce");
    name(options.batch.has_value(), "batch");
    name(options.singleton.has_value(), "singleton");
    name(!options.priority.empty(), "priority");
    name(!options.idempotency.empty(), "idempotency");
    name(!options.cancel_on.empty(), "cancel_on");
    name(options.timeouts.start || options.timeouts.finish, "timeouts");
    return out;
  }

  static timestamp now() {
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  }

  http::response answer(const http::request& request) {
    const auto json_answer = [](int status, const json& body) {
      return http::response{
          .status = status, .headers = {{"content-type", "application/json"}}, .body = body.dump()};
    };
    if (request.method != "POST" || !request.path().starts_with("/e/")) {
      return json_answer(404,
                         {{"error", "the embedded engine has no " + request.method + " " + request.path()}});
    }
    try {
      std::vector<std::string> ids;
      {
        const std::lock_guard lock(mutex_);
        ids = scheduler_.accept(request.body, now());
        collect_progress();
      }
      wake_.notify_all();
      deliver_progress();
      return json_answer(200, {{"ids", ids}, {"status", 200}});
    } catch (const payload_error& problem) {
      return json_answer(400, {{"error", problem.what()}, {"status", 400}});
    }
  }

  void work() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      const std::optional<job> next = scheduler_.take_due(now());
      collect_progress();
      if (!next) {
        announce(lock);
        if (!stopping_) sleep_until_due(lock);
        continue;
      }
      wake_.notify_one();  // the next may be due as well: whoever takes it wakes another in turn
      http::request request = scheduler_.request_for(*next);
      lock.unlock();
      deliver_progress();
      http::response response = handler_.answer_in_process(std::move(request));
      lock.lock();
      scheduler_.finish(*next, std::move(response), now());
      collect_progress();
    }
  }

  void announce(std::unique_lock<std::mutex>& lock) {
    lock.unlock();
    deliver_progress();
    lock.lock();
    settled_.notify_all();
  }

  void sleep_until_due(std::unique_lock<std::mutex>& lock) {
    const auto due = scheduler_.next_due();
    if (!due)
      wake_.wait(lock);
    else if (*due > now())
      wake_.wait_until(lock, *due);
  }

  // ---- progress: collected under the lock, told outside of it ------------------------------------------

  void collect_progress() {
    for (auto& each : scheduler_.take_progress()) {
      if (options_.on_progress) untold_.push_back(std::move(each));
    }
  }

  bool is_told() const { return untold_.empty() && !telling_; }

  void deliver_progress() {
    std::unique_lock lock(mutex_);
    if (telling_) return;  // whoever is telling tells this too
    telling_ = true;
    while (!untold_.empty()) {
      const auto next = std::move(untold_.front());
      untold_.pop_front();
      lock.unlock();
      tell(next.first, next.second);
      lock.lock();
    }
    telling_ = false;
    settled_.notify_all();
  }

  void tell(const run& run, const timeline_entry& entry) const {
    try {
      options_.on_progress(run, entry);
    } catch (const std::exception& problem) {
      app_.log().error(std::string("engine_options::on_progress threw: ") + problem.what());
    }
  }

  client app_;
  engine_options options_;
  handler handler_;

  mutable std::mutex mutex_;  // of everything below
  std::condition_variable wake_;
  mutable std::condition_variable settled_;
  scheduler scheduler_;
  std::deque<std::pair<run, timeline_entry>> untold_;
  bool telling_ = false;
  bool stopping_ = false;

  std::vector<std::thread> workers_;
};

}  // namespace inngest::embedded
