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

INNGEST_INLINE std::string engine::start(const any_function& function, const json& data) {
  return body_->start(function, data);
}

INNGEST_INLINE std::optional<std::string> engine::rerun(std::string_view run_id) {
  return body_->rerun(run_id);
}

INNGEST_INLINE bool engine::cancel(std::string_view run_id) { return body_->cancel(run_id); }

INNGEST_INLINE bool engine::checkpoint(const std::string& run_id, std::uint64_t call_id,
                                       std::string operations) {
  return body_->checkpoint(run_id, call_id, std::move(operations));
}

INNGEST_INLINE void engine::call_apps_by(std::function<http::response(http::request)> calls) {
  body_->call_apps_by(std::move(calls));
}

INNGEST_INLINE void engine::register_app(const std::string& id, std::string registration) {
  body_->register_app(id, std::move(registration));
}

INNGEST_INLINE std::vector<function_definition> engine::functions() const { return body_->functions(); }

INNGEST_INLINE std::uint64_t engine::sequence() const { return body_->sequence(); }

INNGEST_INLINE const embedded::store& engine::store() const { return body_->store(); }

INNGEST_INLINE const logger& engine::log() const { return body_->log(); }

INNGEST_INLINE std::vector<unreadable_record> engine::unreadable() const { return body_->unreadable(); }

INNGEST_INLINE std::vector<run> engine::runs() const { return body_->runs(); }

INNGEST_INLINE std::vector<run> engine::runs_of(std::string_view event_id) const {
  return body_->runs_of(event_id);
}

INNGEST_INLINE std::optional<run> engine::find_run(std::string_view run_id) const {
  return body_->find_run(run_id);
}

INNGEST_INLINE run engine::wait_for(std::string_view run_id, duration_ms timeout) const {
  return body_->wait_for(run_id, timeout);
}

INNGEST_INLINE bool engine::wait_until_idle(duration_ms timeout) const {
  return body_->wait_until_idle(timeout);
}

}  // namespace inngest::inline INNGEST_ABI::embedded
