#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/fixed_string.hpp>
#include <inngest/detail/reserved_events.hpp>
#include <inngest/detail/utf8.hpp>
#include <inngest/fwd.hpp>
#include <inngest/json.hpp>
#include <inngest/json/detail/shape.hpp>
#include <inngest/json/detail/text.hpp>
#include <inngest/time/duration.hpp>
#include <inngest/time/timestamp.hpp>

namespace inngest::inline INNGEST_ABI {
namespace detail {

/// Whether an Inngest server accepts the text as an event's name: 1 to 512 bytes. Spaces and control
/// characters are rejected, since they are always mistakes.
constexpr bool valid_event_name(std::string_view name) {
  if (name.empty() || name.size() > 512) return false;
  for (const char c : name) {
    if (static_cast<unsigned char>(c) <= ' ' || c == '\x7f' || c == '"' || c == '\\') return false;
  }
  return true;
}

/// An event's data is a JSON object on the wire.
template <class Data>
concept event_data = json_convertible<Data> &&
    (kind_of<Data>() == json_kind::fields || kind_of<Data>() == json_kind::dom ||
     kind_of<Data>() == json_kind::mapping || kind_of<Data>() == json_kind::converted ||
     types_of<Data>() == json_types::object);

}  // namespace detail

/// A session of an event. Servers group runs by the sessions of the events that start them.
struct session {
  /// The kind of session, such as "conversation": 1 to 128 bytes.
  std::string key;
  /// The session's id: 1 to 512 bytes. An empty optional removes the session that the event would inherit
  /// from the run that sends it.
  std::optional<std::string> id{};

  /// Whether key and id are equal.
  bool operator==(const session&) const = default;
};

/// An event's settings for the server, in addition to its data.
struct event_meta {
  /// At most five sessions: `.meta = {.sessions = {{"conversation", "c1"}}}`.
  std::vector<session> sessions{};
  /// Whether the event inherits no sessions from the run that sends it. Can't be combined with `sessions`.
  bool clear_sessions = false;
};

/// An event: a name and typed data, both known at compile time.
///
///     struct BrandAsset { std::string assetId, url; };
///     INNGEST_FIELDS(BrandAsset, assetId, url)
///     using BrandIngested = inngest::event<"brand.knowledge.ingested", BrandAsset>;
///
///     app.send(BrandIngested{{.assetId = "a1", .url = "https://example.com/logo.png"}});
///
/// Without a data type it carries any JSON object. A name has up to 512 bytes, but servers refuse triggers
/// and cancel_on with names of more than 255.
template <detail::fixed_string Name, class Data = json>
struct event {
  static_assert(detail::valid_event_name({Name.text, Name.size()}),
                "inngest: an event name must have 1 to 512 characters and no spaces, quotes or backslashes");
  static_assert(detail::event_data<Data>,
                "inngest: an event's data must be a type that is a JSON object: declare it with "
                "INNGEST_FIELDS(Type, members...), or give it nlohmann's to_json and from_json");

  /// The payload's type.
  using data_type = Data;
  /// The event's name.
  static constexpr std::string_view name{Name.text, Name.size()};

  /// The payload.
  Data data{};
  /// For deduplication: the server drops further events with the same id for 24 hours.
  std::optional<std::string> id{};
  /// When the event happened. Default: the time of sending.
  std::optional<timestamp> ts{};
  /// Data about the user, separate from `data`.
  json user = nullptr;
  /// The version of the payload.
  std::optional<std::string> v{};
  /// The sessions.
  event_meta meta{};
};

/// The data of a cron trigger's event.
struct scheduled_data {
  /// The schedule that fired.
  std::optional<std::string> cron{};
  /// The scheduled time.
  std::optional<timestamp> scheduled_at{};
  /// With jitter, the time at which the run was actually started.
  std::optional<timestamp> fire_at{};
};
INNGEST_CAMEL_FIELDS(scheduled_data, cron, scheduled_at, fire_at)
/// The event of a cron trigger.
using scheduled_timer = event<detail::reserved_event::scheduled, scheduled_data>;

/// The event of a deferred function: see basic_context::defer.
template <class Data = json>
using deferred = event<detail::reserved_event::deferred, Data>;

/// The event of a function that other runs invoke and no event starts: see on_invoke().
template <class Data = json>
using invoked = event<detail::reserved_event::invoked, Data>;

/// One of several events: the type of `ctx.event` in a function with several triggers.
template <event_type... Events>
class one_of : public std::variant<Events...> {
 public:
  using std::variant<Events...>::variant;

  /// The name of the contained event's type.
  std::string_view name() const {
    return std::visit([](const auto& event) { return std::decay_t<decltype(event)>::name; }, variant());
  }

  /// Calls the handler for the contained event; there must be a handler for every event.
  ///
  ///     ctx.event.match([](const Created& e) { ... }, [](const Deleted& e) { ... });
  template <class... Handlers>
  decltype(auto) match(Handlers&&... handlers) const {
    using visitor = overloaded<std::decay_t<Handlers>...>;
    constexpr bool complete = (std::is_invocable_v<visitor&, const Events&> && ...);
    static_assert(complete, "inngest: match() needs a handler for each of the function's events");
    if constexpr (complete) {
      visitor all{std::forward<Handlers>(handlers)...};
      return std::visit(all, variant());
    }
  }

 private:
  template <class... Handlers>
  struct overloaded : Handlers... {
    explicit overloaded(Handlers... handlers) : Handlers(std::move(handlers))... {}
    using Handlers::operator()...;
  };

  const std::variant<Events...>& variant() const { return *this; }
};

/// An event of any type as JSON, ready to be sent. Every event converts to it, so a list may mix types:
/// `app.send({Created{...}, Deleted{...}})`.
class any_event {
 public:
  /// \throws payload_error for data that can't be written as JSON or fail the type's `validate`, and for
  /// invalid sessions.
  template <event_type Event>
  any_event(const Event& event) : name_(Event::name) {
    write(event);
    static_assert(
        !Event::name.starts_with("inngest/"),
        "inngest: names that start with \"inngest/\" are the server's own: such an event can't be sent");
    static_assert(Event::name.find('*') == std::string_view::npos,
                  "inngest: an event name with * is a pattern to trigger on: it can't be sent");
  }

  /// An event whose name is known only at run time.
  /// \throws configuration_error for an invalid name, payload_error for data that are not an object and for
  /// invalid sessions.
  any_event(std::string name, const json& data, const event_meta& meta = {});

  /// The event's name.
  const std::string& name() const { return name_; }
  /// The event as JSON text.
  const std::string& text() const { return text_; }
  /// Its data as JSON text.
  std::string_view data() const { return std::string_view(text_).substr(data_begin_, data_size_); }
  /// Replaces the data, for middleware. \throws payload_error when `object` is not a JSON object.
  void set_data(std::string_view object);
  /// Sets the event's time if it has none.
  void set_missing_ts(timestamp happened);
  /// Adds the sessions of the run that sends the event, as a JSON object; the event's own sessions take
  /// precedence. An event that was read from text keeps those that it has. Used by steps.
  void set_propagated_sessions(std::string_view object);
  /// The event's id; empty when the server will assign one.
  std::string id() const;
  /// Sets the id of an event that has none.
  void set_id(std::string_view id);
  /// Reads an event from JSON text, such as text() of an event in another process. Unknown members are
  /// dropped.
  /// \throws payload_error for text that is not an event, configuration_error for an invalid name.
  static any_event from_text(std::string_view text);

 private:
  any_event() = default;  // for from_text()
  static void check_name(std::string_view name);
  void begin(std::string_view name);
  void write_meta(const event_meta& meta);
  /// Copies the members of another event's `meta`, which is JSON or empty.
  void copy_meta(std::string_view meta);

  template <class Event>
  void write(const Event& event) {
    begin(name_);
    encode_to(text_, event.data, "data");
    if (text_.compare(data_begin_, std::string::npos, "null") == 0)
      text_.replace(data_begin_, 4, "{}");  // a default-constructed json
    if (text_[data_begin_] != '{') throw payload_error("data", "an event's data must be a JSON object");
    data_size_ = text_.size() - data_begin_;
    if (event.id) encode_to(text_ += ",\"id\":", *event.id, "id");
    has_ts_ = event.ts.has_value();
    if (event.ts) encode_to(text_ += ",\"ts\":", event.ts->time_since_epoch().count(), "ts");
    if (!event.user.is_null()) encode_to(text_ += ",\"user\":", event.user, "user");
    if (event.v) encode_to(text_ += ",\"v\":", *event.v, "v");
    write_meta(event.meta);
    text_ += '}';
  }

  std::string name_;
  std::string text_;
  std::size_t data_begin_ = 0;
  std::size_t data_size_ = 0;
  std::size_t meta_end_ = 0;  // position of the closing brace of `meta`; 0 for none
  bool has_ts_ = false;
  bool has_propagated_sessions_ = false;
};

namespace detail {

/// The data members that expressions may use. The server's own events have more members than the C++ types.
template <event_type Event>
constexpr event_shape shape_of_event() {
  constexpr bool data_is_whole =
      !Event::name.starts_with("inngest/") || Event::name == reserved_event::deferred ||
      Event::name == reserved_event::invoked || std::is_same_v<Event, scheduled_timer>;
  using data = std::conditional_t<data_is_whole, typename Event::data_type, json>;
  return {Event::name, &shape_of<data>};
}

template <event_type... Events>
std::span<const event_shape> shapes_of_events() {
  static constexpr std::array<event_shape, sizeof...(Events)> all{shape_of_event<Events>()...};
  return all;
}

}  // namespace detail

/// The ids that the server assigned to sent events.
struct sent_events {
  /// In the order of sending; empty for events that were dropped or stored for later.
  std::vector<std::string> ids;
};
INNGEST_FIELDS(sent_events, ids)

namespace detail {

/// The sessions as the member `sessions` of an event's meta; empty for none.
/// \throws payload_error for invalid sessions.
std::string sessions_text(const event_meta& meta);

/// Reads the meta of a received event. Ignores unknown members.
void read_meta(json_value& value, event_meta& out);

/// The data of a deferred call without the members that the server and the SDK added.
std::string without_deferred_members(json_value& data);

/// Readers of the rarer members of events, as pointers: see execution::step_functions.
struct event_readers {
  json (*dom)(json_value&, const json_path&);
  void (*meta)(json_value&, event_meta&);
};
constexpr event_readers all_event_readers() { return {&read<json>, &read_meta}; }

/// Reads an event of the type from its JSON object. The name is not compared, because an invoked function's
/// event has the server's name and the function's data.
template <event_type Event>
Event read_event(json_object object, event_readers readers = all_event_readers()) {
  using data_type = typename Event::data_type;
  Event event;
  // The server adds a member of its own to the data of an invoke. A type that takes any members, such as a
  // map, does not get it; a JSON document is read as it came, as in other SDKs.
  constexpr bool takes_any_members =
      !has_only_declared_members<data_type>() && kind_of<data_type>() != json_kind::dom;
  bool has_data = false, is_invoked = false;
  json_slice open_data;
  const json_path at;
  for (auto item : object) {
    json_field field = take(item, at);
    const std::string_view key = field.key;
    json_value& value = field.value;
    if (key == "data") {
      if (type_of(value, at) == json_type::null) continue;
      if constexpr (Event::name == reserved_event::deferred)
        event.data = decode<data_type>(without_deferred_members(value), "data");
      else if constexpr (takes_any_members)
        open_data = raw_text(value, at);
      else
        event.data = read<data_type>(value, json_path("data"));
      has_data = true;
    } else if (takes_any_members && key == "name") {
      is_invoked = read<std::optional<std::string>>(value, at) == reserved_event::invoked;
    } else if (key == "id") {
      event.id = read<std::optional<std::string>>(value, json_path("id"));
    } else if (key == "ts") {
      const auto ts = read<std::optional<std::int64_t>>(value, json_path("ts"));
      if (ts) event.ts = timestamp(std::chrono::milliseconds(*ts));
    } else if (key == "user") {
      event.user = readers.dom(value, json_path("user"));
    } else if (key == "v") {
      event.v = read<std::optional<std::string>>(value, json_path("v"));
    } else if (key == "meta") {
      readers.meta(value, event.meta);
    }
  }
  if (!has_data) event.data = decode<data_type>("{}", "data");
  if (!open_data.empty()) {
    event.data = is_invoked
                     ? decode<data_type>(without_member(open_data, "_inngest", json_path("data")), "data")
                     : decode<data_type>(open_data, "data");
  }
  return event;
}

template <event_type Event>
Event read_event(json_slice text, event_readers readers = all_event_readers()) {
  json_document document(text);
  return read_event<Event>(document.object(), readers);
}

}  // namespace detail
}  // namespace inngest::inline INNGEST_ABI

#if !defined(INNGEST_COMPILED)
#include <inngest/impl/event.ipp>
#endif
