#pragma once

#include <inngest/config.hpp>
#include <inngest/embedded/detail/engine_body.hpp>

// The worker threads: which call is next, and how it is made.

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE void engine_body::reach_apps_by(std::shared_ptr<remote_apps> apps) {
  const std::lock_guard lock(mutex_);
  apps_.swap(apps);
  retry_routes();
}

INNGEST_INLINE void engine_body::retry_remote_apps() {
  const std::lock_guard lock(mutex_);
  retry_routes();
}

INNGEST_INLINE void engine_body::work() {
  std::unique_lock lock(mutex_);
  std::unique_ptr<app_route> route;
  while (!core_.is_stopping()) {
    try {
      take_and_call(lock, route);
    } catch (...) {  // the thread must go on with other jobs
      if (!lock.owns_lock()) lock.lock();
      core_.log(log_level::error, "the engine failed to execute a job: " + words_of_exception());
      lock.unlock();
      deliver();
      lock.lock();
      free(route);
      wake_.wait_for(lock, std::chrono::milliseconds(100));
    }
    free(route);
  }
}

INNGEST_INLINE void engine_body::take_and_call(std::unique_lock<std::mutex>& lock,
                                               std::unique_ptr<app_route>& route) {
  auto next = core_.take(clock_.now(), [&](const function_definition& function) {
    route = route_to(function);
    return route != nullptr;
  });
  if (!next) {
    commits_.is_committed(lock, commits_.changed());
    lock.unlock();
    deliver();
    lock.lock();
    if (!core_.is_stopping() && !route) sleep_until_due(lock);
    return;
  }
  commits_.commit_at_once();
  wake_.notify_one();  // another job may be due; the thread that takes it wakes the next one
  if (!commits_.is_committed_at_last(lock, next->change)) {
    core_.give_back(*next);
    settled_.notify_all();
    return;
  }
  std::optional<http::response> response(std::in_place);
  if (core_.is_wanted(*next)) {
    lock.unlock();
    deliver();
    response = call(*next, route.get());
    lock.lock();
  }
  if (response)
    core_.finish(*next, std::move(*response), clock_.now());
  else
    core_.postpone(*next, clock_.now() + std::chrono::seconds(1));
  commits_.commit_at_once();
  settled_.notify_all();
  if (core_.is_stopping()) commits_.wake();
}

INNGEST_INLINE std::unique_ptr<app_route> engine_body::route_to(const function_definition& function) {
  if (apps_) return contacts_->noted(apps_->route_to(function), function.app_id);
  if (!std::exchange(has_logged_missing_server_, true))
    core_.log(log_level::info,
              "runs of remote apps wait for an http_server that calls them, such as those of function \"" +
                  function.slug + "\"");
  return nullptr;
}

INNGEST_INLINE void engine_body::retry_routes() {
  if (!core_.state().has_blocked()) return;
  core_.retry_blocked();
  wake_.notify_one();
}

INNGEST_INLINE void engine_body::free(std::unique_ptr<app_route>& route) {
  if (!route) return;
  route.reset();
  retry_routes();
}

INNGEST_INLINE std::optional<http::response> engine_body::call(engine_core::call& made, app_route* route) {
  const job& job = made.what;
  if (made.request.method.empty()) return no_answer(made.request.body);
  if (job.what == job::kind::request) return make_request(made.request);
  if (route) return call_remote_app(made, *route);
  const sending_run sends(this, job.run_id);
  return handler_.answer_in_process(
      std::move(made.request),
      [&](const std::vector<protocol::operation>& results) { return save(job, results); }, made.stop);
}

INNGEST_INLINE std::optional<http::response> engine_body::call_remote_app(engine_core::call& made,
                                                                          app_route& route) const {
  try {
    return route.call({.request = std::move(made.request),
                       .run_id = made.what.run_id,
                       .step = made.what.step ? detail::to_hex(*made.what.step) : "step",
                       .job_id = made.what.id,
                       .abandoned = abandoning_.get_token()});
  } catch (...) {
    return no_answer("Unable to reach the app: " + words_of_exception());
  }
}

INNGEST_INLINE http::response engine_body::make_request(const http::request& request) const {
  if (!options_.requests)
    return no_answer("the engine has no HTTP transport: include <inngest/transport/httplib.hpp>");
  try {
    using clock = std::chrono::steady_clock;
    const auto end = clock::now() + options_.request_timeout;  // of all requests together
    http::response answer = options_.requests->send(request, options_.request_timeout);
    std::string url;
    auto next = redirected_request(request, answer);
    for (int followed = 0; next && followed < max_redirects; ++followed) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - clock::now());
      if (left <= std::chrono::milliseconds::zero()) return no_answer("the redirects took too long");
      answer = options_.requests->send(*next, left);
      url = next->url;
      next = redirected_request(*next, answer);
    }
    if (next) return no_answer("stopped after " + std::to_string(max_redirects) + " redirects");
    if (!url.empty()) answer.headers.add(final_url_field, url);
    return answer;
  } catch (...) {
    return no_answer(words_of_exception());
  }
}

INNGEST_INLINE execution::checkpoints::saved engine_body::save(
    const job& job, const std::vector<protocol::operation>& results) {
  using saved = execution::checkpoints::saved;
  const auto operations = read_operations(protocol::write_operations(results));
  {
    std::unique_lock lock(mutex_);
    if (core_.state().holds_back(job.run_id)) return saved::no;  // a pause ends the call here
    if (!core_.checkpoint(job.run_id, job.id, operations, clock_.now())) return saved::stale;
    if (!commits_.is_committed(lock, commits_.changed())) return saved::no;
  }
  deliver();
  return saved::yes;
}

INNGEST_INLINE void engine_body::sleep_until_due(std::unique_lock<std::mutex>& lock) {
  constexpr std::chrono::milliseconds longest = std::chrono::seconds(1);
  const auto due = core_.next_due();
  if (!due) return wake_.wait(lock);
  const timestamp now = clock_.now();
  if (*due > now) wake_.wait_for(lock, *due - now < longest ? *due - now : longest);
}

}  // namespace inngest::inline INNGEST_ABI::embedded
