#pragma once

#include <string>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/json/detail/document.hpp>
#include <inngest/json/detail/kind.hpp>
#include <inngest/json/detail/path.hpp>
#include <inngest/json/detail/read_write.hpp>
#include <inngest/json/detail/scalars.hpp>

// The codec of enumerations with INNGEST_ENUM.

namespace inngest::inline INNGEST_ABI::detail {

template <class T>
struct codec<T, json_kind::names> {
  static T read(json_value& value, const json_path& at) {
    expect(value, json_type::string, at, "string");
    return value_of(take(value.get_string(), at), at);
  }
  static void write(std::string& out, T value, const json_path& at) {
    write_quoted(out, name_of(value, at), at);
  }

  static T value_of(std::string_view text, const json_path& at) {
    for (const auto& [enumerator, name] : inngest_names(static_cast<const T*>(nullptr))) {
      if (name == text) return enumerator;
    }
    fail_at(at, "expected one of " + all_names() + ", found \"" + std::string(text) + "\"");
  }
  static std::string_view name_of(T value, const json_path& at) {
    for (const auto& [enumerator, name] : inngest_names(static_cast<const T*>(nullptr))) {
      if (enumerator == value) return name;
    }
    fail_at(at, "the enumerator " + std::to_string(static_cast<long long>(value)) +
                    " has no name in INNGEST_ENUM");
  }

 private:
  static std::string all_names() {
    std::string out;
    for (const auto& pair : inngest_names(static_cast<const T*>(nullptr))) {
      if (!out.empty()) out += ", ";
      out += '"';
      out += pair.second;
      out += '"';
    }
    return out;
  }
};

}  // namespace inngest::inline INNGEST_ABI::detail
