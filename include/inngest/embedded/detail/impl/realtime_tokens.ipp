#pragma once

#include <exception>

#include <inngest/config.hpp>
#include <inngest/detail/base64.hpp>
#include <inngest/detail/ulid.hpp>
#include <inngest/embedded/detail/realtime_tokens.hpp>
#include <inngest/error.hpp>
#include <inngest/json.hpp>
#include <inngest/json/detail/dom.hpp>

namespace inngest::inline INNGEST_ABI::detail {

/// Base64 for URLs, without padding (RFC 4648, 5).
INNGEST_INLINE std::string to_base64_url(std::string_view bytes) {
  const auto* first = reinterpret_cast<const std::uint8_t*>(bytes.data());
  std::string out = to_base64({first, bytes.size()});
  while (out.ends_with('=')) out.pop_back();
  for (char& c : out) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return out;
}

INNGEST_INLINE std::optional<std::string> from_base64_url(std::string_view text) {
  if (text.find_first_of("+/=") != std::string_view::npos) return std::nullopt;
  std::string plain(text);
  for (char& c : plain) c = c == '-' ? '+' : c == '_' ? '/' : c;
  while (plain.size() % 4 != 0) plain += '=';
  return from_base64(plain);
}

}  // namespace inngest::inline INNGEST_ABI::detail

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE std::string realtime_tokens::make(const std::vector<realtime_topic>& topics,
                                                 time_point now) const {
  constexpr const char* account = "00000000-0000-4000-a000-000000000000";  // as that of a dev server
  constexpr const char* environment = "00000000-0000-4000-b000-000000000000";
  const auto issued = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch();
  json list = json::array();
  for (const auto& [channel, topic] : topics)
    list.push_back({{"kind", "run"}, {"env_id", environment}, {"channel", channel}, {"name", topic}});
  const json claims{{"iss", "rt.inngest.com"},
                    {"sub", account},
                    {"exp", (issued + std::chrono::minutes(1)).count()},
                    {"iat", issued.count()},
                    {"jti", detail::make_ulid(now)},
                    {"env", environment},
                    {"topics", std::move(list)},
                    {"publish", false}};
  const std::string content =
      detail::to_base64_url(R"({"alg":"HS256","typ":"JWT"})") + "." + detail::to_base64_url(encode(claims));
  return content + "." + signature_of(content);
}

INNGEST_INLINE std::optional<std::vector<realtime_topic>> realtime_tokens::read(std::string_view token,
                                                                                time_point now) const {
  const std::size_t first = token.find('.'), last = token.rfind('.');
  if (first == std::string_view::npos || first == last) return std::nullopt;
  const std::string_view content = token.substr(0, last);
  if (!detail::equal_in_constant_time(token.substr(last + 1), signature_of(content))) return std::nullopt;
  // the rest was written by make(), because no one else has the key
  const auto text = detail::from_base64_url(content.substr(first + 1));
  if (!text) return std::nullopt;
  try {
    const json claims = detail::parse_dom(*text);
    const auto expires = std::chrono::seconds(claims.at("exp").get<std::int64_t>());
    const auto issued = std::chrono::seconds(claims.at("iat").get<std::int64_t>());
    if (now.time_since_epoch() >= expires || now.time_since_epoch() < issued) return std::nullopt;
    std::vector<realtime_topic> out;
    for (const json& topic : claims.at("topics"))
      out.emplace_back(topic.at("channel").get<std::string>(), topic.at("name").get<std::string>());
    return out;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

INNGEST_INLINE std::string realtime_tokens::signature_of(std::string_view content) const {
  const std::string_view key(reinterpret_cast<const char*>(key_.data()), key_.size());
  const auto digest = detail::hmac_sha256(key, content, "");
  return detail::to_base64_url({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

}  // namespace inngest::inline INNGEST_ABI::embedded
