#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <system_error>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/embedded/detail/server_access.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE std::string_view without_blanks(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  const std::size_t first = text.find_first_not_of(blanks);
  return first == std::string_view::npos ? std::string_view()
                                         : text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

INNGEST_INLINE std::optional<std::string> host_name(std::string_view authority) {
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
    return is_letter_or_digit(c) || c == '.' || c == '-' || c == '_';
  });
  if (out.empty() || !is_plain) return std::nullopt;
  return out;
}

INNGEST_INLINE bool is_loopback_name(const std::string& name) {
  in_addr v4{};
  if (::inet_pton(AF_INET, name.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  return name == "localhost" || name.ends_with(".localhost") || name == "::1";
}

INNGEST_INLINE bool is_among(std::string_view text, const std::vector<std::string>& all) {
  bool found = false;
  for (const std::string& allowed : all) found = equal_in_constant_time(text, allowed) || found;
  return found;
}

}  // namespace inngest::inline INNGEST_ABI::detail

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE std::string sign_ins::new_token() {
  std::string out = random_text();
  const std::lock_guard lock(mutex_);
  tokens_.push_back(out);
  if (tokens_.size() > 16) tokens_.pop_front();
  return out;
}

INNGEST_INLINE std::optional<std::string> sign_ins::exchange(std::string_view token, clock::time_point now) {
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

INNGEST_INLINE bool sign_ins::is_session(std::string_view secret, clock::time_point now) const {
  const std::lock_guard lock(mutex_);
  bool found = false;
  for (const session& open : sessions_)
    found = (detail::equal_in_constant_time(secret, open.secret) && now < open.ends) || found;
  return found;
}

INNGEST_INLINE server_access::server_access(access_options options, refusal_writer refuse)
    : signing_key_(key(options.signing_key, "signing_key")),
      metrics_key_(key(options.metrics_key, "metrics_key")),
      refuse_(refuse) {
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

INNGEST_INLINE bool server_access::is_open_to_pages(const http::request& request) const {
  const std::vector<std::string> path = detail::path_parts(request.path());
  return area_of(path) == area::events && has_event_key(path);
}

INNGEST_INLINE bool server_access::is_known(const http::request& request) const {
  return !has_keys() || has_signing_key(request) || has_bearer(request, metrics_key_) || has_session(request);
}

INNGEST_INLINE std::string server_access::actor_of(const http::request& request) const {
  if (!has_keys()) return "anyone";
  if (has_signing_key(request)) return "key";
  const std::string_view session = session_of(request);
  return session.empty() ? "event key" : "session " + detail::sha256_hex(session).substr(0, 6);
}

INNGEST_INLINE std::optional<http::response> server_access::refusal(const http::request& request) const {
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
  const bool takes_messages = path.size() == 3 && path[0] == "v0" && path[1] == "connect";
  const char* type = takes_messages ? "application/protobuf" : "application/json";
  if (writes && where != area::events && !publishes(path) && !has_type(request, type))
    return refuse_(415, std::string("send this request with Content-Type: ") + type);
  return std::nullopt;
}

INNGEST_INLINE bool server_access::is_response_of_run(const std::vector<std::string>& path) {
  const bool is_run = path.size() == 4 && path[0] == "v1" && path[1] == "checkpoint";
  const bool is_old = path.size() == 5 && path[0] == "v1" && path[1] == "http" && path[2] == "runs";
  return (is_run || is_old) && path.back() == "output";
}

INNGEST_INLINE server_access::area server_access::area_of(const std::vector<std::string>& path) {
  const std::string first = path.empty() ? std::string() : path.front();
  if (path.size() <= 1 && (first.empty() || first == "index.html")) return area::page;
  if (path.size() == 1 && (first == "health" || first == "dev" || first == "sign-in")) return area::open;
  if (is_response_of_run(path)) return area::open;  // its token authenticates the client
  if (path.size() == 2 && first == "health") return area::open;
  if (path.size() == 1 && first == "metrics") return area::metrics;
  if (first == "api") return area::page;
  if (first == "e" && path.size() == 2) return area::events;
  const bool is_subscription = path.size() == 3 && first == "v1" && path[1] == "realtime" && path[2] == "sse";
  return is_subscription ? area::subscriptions : area::apps;
}

INNGEST_INLINE bool server_access::publishes(const std::vector<std::string>& path) {
  return path.size() >= 3 && path[0] == "v1" && path[1] == "realtime" && path[2] == "publish";
}

INNGEST_INLINE std::string server_access::key(std::string_view given, const std::string& name) {
  std::string out = detail::checked_key("http_server_options::" + name, given, name != "signing_key");
  if (out.empty() && !given.empty())
    throw configuration_error("http_server_options::" + name + ": a key consists of white space");
  return out;
}

INNGEST_INLINE std::optional<http::response> server_access::host_refusal(const http::request& request) const {
  const std::string_view given = request.headers.find("host").value_or("");
  const auto name = detail::host_name(given);
  const bool is_known = name && (detail::is_loopback_name(*name) ||
                                 std::find(hosts_.begin(), hosts_.end(), *name) != hosts_.end());
  if (is_known) return std::nullopt;
  return refuse_(421, "this server does not answer for host \"" + std::string(given.substr(0, 255)) +
                          "\": add the name to http_server_options::hosts if it should");
}

INNGEST_INLINE std::optional<http::response> server_access::origin_refusal(const http::request& request,
                                                                           bool has_event_key) const {
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

INNGEST_INLINE bool server_access::is_origin_of(std::string_view origin, std::string_view host,
                                                bool may_have_path) {
  const std::size_t end = origin.find("://");
  if (end == std::string_view::npos) return false;  // for example "null"
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

INNGEST_INLINE bool server_access::has_type(const http::request& request, std::string_view wanted) {
  int fields = 0;
  bool out = true;
  for (const auto& [name, value] : request.headers) {
    if (!detail::same_word(name, "content-type")) continue;
    ++fields;
    const std::string_view type = std::string_view(value).substr(0, value.find(';'));
    out = out && detail::same_word(detail::without_blanks(type), wanted);
  }
  return out && fields == 1;
}

INNGEST_INLINE http::response server_access::permission_for_pages() {
  return {.status = 204,
          .headers = {{"access-control-allow-origin", "*"},
                      {"access-control-allow-methods", "POST"},
                      {"access-control-allow-headers", "*"},
                      {"access-control-max-age", "600"}}};
}

INNGEST_INLINE std::optional<http::response> server_access::key_refusal(
    const http::request& request, area where, const std::vector<std::string>& path) const {
  // a subscription's token is checked where it is used
  const bool needs_no_key = where == area::open || where == area::subscriptions;
  if (!has_keys() || needs_no_key || has_signing_key(request)) return std::nullopt;
  switch (where) {
    case area::events:
      if (has_event_key(path) || has_session(request)) return std::nullopt;
      return refuse_(401,
                     "event key not found: send events to /e/<key> with a key of "
                     "http_server_options::event_keys");
    case area::metrics:
      if (has_session(request) || has_bearer(request, metrics_key_)) return std::nullopt;
      return refuse_(401,
                     "send http_server_options::metrics_key, or the hashed signing key, as Authorization: "
                     "Bearer <key>");
    case area::page:
      if (has_session(request)) return std::nullopt;
      return refuse_(401,
                     "sign in with the link that the server's program has printed "
                     "(http_server::sign_in_url)");
    default: {
      const bool cancels =
          request.method == "DELETE" && path.size() == 3 && path[0] == "v1" && path[1] == "runs";
      if (cancels && has_session(request)) return std::nullopt;  // the page cancels runs
      return refuse_(401, signing_key_.empty() ? "this needs a signing key, and the server has none: see "
                                                 "http_server_options::signing_key"
                                               : "the signing key is missing or wrong");
    }
  }
}

INNGEST_INLINE bool server_access::has_signing_key(const http::request& request) const {
  return has_bearer(request, bearer_);
}

INNGEST_INLINE bool server_access::has_bearer(const http::request& request, const std::string& key) {
  const auto given = request.headers.find("authorization");
  if (key.empty() || !given || !detail::same_word(given->substr(0, 7), "bearer ")) return false;
  return detail::equal_in_constant_time(detail::without_blanks(given->substr(7)), key);
}

INNGEST_INLINE bool server_access::has_event_key(const std::vector<std::string>& path) const {
  return path.size() == 2 && detail::is_among(path[1], event_keys_);
}

INNGEST_INLINE std::string_view server_access::session_of(const http::request& request) const {
  for (const auto& [name, value] : request.headers) {
    if (!detail::same_word(name, "cookie")) continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      const std::string_view pair = detail::without_blanks(rest.substr(0, rest.find(';')));
      rest.remove_prefix((std::min)(
          rest.size(), rest.find(';') == std::string_view::npos ? rest.size() : rest.find(';') + 1));
      const std::size_t equals = pair.find('=');
      if (equals == std::string_view::npos || pair.substr(0, equals) != cookie_) continue;
      if (people_.is_session(pair.substr(equals + 1))) return pair.substr(equals + 1);
    }
  }
  return {};
}

}  // namespace inngest::inline INNGEST_ABI::embedded
