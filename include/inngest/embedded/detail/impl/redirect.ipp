#pragma once

#include <algorithm>
#include <cstddef>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/redirect.hpp>

namespace inngest::inline INNGEST_ABI::embedded::redirects {

/// Resolves a location without its query and fragment.
INNGEST_INLINE std::string resolved(std::string_view url, std::string_view location) {
  const std::size_t scheme_end = url.find("://");
  const std::size_t path = (std::min)(url.find('/', scheme_end + 3), url.size());
  if (location.starts_with("//")) return std::string(url.substr(0, scheme_end + 1)) + std::string(location);
  if (location.starts_with('/')) return std::string(url.substr(0, path)) + std::string(location);
  if (location.find("://") != std::string_view::npos) return std::string(location);
  if (location.empty()) return std::string(url);
  const std::size_t last = url.rfind('/');
  const std::string_view folder = url.substr(0, last < path ? path : last);
  return std::string(folder) + '/' + std::string(location);
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
  const bool is_http = out.starts_with("http://") || out.starts_with("https://");
  const bool is_clean =
      std::none_of(out.begin(), out.end(), [](char c) { return static_cast<unsigned char>(c) <= 0x20; });
  if (!is_http || !is_clean) return std::nullopt;
  return query.empty() ? out : out + '?' + query;
}

}  // namespace inngest::inline INNGEST_ABI::embedded
