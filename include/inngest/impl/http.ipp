#pragma once

#include <algorithm>
#include <cstddef>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/error.hpp>
#include <inngest/http.hpp>

namespace inngest::inline INNGEST_ABI::http {

INNGEST_INLINE headers::headers(std::initializer_list<std::pair<std::string, std::string>> fields) {
  for (const auto& [name, value] : fields) add(name, value);
}

/// Replaces what would end a header field. Looks first, because each request has dozens of fields without it.
INNGEST_INLINE void blank_ends_of_field(std::string& text) {
  for (const char end : {'\r', '\n', '\0'}) {
    if (text.find(end) != std::string::npos) std::replace(text.begin(), text.end(), end, ' ');
  }
}

INNGEST_INLINE void trim_field_value(std::string& value) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  while (!value.empty() && is_space(value.back())) value.pop_back();
  if (!value.empty() && is_space(value.front())) value.erase(0, value.find_first_not_of(" \t"));
}

INNGEST_INLINE void headers::add(std::string name, std::string value) {
  blank_ends_of_field(name);
  blank_ends_of_field(value);
  trim_field_value(value);
  if (fields_.empty()) fields_.reserve(8);  // about as many as messages have
  fields_.emplace_back(std::move(name), std::move(value));
}

INNGEST_INLINE std::optional<std::string_view> headers::find(std::string_view name) const {
  for (const auto& [field, value] : fields_) {
    if (detail::same_word(field, name)) return value;
  }
  return std::nullopt;
}

INNGEST_INLINE std::string percent_decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] == '%' && i + 2 < text.size() && detail::hex_digit(text[i + 1]) >= 0 &&
               detail::hex_digit(text[i + 2]) >= 0) {
      out += static_cast<char>(detail::hex_digit(text[i + 1]) * 16 + detail::hex_digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

INNGEST_INLINE std::string percent_encoded(std::string_view text) {
  constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (detail::is_letter_or_digit(c) || c == '-' || c == '.' || c == '_' || c == '~') {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  }
  return out;
}

/// Whether a part of a query has a name, which most have as it is.
INNGEST_INLINE bool is_encoding_of(std::string_view name, std::string_view part) {
  const bool is_plain = part.find_first_of("%+") == std::string_view::npos;
  return is_plain ? part == name : percent_decoded(part) == name;
}

INNGEST_INLINE std::optional<std::string> request::query(std::string_view name) const {
  const std::size_t mark = url.find('?');
  if (mark == std::string::npos) return std::nullopt;
  std::string_view rest = std::string_view(url).substr(mark + 1);
  rest = rest.substr(0, rest.find('#'));
  while (!rest.empty()) {
    const std::size_t end = rest.find('&');
    const std::string_view pair = rest.substr(0, end);
    const std::size_t equals = pair.find('=');
    if (!pair.empty() && is_encoding_of(name, pair.substr(0, equals))) {
      return equals == std::string_view::npos ? std::string() : percent_decoded(pair.substr(equals + 1));
    }
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  }
  return std::nullopt;
}

INNGEST_INLINE std::string request::path() const {
  std::string_view rest = std::string_view(url).substr(0, url.find_first_of("?#"));
  const std::size_t scheme = rest.starts_with('/') ? std::string_view::npos : rest.find("://");
  if (scheme != std::string_view::npos) {
    rest = rest.substr(scheme + 3);
    const std::size_t slash = rest.find('/');
    rest = slash == std::string_view::npos ? std::string_view("/") : rest.substr(slash);
  }
  return std::string(rest);
}

INNGEST_INLINE void transport::stream(const request& request, const streaming&) {
  throw configuration_error(
      request.method + " " + request.path() +
      ": this client's transport can't receive an answer in pieces, which realtime needs: "
      "override http::transport::stream, or use inngest::httplib_transport");
}

}  // namespace inngest::inline INNGEST_ABI::http
