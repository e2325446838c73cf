#pragma once

#include <chrono>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/crypto.hpp>
#include <inngest/detail/hex.hpp>
#include <inngest/detail/keys.hpp>
#include <inngest/embedded/detail/path_parts.hpp>
#include <inngest/error.hpp>
#include <inngest/http.hpp>
#include <inngest/platform/detail/socket.hpp>
#include <inngest/protocol/signature.hpp>

// Access control of the engine's server. One function checks every request before anything is read or
// changed.

namespace inngest::inline INNGEST_ABI::detail {

std::string_view without_blanks(std::string_view text);

/// The host name in an authority such as "LOCALHOST:8288": in lower case, without port, brackets and final
/// dot. `nullopt` when it is malformed.
std::optional<std::string> host_name(std::string_view authority);

/// Whether a name always means this machine, regardless of DNS.
bool is_loopback_name(const std::string& name);

/// Whether a text equals one of several, in constant time.
bool is_among(std::string_view text, const std::vector<std::string>& all);

}  // namespace inngest::inline INNGEST_ABI::detail

namespace inngest::inline INNGEST_ABI::embedded {

/// Builds the answer that rejects a request, as JSON: {"error": ..., "status": ...}.
using refusal_writer = http::response (*)(int status, const std::string& problem);

/// The sessions of users who opened a sign-in link. A cookie identifies a session. They end with the server.
class sign_ins {
 public:
  using clock = std::chrono::steady_clock;

  static constexpr std::chrono::hours session_length{24};

  /// A new token for a sign-in link. It works once. Only the 16 newest unused tokens are valid.
  std::string new_token();

  /// Exchanges a token for the secret of a session; `nullopt` when the token is unknown or was used.
  std::optional<std::string> exchange(std::string_view token, clock::time_point now = clock::now());

  bool is_session(std::string_view secret, clock::time_point now = clock::now()) const;

 private:
  struct session {
    std::string secret;
    clock::time_point ends;
  };

  static std::string random_text() { return detail::to_hex(detail::random_bytes<32>()); }

  mutable std::mutex mutex_;
  std::deque<std::string> tokens_;
  std::deque<session> sessions_;
};

struct access_options {
  std::string signing_key{};
  std::vector<std::string> event_keys{};
  std::string metrics_key{};
  /// Names by which clients may reach the server, besides those of this machine.
  std::vector<std::string> hosts{};
};

class server_access {
 public:
  /// \throws configuration_error for a malformed key or host.
  server_access(access_options options, refusal_writer refuse);

  /// Whether requests need a key.
  bool has_keys() const { return !signing_key_.empty() || !event_keys_.empty() || !metrics_key_.empty(); }
  const std::string& signing_key() const { return signing_key_; }
  sign_ins& people() { return people_; }
  void name_cookie(std::string name) { cookie_ = std::move(name); }
  const std::string& cookie() const { return cookie_; }

  /// Whether web pages of other origins may read the answer. As with Inngest, they may send events with an
  /// event key in the URL.
  bool is_open_to_pages(const http::request& request) const;

  /// Whether the sender has a key that allows reading, or reading needs no key.
  bool is_known(const http::request& request) const;

  /// The sender of the request, for the audit trail: see audit_entry::actor.
  std::string actor_of(const http::request& request) const;

  /// Checks the line and headers of a request. Returns the answer that rejects it, or `nullopt`.
  std::optional<http::response> refusal(const http::request& request) const;

 private:
  /// Groups of routes by who may use them. Routes without a group require the signing key.
  enum class area { open, page, metrics, events, apps, subscriptions };

  static bool is_response_of_run(const std::vector<std::string>& path);
  static area area_of(const std::vector<std::string>& path);

  /// Whether the path publishes messages; such a body may have any type.
  static bool publishes(const std::vector<std::string>& path);

  static std::string key(std::string_view given, const std::string& name);

  // ---- hosts and origins --------------------------------------------------------------------------------

  /// Rejects unknown hosts, because the owner of a web page can point a DNS name at this machine.
  std::optional<http::response> host_refusal(const http::request& request) const;

  std::optional<http::response> origin_refusal(const http::request& request, bool has_event_key) const;

  /// Whether an origin, or the URL of a page, is this server, as named in the request's Host header.
  static bool is_origin_of(std::string_view origin, std::string_view host, bool may_have_path);

  /// Whether a request has this content type. Web pages of other origins can't send it without a preflight
  /// request.
  static bool has_type(const http::request& request, std::string_view wanted);

  /// The answer to a browser's preflight request, which lets pages of other origins send JSON events.
  static http::response permission_for_pages();

  // ---- keys ---------------------------------------------------------------------------------------------

  std::optional<http::response> key_refusal(const http::request& request, area where,
                                            const std::vector<std::string>& path) const;

  bool has_signing_key(const http::request& request) const;

  /// Whether the request carries the key; never with an empty key.
  static bool has_bearer(const http::request& request, const std::string& key);

  bool has_event_key(const std::vector<std::string>& path) const;

  bool has_session(const http::request& request) const { return !session_of(request).empty(); }

  /// The secret of the request's session; empty when it has no valid one.
  std::string_view session_of(const http::request& request) const;

  std::string signing_key_;
  std::string metrics_key_;
  std::vector<std::string> event_keys_;
  std::vector<std::string> hosts_;
  std::string bearer_;
  std::string cookie_ = "inngest_session";
  refusal_writer refuse_;
  sign_ins people_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/server_access.ipp>
#endif
