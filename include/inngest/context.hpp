#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <inngest/event.hpp>
#include <inngest/execution/replay.hpp>
#include <inngest/group.hpp>
#include <inngest/log.hpp>
#include <inngest/step.hpp>

namespace inngest {

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
    ((!out && Events::name == name ? void(out = read_event<Events>(text)) : void()), ...);
    if (!out) read_unnamed(text, out);
    return std::move(*out);
  }

 private:
  static std::string read_name(std::string_view text) {
    json_document document(text);
    for (auto item : document.object()) {
      simdjson::ondemand::field each = take(std::move(item), {});
      if (take(each.unescaped_key(), {}) == "name")
        return detail::read<std::string>(each.value(), json_path("name"));
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

/// What a handler is given: the event that started the run, and the tools to do its steps.
template <event_type... Events>
class context {
 public:
  context(execution::replay& replay, const logger& target, std::string_view function)
      : event(detail::context_event<Events...>::read(replay.request().event())),
        run_id(replay.request().run_id()),
        function_id(function),
        attempt(replay.request().attempt()),
        max_attempts(replay.request().max_attempts()),
        step(replay),
        group(replay),
        log(target, replay) {}
  context(const context&) = delete;
  context& operator=(const context&) = delete;

  /// The event that started the run; with several triggers one of theirs: see one_of::match.
  const typename detail::context_event<Events...>::type event;
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
};

}  // namespace inngest
