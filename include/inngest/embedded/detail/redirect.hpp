#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/http.hpp>

// Redirects, which the engine follows like a server: of an app's address, and of the requests of step.fetch
// and step.ai.infer.

namespace inngest::inline INNGEST_ABI::embedded {

/// The maximum number of redirects that a call or request follows; the same as in Go's client, which servers
/// use.
inline constexpr int max_redirects = 10;

/// Whether the answer asks to repeat the request, with its method and body, at another URL.
constexpr bool is_redirect(const http::response& answer) {
  return answer.status == 307 || answer.status == 308;
}

/// The URL to which an answer redirects from `url`. It keeps the query of `url`, which names the function and
/// step to call. `nullopt` when it is neither http nor https.
std::optional<std::string> redirected_url(const std::string& url, std::string_view location);

/// The request that follows when a step's request is redirected; `nullopt` when the answer is no redirect to
/// an http or https URL. As in Go's client, a redirect with 301, 302 or 303 is followed with GET and without
/// a body. Another scheme, host or port gets only a few fields, because every other one may be a secret.
std::optional<http::request> redirected_request(const http::request& request, const http::response& answer);

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/redirect.ipp>
#endif
