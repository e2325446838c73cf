#pragma once

#include <concepts>
#include <cstddef>
#include <iterator>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/dependencies.hpp>
#include <inngest/detail/type_name.hpp>
#include <inngest/event.hpp>
#include <inngest/execution/replay.hpp>
#include <inngest/group.hpp>
#include <inngest/log.hpp>
#include <inngest/protocol/lifecycle.hpp>
#include <inngest/protocol/step_kinds.hpp>
#include <inngest/step.hpp>
#include <inngest/stop_token.hpp>

namespace inngest::inline INNGEST_ABI {

/// What a handler's context needs in addition to the call.
struct handler_resources {
  /// The client's logger.
  const logger& log;
  /// The app's id.
  std::string_view app;
  /// The function's dependencies.
  const std::vector<dependency>& of_function;
  /// The client's dependencies.
  const std::vector<dependency>& of_client;
};

/// The handler's logger. It is silent during replay, so a message normally appears once. A retry logs again
/// what the failed attempt logged after the newest result. Before and in parallel branches and started steps,
/// messages may appear again; in branches, they may also be missing. Messages carry the app, the
/// function, the run, the attempt, and the step whose body logs them. An embedded engine also stores messages
/// of level `info` and above with the run: see embedded::engine::logs_of.
class context_logger {
 public:
  /// Used by basic_context.
  context_logger(const handler_resources& resources, const execution::replay& replay)
      : target_(resources.log), app_(resources.app), replay_(&replay) {}

  /// Logs a message with the level `debug`.
  void debug(std::string_view message) const { log(log_level::debug, message); }
  /// Logs a message with the level `info`.
  void info(std::string_view message) const { log(log_level::info, message); }
  /// Logs a message with the level `warn`.
  void warn(std::string_view message) const { log(log_level::warn, message); }
  /// Logs a message with the level `error`.
  void error(std::string_view message) const { log(log_level::error, message); }
  /// Logs a message unless the handler is replaying.
  void log(log_level level, std::string_view message) const;

 private:
  logger target_;
  std::string_view app_;
  const execution::replay* replay_;
};

namespace detail {

/// The type of `ctx.event`: the event itself, or one of several.
template <event_type... Events>
struct context_event {
  using type = one_of<Events...>;
  static type read(json_slice text, event_readers readers = all_event_readers()) {
    const std::string name = read_name(text);
    std::optional<type> out;
    ((!out && is_of(Events::name, name) ? void(out = read_event<Events>(text, readers)) : void()), ...);
    if (!out) read_unnamed(text, readers, out);
    return std::move(*out);
  }

 private:
  /// Whether an event's name is the type's, or matches its pattern, such as "app/user.*".
  static bool is_of(std::string_view type, std::string_view name) {
    return type.ends_with('*') ? name.starts_with(type.substr(0, type.size() - 1)) : type == name;
  }

  static std::string read_name(json_slice text) {
    json_document document(text);
    for (auto item : document.object()) {
      json_field field = take(item, {});
      if (field.key == "name") return detail::read<std::string>(field.value, json_path("name"));
    }
    return {};
  }

  /// The event of an invoked function has the server's name, so this reads it as the first type that fits its
  /// data.
  static void read_unnamed(json_slice text, event_readers readers, std::optional<type>& out) {
    std::string problems;
    const auto attempt = [&]<class Event>(std::type_identity<Event>) {
      if (out) return;
      try {
        out = read_event<Event>(text, readers);
      } catch (const payload_error& problem) {
        problems += "\n  as " + std::string(Event::name) + ": " + problem.what();
      }
    };
    (attempt(std::type_identity<Events>()), ...);
    if (!out) throw payload_error("data", "fits none of the function's event types:" + problems);
  }
};

template <event_type Event>
struct context_event<Event> {
  using type = Event;
  static type read(json_slice text, event_readers readers = all_event_readers()) {
    return read_event<Event>(text, readers);
  }
};

}  // namespace detail

namespace detail {

/// Reads an event, or one of several, from its JSON object.
template <class Event>
struct event_reader {
  static Event read(json_slice text) { return context_event<Event>::read(text); }
};
template <event_type... Events>
struct event_reader<one_of<Events...>> {
  static one_of<Events...> read(json_slice text) { return context_event<Events...>::read(text); }
};

/// The elements of a JSON array of events.
std::vector<json_slice> texts_of_events(json_slice events);

}  // namespace detail

/// The events of a batch, in the server's order. Each event is read when it is first accessed, so an event
/// that does not fit its type does not affect the others.
template <class Event>
class event_list {
 public:
  /// Used by the library. `text` is a JSON array that must outlive the list.
  explicit event_list(detail::json_slice text) : text_(text) {}

  /// Reads all events. \throws payload_error
  auto begin() const { return all().begin(); }
  /// Reads all events. \throws payload_error
  auto end() const { return all().end(); }
  /// The number of events.
  std::size_t size() const { return texts().size(); }
  /// Whether there are no events.
  [[nodiscard]] bool empty() const { return texts().empty(); }
  /// The first event. \throws payload_error, std::out_of_range
  const Event& front() const { return (*this)[0]; }
  /// The event at the index. \throws payload_error naming the event and the member that does not fit;
  /// std::out_of_range.
  const Event& operator[](std::size_t index) const;
  /// The event as JSON text, even if it does not fit its type. \throws std::out_of_range
  std::string_view text(std::size_t index) const { return texts().at(index); }

 private:
  const std::vector<Event>& all() const;
  const std::vector<detail::json_slice>& texts() const;
  Event read(std::size_t index) const;

  detail::json_slice text_;
  mutable std::optional<std::vector<detail::json_slice>> texts_;
  mutable std::map<std::size_t, Event> single_;  // events that were read individually
  mutable std::optional<std::vector<Event>> events_;
};

/// Options of basic_context::defer.
struct defer_options {
  /// Sessions of the deferred run, in addition to those that it inherits.
  event_meta meta{};
  /// The variant that the deferred function scores: see deferred_parent.
  std::optional<experiment_ref> experiment{};
};

/// Refers to a deferred call. It must not outlive the call of the handler that created it.
class deferred_handle {
 public:
  /// Used by basic_context::defer.
  deferred_handle(execution::replay& replay, protocol::operation added, std::string slug)
      : replay_(&replay), added_(std::move(added)), slug_(std::move(slug)) {}

  /// Withdraws the deferred call. Does nothing once the deferred run has started.
  void abort() const { replay_->abort_deferred(added_, slug_); }

 private:
  execution::replay* replay_;
  protocol::operation added_;
  std::string slug_;
};

/// The part of a context that does not depend on event types.
class basic_context {
 public:
  /// Used by the library for each call.
  basic_context(execution::replay& replay, const handler_resources& resources,
                std::span<const detail::event_shape> events = {});
  basic_context(const basic_context&) = delete;
  basic_context& operator=(const basic_context&) = delete;

  /// The run's id, assigned by the server.
  const std::string run_id;
  /// The function's id within the app.
  const std::string function_id;
  /// The number of earlier failed attempts of the current step or function: 0 for the first attempt.
  const int attempt;
  /// The maximum number of attempts, including the first; `nullopt` if the server does not send it.
  const std::optional<int> max_attempts;

  /// The function's steps.
  inngest::step step;
  /// Parallel branches, races and experiments.
  inngest::group group;
  /// The handler's logger: see context_logger.
  context_logger log;

  /// Asks this call of the handler to stop. It is signalled when the deadline of the step passes, when the
  /// run has ended (cancelled or timed out), when the answer is no longer needed because the connection is
  /// lost or another call has taken over the run, and when the engine or app stops. No further step begins
  /// after that.
  ///
  /// A body that checks the token may throw or return early. With an embedded engine, an exception that a
  /// body throws because the process is stopping does not count as a failed attempt. Step bodies receive the
  /// same token. A body that does not check it cannot be stopped.
  [[nodiscard]] inngest::stop_token stop_token() const { return replay_->stop().token(); }

  /// The server's id of this call, for support requests; empty when the server sends none. See also
  /// `job_id()`, `run_id` and `attempt`.
  [[nodiscard]] std::string_view request_id() const { return replay_->info().request_id; }
  /// The server's id of the queue item behind this call; empty when the server sends none.
  [[nodiscard]] std::string_view job_id() const { return replay_->info().job_id; }

  /// The run's sessions: the ones that all of its events share. Events that its steps send and runs that they
  /// start inherit these sessions; see event_meta and client_options::session_propagation.
  [[nodiscard]] const std::vector<session>& sessions() const { return replay_->sessions(); }

  /// The W3C `traceparent` for your own requests and spans. With the middleware tracing() it is that of the
  /// span open on this thread; otherwise that of the server's request. Empty when there is neither.
  [[nodiscard]] std::string traceparent() const { return replay_->traceparent(); }

  /// Returns the dependency of this type, from function_options or client_options: see provide().
  /// \throws configuration_error when none was provided.
  template <class T>
  T& get() const {
    for (const auto* all : {&resources_->of_function, &resources_->of_client}) {
      if (void* found = detail::find_dependency(*all, typeid(T))) return *static_cast<T*>(found);
    }
    throw configuration_error("function \"" + function_id + "\" asks for a " +
                              detail::demangle(typeid(T).name()) +
                              ", which was not provided: see inngest::provide()");
  }

  /// Runs a deferred function with the data after this run has ended, whether it completed or failed. The run
  /// does not wait for it. Use each id only once per run.
  /// \throws payload_error for invalid sessions.
  template <class Data>
  deferred_handle defer(step_options options, const deferred_function<Data>& called, const Data& data,
                        const defer_options& more = {}) {
    return defer_text(options, called.slug(), encode(data, "data"), more);
  }
  /// Like the other overload, without options.
  template <class Data>
  deferred_handle defer(step_id id, const deferred_function<Data>& called, const Data& data,
                        const defer_options& more = {}) {
    return defer_text(step_options{.id = id}, called.slug(), encode(data, "data"), more);
  }

  /// Adds a score to the running step; outside of steps, to the run. In a step, the score becomes part of the
  /// step's result. Outside of steps it is sent immediately, and again each time the handler is called:
  /// prefer step.score there.
  /// \throws configuration_error for an invalid name or value; outside of steps also unauthorized,
  /// request_rejected, unreachable.
  void score(const std::string& name, const score_value& value);
  /// Stores values with the running step; outside of steps, with the run: see score(). `values` is a JSON
  /// object of at most 64 KB. In a step, an embedded engine leaves out what exceeds a limit, and logs a
  /// warning: see docs/embedding.md.
  /// \throws configuration_error for an invalid kind or values; outside of steps also unauthorized,
  /// request_rejected, unreachable.
  void set_metadata(const std::string& kind, const json& values,
                    metadata_change change = metadata_change::set);

  /// Tags the run, so that an embedded engine can find it: `ctx.tag("customer", id)` and `run_query{.tags =
  /// {{"customer", "c-17"}}}`. Setting a tag again replaces its value. A tag belongs to the run even when a
  /// step sets it. It is sent immediately as metadata of the kind "tags", and again each time the handler or
  /// step is called; an Inngest server shows it in the run's metadata. To tag runs by their event, use
  /// function_options::tags.
  /// \param name 1 to 64 bytes, without a colon. \param value At most 256 bytes.
  /// \throws configuration_error for an invalid name or value; unauthorized, request_rejected, unreachable.
  void tag(std::string_view name, std::string_view value);
  /// Like tag() above, for an integer or a bool ("true" or "false").
  template <std::integral Value>
  void tag(std::string_view name, Value value) {
    if constexpr (std::is_same_v<Value, bool>) {
      tag(name, std::string_view(value ? "true" : "false"));
    } else {
      tag(name, std::string_view(std::to_string(value)));
    }
  }

 private:
  deferred_handle defer_text(const step_options& options, const std::string& slug, std::string data,
                             const defer_options& more);
  void add_metadata(const std::string& kind, metadata_change change, const std::string& values);

  execution::replay* replay_;
  const handler_resources* resources_;
};

/// The argument of a handler: the event that started the run, and the tools to run steps.
template <event_type... Events>
class context : public basic_context {
 public:
  /// The type of `event`: the event's type, or one_of several.
  using event_form = typename detail::context_event<Events...>::type;

  /// Used by the library for each call. \throws payload_error when the event does not fit its type.
  context(execution::replay& replay, const handler_resources& resources)
      : basic_context(replay, resources, detail::shapes_of_events<Events...>()),
        events(replay.request().events()),
        event_text_(replay.request().event()),
        event(read_first(replay, event_text_)) {}

  /// All events of the run; more than one only with function_options::batch.
  const event_list<event_form> events;

 private:
  /// Reads the event with the text. One malformed event must not keep the handler from the others of a batch,
  /// so the first of those that fits takes its place.
  static event_form read_first(const execution::replay& replay, detail::json_slice& text) {
    const auto read = [&](detail::json_slice from) {
      return detail::context_event<Events...>::read(from, replay.event_readers());
    };
    try {
      return read(text);
    } catch (const payload_error&) {
      const auto all = detail::texts_of_events(replay.request().events());
      for (std::size_t i = 1; i < all.size(); ++i) {
        try {
          event_form out = read(all[i]);
          text = all[i];
          return out;
        } catch (const payload_error&) {
        }
      }
      throw;
    }
  }

  detail::json_slice event_text_;

 public:
  /// The event that started the run; of a batch, the first that fits its type. For several event types see
  /// one_of::match.
  const event_form event;
  /// The name of the event as sent; useful when the trigger is a pattern such as "app/user.*".
  std::string event_name() const { return detail::find_text(event_text_, "name"); }
};

/// An event that may not fit its type. It is read when accessed; its JSON text is always available.
///
///     if (ctx.event.fits()) refund(ctx.event->data.orderId);
template <class Event>
class event_on_request {
 public:
  /// `text` is the event as a JSON object, or "null".
  explicit event_on_request(std::string text) : text_(std::move(text)) {}

  /// The event as its type.
  /// \throws payload_error naming the member that does not fit.
  const Event& get() const {
    if (!event_) event_ = read();
    return *event_;
  }
  /// The same as get().
  const Event& operator*() const { return get(); }
  /// The same as get().
  const Event* operator->() const { return &get(); }
  /// Whether the event fits its type.
  [[nodiscard]] bool fits() const {
    try {
      get();
      return true;
    } catch (const payload_error&) {
      return false;
    }
  }

  /// The event as JSON text, as received; "null" when there is none.
  const std::string& text() const { return text_; }
  /// The event as a JSON value.
  json to_json() const { return detail::parse_dom(text_); }

 private:
  Event read() const {
    if (text_ == "null") throw payload_error("data.event", "the ended run's event is missing");
    const detail::json_buffer buffer(text_);
    return detail::event_reader<Event>::read(buffer.text());
  }

  std::string text_;
  mutable std::optional<Event> event_;
};

/// The common base of the contexts of on_failure, on_cancel and on_success handlers. These handlers are
/// separate functions with their own steps.
template <event_type... Events>
class ended_run_context : public basic_context {
 public:
  /// Used by the library for each call.
  ended_run_context(execution::replay& replay, const handler_resources& resources)
      : ended_run_context(replay, resources, protocol::lifecycle_event(replay.request().event())) {}

  /// The event that started the ended run: `ctx.event->data`. It is read on access, because the run may have
  /// failed when the event did not fit its type.
  const event_on_request<typename detail::context_event<Events...>::type> event;
  /// The id of the ended run.
  const std::string ended_run_id;

 protected:
  /// For derived classes, which read more members of the event.
  ended_run_context(execution::replay& replay, const handler_resources& resources,
                    const protocol::lifecycle_event& ended)
      : basic_context(replay, resources),
        event(ended.event().empty() ? "null" : std::string(ended.event())),
        ended_run_id(ended.run_id()) {}
};

/// The argument of an on_failure handler.
template <event_type... Events>
class failure_context : public ended_run_context<Events...> {
 public:
  /// Used by the library for each call.
  failure_context(execution::replay& replay, const handler_resources& resources)
      : failure_context(replay, resources, protocol::lifecycle_event(replay.request().event())) {}

  /// The error with which the run failed.
  const run_error error;

 private:
  failure_context(execution::replay& replay, const handler_resources& resources,
                  const protocol::lifecycle_event& ended)
      : ended_run_context<Events...>(replay, resources, ended), error(ended.error()) {}
};

/// The argument of an on_cancel handler.
template <event_type... Events>
class cancel_context : public ended_run_context<Events...> {
 public:
  using ended_run_context<Events...>::ended_run_context;
};

/// The argument of an on_success handler.
template <class Output, event_type... Events>
class success_context : public ended_run_context<Events...> {
 public:
  /// Used by the library for each call.
  success_context(execution::replay& replay, const handler_resources& resources)
      : success_context(replay, resources, protocol::lifecycle_event(replay.request().event())) {}

  /// The result of the completed run, read through the middleware: see middleware::wrap_step.
  const Output output;

 private:
  success_context(execution::replay& replay, const handler_resources& resources,
                  const protocol::lifecycle_event& ended)
      : ended_run_context<Events...>(replay, resources, ended),
        output(decode<Output>(replay.read_output(ended.result()), "data.result")) {}
};

/// The run that deferred a function.
struct deferred_parent {
  /// The slug of that run's function: the app's id, a hyphen and the function's id.
  std::string function_slug;
  /// The run's id, for client::score.
  std::string run_id;
  /// See defer_options::experiment.
  std::optional<experiment_ref> experiment{};
};

namespace detail {

/// Reads the parent from a deferred function's event.
/// \throws payload_error when the server did not name it.
deferred_parent read_deferred_parent(std::string_view event);

}  // namespace detail

/// The parent of a deferred function's run. With function_options::batch, the parent of the event at `index`.
///
///     app.create_deferred_function<Answer>({.id = "judge"}, [&](inngest::context<inngest::deferred<Answer>>&
///     ctx) {
///       app.score(inngest::parent_of(ctx).run_id, "quality", ctx.step.run("judge", [&] { ... }));
///     });
///
/// \throws payload_error when the server did not name it; std::out_of_range.
template <class Data>
deferred_parent parent_of(const context<deferred<Data>>& ctx, std::size_t index = 0) {
  return detail::read_deferred_parent(ctx.events.text(index));
}

template <class Event>
const std::vector<detail::json_slice>& event_list<Event>::texts() const {
  if (texts_) return *texts_;
  return texts_.emplace(detail::texts_of_events(text_));
}

template <class Event>
Event event_list<Event>::read(std::size_t index) const {
  try {
    return detail::event_reader<Event>::read(texts().at(index));
  } catch (const payload_error& problem) {
    throw payload_error("events[" + std::to_string(index) + "]." + problem.path(), problem.problem());
  }
}

template <class Event>
const Event& event_list<Event>::operator[](std::size_t index) const {
  if (events_) return events_->at(index);
  const auto found = single_.find(index);
  return found != single_.end() ? found->second : single_.emplace(index, read(index)).first->second;
}

template <class Event>
const std::vector<Event>& event_list<Event>::all() const {
  if (events_) return *events_;
  std::vector<Event> out;
  out.reserve(size());
  for (std::size_t i = 0; i < size(); ++i) out.push_back(read(i));
  return events_.emplace(std::move(out));
}

}  // namespace inngest::inline INNGEST_ABI

#if !defined(INNGEST_COMPILED)
#include <inngest/impl/context.ipp>
#endif
