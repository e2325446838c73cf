// A signature header, a new line, and a body: nobody guesses a signature, what we sign verifies, and what was
// verified is what is read.
#include <inngest/json.hpp>
#include <inngest/json/detail/canonical.hpp>
#include <inngest/json/detail/members.hpp>
#include <inngest/protocol/call_request.hpp>
#include <inngest/protocol/signature.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "fuzz_check.hpp"
#include "targets.hpp"

namespace fuzzed {

namespace protocol = inngest::protocol;
using inngest::detail::canonical_json;

std::optional<std::string> canonical(std::string_view text) {
  try {
    return canonical_json(text);
  } catch (const inngest::payload_error&) {
    return std::nullopt;
  }
}

/// All that a call request says, in a form that can be compared; nothing for what is no call request.
std::optional<std::string> read_call(std::string_view body) {
  try {
    const protocol::call_request call{std::string(body)};
    inngest::step_hash first{};
    inngest::detail::from_hex("0123456789012345678901234567890123456789", first);
    inngest::json out{call.run_id(),         call.attempt(),         call.max_attempts().value_or(-1),
                      call.plan_only(),      call.use_api(),         call.function_uuid(),
                      call.queue_item_id(),  call.request_id(),      call.generation_id(),
                      call.memo_count(),     call.has_results(),     call.completed_at(first),
                      call.is_newest(first), call.is_deferred(first)};
    for (const std::string_view part : {call.event(), call.events()})
      out.push_back(part.empty() ? "" : canonical_json(part));
    if (const auto* memo = call.find(first)) out.push_back(canonical_json(memo->text));
    return out.dump(-1, ' ', true);
  } catch (const inngest::error&) {
    return std::nullopt;
  }
}

/// If the body verifies with a signature of `signed_bytes`, both must say the same.
void check_meaning(std::string_view body, std::string_view signed_bytes, std::string_view key,
                   std::chrono::sys_seconds now) {
  const std::string header = protocol::sign(signed_bytes, key, now);
  const protocol::signature_check check = protocol::check_signature(header, body, {key}, now);
  FUZZ_CHECK(check.is_good() == protocol::verify(header, body, key, now));
  if (!check.is_good()) return;
  const std::string_view read = check.canonical ? std::string_view(*check.canonical) : body;
  FUZZ_CHECK(read == signed_bytes);
  FUZZ_CHECK(!inngest::detail::has_duplicate_members(read));
  if (const auto form = canonical(body)) {
    FUZZ_CHECK(read_call(body) == read_call(*form));
    FUZZ_CHECK(canonical(*form) == form);
  }
}

}  // namespace fuzzed

void targets::fuzz_signature(std::string_view text) {
  namespace protocol = inngest::protocol;
  constexpr std::string_view key = "signkey-test-5a1f0c9d77e3b2486e0d";
  constexpr std::chrono::sys_seconds now{std::chrono::seconds(1767225600)};
  const std::size_t line = text.find('\n');
  const std::string_view header = text.substr(0, line);
  const std::string_view body = line == std::string_view::npos ? std::string_view() : text.substr(line + 1);

  if (const auto parsed = protocol::parse_signature(header)) {
    FUZZ_CHECK(parsed->at.time_since_epoch().count() >= 0);
    FUZZ_CHECK(header.size() >= 2 + 3 + 64);
  }
  FUZZ_CHECK(!protocol::verify(header, body, key, now));
  FUZZ_CHECK(!protocol::verify(header, body, "", now));

  const std::string good = protocol::sign(body, key, now);
  FUZZ_CHECK(protocol::parse_signature(good).has_value());
  const bool ambiguous = inngest::detail::has_duplicate_members(body);
  FUZZ_CHECK(protocol::verify(good, body, key, now) == !ambiguous);
  FUZZ_CHECK(!protocol::verify(good, body, key, now + std::chrono::seconds(301)));
  fuzzed::check_meaning(body, body, key, now);
  if (const auto canonical = fuzzed::canonical(body)) {
    FUZZ_CHECK(!ambiguous);
    FUZZ_CHECK(protocol::verify(protocol::sign(*canonical, key, now), body, key, now));
    fuzzed::check_meaning(body, *canonical, key, now);
  }

  // any bytes may have been configured as a key
  static_cast<void>(protocol::hashed_signing_key(header));
  FUZZ_CHECK(protocol::prefix_length(header) <= header.size());
  const bool has_secret = header.size() > protocol::prefix_length(header);
  FUZZ_CHECK(protocol::verify(protocol::sign(body, header, now), body, header, now) ==
             (has_secret && !ambiguous));
}
