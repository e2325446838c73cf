#pragma once

#include <utility>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/engine_body.hpp>
#include <inngest/embedded/engine.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE engine::engine(client app, const std::vector<any_function>& functions, engine_options options)
    : body_(std::make_unique<engine_body>(std::move(app), functions, std::move(options))) {}

INNGEST_INLINE engine::~engine() = default;

INNGEST_INLINE bool engine::stop(duration_ms grace) { return body_->stop(grace); }

INNGEST_INLINE std::size_t engine::calls_under_way() const { return body_->calls_under_way(); }

INNGEST_INLINE sent_events engine::send(const any_event& event) { return body_->send(event); }

INNGEST_INLINE sent_events engine::send(std::initializer_list<any_event> events) {
  return body_->send(events);
}

INNGEST_INLINE sent_events engine::send(const std::vector<any_event>& events) { return body_->send(events); }

INNGEST_INLINE std::vector<std::string> engine::accept(std::string events, std::string_view seed) {
  return body_->accept(std::move(events), seed);
}

INNGEST_INLINE std::optional<std::string> engine::signal(const std::string& name, const std::string& data) {
  return body_->signal(name, data);
}

INNGEST_INLINE std::string engine::start_with(const any_function& function, std::string data) {
  return body_->start(function, std::move(data));
}

INNGEST_INLINE std::optional<std::string> engine::rerun(std::string_view run_id) {
  return body_->rerun(run_id);
}

INNGEST_INLINE std::optional<std::string> engine::rerun(std::string_view run_id, const rerun_step& from) {
  return body_->rerun(run_id, from);
}

INNGEST_INLINE std::vector<run> engine::reruns_of(std::string_view run_id) const {
  return body_->reruns_of(run_id);
}

INNGEST_INLINE std::optional<std::string> engine::resend(std::string_view event_id) {
  return body_->resend(event_id);
}

INNGEST_INLINE bulk_operation engine::begin_bulk(const bulk_request& request) {
  return body_->begin_bulk(request);
}

INNGEST_INLINE std::vector<bulk_operation> engine::bulk_operations() const {
  return body_->store().bulk_operations();
}

INNGEST_INLINE std::optional<bulk_operation> engine::find_bulk(std::string_view id) const {
  for (bulk_operation& operation : bulk_operations()) {
    if (operation.id == id) return std::move(operation);
  }
  return std::nullopt;
}

INNGEST_INLINE bool engine::stop_bulk(std::string_view id) { return body_->stop_bulk(id); }

INNGEST_INLINE bool engine::cancel(std::string_view run_id) { return body_->cancel(run_id); }

INNGEST_INLINE invoked_run engine::invoke(const std::string& slug, const std::string& data,
                                          const std::string& key) {
  return body_->invoke(slug, data, key);
}

INNGEST_INLINE bulk_cancellation engine::cancel_many(bulk_cancellation wanted) {
  return body_->cancel_many(std::move(wanted));
}

INNGEST_INLINE std::vector<bulk_cancellation> engine::bulk_cancellations() {
  return body_->bulk_cancellations();
}

INNGEST_INLINE bool engine::remove_bulk_cancellation(const std::string& id) {
  return body_->remove_bulk_cancellation(id);
}

INNGEST_INLINE bool engine::checkpoint(const std::string& run_id, std::uint64_t call_id,
                                       std::string operations) {
  return body_->checkpoint(run_id, call_id, std::move(operations));
}

INNGEST_INLINE http::response engine::answer_endpoint(const http::request& request, duration_ms wait) {
  return body_->answer_endpoint(request, false, wait);
}

INNGEST_INLINE void engine::reach_apps_by(std::shared_ptr<remote_apps> apps) {
  body_->reach_apps_by(std::move(apps));
}

INNGEST_INLINE void engine::retry_remote_apps() { body_->retry_remote_apps(); }

INNGEST_INLINE void engine::register_app(const std::string& id, std::string registration) {
  body_->register_app(id, std::move(registration));
}

INNGEST_INLINE std::vector<function_definition> engine::functions() const { return body_->functions(); }

INNGEST_INLINE std::vector<app_info> engine::apps() const { return body_->apps(); }

INNGEST_INLINE json engine::shapes(const std::string& function) const { return body_->shapes(function); }

INNGEST_INLINE function_stats engine::stats_of(const std::string& function) const {
  return body_->stats_of(function);
}

INNGEST_INLINE engine_metrics engine::metrics() const { return body_->metrics(); }

INNGEST_INLINE std::size_t engine::queued_runs() const { return body_->queued_runs(); }

INNGEST_INLINE engine_health engine::health() const { return body_->health(); }

INNGEST_INLINE std::uint64_t engine::sequence() const { return body_->sequence(); }

INNGEST_INLINE const embedded::store& engine::store() const { return body_->store(); }

INNGEST_INLINE const logger& engine::log() const { return body_->log(); }

INNGEST_INLINE void engine::backup_to(const std::filesystem::path& file) const { body_->backup_to(file); }

INNGEST_INLINE bool engine::pause(const pause_target& target) { return body_->pause(target); }

INNGEST_INLINE bool engine::resume(const pause_target& target) { return body_->resume(target); }

INNGEST_INLINE std::vector<pause_record> engine::paused() const { return body_->paused(); }

INNGEST_INLINE bool engine::drain(duration_ms grace) { return body_->drain(grace); }

INNGEST_INLINE bool engine::is_draining() const { return body_->is_draining(); }

INNGEST_INLINE void engine::end_drain() { body_->end_drain(); }

INNGEST_INLINE std::vector<schedule_info> engine::schedules() const { return body_->schedules(); }

INNGEST_INLINE invoked_run engine::run_schedule(const std::string& slug, const std::string& cron) {
  return body_->run_schedule(slug, cron);
}

INNGEST_INLINE backfill_result engine::backfill(const std::string& slug, const std::string& cron,
                                                timestamp from, timestamp until) {
  return body_->backfill(slug, cron, from, until);
}

INNGEST_INLINE void engine::audit(audit_entry entry) { body_->audit(std::move(entry)); }

INNGEST_INLINE std::vector<audit_entry> engine::audit_trail(const audit_query& query) const {
  return body_->store().audit_trail(query);
}

INNGEST_INLINE std::string engine::export_unreadable() const {
  return body_->store().export_records(unreadable());
}

INNGEST_INLINE bool engine::remove_unreadable(const std::string& table, const std::string& key) {
  return body_->remove_unreadable(table, key);
}

INNGEST_INLINE std::vector<std::string> engine::check() const { return body_->store().check(); }

INNGEST_INLINE std::vector<unreadable_record> engine::unreadable() const { return body_->unreadable(); }

INNGEST_INLINE std::vector<run> engine::runs() const { return body_->runs(); }

INNGEST_INLINE std::vector<run> engine::runs_of(std::string_view event_id) const {
  return body_->runs_of(event_id);
}

INNGEST_INLINE std::vector<run> engine::find_runs(const run_query& query) const {
  return body_->find_runs(query);
}

INNGEST_INLINE run_page engine::find_run_page(const run_query& query) const {
  return body_->find_run_page(query);
}

INNGEST_INLINE std::size_t engine::count_runs(const run_query& query) const {
  return body_->search().count(query).count;
}

INNGEST_INLINE run_count engine::count_runs(const run_query& query, duration_ms most) const {
  return body_->count_runs(query, most);
}

INNGEST_INLINE run_histogram engine::histogram(const run_query& query, std::size_t buckets,
                                               duration_ms most) const {
  return body_->histogram(query, buckets, most);
}

INNGEST_INLINE std::vector<event_record> engine::find_events(const event_query& query) const {
  return body_->find_events(query);
}

INNGEST_INLINE event_page engine::find_event_page(const event_query& query) const {
  return body_->search().find_event_page(query);
}

INNGEST_INLINE std::optional<run> engine::find_run(std::string_view run_id) const {
  return body_->find_run(run_id);
}

INNGEST_INLINE std::vector<run_log_line> engine::logs_of(std::string_view run_id) const {
  return body_->logs_of(run_id);
}

INNGEST_INLINE run engine::wait_for(std::string_view run_id, duration_ms timeout) const {
  return body_->wait_for(run_id, timeout);
}

INNGEST_INLINE realtime::subscription engine::subscribe(const std::string& channel,
                                                        const std::vector<std::string>& topics,
                                                        realtime::message_handler on_message,
                                                        realtime::subscribe_options options) {
  return realtime::subscribe(app(), channel, topics, std::move(on_message), std::move(options));
}

INNGEST_INLINE const client& engine::app() const { return body_->app(); }

INNGEST_INLINE const std::shared_ptr<realtime_hub>& engine::realtime() const { return body_->realtime(); }

INNGEST_INLINE void engine::broadcast(const realtime::message& message) { body_->broadcast(message); }

INNGEST_INLINE void engine::note(const realtime::message& message) { body_->note(message); }

INNGEST_INLINE void engine::add_notes(std::vector<run_note> notes) { body_->add_notes(std::move(notes)); }

INNGEST_INLINE bool engine::wait_until_idle(duration_ms timeout) const {
  return body_->wait_until_idle(timeout);
}

}  // namespace inngest::inline INNGEST_ABI::embedded
