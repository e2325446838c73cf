#pragma once

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/embedded/detail/registration_conflict.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE std::optional<std::string> app_origin(std::string_view url) {
  if (url == connect_url) return std::string(url);
  const std::size_t scheme_end = url.find("://");
  if (scheme_end == std::string_view::npos) return std::nullopt;
  const std::string scheme = detail::lower_case(url.substr(0, scheme_end));
  if (scheme != "http" && scheme != "https") return std::nullopt;
  for (const char c : url) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f || c == '\\') return std::nullopt;
  }
  const std::string_view rest = url.substr(scheme_end + 3);
  std::string authority = detail::lower_case(rest.substr(0, rest.find_first_of("/?#")));
  if (authority.empty() || authority.front() == ':' || authority.find('@') != std::string::npos)
    return std::nullopt;
  const std::string own_port = scheme == "http" ? ":80" : ":443";
  if (authority.ends_with(own_port)) authority.resize(authority.size() - own_port.size());
  for (const std::string_view name : {"localhost", "[::1]"}) {
    if (authority == name || authority.starts_with(std::string(name) + ":"))
      authority.replace(0, name.size(), "127.0.0.1");
  }
  return scheme + "://" + authority;
}

}  // namespace inngest::inline INNGEST_ABI::embedded
