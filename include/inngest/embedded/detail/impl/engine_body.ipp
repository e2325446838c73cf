#pragma once

#include <inngest/config.hpp>
#include <inngest/embedded/detail/engine_body.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE engine_body::engine_body(client app, const std::vector<any_function>& functions,
                                        engine_options options)
    : app_(std::move(app)),
      options_(with_defaults(std::move(options))),
      handler_(app_, functions, {.framework = "embedded"}),
      clock_(options_.system_time),
      core_(definitions(handler_), unfinished(),
            {.retry_delay = options_.retry_delay,
             .max_chain = options_.max_chain,
             .collects_progress = options_.on_progress != nullptr},
            clock_.now()),
      takeover_(app_, std::make_shared<loopback>(*this)) {
  {
    const std::lock_guard lock(mutex_);
    commits_.commit_first_changes();
  }
  log_unreadable();
  deliver();
  try {
    committer_ = std::thread([this] { commits_.commit_in_background(mutex_, [this] { deliver(); }); });
    cleaner_ = std::thread([this] { clean(); });
    for (std::size_t i = 0; i < options_.workers; ++i) workers_.emplace_back([this] { work(); });
  } catch (...) {
    end_threads();
    throw;
  }
}

INNGEST_INLINE bool engine_body::stop(duration_ms grace) {
  std::unique_lock lock(mutex_);
  begin_to_stop();
  lock.unlock();
  deliver();
  lock.lock();
  settled_.wait_for(lock, within_a_year(grace), [&] { return core_.calls_under_way() == 0; });
  commits_.is_committed(lock, commits_.changed());
  const bool all_ended = core_.calls_under_way() == 0;
  lock.unlock();
  deliver();
  return all_ended;
}

INNGEST_INLINE std::size_t engine_body::calls_under_way() const {
  const std::lock_guard lock(mutex_);
  return core_.calls_under_way();
}

INNGEST_INLINE std::vector<std::string> engine_body::accept(std::string events, std::string_view seed) {
  std::unique_lock lock(mutex_);
  const auto settle = [&](std::uint64_t change) {
    commits_.commit_at_once();
    if (!commits_.is_committed(lock, change)) settled_.wait(lock, [&] { return !core_.is_committing(); });
    return core_.committed() >= change;
  };
  const auto stored = [&](const std::string& id) { return options_.store->find_event(id); };
  const std::string_view from = sender().engine == this ? sender().run_id : std::string_view();
  auto ids = core_.accept(std::move(events), seed, from, clock_.now(), stored, settle);
  lock.unlock();
  deliver();
  return ids;
}

INNGEST_INLINE std::optional<std::string> engine_body::signal(const std::string& name,
                                                              const std::string& data) {
  std::unique_lock lock(mutex_);
  auto run_id = core_.signal(name, data, clock_.now());
  commits_.commit_changes(lock);
  lock.unlock();
  deliver();
  return run_id;
}

INNGEST_INLINE std::string engine_body::start(const any_function& function, const json& data) {
  std::unique_lock lock(mutex_);
  if (!core_.state().functions().find(function.slug()))
    throw configuration_error("the engine has no function \"" + function.id() + "\"");
  std::string id = core_.start(function.slug(), encode(data, "data"), clock_.now());
  if (id.empty())
    throw configuration_error("function \"" + function.id() + "\" is a singleton and runs already");
  commits_.commit_changes(lock);
  lock.unlock();
  deliver();
  return id;
}

INNGEST_INLINE std::optional<std::string> engine_body::rerun(std::string_view run_id) {
  const auto earlier = options_.store->find_run(run_id);
  if (!earlier) return std::nullopt;
  std::unique_lock lock(mutex_);
  std::string id = core_.rerun(*earlier, clock_.now());
  if (id.empty()) return std::nullopt;
  commits_.commit_changes(lock);
  lock.unlock();
  deliver();
  return id;
}

INNGEST_INLINE bool engine_body::cancel(std::string_view run_id) {
  std::unique_lock lock(mutex_);
  if (!core_.cancel(run_id, clock_.now())) return false;
  commits_.commit_changes(lock);
  lock.unlock();
  deliver();
  return true;
}

INNGEST_INLINE bool engine_body::checkpoint(const std::string& run_id, std::uint64_t call_id,
                                            std::string operations) {
  const auto read = read_operations(std::move(operations));
  std::unique_lock lock(mutex_);
  if (!core_.checkpoint(run_id, call_id, read, clock_.now())) return false;
  commits_.commit_changes(lock);
  lock.unlock();
  deliver();
  return true;
}

INNGEST_INLINE void engine_body::call_apps_by(std::function<http::response(http::request)> calls) {
  const std::lock_guard lock(mutex_);
  call_app_ = std::move(calls);
}

INNGEST_INLINE void engine_body::register_app(const std::string& id, std::string registration) {
  const app_record app{.id = id, .text = std::move(registration)};
  std::vector<function_definition> functions = read_registration(app);
  std::unique_lock lock(mutex_);
  if (const auto conflict = find_registration_conflict(core_.state().functions().all(), app, functions))
    throw configuration_error(*conflict);
  core_.register_app(app, std::move(functions), clock_.now());
  commits_.commit_changes(lock);
  lock.unlock();
  deliver();
}

INNGEST_INLINE std::vector<function_definition> engine_body::functions() const {
  const std::lock_guard lock(mutex_);
  std::vector<function_definition> out;
  for (const auto& [slug, function] : core_.state().functions().all()) out.push_back(*function);
  return out;
}

INNGEST_INLINE std::uint64_t engine_body::sequence() const {
  const std::lock_guard lock(mutex_);
  return core_.changed();
}

INNGEST_INLINE std::vector<unreadable_record> engine_body::unreadable() const {
  std::vector<unreadable_record> out = core_.state().unreadable();
  for (unreadable_record& record : options_.store->unreadable()) {
    const bool is_known = std::any_of(out.begin(), out.end(), [&](const unreadable_record& other) {
      return other.table == record.table && other.key == record.key;
    });
    if (!is_known) out.push_back(std::move(record));
  }
  return out;
}

INNGEST_INLINE std::vector<run> engine_body::runs_of(std::string_view event_id) const {
  return with_readers(options_.store->runs_of(event_id));
}

INNGEST_INLINE std::optional<run> engine_body::find_run(std::string_view run_id) const {
  auto found = options_.store->find_run(run_id);
  if (!found) return std::nullopt;
  set_reader(found->run);
  return std::move(found->run);
}

INNGEST_INLINE run engine_body::wait_for(std::string_view run_id, duration_ms timeout) const {
  {
    std::unique_lock lock(mutex_);
    std::optional<std::uint64_t> last;  // the last change of the run
    settled_.wait_for(lock, within_a_year(timeout), [&] {
      if (!last && !core_.state().is_running(run_id)) last = core_.changed();
      return last && core_.committed() >= *last && is_notified(*last);
    });
  }
  auto out = find_run(run_id);
  if (!out) throw configuration_error("there is no run \"" + std::string(run_id) + "\"");
  return std::move(*out);
}

INNGEST_INLINE bool engine_body::wait_until_idle(duration_ms timeout) const {
  std::unique_lock lock(mutex_);
  return settled_.wait_for(lock, within_a_year(timeout), [&] {
    return core_.state().is_idle() && core_.committed() == core_.changed() && is_notified(core_.changed()) &&
           !core_.has_log_lines() && logging_ == 0;
  });
}

INNGEST_INLINE http::response engine_body::loopback::send(const http::request& request,
                                                          std::chrono::milliseconds) {
  return server_api<engine_body>(*engine_).answer(request);
}

INNGEST_INLINE engine_body::takeover::takeover(const client& app, std::shared_ptr<http::transport> transport)
    : app_(app) {
  app_.replace_transport(std::move(transport));
}

INNGEST_INLINE engine_body::event_sender& engine_body::sender() {
  thread_local event_sender current;
  return current;
}

INNGEST_INLINE engine_body::sending_run::sending_run(const void* engine, std::string_view run_id)
    : before_(sender()) {
  sender() = {engine, run_id};
}

INNGEST_INLINE void engine_body::set_reader(run& of) const {
  of.output_reader = [handler = handler_, slug = of.function_slug, id = of.id](const std::string& output) {
    return handler.read_output(slug, id, output);
  };
}

INNGEST_INLINE std::vector<run> engine_body::with_readers(std::vector<run> all) const {
  for (run& run : all) set_reader(run);
  return all;
}

INNGEST_INLINE engine_options engine_body::with_defaults(engine_options options) {
  if (options.workers == 0) throw configuration_error("engine_options::workers must be at least 1");
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

INNGEST_INLINE std::chrono::milliseconds engine_body::within_a_year(std::chrono::milliseconds time) {
  return std::clamp<std::chrono::milliseconds>(time, std::chrono::milliseconds::zero(),
                                               std::chrono::hours(366 * 24));
}

INNGEST_INLINE unfinished_work engine_body::unfinished() {
  unfinished_work out = options_.store->load();
  clock_.go_on_from(latest_time(out));
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

INNGEST_INLINE void engine_body::work() {
  std::unique_lock lock(mutex_);
  while (!core_.is_stopping()) {
    try {
      take_and_call(lock);
    } catch (...) {  // the thread must go on with other jobs
      if (!lock.owns_lock()) lock.lock();
      core_.log(log_level::error, "the engine failed to do a job: " + words_of_exception());
      lock.unlock();
      deliver();
      lock.lock();
      wake_.wait_for(lock, std::chrono::milliseconds(100));
    }
  }
}

INNGEST_INLINE void engine_body::take_and_call(std::unique_lock<std::mutex>& lock) {
  auto next = core_.take(clock_.now());
  if (!next) {
    commits_.is_committed(lock, commits_.changed());
    lock.unlock();
    deliver();
    lock.lock();
    if (!core_.is_stopping()) sleep_until_due(lock);
    return;
  }
  if (next->what.what == job::kind::call && is_remote(next->request) && !call_app_) {
    postpone(*next);
    return;
  }
  commits_.commit_at_once();
  wake_.notify_one();  // another job may be due; the thread that takes it wakes the next one
  if (!commits_.is_committed_at_last(lock, next->change)) {
    core_.give_back(*next);
    settled_.notify_all();
    return;
  }
  http::response response;
  if (core_.is_wanted(*next)) {
    lock.unlock();
    deliver();
    response = call(*next);
    lock.lock();
  }
  core_.finish(*next, std::move(response), clock_.now());
  commits_.commit_at_once();
  settled_.notify_all();
  if (core_.is_stopping()) commits_.wake();
}

INNGEST_INLINE bool engine_body::is_remote(const http::request& request) {
  return !request.method.empty() && !request.url.starts_with('/') && !request.url.starts_with('?');
}

INNGEST_INLINE void engine_body::postpone(const engine_core::call& call) {
  if (!std::exchange(has_logged_missing_server_, true))
    core_.log(log_level::info,
              "runs of remote apps wait for an http_server that calls them, such as run " + call.what.run_id);
  core_.postpone(call, clock_.now() + std::chrono::seconds(1));
  commits_.commit_at_once();
}

INNGEST_INLINE void engine_body::begin_to_stop() {
  core_.begin_to_stop();
  commits_.commit_at_once();
  wake_.notify_all();
  settled_.notify_all();
  commits_.wake();
  cleaner_wake_.notify_one();
}

INNGEST_INLINE void engine_body::end_threads() {
  {
    const std::lock_guard lock(mutex_);
    begin_to_stop();
  }
  deliver();
  for (std::thread& worker : workers_) worker.join();
  {
    const std::lock_guard lock(mutex_);
    commits_.stop();
  }
  if (committer_.joinable()) committer_.join();
  if (cleaner_.joinable()) cleaner_.join();
  deliver();
}

INNGEST_INLINE http::response engine_body::call(engine_core::call& made) {
  const job& job = made.what;
  http::request request = std::move(made.request);
  if (request.method.empty()) return no_answer(request.body);
  if (job.what == job::kind::request) return make_request(request);
  if (!is_remote(request)) {
    const sending_run sends(this, job.run_id);
    return handler_.answer_in_process(
        std::move(request),
        [&](const std::vector<protocol::operation>& results) { return save(job, results); }, made.stop);
  }
  try {
    return call_remote_app(std::move(request));
  } catch (...) {
    return server_api<engine_body>::answer_of(500,
                                              {{"name", "unreachable"}, {"message", words_of_exception()}});
  }
}

INNGEST_INLINE http::response engine_body::make_request(const http::request& request) const {
  if (!options_.requests)
    return no_answer("the engine has no HTTP transport: include <inngest/transport/httplib.hpp>");
  try {
    return options_.requests->send(request, options_.request_timeout);
  } catch (...) {
    return no_answer(words_of_exception());
  }
}

INNGEST_INLINE http::response engine_body::call_remote_app(http::request request) {
  std::function<http::response(http::request)> calls;
  {
    const std::lock_guard lock(mutex_);
    calls = call_app_;
  }
  if (!calls) throw unreachable("the http_server that calls remote apps has ended");
  return calls(std::move(request));
}

INNGEST_INLINE execution::checkpoints::saved engine_body::save(
    const job& job, const std::vector<protocol::operation>& results) {
  using saved = execution::checkpoints::saved;
  const auto operations = read_operations(protocol::write_operations(results));
  {
    std::unique_lock lock(mutex_);
    if (!core_.checkpoint(job.run_id, job.id, operations, clock_.now())) return saved::stale;
    if (!commits_.is_committed(lock, commits_.changed())) return saved::no;
  }
  deliver();
  return saved::yes;
}

INNGEST_INLINE void engine_body::sleep_until_due(std::unique_lock<std::mutex>& lock) {
  constexpr std::chrono::milliseconds longest = std::chrono::seconds(1);
  const auto due = core_.state().next_due();
  if (!due) return wake_.wait(lock);
  const timestamp now = clock_.now();
  if (*due > now) wake_.wait_for(lock, *due - now < longest ? *due - now : longest);
}

INNGEST_INLINE void engine_body::clean() {
  std::unique_lock lock(mutex_);
  while (!core_.is_stopping()) {
    lock.unlock();
    try {
      options_.store->forget_before(clock_.now() - std::min<std::chrono::milliseconds>(
                                                       options_.history, std::chrono::hours(100 * 366 * 24)));
    } catch (...) {
      app_.log().error("the engine can't remove old records from its store: " + words_of_exception());
    }
    lock.lock();
    cleaner_wake_.wait_for(lock, std::chrono::minutes(10), [&] { return core_.is_stopping(); });
  }
}

INNGEST_INLINE bool engine_body::is_notified(std::uint64_t change) const {
  return core_.is_notified(change) && (!notifying_ || *notifying_ > change);
}

INNGEST_INLINE void engine_body::deliver() {
  std::unique_lock lock(mutex_);
  const auto stops = core_.take_stops();
  const auto lines = core_.take_log_lines();
  if (!stops.empty() || !lines.empty()) {
    ++logging_;
    lock.unlock();
    for (const auto& [stop, is_shutdown] : stops) is_shutdown ? stop.request_shutdown() : stop.request();
    for (const engine_core::log_line& line : lines) app_.log().log(line.level, line.text);
    lock.lock();
    --logging_;
  }
  if (!notifying_) {  // otherwise the thread that is notifying delivers these, too
    while (const auto next = core_.take_progress()) {
      notifying_ = next->change;
      lock.unlock();
      notify(next->run, next->entry);
      lock.lock();
    }
    notifying_.reset();
  }
  settled_.notify_all();
}

INNGEST_INLINE void engine_body::notify(const run& run, const timeline_entry& entry) const {
  try {
    options_.on_progress(run, entry);
  } catch (...) {
    app_.log().error("engine_options::on_progress threw: " + words_of_exception());
  }
}

}  // namespace inngest::inline INNGEST_ABI::embedded
