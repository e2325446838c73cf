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

namespace inngest::detail {

inline std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  return out;
}

inline std::string_view without_blanks(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  const std::size_t first = text.find_first_not_of(blanks);
  return first == std::string_view::npos ? std::string_view()
                                         : text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

/// The name in an authority such as "LOCALHOST:8288": in lower case, without port, brackets and final dot.
/// Nothing for what is malformed.
inline std::optional<std::string> host_name(std::string_view authority) {
  std::string_view name = authority;
  std::string_view port;
  const bool is_v6 = authority.starts_with('[');
  const std::size_t end = is_v6 ? authority.find(']') : authority.find(':');
  if (is_v6) {
    if (end == std::string_view::npos) return std::nullopt;
    name = authority.substr(1, end - 1);
    port = authority.substr(end + 1);
    if (!port.empty() && port.front() != ':') return std::nullopt;
  } else if (end != std::string_view::npos) {
    name = authority.substr(0, end);
    port = authority.substr(end);
  }
  if (!port.empty()) {
    unsigned number = 0;
    port.remove_prefix(1);
    const auto [stop, problem] = std::from_chars(port.data(), port.data() + port.size(), number);
    if (problem != std::errc{} || stop != port.data() + port.size() || number > 65535) return std::nullopt;
  }
  std::string out = lower_case(name);
  if (is_v6) {
    in6_addr address{};
    char text[INET6_ADDRSTRLEN];
    if (::inet_pton(AF_INET6, out.c_str(), &address) != 1) return std::nullopt;
    return std::string(::inet_ntop(AF_INET6, &address, text, sizeof text));
  }
  if (out.ends_with('.')) out.pop_back();
  const bool is_plain = std::all_of(out.begin(), out.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
  });
  if (out.empty() || !is_plain) return std::nullopt;
  return out;
}

/// Whether a name means this machine to everybody who uses it, whatever a name server says.
inline bool is_loopback_name(const std::string& name) {
  in_addr v4{};
  if (::inet_pton(AF_INET, name.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  return name == "localhost" || name.ends_with(".localhost") || name == "::1";
}

/// Whether a text is one of several, in a time that does not tell which, or where they differ.
inline bool is_among(std::string_view text, const std::vector<std::string>& all) {
  bool found = false;
  for (const std::string& allowed : all) found = equal_in_constant_time(text, allowed) || found;
  return found;
}

}  // namespace inngest::detail

namespace inngest::embedded {

/// An answer that refuses a request, as JSON: {"error": ..., "status": ...}.
using refusal_writer = http::response (*)(int status, const std::string& problem);

/// People who have opened the sign-in link, each with a cookie. In memory: they end with the server.
class sign_ins {
 public:
  using clock = std::chrono::steady_clock;

  static constexpr std::chrono::hours session_length{24};

  /// A new token for a sign-in link. It works once. Of unused ones the last 16 are known.
  std::string new_token() {
    std::string out = random_text();
    const std::lock_guard lock(mutex_);
    tokens_.push_back(out);
    if (tokens_.size() > 16) tokens_.pop_front();
    return out;
  }

  /// Exchanges a token for the secret of a session; nothing for a token that is unknown or used.
  std::optional<std::string> exchange(std::string_view token, clock::time_point now = clock::now()) {
    std::string secret = random_text();
    const std::lock_guard lock(mutex_);
    auto found = tokens_.end();
    for (auto known = tokens_.begin(); known != tokens_.end(); ++known) {
      if (detail::equal_in_constant_time(token, *known)) found = known;
    }
    if (found == tokens_.end()) return std::nullopt;
    sessions_.push_back({secret, now + session_length});
    if (sessions_.size() > 64) sessions_.pop_front();
    tokens_.erase(found);
    return secret;
  }

  bool is_session(std::string_view secret, clock::time_point now = clock::now()) const {
    const std::lock_guard lock(mutex_);
    bool found = false;
    for (const session& open : sessions_)
      found = (detail::equal_in_constant_time(secret, open.secret) && now < open.ends) || found;
    return found;
  }

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
  server_access(access_options options, refusal_writer refuse)
      : signing_key_(key(options.signing_key, "signing_key")), refuse_(refuse) {
    for (const std::string& text : options.event_keys) {
      event_keys_.push_back(key(text, "event_keys"));
      if (event_keys_.back().empty())
        throw configuration_error("http_server_options::event_keys: a key is empty");
    }
    for (const std::string& host : options.hosts) {
      auto name = detail::host_name(host);
      if (!name) throw configuration_error("http_server_options::hosts: not a host: \"" + host + "\"");
      hosts_.push_back(std::move(*name));
    }
    if (!signing_key_.empty()) bearer_ = protocol::hashed_signing_key(signing_key_);
  }

  /// Whether anything is asked of clients.
  bool has_keys() const { return !signing_key_.empty() || !event_keys_.empty(); }
  const std::string& signing_key() const { return signing_key_; }
  sign_ins& people() { return people_; }
  void name_cookie(std::string name) { cookie_ = std::move(name); }
  const std::string& cookie() const { return cookie_; }

  /// Whether the answer to the request may be read by web pages of other origins: with an event key in the
  /// URL they may send events, as with Inngest.
  bool is_open_to_pages(const http::request& request) const {
    const std::vector<std::string> path = detail::path_parts(request.path());
    return area_of(path) == area::events && has_event_key(path);
  }

  /// The answer that refuses a request, judged by its line and headers; nothing when it may be answered.
  std::optional<http::response> refusal(const http::request& request) const {
    const std::vector<std::string> path = detail::path_parts(request.path());
    const std::string& method = request.method;
    const bool reads = method == "GET" || method == "HEAD";
    const bool writes = method == "POST" || method == "PUT" || method == "PATCH" || method == "DELETE";
    const area where = area_of(path);
    if (auto out = host_refusal(request)) return out;
    const bool sends_by_key = where == area::events && has_event_key(path);
    if (method == "OPTIONS" && sends_by_key) return permission_for_pages();
    if (!reads) {
      if (auto out = origin_refusal(request, sends_by_key)) return out;
    }
    if (!reads && !writes) return refuse_(405, "method " + method + " is not supported");
    if (auto out = key_refusal(request, where, path)) return out;
    if (writes && where != area::events && !is_json(request))
      return refuse_(415, "send this request with Content-Type: application/json");
    return std::nullopt;
  }

 private:
  /// The routes, by who may ask for them. What is not named is for who has the signing key.
  enum class area { open, page, events, apps };

  static area area_of(const std::vector<std::string>& path) {
    const std::string first = path.empty() ? std::string() : path.front();
    if (path.size() <= 1 && (first.empty() || first == "index.html")) return area::page;
    if (path.size() == 1 && (first == "health" || first == "dev" || first == "sign-in")) return area::open;
    if (first == "api") return area::page;
    if (first == "e" && path.size() == 2) return area::events;
    return area::apps;
  }

  static std::string key(std::string_view given, const std::string& name) {
    std::string out = detail::checked_key("http_server_options::" + name, given, name != "signing_key");
    if (out.empty() && !given.empty())
      throw configuration_error("http_server_options::" + name + ": a key is nothing but white space");
    return out;
  }

  // ---- hosts and origins --------------------------------------------------------------------------------

  /// A name that a web page's owner can point at this machine is not answered.
  std::optional<http::response> host_refusal(const http::request& request) const {
    const std::string_view given = request.headers.find("host").value_or("");
    const auto name = detail::host_name(given);
    const bool is_known = name && (detail::is_loopback_name(*name) ||
                                   std::find(hosts_.begin(), hosts_.end(), *name) != hosts_.end());
    if (is_known) return std::nullopt;
    return refuse_(421, "this server does not answer for host \"" + std::string(given.substr(0, 255)) +
                            "\": add the name to http_server_options::hosts if it should");
  }

  std::optional<http::response> origin_refusal(const http::request& request, bool has_event_key) const {
    if (has_event_key) return std::nullopt;
    const std::string host = std::string(request.headers.find("host").value_or(""));
    for (const auto& [name, value] : request.headers) {
      const std::string field = detail::lower_case(name);
      const bool names_origin = field == "origin" || field == "referer";
      if (names_origin && !is_origin_of(value, host, field == "referer"))
        return refuse_(403, "a web page of another origin must not send this request (" + field + ": " +
                                value.substr(0, 255) + ")");
      if (field != "sec-fetch-site") continue;
      const std::string site = detail::lower_case(detail::without_blanks(value));
      if (site != "same-origin" && site != "none")
        return refuse_(403, "a web page of another origin must not send this request (sec-fetch-site: " +
                                site.substr(0, 255) + ")");
    }
    return std::nullopt;
  }

  /// Whether an origin, or the URL of a page, is this server as the request's Host names it.
  static bool is_origin_of(std::string_view origin, std::string_view host, bool may_have_path) {
    const std::size_t end = origin.find("://");
    if (end == std::string_view::npos) return false;  // as in "null"
    const std::string scheme = detail::lower_case(origin.substr(0, end));
    if (scheme != "http" && scheme != "https") return false;
    std::string_view authority = origin.substr(end + 3);
    const std::size_t path = authority.find('/');
    if (path != std::string_view::npos && !may_have_path) return false;
    authority = authority.substr(0, path);
    const std::string_view own_port = scheme == "http" ? ":80" : ":443";
    const auto plain = [&](std::string_view text) {
      if (text.ends_with(own_port)) text.remove_suffix(own_port.size());
      return detail::lower_case(text);
    };
    return plain(authority) == plain(host);
  }

  static bool is_json(const http::request& request) {
    int fields = 0;
    bool out = true;
    for (const auto& [name, value] : request.headers) {
      if (detail::lower_case(name) != "content-type") continue;
      ++fields;
      const std::string_view type = std::string_view(value).substr(0, value.find(';'));
      out = out && detail::lower_case(detail::without_blanks(type)) == "application/json";
    }
    return out && fields == 1;
  }

  /// What a browser asks before a page of another origin sends events with JSON's content type.
  static http::response permission_for_pages() {
    return {.status = 204,
            .headers = {{"access-control-allow-origin", "*"},
                        {"access-control-allow-methods", "POST"},
                        {"access-control-allow-headers", "*"},
                        {"access-control-max-age", "600"}}};
  }

  // ---- keys ---------------------------------------------------------------------------------------------

  std::optional<http::response> key_refusal(const http::request& request, area where,
                                            const std::vector<std::string>& path) const {
    if (!has_keys() || where == area::open || has_signing_key(request)) return std::nullopt;
    switch (where) {
      case area::events:
        if (has_event_key(path) || has_session(request)) return std::nullopt;
        return refuse_(401,
                       "event key not found: send events to /e/<key> with a key of "
                       "http_server_options::event_keys");
      case area::page:
        if (has_session(request)) return std::nullopt;
        return refuse_(401,
                       "sign in with the link that the server's program has printed "
                       "(http_server::sign_in_url)");
      default: {
        const bool cancels =
            request.method == "DELETE" && path.size() == 3 && path[0] == "v1" && path[1] == "runs";
        if (cancels && has_session(request)) return std::nullopt;  // the page does so
        return refuse_(401, signing_key_.empty() ? "this needs a signing key, and the server has none: see "
                                                   "http_server_options::signing_key"
                                                 : "the signing key is missing or wrong");
      }
    }
  }

  bool has_signing_key(const http::request& request) const {
    const auto given = request.headers.find("authorization");
    if (bearer_.empty() || !given || detail::lower_case(given->substr(0, 7)) != "bearer ") return false;
    return detail::equal_in_constant_time(detail::without_blanks(given->substr(7)), bearer_);
  }

  bool has_event_key(const std::vector<std::string>& path) const {
    return path.size() == 2 && detail::is_among(path[1], event_keys_);
  }

  bool has_session(const http::request& request) const {
    for (const auto& [name, value] : request.headers) {
      if (detail::lower_case(name) != "cookie") continue;
      std::string_view rest = value;
      while (!rest.empty()) {
        const std::string_view pair = detail::without_blanks(rest.substr(0, rest.find(';')));
        rest.remove_prefix((std::min)(
            rest.size(), rest.find(';') == std::string_view::npos ? rest.size() : rest.find(';') + 1));
        const std::size_t equals = pair.find('=');
        if (equals == std::string_view::npos || pair.substr(0, equals) != cookie_) continue;
        if (people_.is_session(pair.substr(equals + 1))) return true;
      }
    }
    return false;
  }

  std::string signing_key_;
  std::vector<std::string> event_keys_;
  std::vector<std::string> hosts_;
  std::string bearer_;
  std::string cookie_ = "inngest_session";
  refusal_writer refuse_;
  sign_ins people_;
};

}  // namespace inngest::embedded
