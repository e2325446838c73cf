#pragma once

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
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

// Who may ask an engine's server for what. One function decides, for every route, before anything is read or
// changed.

namespace inngest::inline INNGEST_ABI::detail {

std::string lower_case(std::string_view text);

std::string_view without_blanks(std::string_view text);

/// The name in an authority such as "LOCALHOST:8288": in lower case, without port, brackets and final dot.
/// Nothing for what is malformed.
std::optional<std::string> host_name(std::string_view authority);

/// Whether a name means this machine to everybody who uses it, whatever a name server says.
bool is_loopback_name(const std::string& name);

/// Whether a text is one of several, in a time that does not tell which, or where they differ.
bool is_among(std::string_view text, const std::vector<std::string>& all);

}  // namespace inngest::inline INNGEST_ABI::detail

namespace inngest::inline INNGEST_ABI::embedded {

/// An answer that refuses a request, as JSON: {"error": ..., "status": ...}.
using refusal_writer = http::response (*)(int status, const std::string& problem);

/// People who have opened the sign-in link, each with a cookie. In memory: they end with the server.
class sign_ins {
 public:
  using clock = std::chrono::steady_clock;

  static constexpr std::chrono::hours session_length{24};

  /// A new token for a sign-in link. It works once. Of unused ones the last 16 are known.
  std::string new_token();

  /// Exchanges a token for the secret of a session; nothing for a token that is unknown or used.
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
  /// Names, besides those of this machine, by which clients may call the server.
  std::vector<std::string> hosts{};
};

class server_access {
 public:
  /// \throws configuration_error for a key or a host that can't be one.
  server_access(access_options options, refusal_writer refuse);

  /// Whether anything is asked of clients.
  bool has_keys() const { return !signing_key_.empty() || !event_keys_.empty(); }
  const std::string& signing_key() const { return signing_key_; }
  sign_ins& people() { return people_; }
  void name_cookie(std::string name) { cookie_ = std::move(name); }
  const std::string& cookie() const { return cookie_; }

  /// Whether the answer to the request may be read by web pages of other origins: with an event key in the
  /// URL they may send events, as with Inngest.
  bool is_open_to_pages(const http::request& request) const;

  /// The answer that refuses a request, judged by its line and headers; nothing when it may be answered.
  std::optional<http::response> refusal(const http::request& request) const;

 private:
  /// The routes, by who may ask for them. What is not named is for who has the signing key.
  enum class area { open, page, events, apps };

  static area area_of(const std::vector<std::string>& path);

  static std::string key(std::string_view given, const std::string& name);

  // ---- hosts and origins --------------------------------------------------------------------------------

  /// A name that a web page's owner can point at this machine is not answered.
  std::optional<http::response> host_refusal(const http::request& request) const;

  std::optional<http::response> origin_refusal(const http::request& request, bool has_event_key) const;

  /// Whether an origin, or the URL of a page, is this server as the request's Host names it.
  static bool is_origin_of(std::string_view origin, std::string_view host, bool may_have_path);

  static bool is_json(const http::request& request);

  /// What a browser asks before a page of another origin sends events with JSON's content type.
  static http::response permission_for_pages();

  // ---- keys ---------------------------------------------------------------------------------------------

  std::optional<http::response> key_refusal(const http::request& request, area where,
                                            const std::vector<std::string>& path) const;

  bool has_signing_key(const http::request& request) const;

  bool has_event_key(const std::vector<std::string>& path) const;

  bool has_session(const http::request& request) const;

  std::string signing_key_;
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
