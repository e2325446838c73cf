#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <inngest/config.hpp>

// What may stand in the first line of a request. A method or URL with a line end would add fields, or a whole
// request, to what is sent. Both may come from an event.

namespace inngest::inline INNGEST_ABI::detail {

/// The length of "http://" or "https://" at the beginning of a URL, in upper or lower case; 0 for others.
inline std::size_t http_scheme_length(std::string_view url) {
  const auto begins_with = [url](std::string_view scheme) {
    const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; };
    return url.size() >= scheme.size() &&
           std::equal(url.begin(), url.begin() + static_cast<std::ptrdiff_t>(scheme.size()), scheme.begin(),
                      same);
  };
  for (const std::string_view scheme : {std::string_view("http://"), std::string_view("https://")}) {
    if (begins_with(scheme)) return scheme.size();
  }
  return 0;
}

/// Why a request can't be sent to a URL; nullopt when it can.
inline std::optional<std::string> url_problem(std::string_view url) {
  const std::size_t scheme = http_scheme_length(url);
  if (scheme == 0) return "not an http or https URL: \"" + std::string(url) + "\"";
  if (url.substr(scheme).find_first_of("/?#") == 0 || url.size() == scheme)
    return "a URL without a host: \"" + std::string(url) + "\"";
  const auto is_blank = [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; };
  if (std::any_of(url.begin(), url.end(), is_blank))
    return "a URL must not have spaces, line ends or other control characters: encode what comes from "
           "elsewhere, "
           "for example with inngest::http::percent_encoded";
  return std::nullopt;
}

/// Whether a text is a method of HTTP: a token, as in RFC 9110.
inline bool is_http_method(std::string_view text) {
  constexpr std::string_view signs = "!#$%&'*+-.^_`|~";
  const auto is_allowed = [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           signs.find(c) != std::string_view::npos;
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), is_allowed);
}

/// Why a request can't be sent; nullopt when it can.
inline std::optional<std::string> request_line_problem(std::string_view method, std::string_view url) {
  if (!is_http_method(method)) return "not a method of HTTP: \"" + std::string(method) + "\"";
  return url_problem(url);
}

}  // namespace inngest::inline INNGEST_ABI::detail
