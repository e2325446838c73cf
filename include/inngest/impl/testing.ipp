#pragma once

#include <inngest/config.hpp>
#include <inngest/protocol/http_run.hpp>
#include <inngest/testing.hpp>

namespace inngest::inline INNGEST_ABI::testing {

INNGEST_INLINE harness::harness(client app, const std::vector<any_function>& functions,
                                harness_options options)
    : simulation_(std::make_shared<simulation>(std::move(app), functions, settings_of(std::move(options)))),
      open_(nullptr, [of = simulation_](void*) { of->close(); }) {}

INNGEST_INLINE void harness::fail_step(const std::string& id, int times, std::string message) {
  simulation_->replaced().fail(id, times, std::move(message));
}

INNGEST_INLINE test_run harness::send(const any_event& event) {
  const auto runs = send_to_all(event);
  return runs.empty() ? test_run(simulation_, "") : runs.front();
}

INNGEST_INLINE std::vector<test_run> harness::send_to_all(const any_event& event) {
  const auto ids = simulation_->send(event);
  return begin(simulation_->runs_of(ids.at(0)));
}

INNGEST_INLINE test_run harness::start_with(const any_function& function, std::string data) {
  const std::string id = simulation_->start(function, std::move(data));
  return begin({*simulation_->find_run(id)}).front();
}

INNGEST_INLINE test_run harness::call(const any_function& endpoint, const http::request& request) {
  protocol::http_event event{.request = request, .function = endpoint.id()};
  if (request.url.starts_with('/')) event.request.url = "http://localhost" + request.url;
  const std::string text = protocol::write_http_event(event, now().time_since_epoch().count());
  return begin({*simulation_->find_run(simulation_->begin(endpoint, {text}))}).front();
}

INNGEST_INLINE test_run harness::replay(const any_function& function, const recorded_run& recorded) {
  const std::string id = simulation_->begin(function, recorded.events);
  for (const auto& [step, memo] : recorded.results) simulation_->preload(id, step, memo);
  simulation_->note_names(recorded.names);
  return begin({*simulation_->find_run(id)}).front();
}

INNGEST_INLINE bool harness::send_signal_with(const std::string& name, const std::string& data) {
  const bool received = simulation_->signal(name, data).has_value();
  simulation_->settle();
  return received;
}

INNGEST_INLINE bool harness::cancel(const test_run& run) {
  const bool done = simulation_->cancel(run.id());
  simulation_->settle();
  return done;
}

INNGEST_INLINE bool harness::execute(const test_run& run, duration_ms longest) {
  const timestamp end = detail::add_saturated(now(), longest);
  while (!run.ended() && simulation_->go_to_next(end)) {
  }
  return run.ended();
}

INNGEST_INLINE std::vector<test_run> harness::runs() const {
  std::vector<test_run> out;
  for (const auto& run : simulation_->store().runs()) out.emplace_back(simulation_, run.id);
  return out;
}

INNGEST_INLINE std::vector<test_run> harness::runs_of(const any_function& function) const {
  std::vector<test_run> out;
  for (const auto& run : simulation_->store().runs()) {
    if (run.function_slug == function.slug()) out.emplace_back(simulation_, run.id);
  }
  return out;
}

INNGEST_INLINE simulation::options harness::settings_of(harness_options options) {
  if (!options.retry_delay) options.retry_delay = embedded::least_retry_delay;
  return {.start = options.start,
          .retries = options.retries,
          .check_determinism = options.check_determinism,
          .retry_delay = std::move(options.retry_delay)};
}

INNGEST_INLINE std::vector<test_run> harness::begin(const std::vector<embedded::run>& runs) {
  std::vector<test_run> out;
  for (const auto& run : runs) out.emplace_back(simulation_, run.id);
  simulation_->settle();
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::testing
