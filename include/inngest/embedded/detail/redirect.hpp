#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/http.hpp>

// Redirects of an app's address, which the engine follows like a server.

namespace inngest::inline INNGEST_ABI::embedded {

/// The maximum number of redirects that a call follows; the same as in Go's client, which servers use.
inline constexpr int most_redirects = 10;

/// Whether the answer asks to repeat the request, with its method and body, at another URL.
constexpr bool is_redirect(const http::response& answer) {
  return answer.status == 307 || answer.status == 308;
}

/// The URL to which an answer redirects from `url`. It keeps the query of `url`, which names the function and
/// step to call. `nullopt` when it is neither http nor https.
std::optional<std::string> redirected_url(const std::string& url, std::string_view location);

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/redirect.ipp>
#endif
