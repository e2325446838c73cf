#pragma once

#include <concepts>
#include <string>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/json/detail/codec.hpp>

// The JSON form of std::filesystem::path: text with forward slashes, also on Windows. The type is recognized
// by its members, so that programs without paths do not compile <filesystem>.

namespace inngest::inline INNGEST_ABI::detail {

template <class T>
concept path_like = requires(const T& path) {
  typename T::string_type;
  T::preferred_separator;
  { path.generic_u8string() } -> std::same_as<std::u8string>;
  { path.lexically_normal() } -> std::same_as<T>;
};

template <path_like Path>
struct own_codec<Path> {
  using shape_type = std::string;
  static constexpr const char* expected = "string";
  static constexpr unsigned types = json_types::string;

  static Path read(json_value& value, const json_path& at) {
    expect(value, json_type::string, at, "string");
    const std::string_view text = take(value.get_string(), at);
    return Path(std::u8string(text.begin(), text.end()));
  }
  /// \throws payload_error for a name that is not UTF-8.
  static void write(std::string& out, const Path& value, const json_path& at) {
    const std::u8string text = value.generic_u8string();
    write_quoted(out, std::string(text.begin(), text.end()), at);
  }
};

}  // namespace inngest::inline INNGEST_ABI::detail
