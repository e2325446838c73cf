#pragma once

#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/detail/fixed_string.hpp>
#include <inngest/json.hpp>

namespace inngest::inline INNGEST_ABI {
namespace detail {

/// The number of parameters in a channel's pattern, such as "import:{id}"; -1 when a brace is unmatched or a
/// parameter has no name.
constexpr int channel_parameters(std::string_view pattern) {
  int out = 0;
  for (std::size_t at = 0; (at = pattern.find_first_of("{}", at)) != std::string_view::npos; ++out) {
    const std::size_t end = pattern.find_first_of("{}", at + 1);
    if (pattern[at] == '}' || end == std::string_view::npos || pattern[end] == '{' || end == at + 1)
      return -1;
    at = end + 1;
  }
  return out;
}

}  // namespace detail

/// A topic of a realtime channel: its name and the type of its messages, both known at compile time.
///
///     struct Progress { int percent = 0; };
///     INNGEST_FIELDS(Progress, percent)
///     using ImportProgress = inngest::topic<"progress", Progress>;
///
///     ctx.step.publish<ImportProgress>("report", "import:" + id, {.percent = 40});
template <detail::fixed_string Name, json_writable Data = json>
struct topic {
  static_assert(!detail::is_blank({Name.text, Name.size()}), "inngest: a topic's name must not be blank");

  /// The type of the topic's messages.
  using data_type = Data;
  /// The topic's name.
  static constexpr std::string_view name{Name.text, Name.size()};
};

/// Whether a type is an inngest::topic.
template <class T>
inline constexpr bool is_topic = false;
template <detail::fixed_string Name, class Data>
inline constexpr bool is_topic<topic<Name, Data>> = true;

/// Any inngest::topic.
template <class T>
concept topic_type = is_topic<T>;

/// The type of a parameter in a channel's name: text or an integer.
template <class T>
concept channel_value = std::convertible_to<const T&, std::string_view> ||
    (std::integral<T> && !std::same_as<T, bool>);

/// A realtime channel: the pattern of its name, and its topics. A value of this type is one channel, and
/// converts to the channel's name:
///
///     using ImportProgress = inngest::topic<"progress", Progress>;
///     using ImportLog = inngest::topic<"log", std::string>;
///     using Import = inngest::channel<"import:{id}", ImportProgress, ImportLog>;
///
///     ctx.step.publish<ImportProgress>("report", Import{id}, {.percent = 40});  // on the channel "import:7"
///
/// A channel takes one argument for each parameter in braces, in the order of the pattern. A pattern without
/// parameters names one channel: `Alerts{}`.
template <detail::fixed_string Pattern, topic_type... Topics>
class channel {
  static constexpr std::string_view pattern{Pattern.text, Pattern.size()};
  static constexpr int parameters = detail::channel_parameters(pattern);
  static_assert(!detail::is_blank(pattern), "inngest: a channel's name must not be blank");
  static_assert(parameters >= 0,
                "inngest: the parameters of a channel's name are names in braces: \"run:{id}\"");

 public:
  /// The channel with these parameter values.
  template <channel_value... Values>
  explicit channel(const Values&... values) {
    static_assert(sizeof...(Values) == static_cast<std::size_t>(parameters),
                  "inngest: a channel needs one argument for each {parameter} of its name");
    std::string_view rest = pattern;
    (add(rest, values), ...);
    name_ += rest;
  }

  /// The channel's name.
  const std::string& name() const { return name_; }
  /// Returns by value, because a reference into a temporary channel would dangle.
  operator std::string() const { return name_; }  // NOLINT(google-explicit-constructor)

  /// Whether the channel has the topic.
  template <class Topic>
  static constexpr bool has = (std::same_as<Topic, Topics> || ...);

  /// The names of the channel's topics.
  static std::vector<std::string> topics() { return {std::string(Topics::name)...}; }

 private:
  template <class Value>
  void add(std::string_view& rest, const Value& value) {
    name_ += rest.substr(0, rest.find('{'));
    if constexpr (std::integral<Value>)
      name_ += std::to_string(value);
    else
      name_ += std::string_view(value);
    rest.remove_prefix(rest.find('}') + 1);
  }

  std::string name_{};
};

/// Whether a type is an inngest::channel.
template <class T>
inline constexpr bool is_channel = false;
template <detail::fixed_string Pattern, class... Topics>
inline constexpr bool is_channel<channel<Pattern, Topics...>> = true;

/// Any inngest::channel.
template <class T>
concept channel_type = is_channel<T>;

}  // namespace inngest::inline INNGEST_ABI
