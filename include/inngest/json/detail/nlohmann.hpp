#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <type_traits>

#include <inngest/config.hpp>
#include <inngest/json/detail/document.hpp>
#include <inngest/json/detail/dom.hpp>
#include <inngest/json/detail/kind.hpp>
#include <inngest/json/detail/path.hpp>
#include <inngest/json/detail/read_write.hpp>

// The codecs of nlohmann's json, and of types with its to_json and from_json.

namespace inngest::inline INNGEST_ABI::detail {

template <>
struct codec<nlohmann::json, json_kind::dom> {
  static nlohmann::json read(json_value& value, const json_path& at) {
    return parse_dom(raw_text(value, at), at);
  }
  static void write(std::string& out, const nlohmann::json& value, const json_path& at) {
    write_dom(out, value, at);
  }
};

template <class T>
struct codec<T, json_kind::converted> {
  static T read(json_value& value, const json_path& at) {
    static_assert(
        from_json_known<T>,
        "inngest: the type has a to_json but no from_json (or is not default constructible): it can be "
        "written as JSON, not read back");
    // nlohmann would cast any number to an enumeration's type
    if constexpr (std::is_enum_v<T> && !has_own_to_json<T>)
      return static_cast<T>(detail::read<std::underlying_type_t<T>>(value, at));
    try {
      T out = parse_dom(raw_text(value, at), at).template get<T>();
      check(out, at);
      return out;
    } catch (const nlohmann::json::exception& problem) {
      fail_at(at, problem.what());
    }
  }
  static void write(std::string& out, const T& value, const json_path& at) {
    check(value, at);
    try {
      write_dom(out, nlohmann::json(value), at);
    } catch (const nlohmann::json::exception& problem) {
      fail_at(at, problem.what());
    }
  }
};

}  // namespace inngest::inline INNGEST_ABI::detail
