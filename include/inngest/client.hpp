#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <exception>
#include <functional>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/context.hpp>
#include <inngest/detail/crypto.hpp>
#include <inngest/detail/result_traits.hpp>
#include <inngest/event.hpp>
#include <inngest/function.hpp>
#include <inngest/http.hpp>
#include <inngest/options/detail/check_options.hpp>
#include <inngest/protocol/api.hpp>
#include <inngest/protocol/headers.hpp>
#include <inngest/protocol/signature.hpp>
#include <inngest/settings.hpp>
#include <inngest/trigger.hpp>

namespace inngest {
namespace detail {

/// A transport for a client that is given none; null when there is none. A compiled library knows its own.
std::shared_ptr<http::transport> default_transport();

#if !defined(INNGEST_COMPILED)
/// Set by the header of a transport that is to be the default: not all sources of a program include it.
inline constinit std::atomic<std::shared_ptr<http::transport> (*)()> default_transport_maker = nullptr;

inline std::shared_ptr<http::transport> default_transport() {
  const auto make = default_transport_maker.load();
  return make != nullptr ? make() : nullptr;
}
#endif

/// Checks a handler with readable compile errors, and finds its result type.
template <class Handler, class Context>
struct handler_traits {
  static constexpr bool takes_context = std::invocable<Handler&, Context&>;
  static_assert(
      takes_context,
      "inngest: the handler must take the context of its trigger's events: "
      "[](inngest::context<MyEvent>& ctx) { ... } for on<MyEvent>(), or [](auto& ctx) { ... }; one of "
      "on_failure takes inngest::failure_context<MyEvent>&, of on_cancel inngest::cancel_context, of "
      "on_success inngest::success_context<Output, MyEvent>");
  static constexpr bool may_throw = !std::is_nothrow_invocable_v<Handler&, Context&>;
  static_assert(may_throw,
                "inngest: a handler must not be noexcept: a step without a result leaves it by an exception");

  using returned = returned_by_t<Handler, Context&>;
  static_assert(json_result<returned>,
                "inngest: a handler's result is kept as JSON: declare its type with "
                "INNGEST_FIELDS(Type, members...), or give it nlohmann's to_json and from_json");
  static constexpr bool valid = takes_context && may_throw && json_result<returned>;
  using output = result_form_t<returned>;
};

/// Erases the types of a handler and its context.
template <class Context, class Handler>
any_function::handler_type erase_handler(Handler handler) {
  using traits = handler_traits<Handler, Context>;
  return [handler = std::move(handler)](execution::replay& replay, const handler_resources& resources,
                                        std::string& result) mutable {
    if constexpr (traits::valid) {
      Context ctx(replay, resources);
      if constexpr (std::is_void_v<typename traits::returned>) {
        handler(ctx);
        result = "null";
      } else {
        encode_to(result, handler(ctx), "result");
      }
    }
  };
}

/// The kind of end that a handler is for.
enum class run_end { failed, cancelled, finished };
constexpr const char* name_of(run_end end) {
  return end == run_end::failed ? "on_failure" : end == run_end::cancelled ? "on_cancel" : "on_success";
}
template <run_end End, class Handler>
struct end_handler {
  Handler handler;
  std::optional<int> retries;
};

/// The context of the handler for an end.
template <run_end End, class Output, event_type... Events>
struct end_context {
  using type = failure_context<Events...>;
};
template <class Output, event_type... Events>
struct end_context<run_end::cancelled, Output, Events...> {
  using type = cancel_context<Events...>;
};
template <class Output, event_type... Events>
struct end_context<run_end::finished, Output, Events...> {
  using type = success_context<std::conditional_t<std::is_void_v<Output>, std::monostate, Output>, Events...>;
};

/// Makes the function that runs when another function's run ends.
inline any_function companion_of(const std::string& app_id, const function_options& options, run_end end,
                                 std::optional<int> retries, any_function::handler_type handler) {
  const char* suffix = end == run_end::failed ? "failure" : end == run_end::cancelled ? "cancel" : "success";
  const char* event = end == run_end::failed      ? "inngest/function.failed"
                      : end == run_end::cancelled ? "inngest/function.cancelled"
                                                  : "inngest/function.finished";
  std::string expression = "event.data.function_id == '" + app_id + "-" + options.id + "'";
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

}  // namespace detail

/// Options of an on_failure, on_cancel or on_success handler.
struct end_options {
  /// How often the handler itself is retried: 0 to 20.
  std::optional<int> retries = 1;
};

/// Runs a handler when a run of the function has failed permanently. Pass it to create_function after the
/// function's handler:
///
///     app.create_function({.id = "charge"}, inngest::on<Order>(), charge,
///                         inngest::on_failure([](inngest::failure_context<Order>& ctx) { refund(ctx); }));
///
/// It is a separate function with the id `ID-failure`, started by the server's event about the failure.
template <class Handler>
[[nodiscard]] auto on_failure(Handler handler, const end_options& options = {}) {
  return detail::end_handler<detail::run_end::failed, Handler>{std::move(handler), options.retries};
}
/// Like on_failure(), for a run that was cancelled: `ID-cancel`.
template <class Handler>
[[nodiscard]] auto on_cancel(Handler handler, const end_options& options = {}) {
  return detail::end_handler<detail::run_end::cancelled, Handler>{std::move(handler), options.retries};
}
/// Like on_failure(), for a run that has completed: `ID-success`.
template <class Handler>
[[nodiscard]] auto on_success(Handler handler, const end_options& options = {}) {
  return detail::end_handler<detail::run_end::finished, Handler>{std::move(handler), options.retries};
}

/// The keys that sign requests and answers between server and app.
struct signing_keys {
  /// The key for signing, and the first one for checking; may be empty.
  std::string current{};
  /// A second key for checking; may be empty.
  std::string fallback{};
};

/// An app: creates functions and sends events. Copies share one state. Thread-safe.
class client {
 public:
  /// \throws configuration_error for invalid options or environment variables.
  explicit client(client_options options) : shared_(std::make_shared<state>(std::move(options))) {}

  /// The app's id.
  const std::string& id() const { return shared_->settings.id(); }
  /// The options with defaults filled in. Keys may have changed since: see keys().
  const inngest::settings& settings() const { return shared_->settings; }
  /// The client's logger.
  const logger& log() const { return shared_->settings.log(); }

  // ---- functions ------------------------------------------------------------------------------------

  /// Creates a durable function from its options, its trigger and its handler. Handlers for the end of runs
  /// may follow: on_failure(), on_cancel(), on_success().
  ///
  ///     auto greet = app.create_function({.id = "greet", .retries = 3}, inngest::on<SignedUp>(),
  ///                                      [](inngest::context<SignedUp>& ctx) {
  ///                                        ctx.step.run("send-mail", [&] { mail(ctx.event.data.address); });
  ///                                      });
  ///
  /// The handler is stored and may be called from many threads concurrently.
  /// \throws configuration_error for options that a server would refuse.
  template <class... Events, class Handler, detail::run_end... Ends, class... EndHandlers>
  [[nodiscard]] auto create_function(function_options options, trigger<Events...> trigger, Handler handler,
                                     detail::end_handler<Ends, EndHandlers>... at_end) const {
    using output = typename detail::handler_traits<Handler, context<Events...>>::output;
    const detail::option_check check(options, trigger.definitions, detail::shapes_of_events<Events...>());
    check.run();
    (check.check_retries(detail::name_of(Ends) + std::string(": retries"), at_end.retries), ...);
    if (const std::string warning = check.warning(); !warning.empty()) log().warn(warning);
    std::vector<any_function> companions;
    (companions.push_back(detail::companion_of(
         id(), options, Ends, at_end.retries,
         detail::erase_handler<typename detail::end_context<Ends, output, Events...>::type>(
             std::move(at_end.handler)))),
     ...);
    return function<output, Events...>(id(), std::move(options), std::move(trigger.definitions),
                                       detail::erase_handler<context<Events...>>(std::move(handler)),
                                       std::move(companions));
  }

  /// Creates a function that runs after other runs: see basic_context::defer. Its handler takes
  /// `inngest::context<inngest::deferred<Data>>&`.
  /// \throws configuration_error for options that a server would refuse.
  template <json_convertible Data, class Handler>
  [[nodiscard]] deferred_function<Data> create_deferred_function(function_options options,
                                                                 Handler handler) const {
    trigger_definition trigger{.event = "inngest/deferred.schedule"};
    trigger.expression = "event.data._inngest.fn_slug == '" + id() + "-" + options.id + "'";
    const std::vector<trigger_definition> triggers{std::move(trigger)};
    detail::option_check(options, triggers, detail::shapes_of_events<deferred<Data>>()).run();
    return deferred_function<Data>(id(), std::move(options), triggers,
                                   detail::erase_handler<context<deferred<Data>>>(std::move(handler)));
  }

  // ---- events and signals -----------------------------------------------------------------------------

  /// Sends an event and returns the id assigned by the server. Retries client_options::send_attempts times.
  /// client_options::when_unreachable decides what happens when no server answers; an event that is dropped
  /// or kept has no id. \throws event_rejected, too_large, unauthorized, unreachable, configuration_error,
  /// protocol_error.
  sent_events send(const any_event& event) const { return send(std::vector<any_event>{event}); }

  /// Sends events of any types in one request: `app.send({Created{...}, Deleted{...}})`.
  sent_events send(std::initializer_list<any_event> events) const {
    return send(std::vector<any_event>(events));
  }
  /// Sends events of any types in one request.
  sent_events send(const std::vector<any_event>& events) const { return send(events, shared_->hooks, {}); }

  /// Sends events through the given middleware, as part of a trace. Used by steps.
  sent_events send(std::vector<any_event> events, const execution::hooks& hooks,
                   std::string_view traceparent) const {
    if (events.empty()) return {};
    hooks.each([&](middleware& one) { one.transform_send_event(events); });
    return hooks.template wrap<sent_events>(
        [&](middleware& one, next_call<sent_events> next) { return one.wrap_send_event(events, next); },
        [&] { return deliver(events, traceparent); });
  }

  /// Sends the events in the outbox, in order. send() does this, too, before it sends new events.
  /// \throws unreachable when no server answers.
  void flush_outbox() const {
    const auto& outbox = settings().outbox();
    if (!outbox) return;
    outbox->flush([&](const std::string& events, const std::string& seed) { post_kept(events, seed); });
  }

  /// Wakes the run that waits for the signal and returns the run's id; `nullopt` when no run waits.
  /// \throws unauthorized, request_rejected, unreachable.
  template <json_writable Data = json>
  std::optional<std::string> send_signal(const std::string& signal, const Data& data = {}) const {
    return protocol::read_signal_answer(call_api(protocol::signal_request(signal, encode(data, "data"))));
  }

  /// Publishes a message to the subscribers of the channel's topic.
  /// \throws unauthorized, request_rejected, unreachable.
  template <json_writable Data>
  void publish(const std::string& channel, const std::string& topic, const Data& data) const {
    protocol::expect_success(call_api(protocol::publish_request(channel, topic, {}, encode(data, "data"))),
                             "publishing to \"" + channel + "\"");
  }

  /// Adds a score to a run.
  /// \throws configuration_error for an invalid name, unauthorized, request_rejected, unreachable.
  void score(const std::string& run_id, const std::string& name, double value) const {
    const auto metadata =
        protocol::metadata_object({}, "inngest.score", "merge", protocol::score_values(name, value));
    protocol::expect_success(call_api(protocol::metadata_request(run_id, {}, metadata)),
                             "scoring run \"" + run_id + "\"");
  }

  // ---- the server's API -------------------------------------------------------------------------------

  /// Calls the server's API with the signing key, and again with the fallback key if the first was refused.
  /// The request's `url` is a path. Any status is returned as an answer. \throws unreachable when no server
  /// answers.
  http::response call_api(http::request request) const {
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
      answer = transport()->send(request, settings().timeout());
    }
    return answer;
  }

  /// The current signing keys.
  [[nodiscard]] signing_keys keys() const {
    const std::lock_guard lock(shared_->mutex);
    return shared_->keys;
  }
  /// Replaces the signing keys of this client and its copies, even while they serve. To rotate keys, set the
  /// new key as `current` and the old one as `fallback`, and remove the old one when no server uses it any
  /// more. White space around keys is ignored. \throws configuration_error for a malformed key.
  void set_keys(signing_keys keys) const {
    keys.current = detail::checked_key("the current signing key", keys.current);
    keys.fallback = detail::checked_key("the fallback signing key", keys.fallback);
    const std::lock_guard lock(shared_->mutex);
    shared_->keys = std::move(keys);
  }

  /// Replaces the transport of this client and its copies until restore_transport(). An embedded engine uses
  /// this to act as the server. \throws configuration_error when the transport is already replaced.
  void replace_transport(std::shared_ptr<http::transport> transport) const {
    const std::lock_guard lock(shared_->mutex);
    if (shared_->replacement) throw configuration_error("client \"" + id() + "\" has an engine already");
    shared_->replacement = std::move(transport);
  }
  /// Ends replace_transport().
  void restore_transport() const {
    const std::lock_guard lock(shared_->mutex);
    shared_->replacement = nullptr;
  }

 private:
  struct state {
    explicit state(client_options options)
        : settings(std::move(options)),
          hooks(settings.middleware(), {}),
          keys{settings.signing_key(), settings.signing_key_fallback()},
          transport(settings.transport()) {}
    const inngest::settings settings;
    const execution::hooks hooks;
    std::mutex mutex;  // guards the members below
    signing_keys keys;
    std::shared_ptr<http::transport> transport;
    std::shared_ptr<http::transport> replacement;
  };

  std::shared_ptr<http::transport> transport() const {
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

  bool has_engine() const {
    const std::lock_guard lock(shared_->mutex);
    return shared_->replacement != nullptr;
  }

  // ---- sending ----------------------------------------------------------------------------------------

  sent_events deliver(std::vector<any_event> events, std::string_view traceparent) const {
    for (const any_event& event : events) check_size(event);
    // an engine has its own clock, and events do not wait on their way to it
    if (!has_engine()) set_missing_times(events);
    const std::string list = list_of(events), seed = event_id_seed();
    const auto post_them = [&] {
      return sent_events{post(event_request(list, seed, traceparent), names(events), events.size())};
    };
    const auto& outbox = settings().outbox();
    try {
      if (outbox && !outbox->empty()) {  // the order must hold
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
          log().warn(std::string(problem.what()) + ": kept in the outbox");
          break;
      }
      return {};
    }
  }

  /// Appends events to the outbox and sends everything in it. If another thread is sending, that thread sends
  /// these, too, so this call does not wait for the server.
  /// \throws what `post` throws, except unreachable; then the events are not kept.
  template <class Post>
  sent_events send_in_turn(const std::string& list, const std::string& seed, Post post) const {
    const auto& outbox = settings().outbox();
    try {
      outbox->keep(list, seed);
    } catch (const error&) {  // the outbox or the disk is full: make room
      flush_outbox();
      return post();
    }
    sent_events sent;
    std::exception_ptr refused;
    try {
      const bool by_us = outbox->try_flush([&](const std::string& kept, const std::string& its_seed) {
        if (its_seed != seed) return post_kept(kept, its_seed);
        try {
          sent = post();
        } catch (const unreachable&) {
          throw;
        } catch (...) {  // reported to the caller, so it is not kept
          refused = std::current_exception();
        }
      });
      if (!by_us) log().info("events were added to the outbox, behind those that another thread is sending");
    } catch (const error& problem) {
      log().warn(std::string(problem.what()) + ": kept in the outbox");
    }
    if (refused) std::rethrow_exception(refused);
    return sent;
  }

  void post_kept(const std::string& list, const std::string& seed) const {
    post(event_request(list, seed, {}), "events of the outbox", 0);
  }

  static std::string list_of(const std::vector<any_event>& events) {
    std::string out = "[";
    for (const any_event& event : events) {
      if (out.size() > 1) out += ',';
      out += event.text();
    }
    return out + ']';
  }

  static void set_missing_times(std::vector<any_event>& events) {
    const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    for (any_event& event : events) event.set_missing_ts(now);
  }

  void check_size(const any_event& event) const {
    if (event.text().size() <= settings().limits().event) return;
    throw too_large("event \"" + event.name() + "\" has " + std::to_string(event.text().size()) +
                    " bytes, and a server takes at most " + std::to_string(settings().limits().event) +
                    ": store large data elsewhere and send a reference to it");
  }

  /// Posts a list of events, with retries while no server answers. `expected` is the number of ids that must
  /// be returned; 0 if it is not known.
  std::vector<std::string> post(const http::request& request, const std::string& what,
                                std::size_t expected) const {
    std::string problem;
    for (int attempt = 0; attempt < settings().send_attempts(); ++attempt) {
      if (attempt > 0) std::this_thread::sleep_for(pause_before(attempt));
      try {
        const http::response answer = transport()->send(request, settings().timeout());
        const bool success = answer.status >= 200 && answer.status < 300;
        if (success) return read_ids(answer, what, expected);
        problem = without_keys(refusal(answer));
        if (answer.status == 401 || answer.status == 403)
          throw unauthorized("the event key was refused: " + problem);
        const bool may_pass = answer.status >= 500 || answer.status == 429 || answer.status == 408;
        if (!may_pass && expected == 0 && !judges_events(answer.status))
          throw protocol_error("the answer is not from an Inngest server: sending " + what + ": " + problem);
        if (!may_pass)
          throw event_rejected("the server refused " + what + ": " + problem, accepted_ids(answer));
      } catch (const unreachable& failed) {
        problem = failed.what();
      }
    }
    throw unreachable("sending " + what + " failed after " + std::to_string(settings().send_attempts()) +
                      " attempts: " + problem);
  }

  /// Whether the status is a judgement of the events. A proxy's page or another server's 404 is not.
  static bool judges_events(int status) {
    return status == 400 || status == 409 || status == 413 || status == 422;
  }

  http::request event_request(std::string list, const std::string& seed, std::string_view traceparent) const {
    if (settings().event_key().empty() && settings().mode() == mode::cloud && !has_engine()) {
      throw configuration_error(
          "client \"" + id() +
          "\" has no event key: set INNGEST_EVENT_KEY, or INNGEST_DEV=1 for a dev server");
    }
    const std::string key = settings().event_key().empty() ? "NO_EVENT_KEY_SET" : settings().event_key();
    http::request out{.method = "POST",
                      .url = settings().event_api_base_url() + "/e/" + http::percent_encoded(key),
                      .body = std::move(list)};
    add_common_headers(out.headers);
    out.headers.add(protocol::header::event_id_seed, seed);
    if (!traceparent.empty()) out.headers.add(protocol::header::traceparent, std::string(traceparent));
    return out;
  }

  void add_common_headers(http::headers& headers) const {
    if (!headers.find(protocol::header::content_type))
      headers.add(protocol::header::content_type, "application/json");
    headers.add(protocol::header::sdk, protocol::sdk_name);
    headers.add(protocol::header::user_agent, protocol::sdk_name);
    if (!settings().env().empty()) headers.add(protocol::header::environment, settings().env());
  }

  /// With the same seed, a repeated request creates no duplicate events.
  static std::string event_id_seed() {
    const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    return std::to_string(now.time_since_epoch().count()) + "," +
           detail::to_base64(detail::random_bytes<10>());
  }

  static std::chrono::milliseconds pause_before(int attempt) {
    const int base = 100 << (std::min)(attempt - 1, 10);
    return std::chrono::milliseconds(base + detail::random_bytes<1>()[0] * base / 512);  // up to 50 % longer
  }

  static std::string names(const std::vector<any_event>& events) {
    std::string out = "\"" + events.front().name() + "\"";
    if (events.size() > 1) out += " and " + std::to_string(events.size() - 1) + " more";
    return out;
  }

  static std::string refusal(const http::response& answer) {
    const std::string words = protocol::refusal(answer);
    return words.find(' ') == std::string::npos ? words + " (no reason given)" : words;
  }

  /// Removes keys from a server's message, which may repeat the requested URL and so the event key.
  std::string without_keys(std::string text) const {
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

  static std::vector<std::string> accepted_ids(const http::response& answer) {
    try {
      return decode<sent_events>(answer.body).ids;
    } catch (const payload_error&) {
      return {};
    }
  }

  std::vector<std::string> read_ids(const http::response& answer, const std::string& what,
                                    std::size_t expected) const {
    std::vector<std::string> ids;
    try {
      ids = decode<sent_events>(answer.body).ids;
    } catch (const payload_error& problem) {
      throw protocol_error(std::string("the event API's answer can't be read: ") + problem.what());
    }
    if (ids.size() < expected) {
      throw event_rejected("the server took " + std::to_string(ids.size()) + " of the " +
                               std::to_string(expected) + " events " + what + ": " +
                               without_keys(refusal(answer)),
                           ids);
    }
    return ids;
  }

  std::shared_ptr<state> shared_;
};

}  // namespace inngest
