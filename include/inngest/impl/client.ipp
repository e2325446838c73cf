#pragma once

#include <algorithm>
#include <thread>

#include <inngest/client.hpp>
#include <inngest/config.hpp>
#include <inngest/detail/reserved_events.hpp>
#include <inngest/detail/slug.hpp>
#include <inngest/http/detail/status.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE any_function end_handler_of(const std::string& app_id, const function_options& options,
                                           run_end end, std::optional<int> retries,
                                           any_function::handler_type handler) {
  const char* suffix = end == run_end::failed ? "failure" : end == run_end::cancelled ? "cancel" : "success";
  const char* event = end == run_end::failed      ? reserved_event::failed
                      : end == run_end::cancelled ? reserved_event::cancelled
                                                  : reserved_event::finished;
  std::string expression = "event.data.function_id == '" + slug_of(app_id, options.id) + "'";
  if (end == run_end::finished) expression += " && event.data._inngest.status == 'Completed'";
  const std::string name = options.name.empty() ? options.id : options.name;
  function_options own{.id = options.id + "-" + suffix, .name = name + " (" + suffix + ")"};
  own.retries = retries;
  own.middleware = options.middleware;
  own.dependencies = options.dependencies;
  own.checkpointing = options.checkpointing;
  return any_function(app_id, std::move(own), {{.event = event, .expression = std::move(expression)}},
                      std::move(handler));
}

}  // namespace inngest::inline INNGEST_ABI::detail

namespace inngest::inline INNGEST_ABI {

INNGEST_INLINE sent_events client::send(std::initializer_list<any_event> events,
                                        const send_options& options) const {
  return send(std::vector<any_event>(events), options);
}

INNGEST_INLINE sent_events client::send(const std::vector<any_event>& events,
                                        const send_options& options) const {
  execution::replay* run = run_on_this_thread();
  const std::string inherited = run ? run->propagated_sessions() : std::string();
  std::vector<any_event> sent = events;
  if (!inherited.empty()) {
    for (any_event& event : sent) event.set_propagated_sessions(inherited);
  }
  return send(std::move(sent), shared_->hooks, nullptr, options);
}

INNGEST_INLINE sent_events client::send(std::vector<any_event> events, const execution::hooks& hooks,
                                        const call_info* sender, const send_options& options) const {
  const std::string env = checked_env(options);
  return send_through(events, hooks, sender, [&] {
    return deliver(events, sender ? sender->traceparent : std::string_view(), env);
  });
}

INNGEST_INLINE std::string client::checked_env(const send_options& options) {
  std::string env = detail::trimmed(options.env);
  detail::check_plain_text("send_options::env", env);
  return env;
}

INNGEST_INLINE std::optional<std::string> client::send_signal_text(http::request request,
                                                                   const send_options& options) const {
  if (std::string env = checked_env(options); !env.empty())
    request.headers.add(protocol::header::environment, std::move(env));
  return protocol::read_signal_answer(call_api(std::move(request)));
}

INNGEST_INLINE sent_events client::send_once(std::vector<any_event> events) const {
  return send_through(events, shared_->hooks, nullptr, [&] {
    for (const any_event& event : events) check_size(event);
    if (!has_engine()) set_missing_times(events);
    // 0 expected ids, so that only a server's judgement of the events counts as a rejection
    auto ids = post(event_request(list_of(events), event_id_seed(), {}), names(events), 0, 1);
    if (ids.size() >= events.size()) return sent_events{std::move(ids)};
    throw event_rejected("the server accepted only " + std::to_string(ids.size()) + " of the " +
                             std::to_string(events.size()) + " events " + names(events),
                         std::move(ids));
  });
}

INNGEST_INLINE void client::flush_outbox() const {
  const auto& outbox = settings().outbox();
  if (!outbox) return;
  outbox->flush([&](const std::string& events, const std::string& seed) { post_kept(events, seed); });
}

INNGEST_INLINE void client::score(const metadata_target& target, const std::string& name,
                                  const score_value& value,
                                  const std::optional<experiment_ref>& experiment) const {
  std::string metadata =
      protocol::metadata_object({}, "inngest.score", "merge", protocol::score_values(name, value));
  if (experiment) {
    if (experiment->experiment.empty() || experiment->variant.empty())
      throw configuration_error("experiment_ref: experiment and variant must not be empty");
    detail::json_object_text chosen;
    chosen.add_exact("name", experiment->experiment).add_exact("variant", experiment->variant);
    metadata = protocol::metadata_object({}, "inngest.experiment", "merge", chosen.text()) + "," + metadata;
  }
  send_metadata(target, metadata, "scoring");
}

INNGEST_INLINE void client::set_metadata(const metadata_target& target, const std::string& kind,
                                         const json& values, metadata_change change) const {
  if (!values.is_object()) throw configuration_error("set_metadata: the values must be a JSON object");
  send_metadata(
      target, protocol::metadata_object({}, "userland." + kind, to_string(change), encode(values, "values")),
      "setting metadata of");
}

INNGEST_INLINE void client::send_metadata(const metadata_target& target, const std::string& metadata,
                                          const char* what) const {
  if (target.run_id.empty()) throw configuration_error("metadata_target: run_id must not be empty");
  protocol::expect_success(call_api_in_run(protocol::metadata_request(target.run_id, target, metadata)),
                           std::string(what) + " run \"" + target.run_id + "\"");
}

INNGEST_INLINE void client::publish_text(const std::string& channel, const std::string& topic,
                                         std::string data) const {
  const execution::replay* run = run_on_this_thread();
  const std::string_view run_id = run ? run->request().run_id() : std::string_view();
  protocol::expect_success(
      call_api_in_run(protocol::publish_request(channel, topic, run_id, std::move(data))),
      "publishing to \"" + channel + "\"");
}

INNGEST_INLINE http::response client::call_api_in_run(http::request request) const {
  const execution::replay* run = run_on_this_thread();
  return run ? run->services().call_api(std::move(request)) : call_api(std::move(request));
}

INNGEST_INLINE execution::replay* client::run_on_this_thread() const {
  execution::replay* run = execution::replay::current();
  return run != nullptr && run->services().settings == &settings() ? run : nullptr;
}

INNGEST_INLINE http::response client::call_api(http::request request,
                                               std::chrono::milliseconds timeout) const {
  request.url = settings().api_base_url() + request.url;
  const signing_keys keys = this->keys();
  const http::headers given = request.headers;
  http::response answer;
  for (const std::string* key : {&keys.current, &keys.fallback}) {
    const bool first = key == &keys.current;
    if (!first && (key->empty() || (answer.status != 401 && answer.status != 403))) break;
    request.headers = given;
    add_common_headers(request.headers);
    if (!key->empty()) {
      request.headers.add(protocol::header::authorization, "Bearer " + protocol::hashed_signing_key(*key));
    }
    answer = transport()->send(request, timeout);
  }
  return answer;
}

INNGEST_INLINE void client::stream_api(http::request request, const http::streaming& handlers) const {
  request.url = settings().api_base_url() + request.url;
  add_common_headers(request.headers);
  transport()->stream(request, handlers);
}

INNGEST_INLINE signing_keys client::keys() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->keys;
}

INNGEST_INLINE void client::set_keys(signing_keys keys) const {
  keys.current = detail::checked_key("the current signing key", keys.current);
  keys.fallback = detail::checked_key("the fallback signing key", keys.fallback);
  const std::lock_guard lock(shared_->mutex);
  shared_->keys = std::move(keys);
}

INNGEST_INLINE void client::replace_transport(std::shared_ptr<http::transport> transport) const {
  const std::lock_guard lock(shared_->mutex);
  if (shared_->replacement)
    throw configuration_error("client \"" + id() + "\" already has an engine or a test harness");
  shared_->replacement = std::move(transport);
}

INNGEST_INLINE void client::restore_transport() const {
  const std::lock_guard lock(shared_->mutex);
  shared_->replacement = nullptr;
}

INNGEST_INLINE client::state::state(client_options options)
    : check(&check_options),
      settings(std::move(options)),
      hooks(settings.middleware(), {}),
      keys{settings.signing_key(), settings.signing_key_fallback()},
      transport(settings.transport()) {}

INNGEST_INLINE void client::state::check_options(const state& self, const function_options& options,
                                                 const std::vector<trigger_definition>& triggers,
                                                 std::span<const detail::event_shape> events,
                                                 const retries_of_ends& retries) {
  const detail::option_check check(options, triggers, events);
  check.run();
  for (const auto& [end, of_handler] : retries)
    check.check_retries(detail::name_of(end) + std::string(": retries"), of_handler);
  if (const std::string warning = check.warning(); !warning.empty()) self.settings.log().warn(warning);
}

INNGEST_INLINE std::shared_ptr<http::transport> client::transport() const {
  const std::lock_guard lock(shared_->mutex);
  if (shared_->replacement) return shared_->replacement;
  if (!shared_->transport) shared_->transport = detail::default_transport();
  if (!shared_->transport) {
    throw configuration_error("client \"" + id() +
                              "\" has no HTTP transport: include <inngest/transport/httplib.hpp> or set "
                              "client_options::transport");
  }
  return shared_->transport;
}

INNGEST_INLINE bool client::has_engine() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->replacement != nullptr;
}

INNGEST_INLINE sent_events client::deliver(std::vector<any_event> events, std::string_view traceparent,
                                           const std::string& env) const {
  for (const any_event& event : events) check_size(event);
  // an engine has its own clock and receives events without delay
  if (!has_engine()) set_missing_times(events);
  const std::string list = list_of(events), seed = seed_with_env(event_id_seed(), env);
  const auto post_them = [&] {
    return sent_events{post(event_request(list, seed, traceparent), names(events), events.size(),
                            settings().send_attempts())};
  };
  const auto& outbox = settings().outbox();
  try {
    if (outbox && !outbox->empty()) {  // keep the order of events
      if (settings().when_unreachable() == unreachable_policy::keep)
        return send_in_turn(list, seed, post_them);
      flush_outbox();
    }
    return post_them();
  } catch (const unreachable& problem) {
    switch (settings().when_unreachable()) {
      case unreachable_policy::fail:
        throw;
      case unreachable_policy::drop:
        log().warn(std::string(problem.what()) + ": dropped");
        break;
      case unreachable_policy::keep:
        set_missing_times(events);
        outbox->keep(list_of(events), seed);
        log().warn(std::string(problem.what()) + ": stored in the outbox");
        break;
    }
    return {};
  }
}

INNGEST_INLINE void client::post_kept(const std::string& list, const std::string& seed) const {
  post(event_request(list, seed, {}), "events of the outbox", 0, settings().send_attempts());
}

INNGEST_INLINE std::string client::list_of(const std::vector<any_event>& events) {
  std::string out = "[";
  for (const any_event& event : events) {
    if (out.size() > 1) out += ',';
    out += event.text();
  }
  return out + ']';
}

INNGEST_INLINE void client::set_missing_times(std::vector<any_event>& events) {
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  for (any_event& event : events) event.set_missing_ts(now);
}

INNGEST_INLINE void client::check_size(const any_event& event) const {
  if (event.text().size() <= settings().limits().event) return;
  throw too_large("event \"" + event.name() + "\" has " + std::to_string(event.text().size()) +
                  " bytes, and a server accepts at most " + std::to_string(settings().limits().event) +
                  ": store large data elsewhere and send a reference to it");
}

INNGEST_INLINE std::vector<std::string> client::post(const http::request& request, const std::string& what,
                                                     std::size_t expected, int attempts) const {
  std::string problem;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    if (attempt > 0) std::this_thread::sleep_for(pause_before(attempt));
    try {
      const http::response answer = transport()->send(request, settings().timeout());
      const bool success = answer.status >= 200 && answer.status < 300;
      if (success) return read_ids(answer, what, expected);
      problem = without_keys(refusal(answer));
      if (answer.status == 401 || answer.status == 403)
        throw unauthorized("the event key was refused: " + problem);
      const bool may_pass = detail::may_pass(answer.status);
      if (!may_pass && expected == 0 && !judges_events(answer.status))
        throw protocol_error("the answer is not from an Inngest server: sending " + what + ": " + problem);
      if (!may_pass)
        throw event_rejected("the server refused " + what + ": " + problem, accepted_ids(answer));
    } catch (const unreachable& failed) {
      problem = failed.what();
    }
  }
  throw unreachable("sending " + what + " failed after " + std::to_string(attempts) +
                    (attempts == 1 ? " attempt: " : " attempts: ") + problem);
}

INNGEST_INLINE bool client::judges_events(int status) {
  return status == 400 || status == 409 || status == 413 || status == 422;
}

INNGEST_INLINE std::string client::seed_with_env(std::string seed, const std::string& env) {
  return env.empty() ? seed : seed + ";" + env;
}

INNGEST_INLINE http::request client::event_request(std::string list, const std::string& seed,
                                                   std::string_view traceparent) const {
  if (settings().event_key().empty() && settings().mode() == mode::cloud && !has_engine()) {
    throw configuration_error(
        "client \"" + id() + "\" has no event key: set INNGEST_EVENT_KEY, or INNGEST_DEV=1 for a dev server");
  }
  const std::string key = settings().event_key().empty() ? "NO_EVENT_KEY_SET" : settings().event_key();
  http::request out{.method = "POST",
                    .url = settings().event_api_base_url() + "/e/" + http::percent_encoded(key),
                    .body = std::move(list)};
  const std::size_t env = seed.find(';');
  if (env != std::string::npos) out.headers.add(protocol::header::environment, seed.substr(env + 1));
  add_common_headers(out.headers);
  out.headers.add(protocol::header::event_id_seed, seed.substr(0, env));
  if (!traceparent.empty()) out.headers.add(protocol::header::traceparent, std::string(traceparent));
  return out;
}

INNGEST_INLINE void client::add_common_headers(http::headers& headers) const {
  if (!headers.find(protocol::header::content_type))
    headers.add(protocol::header::content_type, "application/json");
  headers.add(protocol::header::sdk, protocol::sdk_name);
  headers.add(protocol::header::user_agent, protocol::sdk_name);
  if (!settings().env().empty() && !headers.find(protocol::header::environment))
    headers.add(protocol::header::environment, settings().env());
  if (!settings().platform().empty()) headers.add(protocol::header::platform, settings().platform());
}

INNGEST_INLINE std::string client::event_id_seed() {
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  return std::to_string(now.time_since_epoch().count()) + "," + detail::to_base64(detail::random_bytes<10>());
}

INNGEST_INLINE std::chrono::milliseconds client::pause_before(int attempt) {
  const int base = 100 << (std::min)(attempt - 1, 10);
  return std::chrono::milliseconds(base + detail::random_bytes<1>()[0] * base / 512);  // up to 50 % longer
}

INNGEST_INLINE std::string client::names(const std::vector<any_event>& events) {
  std::string out = "\"" + events.front().name() + "\"";
  if (events.size() > 1) out += " and " + std::to_string(events.size() - 1) + " more";
  return out;
}

INNGEST_INLINE std::string client::refusal(const http::response& answer) {
  const std::string words = protocol::refusal(answer);
  return words.find(' ') == std::string::npos ? words + " (no reason given)" : words;
}

INNGEST_INLINE std::string client::without_keys(std::string text) const {
  constexpr std::string_view hidden = "***";
  const signing_keys keys = this->keys();
  for (const std::string* key : {&settings().event_key(), &keys.current, &keys.fallback}) {
    if (key->empty()) continue;
    for (std::size_t at = 0; (at = text.find(*key, at)) != std::string::npos; at += hidden.size()) {
      text.replace(at, key->size(), hidden);
    }
  }
  return text;
}

INNGEST_INLINE std::vector<std::string> client::accepted_ids(const http::response& answer) {
  try {
    return decode<sent_events>(answer.body).ids;
  } catch (const payload_error&) {
    return {};
  }
}

INNGEST_INLINE std::vector<std::string> client::read_ids(const http::response& answer,
                                                         const std::string& what,
                                                         std::size_t expected) const {
  std::vector<std::string> ids;
  try {
    ids = decode<sent_events>(answer.body).ids;
  } catch (const payload_error& problem) {
    throw protocol_error(std::string("the event API's answer can't be read: ") + problem.what());
  }
  if (ids.size() < expected) {
    throw event_rejected("the server accepted only " + std::to_string(ids.size()) + " of the " +
                             std::to_string(expected) + " events " + what + ": " +
                             without_keys(refusal(answer)),
                         ids);
  }
  return ids;
}

}  // namespace inngest::inline INNGEST_ABI
