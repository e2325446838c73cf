#pragma once

#include <iterator>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/engine_body.hpp>
#include <inngest/time/detail/saturated.hpp>

// Queries about an engine's runs, events, functions and apps.

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE std::vector<function_definition> engine_body::functions() const {
  const std::lock_guard lock(mutex_);
  std::vector<function_definition> out;
  for (const auto& [slug, function] : core_.state().functions().all()) out.push_back(*function);
  return out;
}

INNGEST_INLINE app_info engine_body::describe_app(const std::string& id, const std::string& url) const {
  if (url.empty())
    return {.id = id,
            .sdk = "cpp",
            .sdk_version = INNGEST_VERSION,
            .version = app_.settings().app_version(),
            .url = "this process",
            .registered_at = started_at_};
  app_info out{.id = id, .url = url == connect_url ? "connect" : app_url(url)};
  const std::string known = core_.state().registration_of(id, clock_.now());
  if (known.empty()) return out;
  const std::string sdk = detail::find_text(known, "sdk");
  const std::size_t colon = sdk.find(':');
  out.sdk = sdk.substr(0, colon);
  if (colon != std::string::npos) out.sdk_version = sdk.substr(colon + 1);
  out.version = detail::find_text(known, "version");
  out.registered_at = parse_timestamp(detail::find_text(known, "at"));
  return out;
}

INNGEST_INLINE std::vector<app_info> engine_body::apps() const {
  std::map<std::pair<std::string, bool>, app_info> found;  // by id, and whether it is another process
  auto heard = contacts_->all();
  std::unique_lock lock(mutex_);
  const auto place = [&](const std::string& id, const std::string& url) -> app_info& {
    const auto [at, is_new] = found.try_emplace({id, !url.empty()});
    if (is_new) at->second = describe_app(id, url);
    return at->second;
  };
  place(app_.id(), "");
  for (const auto& [slug, function] : core_.state().functions().all())
    place(function->app_id, function->url).functions.push_back(slug);
  const auto routes = apps_;
  lock.unlock();
  std::vector<app_info> out;
  for (auto& [key, app] : found) {
    if (key.second) {
      add_contact(app, heard[app.id], routes ? routes->connections_of(app.id) : connected_app());
      heard.erase(app.id);
    }
    std::sort(app.functions.begin(), app.functions.end());
    out.push_back(std::move(app));
  }
  for (const auto& [id, contact] : heard) {  // those whose registrations were rejected
    out.push_back({.id = id});
    add_contact(out.back(), contact, {});
  }
  return out;
}

INNGEST_INLINE function_stats engine_body::stats_of(const std::string& function) const {
  const auto runs = options_.store->times_of_runs(function, function_stats::most + 1);
  return embedded::stats_of(runs, clock_.now());
}

INNGEST_INLINE std::size_t engine_body::queued_runs() const {
  const std::lock_guard lock(mutex_);
  return core_.state().parts().journal.meter.queued();
}

INNGEST_INLINE std::uint64_t engine_body::sequence() const {
  const std::lock_guard lock(mutex_);
  return core_.changed();
}

INNGEST_INLINE std::vector<unreadable_record> engine_body::unreadable() const {
  std::vector<unreadable_record> out;
  {
    const std::lock_guard lock(mutex_);  // forget_unreadable() changes them
    out = core_.state().unreadable();
  }
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
  monitor_.describe(found->run);
  set_reader(found->run);
  return std::move(found->run);
}

INNGEST_INLINE std::string engine_body::name_of_step(const std::string& run_id,
                                                     const step_hash& step) const noexcept {
  try {
    const auto found = find_run(run_id);
    if (!found) return {};
    for (const timeline_entry& entry : found->timeline) {
      if (entry.step_id == step) return entry.step;
    }
  } catch (...) {  // a name is not worth a failure of the store
  }
  return {};
}

INNGEST_INLINE std::vector<run> engine_body::find_runs(const run_query& query) const {
  std::vector<run> out;
  run_query rest = query;
  do {
    run_page page = find_run_page(rest);
    std::move(page.runs.begin(), page.runs.end(), std::back_inserter(out));
    rest.before = std::move(page.next);
    rest.limit = query.limit - out.size();
  } while (!rest.before.empty() && rest.limit > 0);
  return out;
}

INNGEST_INLINE run_page engine_body::find_run_page(const run_query& query) const {
  run_page out = search().find_page(query);
  for (run& run : out.runs) set_reader(run);
  return out;
}

INNGEST_INLINE run_count engine_body::count_runs(const run_query& query, duration_ms most) const {
  return search().count(query, std::chrono::steady_clock::now() + detail::within_a_year(most));
}

INNGEST_INLINE run_histogram engine_body::histogram(const run_query& query, std::size_t buckets,
                                                    duration_ms most) const {
  const auto end = std::chrono::steady_clock::now() + detail::within_a_year(most);
  return search().histogram(query, buckets, monitor_.now(), end);
}

INNGEST_INLINE std::vector<event_record> engine_body::find_events(const event_query& query) const {
  std::vector<event_record> out;
  event_query rest = query;
  do {
    event_page page = search().find_event_page(rest);
    std::move(page.events.begin(), page.events.end(), std::back_inserter(out));
    rest.before = std::move(page.next);
    rest.limit = query.limit - out.size();
  } while (!rest.before.empty() && rest.limit > 0);
  return out;
}

INNGEST_INLINE run engine_body::wait_for(std::string_view run_id, duration_ms timeout) const {
  {
    std::unique_lock lock(mutex_);
    std::optional<std::uint64_t> last;  // number of the run's last change
    settled_.wait_for(lock, detail::within_a_year(timeout), [&] {
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
  return settled_.wait_for(lock, detail::within_a_year(timeout), [&] {
    return core_.state().is_idle() && core_.committed() == core_.changed() && is_notified(core_.changed()) &&
           !core_.has_log_lines() && logging_ == 0;
  });
}

INNGEST_INLINE void engine_body::set_reader(run& of) const {
  of.output_reader = [handler = handler_, slug = of.function_slug, id = of.id](const std::string& output) {
    return handler.read_output(slug, id, output);
  };
}

INNGEST_INLINE std::vector<run> engine_body::with_readers(std::vector<run> all) const {
  monitor_.describe(all);
  for (run& run : all) set_reader(run);
  return all;
}

}  // namespace inngest::inline INNGEST_ABI::embedded
