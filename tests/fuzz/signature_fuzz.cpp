// A signature header, a new line, and a body: nobody guesses a signature, and what we sign verifies.
#include <inngest/protocol/signature.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz_check.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace protocol = inngest::protocol;
  constexpr std::string_view key = "signkey-test-5a1f0c9d77e3b2486e0d";
  constexpr std::chrono::sys_seconds now{std::chrono::seconds(1767225600)};
  const std::string_view text(reinterpret_cast<const char*>(data), size);
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
  FUZZ_CHECK(protocol::verify(good, body, key, now));
  FUZZ_CHECK(!protocol::verify(good, body, key, now + std::chrono::seconds(301)));

  // any bytes may have been configured as a key
  static_cast<void>(protocol::hashed_signing_key(header));
  FUZZ_CHECK(protocol::prefix_length(header) <= header.size());
  if (!header.empty()) FUZZ_CHECK(protocol::verify(protocol::sign(body, header, now), body, header, now));
  return 0;
}
