#pragma once

#include <cstddef>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/registration_conflict.hpp>
#include <inngest/http/detail/request_line.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE std::optional<std::string> app_origin(std::string_view url) {
  if (url == connect_url) return std::string(url);
  if (detail::url_problem(url) || url.find('\\') != std::string_view::npos) return std::nullopt;
  std::string out = detail::url_origin(url);
  const std::size_t host = detail::http_scheme_length(url);
  const std::string_view authority = std::string_view(out).substr(host);
  for (const std::string_view name : {"localhost", "[::1]"}) {
    if (authority == name || authority.starts_with(std::string(name) + ":"))
      return out.replace(host, name.size(), "127.0.0.1");
  }
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::embedded
