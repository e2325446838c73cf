#pragma once

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

/// What a handler's context needs besides the call itself.
struct handler_resources {
  /// The client's logger.
  const logger& log;
  /// The function's dependencies.
  const std::vector<dependency>& of_function;
  /// The client's dependencies.
  const std::vector<dependency>& of_client;
};

/// The handler's logger. It is silent during replay, so each message appears once.
class context_logger {
 public:
  /// Used by basic_context.
  context_logger(const logger& target, const execution::replay& replay) : target_(target), replay_(&replay) {}

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
  const execution::replay* replay_;
};

namespace detail {

/// The type of `ctx.event`: the event itself, or one of several.
template <event_type... Events>
struct context_event {
  using type = one_of<Events...>;
  static type read(std::string_view text, dom_reader read_dom = &detail::read<json>) {
    const std::string name = read_name(text);
    std::optional<type> out;
    ((!out && is_of(Events::name, name) ? void(out = read_event<Events>(text, read_dom)) : void()), ...);
    if (!out) read_unnamed(text, read_dom, out);
    return std::move(*out);
  }

 private:
  /// Whether an event's name is the type's, or matches its pattern, such as "app/user.*".
  static bool is_of(std::string_view type, std::string_view name) {
    return type.ends_with('*') ? name.starts_with(type.substr(0, type.size() - 1)) : type == name;
  }

  static std::string read_name(std::string_view text) {
    json_document document(text);
    for (auto item : document.object()) {
      json_field field = take(item, {});
      if (field.key == "name") return detail::read<std::string>(field.value, json_path("name"));
    }
    return {};
  }

  /// An invoked function's event has the server's name: uses the first type that fits its data.
  static void read_unnamed(std::string_view text, dom_reader read_dom, std::optional<type>& out) {
    std::string problems;
    const auto attempt = [&]<class Event>(std::type_identity<Event>) {
      if (out) return;
      try {
        out = read_event<Event>(text, read_dom);
      } catch (const payload_error& problem) {
        problems += "\n  as " + std::string(Event::name) + ": " + problem.what();
      }
    };
    (attempt(std::type_identity<Events>()), ...);
    if (!out) throw payload_error("data", "fits none of the function's events:" + problems);
  }
};

template <event_type Event>
struct context_event<Event> {
  using type = Event;
  static type read(std::string_view text, dom_reader read_dom = &detail::read<json>) {
    return read_event<Event>(text, read_dom);
  }
};

}  // namespace detail

namespace detail {

/// Reads an event, or one of several, from its JSON object.
template <class Event>
struct event_reader {
  static Event read(std::string_view text) { return context_event<Event>::read(text); }
};
template <event_type... Events>
struct event_reader<one_of<Events...>> {
  static one_of<Events...> read(std::string_view text) { return context_event<Events...>::read(text); }
};

}  // namespace detail

/// The events of a batch, in the server's order. Each event is read on first access, so an event that does
/// not fit its type does not affect the others.
template <class Event>
class event_list {
 public:
  /// `text` is a JSON array that must outlive the list.
  explicit event_list(std::string_view text) : text_(text) {}

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
  const std::vector<std::string_view>& texts() const;
  Event read(std::size_t index) const;

  std::string_view text_;
  mutable std::optional<std::vector<std::string_view>> texts_;
  mutable std::map<std::size_t, Event> single_;  // those read one by one
  mutable std::optional<std::vector<Event>> events_;
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
  /// All attempts, including the first, if the server says so.
  const std::optional<int> max_attempts;

  /// The function's steps.
  inngest::step step;
  /// Parallel branches, races and experiments.
  inngest::group group;
  /// The handler's logger; messages are not repeated when the handler is called again.
  context_logger log;

  /// Asks this call of the handler to stop: at the deadline of its step, when the run has ended (cancelled,
  /// timed out), when the answer is no longer wanted because the connection is lost or another call of the
  /// run has taken over, and when the engine or app stops. No further step begins then. A body that looks at
  /// it may throw or return early: what it throws when the process is to end uses up no attempt of an
  /// engine's. The token is the one that step bodies are given. Nobody can stop a body that does not look at
  /// it.
  [[nodiscard]] inngest::stop_token stop_token() const { return replay_->stop().token(); }

  /// The dependency of the type, from function_options or client_options: see provide().
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
  /// does not wait for it.
  template <class Data>
  void defer(step_options options, const deferred_function<Data>& called, const Data& data) {
    detail::json_object_text text;
    text.add_exact("fn_slug", called.slug())
        .add_raw("input", replay_->transform_deferred(options, encode(data, "data")));
    replay_->record_deferred(
        {.code = protocol::row_of(step_kind::defer).begins_with,
         .id = options.id.hash(),
         .name = options.name.empty() ? std::string(options.id.text()) : options.name,
         .display_name = options.name.empty() ? std::string(options.id.text()) : options.name,
         .user_id = std::string(options.id.text()),
         .options = text.text()});
  }
  /// Like the other overload, without options.
  template <class Data>
  void defer(step_id id, const deferred_function<Data>& called, const Data& data) {
    defer(step_options{.id = id}, called, data);
  }

 private:
  execution::replay* replay_;
  const handler_resources* resources_;
};

/// The argument of a handler: the event that started the run, and the tools for its steps.
template <event_type... Events>
class context : public basic_context {
 public:
  /// The type of `event`: the event's type, or one_of several.
  using event_form = typename detail::context_event<Events...>::type;

  /// Used by the library for each call. \throws payload_error when the event does not fit its type.
  context(execution::replay& replay, const handler_resources& resources)
      : basic_context(replay, resources, detail::shapes_of_events<Events...>()),
        event(detail::context_event<Events...>::read(replay.request().event(), replay.dom_reader())),
        events(replay.request().events()),
        event_text_(replay.request().event()) {}

  /// The event that started the run. With several event types see one_of::match.
  const event_form event;
  /// All events of the run: several with function_options::batch.
  const event_list<event_form> events;
  /// The event's actual name; useful when the trigger is a pattern such as "app/user.*".
  std::string event_name() const { return detail::find_text(event_text_, "name"); }

 private:
  std::string_view event_text_;
};

/// An event that may not fit its type. It is read on access; its text is always available.
///
///     if (ctx.event.fits()) refund(ctx.event->data.orderId);
template <class Event>
class event_on_request {
 public:
  /// `text` is the event as a JSON object, or "null".
  explicit event_on_request(std::string text) : text_(std::move(text)) {}

  /// The event as its type. \throws payload_error naming the member that does not fit.
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

/// The common part of the arguments of on_failure, on_cancel and on_success handlers. These are separate
/// functions with their own steps.
template <event_type... Events>
class ended_run_context : public basic_context {
 public:
  /// Used by the library for each call.
  ended_run_context(execution::replay& replay, const handler_resources& resources)
      : ended_run_context(replay, resources, protocol::lifecycle_event(replay.request().event())) {}

  /// The event that started the ended run: `ctx.event->data`. The run may have failed because the event does
  /// not fit its type.
  const event_on_request<typename detail::context_event<Events...>::type> event;
  /// The id of the ended run.
  const std::string ended_run_id;

 protected:
  /// For derived classes, which read more from the event of the end.
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

  /// The error with which the function failed.
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

  /// The function's result.
  const Output output;

 private:
  success_context(execution::replay& replay, const handler_resources& resources,
                  const protocol::lifecycle_event& ended)
      : ended_run_context<Events...>(replay, resources, ended),
        output(decode<Output>(ended.result(), "data.result")) {}
};

template <class Event>
const std::vector<std::string_view>& event_list<Event>::texts() const {
  if (texts_) return *texts_;
  std::vector<std::string_view> out;
  if (!text_.empty()) {
    detail::json_document document(text_);
    detail::json_value root = document.root(detail::json_path("events"));
    for (auto item : detail::elements_of(root, {})) {
      detail::json_value event = detail::take(item, {});
      out.push_back(detail::raw_text(event, {}));
    }
  }
  return texts_.emplace(std::move(out));
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
