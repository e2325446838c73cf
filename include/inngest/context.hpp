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

namespace inngest {

/// What a handler's context is made of beside the call itself.
struct handler_resources {
  const logger& log;
  const std::vector<dependency>& of_function;
  const std::vector<dependency>& of_client;
};

/// The handler's logger: silent while the handler goes over what happened in earlier calls, so that each
/// message appears once.
class context_logger {
 public:
  context_logger(const logger& target, const execution::replay& replay) : target_(target), replay_(&replay) {}

  void debug(std::string_view message) const { log(log_level::debug, message); }
  void info(std::string_view message) const { log(log_level::info, message); }
  void warn(std::string_view message) const { log(log_level::warn, message); }
  void error(std::string_view message) const { log(log_level::error, message); }
  void log(log_level level, std::string_view message) const {
    if (!replay_->is_replaying()) target_.log(level, message);
  }

 private:
  logger target_;
  const execution::replay* replay_;
};

namespace detail {

/// `ctx.event`: the event itself, or one of several.
template <event_type... Events>
struct context_event {
  using type = one_of<Events...>;
  static type read(std::string_view text) {
    const std::string name = read_name(text);
    std::optional<type> out;
    ((!out && is_of(Events::name, name) ? void(out = read_event<Events>(text)) : void()), ...);
    if (!out) read_unnamed(text, out);
    return std::move(*out);
  }

 private:
  /// Whether an event's name is the type's, or fits its pattern: "app/user.*".
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

  /// An invoked function's event has the server's name: the first type that its data fits.
  static void read_unnamed(std::string_view text, std::optional<type>& out) {
    std::string problems;
    const auto attempt = [&]<class Event>(std::type_identity<Event>) {
      if (out) return;
      try {
        out = read_event<Event>(text);
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
  static type read(std::string_view text) { return read_event<Event>(text); }
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

/// The events of a batch, in the order in which the server gives them. Each is read when it is first asked
/// for, so that one that does not fit its type leaves the others readable.
template <class Event>
class event_list {
 public:
  explicit event_list(std::string_view text) : text_(text) {}

  auto begin() const { return all().begin(); }
  auto end() const { return all().end(); }
  std::size_t size() const { return texts().size(); }
  [[nodiscard]] bool empty() const { return texts().empty(); }
  const Event& front() const { return (*this)[0]; }
  /// \throws payload_error naming the member that does not fit; std::out_of_range.
  const Event& operator[](std::size_t index) const;
  /// An event as JSON text, whether it fits its type or not. \throws std::out_of_range
  std::string_view text(std::size_t index) const { return texts().at(index); }

 private:
  const std::vector<Event>& all() const;
  const std::vector<std::string_view>& texts() const;
  Event read(std::size_t index) const;

  std::string_view text_;
  mutable std::optional<std::vector<std::string_view>> texts_;
  mutable std::map<std::size_t, Event> single_;  // that were asked for one by one
  mutable std::optional<std::vector<Event>> events_;
};

/// What every handler is given.
class basic_context {
 public:
  basic_context(execution::replay& replay, const handler_resources& resources,
                std::span<const detail::event_shape> events = {})
      : run_id(replay.request().run_id()),
        function_id(replay.info().function_id),
        attempt(replay.request().attempt()),
        max_attempts(replay.request().max_attempts()),
        step(replay, events),
        group(replay),
        log(resources.log, replay),
        replay_(&replay),
        resources_(&resources) {}
  basic_context(const basic_context&) = delete;
  basic_context& operator=(const basic_context&) = delete;

  const std::string run_id;
  /// The function's id within the app.
  const std::string function_id;
  /// Which attempt this is, of the step or function that runs now; 0 is the first.
  const int attempt;
  /// Attempts in all, the first included.
  const std::optional<int> max_attempts;

  inngest::step step;
  inngest::group group;
  /// Messages of the handler; not repeated when the handler is called again.
  context_logger log;

  /// Asks this call of the handler to stop: at the deadline of its step, when the run has ended (cancelled,
  /// timed out), when the answer is no longer wanted because the connection is lost or another call of the
  /// run has taken over, and when the engine or app stops. No further step begins then. A body that looks at
  /// it may throw or return early: what it throws when the process is to end uses up no attempt of an
  /// engine's. The token is the one that step bodies are given. Nobody can stop a body that does not look at
  /// it.
  [[nodiscard]] inngest::stop_token stop_token() const { return replay_->stop().token(); }

  /// The value of the type that was given to function_options or client_options: see provide().
  /// \throws configuration_error when there is none.
  template <class T>
  T& get() const {
    for (const auto* all : {&resources_->of_function, &resources_->of_client}) {
      if (void* found = detail::find_dependency(*all, typeid(T))) return *static_cast<T*>(found);
    }
    throw configuration_error("function \"" + function_id + "\" asks for a " +
                              detail::demangle(typeid(T).name()) +
                              ", which was not provided: see inngest::provide()");
  }

  /// Has a deferred function run with the data when this run has ended; the run does not wait for it.
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
  template <class Data>
  void defer(step_id id, const deferred_function<Data>& called, const Data& data) {
    defer(step_options{.id = id}, called, data);
  }

 private:
  execution::replay* replay_;
  const handler_resources* resources_;
};

/// What a handler is given: the event that started the run, and the tools to do its steps.
template <event_type... Events>
class context : public basic_context {
 public:
  using event_form = typename detail::context_event<Events...>::type;

  context(execution::replay& replay, const handler_resources& resources)
      : basic_context(replay, resources, detail::shapes_of_events<Events...>()),
        event(detail::context_event<Events...>::read(replay.request().event())),
        events(replay.request().events()),
        event_text_(replay.request().event()) {}

  /// The event that started the run; with several triggers one of theirs: see one_of::match.
  const event_form event;
  /// All events of the run: more than one with function_options::batch.
  const event_list<event_form> events;
  /// The name that the event came with: of interest where the trigger is a pattern such as "app/user.*".
  std::string event_name() const { return detail::find_text(event_text_, "name"); }

 private:
  std::string_view event_text_;
};

/// An event that may not fit its type: it is read when it is asked for, and its text is there in any case.
///
///     if (ctx.event.fits()) refund(ctx.event->data.orderId);
template <class Event>
class event_on_request {
 public:
  explicit event_on_request(std::string text) : text_(std::move(text)) {}

  /// The event as its type. \throws payload_error naming the member that does not fit.
  const Event& get() const {
    if (!event_) event_ = read();
    return *event_;
  }
  const Event& operator*() const { return get(); }
  const Event* operator->() const { return &get(); }
  /// Whether it fits its type.
  [[nodiscard]] bool fits() const {
    try {
      get();
      return true;
    } catch (const payload_error&) {
      return false;
    }
  }

  /// The whole event as JSON text, as it came; "null" when there is none.
  const std::string& text() const { return text_; }
  /// The same as a value.
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

/// What an ended run has left: given to the handlers of on_failure, on_cancel and on_success, which are
/// functions of their own, with steps of their own.
template <event_type... Events>
class ended_run_context : public basic_context {
 public:
  ended_run_context(execution::replay& replay, const handler_resources& resources)
      : ended_run_context(replay, resources, protocol::lifecycle_event(replay.request().event())) {}

  /// The event that had started the ended run: `ctx.event->data`. The run may have failed because it does not
  /// fit its type.
  const event_on_request<typename detail::context_event<Events...>::type> event;
  const std::string ended_run_id;

 protected:
  ended_run_context(execution::replay& replay, const handler_resources& resources,
                    const protocol::lifecycle_event& ended)
      : basic_context(replay, resources),
        event(ended.event().empty() ? "null" : std::string(ended.event())),
        ended_run_id(ended.run_id()) {}
};

/// What an on_failure handler is given.
template <event_type... Events>
class failure_context : public ended_run_context<Events...> {
 public:
  failure_context(execution::replay& replay, const handler_resources& resources)
      : failure_context(replay, resources, protocol::lifecycle_event(replay.request().event())) {}

  /// What the function failed with.
  const run_error error;

 private:
  failure_context(execution::replay& replay, const handler_resources& resources,
                  const protocol::lifecycle_event& ended)
      : ended_run_context<Events...>(replay, resources, ended), error(ended.error()) {}
};

/// What an on_cancel handler is given.
template <event_type... Events>
class cancel_context : public ended_run_context<Events...> {
 public:
  using ended_run_context<Events...>::ended_run_context;
};

/// What an on_success handler is given.
template <class Output, event_type... Events>
class success_context : public ended_run_context<Events...> {
 public:
  success_context(execution::replay& replay, const handler_resources& resources)
      : success_context(replay, resources, protocol::lifecycle_event(replay.request().event())) {}

  /// What the function returned.
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

}  // namespace inngest
