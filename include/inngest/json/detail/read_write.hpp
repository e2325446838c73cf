#pragma once

#include <exception>
#include <string>

#include <inngest/config.hpp>
#include <inngest/error.hpp>
#include <inngest/json/detail/document.hpp>
#include <inngest/json/detail/kind.hpp>
#include <inngest/json/detail/path.hpp>

namespace inngest::inline INNGEST_ABI::detail {

template <class T, json_kind Kind = kind_of<T>()>
struct codec;

template <class T>
T read(json_value& value, const json_path& at) {
  if (at.depth() > INNGEST_MAX_JSON_DEPTH) fail_too_deep(at);  // a type may contain itself
  return codec<T>::read(value, at);
}

template <class T>
void write(std::string& out, const T& value, const json_path& at) {
  if (at.depth() > max_written_depth) fail_too_deep(at, max_written_depth);
  codec<T>::write(out, value, at);
}

template <class T>
struct codec<T, json_kind::own> : own_codec<T> {};

/// What a value of the type is called in messages.
template <class T>
std::string expected_name() {
  switch (kind_of<T>()) {
    case json_kind::boolean:
      return "boolean";
    case json_kind::integer:
      return "integer";
    case json_kind::floating:
      return "number";
    case json_kind::text:
    case json_kind::names:
      return "string";
    case json_kind::sequence:
    case json_kind::tuple:
      return "array";
    case json_kind::mapping:
    case json_kind::fields:
      return "object";
    case json_kind::own:
      if constexpr (has_own_codec<T>) return own_codec<T>::expected;
      [[fallthrough]];
    default:
      return "a value";
  }
}

/// Calls the type's `validate`. Its exceptions become errors at this path. The path of a payload_error, such
/// as "url", is appended.
template <class T>
void check(const T& value, const json_path& at) {
  if constexpr (has_validate<T>) {
    try {
      validate(value);
    } catch (const payload_error& problem) {
      fail_at(problem.path().empty() ? at : json_path(at, problem.path()), problem.problem());
    } catch (const std::exception& problem) {
      fail_at(at, problem.what());
    }
  }
}

}  // namespace inngest::inline INNGEST_ABI::detail
