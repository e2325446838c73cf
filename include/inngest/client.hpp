#pragma once

#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <exception>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/context.hpp>
#include <inngest/detail/copyable.hpp>
#include <inngest/detail/crypto.hpp>
#include <inngest/detail/reserved_events.hpp>
#include <inngest/detail/result_traits.hpp>
#include <inngest/detail/slug.hpp>
#include <inngest/event.hpp>
#include <inngest/function.hpp>
#include <inngest/http.hpp>
#include <inngest/options/detail/check_options.hpp>
#include <inngest/protocol/api.hpp>
#include <inngest/protocol/headers.hpp>
#include <inngest/protocol/metadata.hpp>
#include <inngest/protocol/signature.hpp>
#include <inngest/settings.hpp>
#include <inngest/topic.hpp>
#include <inngest/trigger.hpp>

namespace inngest::inline INNGEST_ABI {
namespace detail {

/// The transport for a client whose options name none; null when the program includes no transport. The
/// compiled library has its own.
std::shared_ptr<http::transport> default_transport();

#if !defined(INNGEST_COMPILED)
/// Set by the header of the default transport, because not every source file includes that header.
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
      "on_success inngest::success_context<Output, MyEvent>. If it does, its body has an error: see the "
      "first "
      "message");
  static constexpr bool may_throw = !std::is_nothrow_invocable_v<Handler&, Context&>;
  static_assert(may_throw,
                "inngest: a handler must not be noexcept: a step without a result leaves it by an exception");

  using returned = returned_by_t<Handler, Context&>;
  static_assert(json_result<returned>,
                "inngest: a handler's result is stored as JSON: declare its type with "
                "INNGEST_FIELDS(Type, members...), or give it nlohmann's to_json and from_json");
  static constexpr bool valid = takes_context && may_throw && json_result<returned>;
  using output = result_form_t<returned>;
};

/// Erases the types of a handler and its context.
template <class Context, class Handler>
any_function::handler_type erase_handler(Handler handler) {
  using traits = handler_traits<Handler, Context>;
  return copyable([handler = std::move(handler)](execution::replay& replay,
                                                 const handler_resources& resources,
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
  });
}

/// How a run ended, for the handler of that end.
enum class run_end { failed, cancelled, finished };
constexpr const char* name_of(run_end end) {
  return end == run_end::failed ? "on_failure" : end == run_end::cancelled ? "on_cancel" : "on_success";
}
template <run_end End, class Handler>
struct end_handler {
  Handler handler;
  std::optional<int> retries;
};

/// The context type of the handler for an end.
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

/// Makes the function that runs after another function's run has ended.
any_function end_handler_of(const std::string& app_id, const function_options& options, run_end end,
                            std::optional<int> retries, any_function::handler_type handler);

}  // namespace detail

/// Options of an on_failure, on_cancel or on_success handler.
struct end_options {
  /// How often the handler itself is retried: 0 to 20. Default: once.
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
  /// Signs requests, and is tried first when a signature is checked. May be empty.
  std::string current{};
  /// A second key that is accepted when a signature is checked. May be empty.
  std::string fallback{};
};

/// Options of one call of client::send or client::send_signal.
struct send_options {
  /// The environment to send to. Default: client_options::env.
  std::string env{};
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
  /// \throws configuration_error for options that a server would reject.
  template <class... Events, class Handler, detail::run_end... Ends, class... EndHandlers>
  [[nodiscard]] auto create_function(function_options options, trigger<Events...> trigger, Handler handler,
                                     detail::end_handler<Ends, EndHandlers>... at_end) const {
    using output = typename detail::handler_traits<Handler, context<Events...>>::output;
    const auto shapes = detail::shapes_of_events<Events...>();
    shared_->check(*shared_, options, trigger.definitions, shapes, {{Ends, at_end.retries}...});
    std::vector<any_function> end_handlers;
    (end_handlers.push_back(detail::end_handler_of(
         id(), options, Ends, at_end.retries,
         detail::erase_handler<typename detail::end_context<Ends, output, Events...>::type>(
             std::move(at_end.handler)))),
     ...);
    return function<output, Events...>(id(), std::move(options), std::move(trigger.definitions),
                                       detail::erase_handler<context<Events...>>(std::move(handler)),
                                       std::move(end_handlers), false, shapes);
  }

  /// Creates a function that runs after other runs: see basic_context::defer. Its handler takes
  /// `inngest::context<inngest::deferred<Data>>&`.
  /// \throws configuration_error for options that a server would reject.
  template <json_convertible Data, class Handler>
  [[nodiscard]] deferred_function<Data> create_deferred_function(function_options options,
                                                                 Handler handler) const {
    trigger_definition trigger{.event = detail::reserved_event::deferred};
    trigger.expression = "event.data._inngest.fn_slug == '" + detail::slug_of(id(), options.id) + "'";
    const std::vector<trigger_definition> triggers{std::move(trigger)};
    const auto shapes = detail::shapes_of_events<deferred<Data>>();
    shared_->check(*shared_, options, triggers, shapes, {});
    return deferred_function<Data>(id(), std::move(options), triggers,
                                   detail::erase_handler<context<deferred<Data>>>(std::move(handler)), {},
                                   false, shapes);
  }

  // ---- events and signals -----------------------------------------------------------------------------

  /// Sends an event and returns the id that the server assigned. Makes up to client_options::send_attempts
  /// attempts. When no server answers, client_options::when_unreachable decides what happens to the event; an
  /// event that is dropped or stored for later has no id.
  /// \throws event_rejected, too_large, unauthorized, unreachable, configuration_error, protocol_error.
  sent_events send(const any_event& event, const send_options& options = {}) const {
    return send(std::vector<any_event>{event}, options);
  }

  /// Sends events of any types in one request: `app.send({Created{...}, Deleted{...}})`.
  sent_events send(std::initializer_list<any_event> events, const send_options& options = {}) const;
  /// Sends events of any types in one request. If a handler of this client calls it on its own thread, the
  /// events inherit the run's sessions, like those of step.send_event. Unlike that step, it sends the events
  /// each time the handler is called.
  sent_events send(const std::vector<any_event>& events, const send_options& options = {}) const;

  /// Sends events through the given middleware, on behalf of a call's step. Used by steps.
  sent_events send(std::vector<any_event> events, const execution::hooks& hooks, const call_info* sender,
                   const send_options& options = {}) const;

  /// Sends events in a single attempt, regardless of client_options::send_attempts and when_unreachable.
  /// Stores nothing when no server answers. For callers that store events themselves, such as sql_relay.
  /// \throws like send().
  sent_events send_once(std::vector<any_event> events) const;

  /// Sends the events in the outbox, in order. send() also does this before it sends new events.
  /// \throws unreachable when no server answers; unauthorized; protocol_error.
  void flush_outbox() const;

  /// Wakes the run that waits for the signal and returns the run's id, or `nullopt` when no run waits for it.
  /// \throws payload_error for a blank name or data that can't be written; unauthorized, request_rejected,
  /// unreachable.
  template <json_writable Data = json>
  std::optional<std::string> send_signal(const std::string& signal, const Data& data = {},
                                         const send_options& options = {}) const {
    return send_signal_text(protocol::signal_request(signal, encode(data, "data")), options);
  }

  /// Publishes a message to the subscribers of the channel's topic. In a handler of this client's app, on the
  /// handler's thread, the message belongs to the run.
  /// \throws payload_error for a blank channel or topic, or data that can't be written; unauthorized,
  /// request_rejected, unreachable.
  template <json_writable Data>
  void publish(const std::string& channel, const std::string& topic, const Data& data) const {
    publish_text(channel, topic, encode(data, "data"));
  }

  /// Publishes a message to the subscribers of the channel: `app.publish<Progress>(channel, {.percent =
  /// 40})`.
  /// \throws unauthorized, request_rejected, unreachable.
  template <topic_type Topic>
  void publish(const std::string& channel, const typename Topic::data_type& data) const {
    publish(channel, std::string(Topic::name), data);
  }

  /// The same for a typed channel, which must have the topic: `app.publish<Progress>(Import{id}, {...})`.
  template <topic_type Topic, channel_type Channel>
  void publish(const Channel& channel, const typename Topic::data_type& data) const {
    static_assert(Channel::template has<Topic>, "inngest: this inngest::channel does not have the topic");
    publish(channel.name(), std::string(Topic::name), data);
  }

  /// Adds a score to a run.
  /// \throws configuration_error for an invalid name or value, unauthorized, request_rejected, unreachable.
  template <std::convertible_to<std::string> RunId>
  void score(const RunId& run_id, const std::string& name, const score_value& value) const {
    score(metadata_target{.run_id = run_id}, name, value);
  }
  /// Adds a score to a run or a step: `app.score({.run_id = run, .step_id = "draft"}, "quality", 0.9)`. If
  /// the target names an experiment's variant, the score counts for that variant.
  void score(const metadata_target& target, const std::string& name, const score_value& value,
             const std::optional<experiment_ref>& experiment = {}) const;

  /// Stores your own values with a run, a step, an attempt or a span; the server shows them. `values` is a
  /// JSON object.
  /// \throws configuration_error for an incomplete target, unauthorized, request_rejected, unreachable.
  void set_metadata(const metadata_target& target, const std::string& kind, const json& values,
                    metadata_change change = metadata_change::set) const;

  // ---- the server's API -------------------------------------------------------------------------------

  /// Calls the server's API with the signing key, and again with the fallback key if the server refuses the
  /// first. `url` of the request is a path. Any status is returned as an answer.
  /// \throws unreachable when no server answers.
  http::response call_api(http::request request) const {
    return call_api(std::move(request), settings().timeout());
  }
  /// Like call_api() above, with this timeout instead of client_options::timeout.
  http::response call_api(http::request request, std::chrono::milliseconds timeout) const;

  /// Sends a request to the server's API unchanged, without a key, and passes on the answer as it arrives:
  /// see http::transport::stream. `url` of the request is a path.
  void stream_api(http::request request, const http::streaming& handlers) const;

  /// The current signing keys.
  [[nodiscard]] signing_keys keys() const;
  /// Replaces the signing keys of this client and its copies, even while they serve requests. To rotate keys,
  /// set the new key as `current` and the old one as `fallback`, and remove the old one once no server uses
  /// it. White space around keys is ignored.
  /// \throws configuration_error for a malformed key.
  void set_keys(signing_keys keys) const;

  /// Replaces the transport of this client and its copies until restore_transport(). An embedded engine uses
  /// this to act as the server. \throws configuration_error when the transport is already replaced.
  void replace_transport(std::shared_ptr<http::transport> transport) const;
  /// Ends replace_transport().
  void restore_transport() const;

  /// Whether an embedded engine of this process serves the client.
  bool has_engine() const;

 private:
  struct state {
    using retries_of_ends = std::vector<std::pair<detail::run_end, std::optional<int>>>;

    explicit state(client_options options);

    /// Checks the options of a function, and logs warnings. \throws configuration_error when one is invalid.
    static void check_options(const state& self, const function_options& options,
                              const std::vector<trigger_definition>& triggers,
                              std::span<const detail::event_shape> events, const retries_of_ends& retries);

    /// A pointer, so that in header-only use only files that create a client contain the checks and the
    /// expression parser; files that only define functions do not.
    decltype(&check_options) const check;
    const inngest::settings settings;
    const execution::hooks hooks;
    std::mutex mutex;  // guards the members below
    signing_keys keys;
    std::shared_ptr<http::transport> transport;
    std::shared_ptr<http::transport> replacement;
  };

  std::shared_ptr<http::transport> transport() const;

  // ---- sending ----------------------------------------------------------------------------------------

  void publish_text(const std::string& channel, const std::string& topic, std::string data) const;

  void send_metadata(const metadata_target& target, const std::string& metadata, const char* what) const;

  /// As call_api(). In a handler the request may be about its own run, which the server of an endpoint may
  /// not know yet.
  http::response call_api_in_run(http::request request) const;

  /// The run of this client's app whose handler runs on this thread; null for none.
  execution::replay* run_on_this_thread() const;

  static std::string checked_env(const send_options& options);

  std::optional<std::string> send_signal_text(http::request request, const send_options& options) const;

  /// Calls `deliver` through the middleware.
  template <class Deliver>
  sent_events send_through(std::vector<any_event>& events, const execution::hooks& hooks,
                           const call_info* sender, const Deliver& deliver) const {
    if (events.empty()) return {};
    hooks.for_each([&](middleware& layer) { layer.transform_send_event(sender, events); });
    if (events.empty()) return {};  // middleware has removed them
    return hooks.template wrap<sent_events>(
        [&](middleware& layer, next_call<sent_events> next) {
          return layer.wrap_send_event(sender, events, next);
        },
        deliver);
  }

  sent_events deliver(std::vector<any_event> events, std::string_view traceparent,
                      const std::string& env) const;

  /// Appends events to the outbox and sends everything in it. If another thread is already sending, that
  /// thread also sends these events, so this call does not wait for the server.
  /// \throws what `post` throws, except unreachable; the events are then not stored.
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
        } catch (...) {  // reported to the caller, so the outbox must not store it
          refused = std::current_exception();
        }
      });
      if (!by_us) log().info("events were added to the outbox, after those that another thread is sending");
    } catch (const error& problem) {
      log().warn(std::string(problem.what()) + ": stored in the outbox");
    }
    if (refused) std::rethrow_exception(refused);
    return sent;
  }

  void post_kept(const std::string& list, const std::string& seed) const;

  static std::string list_of(const std::vector<any_event>& events);

  static void set_missing_times(std::vector<any_event>& events);

  void check_size(const any_event& event) const;

  /// Posts a list of events, and retries while no server answers. `expected` is the number of ids that the
  /// answer must have; 0 if unknown.
  std::vector<std::string> post(const http::request& request, const std::string& what, std::size_t expected,
                                int attempts) const;

  /// Whether the status says that the server judged the events. A proxy's error page or another server's 404
  /// does not.
  static bool judges_events(int status);

  http::request event_request(std::string list, const std::string& seed, std::string_view traceparent) const;

  /// The seed with the events' environment, since the outbox stores both as one text.
  static std::string seed_with_env(std::string seed, const std::string& env);

  void add_common_headers(http::headers& headers) const;

  /// A repeated request with the same seed creates no duplicate events.
  static std::string event_id_seed();

  static std::chrono::milliseconds pause_before(int attempt);

  static std::string names(const std::vector<any_event>& events);

  static std::string refusal(const http::response& answer);

  /// Removes keys from a server's message, which may quote the requested URL and so the event key.
  std::string without_keys(std::string text) const;

  static std::vector<std::string> accepted_ids(const http::response& answer);

  std::vector<std::string> read_ids(const http::response& answer, const std::string& what,
                                    std::size_t expected) const;

  std::shared_ptr<state> shared_;
};

}  // namespace inngest::inline INNGEST_ABI

#if !defined(INNGEST_COMPILED)
#include <inngest/impl/client.ipp>
#endif
