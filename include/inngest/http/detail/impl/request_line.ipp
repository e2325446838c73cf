#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/http/detail/fields.hpp>
#include <inngest/http/detail/request_line.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE std::size_t http_scheme_length(std::string_view url) {
  const std::string begin = lower_case(url.substr(0, 8));
  return begin == "https://" ? 8 : begin.starts_with("http://") ? 7 : 0;
}

INNGEST_INLINE std::string_view url_authority(std::string_view url) {
  const std::string_view rest = url.substr(http_scheme_length(url));
  return rest.substr(0, rest.find_first_of("/?#"));
}

INNGEST_INLINE bool is_port(std::string_view text) {
  if (!has_only_digits(text)) return false;
  constexpr std::uint32_t largest = 65535;
  std::uint32_t port = 0;
  for (const char c : text) port = (std::min)(largest + 1, port * 10 + static_cast<std::uint32_t>(c - '0'));
  return port >= 1 && port <= largest;
}

INNGEST_INLINE const char* authority_problem(std::string_view authority) {
  if (authority.find('@') != std::string_view::npos)
    return "a URL must not have a user name or password: put credentials into an Authorization header";
  const bool has_bracket = authority.starts_with('[');
  const std::size_t closed = has_bracket ? authority.find(']') : 0;
  const std::size_t end =
      (std::min)(authority.find(':', (std::min)(closed, authority.size())), authority.size());
  const std::string_view host = authority.substr(0, end);
  if (host.empty() || host == "[]") return "a URL without a host";
  const std::string_view inner = has_bracket ? host.substr(1, host.size() - 2) : host;
  if ((has_bracket && !host.ends_with(']')) || inner.find_first_of("[]") != std::string_view::npos)
    return "a URL whose host has a bracket that is not closed, or is in the wrong place";
  if (end < authority.size() && !is_port(authority.substr(end + 1)))
    return "the port of a URL must be a number from 1 to 65535";
  return nullptr;
}

INNGEST_INLINE std::string shown_url(std::string_view url) {
  if (http_scheme_length(url) > 0 && !authority_problem(url_authority(url))) return std::string(url);
  // A password may contain any character, so that a broken URL's host is where the last one ends.
  const std::size_t end = url.rfind('@');
  if (end == std::string_view::npos) return std::string(url);
  const std::size_t scheme = (std::min)(url.find(':'), end);
  const std::size_t begin = url.substr(scheme).starts_with("://") ? scheme + 3 : 0;
  return std::string(url.substr(0, begin)) + "..." + std::string(url.substr(end));
}

INNGEST_INLINE std::optional<std::string> url_problem(std::string_view url) {
  const std::size_t scheme = http_scheme_length(url);
  if (scheme == 0) return "not an http or https URL: \"" + shown_url(url) + "\"";
  const auto is_blank = [](char c) { return c == ' ' || is_control(c); };
  if (std::any_of(url.begin(), url.end(), is_blank))
    return "a URL must not have spaces, line ends or other control characters: encode what comes from "
           "elsewhere, for example with inngest::http::percent_encoded";
  if (const char* problem = authority_problem(url_authority(url)))
    return std::string(problem) + ": \"" + shown_url(url) + "\"";
  return std::nullopt;
}

INNGEST_INLINE std::string url_origin(std::string_view url) {
  const std::string_view authority = url_authority(url);
  std::string out = lower_case(url.substr(0, http_scheme_length(url) + authority.size()));
  const std::string_view own_port = out.starts_with("https:") ? ":443" : ":80";
  if (out.ends_with(own_port)) out.resize(out.size() - own_port.size());
  return out;
}

INNGEST_INLINE std::optional<std::string> request_line_problem(std::string_view method,
                                                               std::string_view url) {
  if (!is_http_token(method)) return "not a method of HTTP: \"" + std::string(method) + "\"";
  return url_problem(url);
}

}  // namespace inngest::inline INNGEST_ABI::detail
