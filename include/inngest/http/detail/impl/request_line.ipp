#pragma once

#include <algorithm>
#include <cstddef>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/http/detail/request_line.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE std::size_t http_scheme_length(std::string_view url) {
  const std::string begin = lower_case(url.substr(0, 8));
  return begin == "https://" ? 8 : begin.starts_with("http://") ? 7 : 0;
}

INNGEST_INLINE std::optional<std::string> url_problem(std::string_view url) {
  const std::size_t scheme = http_scheme_length(url);
  if (scheme == 0) return "not an http or https URL: \"" + std::string(url) + "\"";
  if (url.substr(scheme).find_first_of("/?#") == 0 || url.size() == scheme)
    return "a URL without a host: \"" + std::string(url) + "\"";
  const auto is_blank = [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; };
  if (std::any_of(url.begin(), url.end(), is_blank))
    return "a URL must not have spaces, line ends or other control characters: encode what comes from "
           "elsewhere, for example with inngest::http::percent_encoded";
  return std::nullopt;
}

INNGEST_INLINE bool is_http_method(std::string_view text) {
  constexpr std::string_view signs = "!#$%&'*+-.^_`|~";
  const auto is_allowed = [&](char c) {
    return is_letter_or_digit(c) || signs.find(c) != std::string_view::npos;
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), is_allowed);
}

INNGEST_INLINE std::optional<std::string> request_line_problem(std::string_view method,
                                                               std::string_view url) {
  if (!is_http_method(method)) return "not a method of HTTP: \"" + std::string(method) + "\"";
  return url_problem(url);
}

}  // namespace inngest::inline INNGEST_ABI::detail
