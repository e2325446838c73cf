#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/embedded/detail/redirect.hpp>
#include <inngest/http/detail/request_line.hpp>

namespace inngest::inline INNGEST_ABI::embedded::redirects {

/// Applies the segments "." and ".." of a path that begins with a slash.
INNGEST_INLINE std::string without_dot_segments(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    const std::string_view segment = path.substr(0, path.find('/', 1));
    path.remove_prefix(segment.size());
    if (segment != "/." && segment != "/..") {
      out += segment;
      continue;
    }
    if (segment == "/..") out.resize(out.empty() ? 0 : out.rfind('/'));
    if (path.empty()) out += '/';
  }
  return out;
}

/// A URL whose path has no dot segments.
INNGEST_INLINE std::string normalized(std::string_view url) {
  const std::size_t scheme = detail::http_scheme_length(url);
  if (scheme == 0) return std::string(url);
  const std::size_t path = scheme + detail::url_authority(url).size();
  const std::size_t query = (std::min)(url.find('?'), url.size());
  return std::string(url.substr(0, path)) + without_dot_segments(url.substr(path, query - path)) +
         std::string(url.substr(query));
}

/// Resolves a location as RFC 3986, section 5.3, asks. The fragments are dropped: they are not sent.
INNGEST_INLINE std::string resolved(std::string_view url, std::string_view location) {
  url = url.substr(0, url.find('#'));
  location = location.substr(0, location.find('#'));
  const std::size_t path_begin = detail::http_scheme_length(url) + detail::url_authority(url).size();
  const std::size_t path_end = (std::min)(url.find('?'), url.size());
  const auto from_url = [&](std::size_t end) {
    return std::string(url.substr(0, end)) + std::string(location);
  };
  if (location.empty()) return std::string(url);
  if (location.starts_with('?')) return from_url(path_end);
  if (location.starts_with("//")) return normalized(from_url(url.find(':') + 1));
  if (location.starts_with('/')) return normalized(from_url(path_begin));
  const std::size_t mark = location.find_first_of(":/?");
  if (mark != std::string_view::npos && location[mark] == ':') return normalized(location);  // has a scheme
  const std::size_t folder = url.substr(path_begin, path_end - path_begin).rfind('/');
  if (folder != std::string_view::npos) return normalized(from_url(path_begin + folder + 1));
  return normalized(std::string(url.substr(0, path_begin)) + '/' + std::string(location));
}

/// Adds the parameters of `query` whose names are not yet in `out`.
INNGEST_INLINE void add_parameters(std::string& out, std::string_view query) {
  const auto name_of = [](std::string_view parameter) { return parameter.substr(0, parameter.find('=')); };
  const http::request known{.url = "/?" + out};
  while (!query.empty()) {
    const std::string_view parameter = query.substr(0, query.find('&'));
    query.remove_prefix((std::min)(parameter.size() + 1, query.size()));
    if (parameter.empty() || known.query(http::percent_decoded(name_of(parameter)))) continue;
    if (!out.empty()) out += '&';
    out += parameter;
  }
}

/// Whether a field is sent after a redirect. Another origin gets only what can't be a secret, and a body that
/// is not sent must not be described.
INNGEST_INLINE bool is_kept(std::string_view field, bool is_same_origin, bool has_body) {
  const std::string name = detail::lower_case(field);
  constexpr std::string_view harmless[] = {"accept", "accept-language", "user-agent", "content-type"};
  const bool describes_body =
      name.starts_with("content-") || name == "transfer-encoding" || name == "trailer" || name == "expect";
  if (name == "content-length" || (describes_body && !has_body)) return false;
  return is_same_origin || std::find(std::begin(harmless), std::end(harmless), name) != std::end(harmless);
}

/// A location whose spaces, control characters and bytes beyond ASCII are encoded, as Go's client does.
INNGEST_INLINE std::string encoded_location(std::string_view location) {
  std::string out;
  for (const char c : location) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte <= 0x20 || byte >= 0x7f ? http::percent_encoded({&c, 1}) : std::string(1, c);
  }
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::embedded::redirects

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE std::optional<std::string> redirected_url(const std::string& url, std::string_view location) {
  location = location.substr(0, location.find('#'));
  const std::size_t new_query = location.find('?'), old_query = url.find('?');
  std::string query;
  if (old_query != std::string::npos) redirects::add_parameters(query, url.substr(old_query + 1));
  if (new_query != std::string_view::npos) redirects::add_parameters(query, location.substr(new_query + 1));
  std::string out =
      redirects::resolved(std::string_view(url).substr(0, old_query), location.substr(0, new_query));
  if (detail::url_problem(out)) return std::nullopt;
  return query.empty() ? out : out + '?' + query;
}

INNGEST_INLINE std::optional<http::request> redirected_request(const http::request& request,
                                                               const http::response& answer) {
  const bool becomes_get = answer.status >= 301 && answer.status <= 303;
  const std::string location = redirects::encoded_location(answer.headers.find("location").value_or(""));
  if ((!becomes_get && !is_redirect(answer)) || location.empty()) return std::nullopt;
  http::request out{.method = request.method, .url = redirects::resolved(request.url, location)};
  if (detail::url_problem(out.url)) return std::nullopt;
  if (becomes_get && out.method != "HEAD") out.method = "GET";
  if (!becomes_get) out.body = request.body;
  const bool is_same_origin = detail::url_origin(out.url) == detail::url_origin(request.url);
  for (const auto& [name, value] : request.headers) {
    if (redirects::is_kept(name, is_same_origin, !becomes_get)) out.headers.add(name, value);
  }
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::embedded
