#pragma once

#include <string_view>

#include <inngest/config.hpp>
#include <inngest/detail/fixed_string.hpp>
#include <inngest/json.hpp>

namespace inngest::inline INNGEST_ABI {
namespace detail {

constexpr bool valid_topic_name(std::string_view name) {
  return name.find_first_not_of(" \t\r\n\v\f") != std::string_view::npos;
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
  static_assert(detail::valid_topic_name({Name.text, Name.size()}),
                "inngest: a topic's name must not be blank");

  /// The type of its messages.
  using data_type = Data;
  /// Its name.
  static constexpr std::string_view name{Name.text, Name.size()};
};

/// Whether a type is made from inngest::topic.
template <class T>
inline constexpr bool is_topic = false;
template <detail::fixed_string Name, class Data>
inline constexpr bool is_topic<topic<Name, Data>> = true;

/// Any type made from inngest::topic.
template <class T>
concept topic_type = is_topic<T>;

}  // namespace inngest::inline INNGEST_ABI
