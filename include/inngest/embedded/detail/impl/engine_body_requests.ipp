#pragma once

#include <inngest/config.hpp>
#include <inngest/embedded/detail/engine_body.hpp>

// Requests of programs to an engine, and reports of remote apps.

namespace inngest::inline INNGEST_ABI::embedded {

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

INNGEST_INLINE void engine_body::refuse_rival(const std::string& function) {
  throw configuration_error("function \"" + function + "\" is a singleton that is already running");
}

INNGEST_INLINE std::string engine_body::start(const any_function& function, std::string data) {
  std::unique_lock lock(mutex_);
  if (!core_.state().functions().find(function.slug()))
    throw configuration_error("the engine has no function \"" + function.id() + "\"");
  std::string id = core_.start(function.slug(), std::move(data), clock_.now());
  if (id.empty()) refuse_rival(function.id());
  commits_.commit_changes(lock);
  lock.unlock();
  deliver();
  return id;
}

INNGEST_INLINE std::optional<std::string> engine_body::rerun(std::string_view run_id,
                                                             const std::optional<rerun_step>& from) {
  const auto earlier = options_.store->find_run(run_id);
  if (!earlier) return std::nullopt;
  rerun_plan plan;
  if (from) plan = plan_rerun(*earlier, options_.store->memos_of(run_id), *from);
  std::unique_lock lock(mutex_);
  const auto function = core_.state().functions().find(earlier->run.function_slug);
  if (!function || earlier->events.empty()) return std::nullopt;
  std::string id = core_.rerun(*earlier, clock_.now(), std::move(plan));
  if (id.empty()) refuse_rival(earlier->run.function_id);
  detail::json_object_text details;
  if (from) details.add("step", detail::to_printable(from->step));
  note_action("rerun run", std::string(run_id), details.add("new_run", id).text());
  commits_.commit_changes(lock);
  lock.unlock();
  deliver();
  return id;
}

INNGEST_INLINE std::optional<std::string> engine_body::resend(std::string_view event_id) {
  const auto earlier = options_.store->find_event(event_id);
  if (!earlier) return std::nullopt;
  std::unique_lock lock(mutex_);
  std::string id = core_.resend(*earlier, clock_.now());
  note_action("resend event", earlier->id, detail::json_object_text().add("new_event", id).text());
  commits_.commit_changes(lock);
  lock.unlock();
  deliver();
  return id;
}

INNGEST_INLINE bulk_operation engine_body::begin_bulk(const bulk_request& request) {
  bulk_operation wanted = new_bulk_operation(request);
  options_.store->bulk_operations();  // throws when the store keeps none
  wanted.total = search().count(query_of(wanted)).count;
  std::unique_lock lock(mutex_);
  bulk_.start();
  bulk_operation out = core_.begin_bulk(std::move(wanted), clock_.now());
  bulk_.wake();  // also when the commit fails: it is tried again, and the operation goes on
  note_action("begin bulk operation", out.id, audit_details(out));
  commits_.commit_changes(lock);
  lock.unlock();
  deliver();
  return out;
}

INNGEST_INLINE bool engine_body::stop_bulk(std::string_view id) {
  std::unique_lock lock(mutex_);
  if (!core_.stop_bulk(id, clock_.now())) return false;
  note_action("stop bulk operation", std::string(id));
  commits_.commit_changes(lock);
  lock.unlock();
  deliver();
  return true;
}

INNGEST_INLINE bool engine_body::cancel(std::string_view run_id) {
  std::unique_lock lock(mutex_);
  if (!core_.cancel(run_id, clock_.now())) return false;
  note_action("cancel run", std::string(run_id));
  commits_.commit_changes(lock);
  lock.unlock();
  deliver();
  return true;
}

INNGEST_INLINE invoked_run engine_body::invoke(const std::string& slug, const std::string& data,
                                               const std::string& key) {
  std::unique_lock lock(mutex_);
  invoked_run out = core_.invoke(slug, data, key, clock_.now());
  commits_.commit_changes(lock);
  lock.unlock();
  deliver();
  return out;
}

INNGEST_INLINE bulk_cancellation engine_body::cancel_many(bulk_cancellation wanted) {
  std::unique_lock lock(mutex_);
  bulk_cancellation out = core_.cancel_many(std::move(wanted), clock_.now());
  note_action("cancel runs", "function " + out.function, cancellation_api::text_of(out));
  commits_.commit_changes(lock);
  lock.unlock();
  deliver();
  return out;
}

INNGEST_INLINE std::vector<bulk_cancellation> engine_body::bulk_cancellations() {
  const std::lock_guard lock(mutex_);
  return core_.state().bulk_cancellations(clock_.now());
}

INNGEST_INLINE bool engine_body::remove_bulk_cancellation(const std::string& id) {
  std::unique_lock lock(mutex_);
  if (!core_.remove_bulk_cancellation(id)) return false;
  note_action("remove cancellation", id);
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

/// Whether the app has already registered exactly these functions.
INNGEST_INLINE bool are_registered(const subscriptions& known, const std::string& app_id,
                                   const std::vector<function_definition>& functions) {
  std::size_t count = 0;
  for (const auto& [slug, function] : known.all())
    count += function->app_id == app_id && !function->url.empty() ? 1 : 0;
  return count == functions.size() &&
         std::all_of(functions.begin(), functions.end(), [&](const function_definition& function) {
           const auto before = known.find(function.slug);
           return before && before->text == function.text && before->url == function.url;
         });
}

INNGEST_INLINE void engine_body::register_app(const std::string& id, std::string registration) {
  try {
    const app_record app{.id = id, .text = std::move(registration)};
    check_registration(detail::parse_dom(app.text));
    std::vector<function_definition> functions = read_registration(app);
    std::unique_lock lock(mutex_);
    if (const auto conflict = find_registration_conflict(core_.state().functions().all(), app, functions))
      throw configuration_error(*conflict);
    const auto old_origin = find_old_origin(core_.state().functions().all(), app, functions);
    const std::string origin = functions.empty() ? "" : app_origin(functions.front().url).value_or("");
    const bool is_repeated = are_registered(core_.state().functions(), id, functions);  // a worker reconnects
    const auto count = static_cast<std::int64_t>(functions.size());
    core_.register_app(app, std::move(functions), clock_.now());
    if (!is_repeated)
      note_action("register app", "app " + id, detail::json_object_text().add("functions", count).text());
    commits_.commit_changes(lock);
    lock.unlock();
    if (old_origin) log().info("app \"" + id + "\" moved from " + *old_origin + " to " + origin);
  } catch (const error& problem) {
    contacts_->note_error(id.substr(0, 200), std::string("its registration was refused: ") + problem.what(),
                          true);
    throw;
  }
  contacts_->note_contact(id.substr(0, 200));
  deliver();
}

INNGEST_INLINE http::response engine_body::answer_endpoint(const http::request& request, bool is_own,
                                                           duration_ms wait) {
  return endpoint_runs<engine_body>(*this).answer(request, is_own, wait);
}

INNGEST_INLINE void engine_body::broadcast(realtime::message message) const {
  if (message.run_id.empty() && sender().engine == this) message.run_id = sender().run_id;
  hub_->publish(std::move(message));
}

INNGEST_INLINE void engine_body::note(realtime::message message) {
  if (message.run_id.empty() && sender().engine == this) message.run_id = sender().run_id;
  if (message.run_id.empty()) return;
  {
    const std::lock_guard lock(mutex_);
    if (!core_.problem().empty()) return;  // messages must not pile up while the store fails
    core_.add_notes({note_of(message)}, clock_.now());
    commits_.commit_at_once();
    commits_.wake();  // no need to wait for the disk: subscribers already have the message
  }
  deliver();
}

INNGEST_INLINE void engine_body::add_notes(std::vector<run_note> notes) {
  std::unique_lock lock(mutex_);
  core_.add_notes(std::move(notes), clock_.now());
  commits_.commit_changes(lock);
  lock.unlock();
  deliver();
}

}  // namespace inngest::inline INNGEST_ABI::embedded
