#include <inngest/protocol/signature.hpp>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <chrono>
#include <string>
#include <vector>

#include "catch.hpp"

namespace {

using namespace std::chrono_literals;
using inngest::protocol::check_signature;
using inngest::protocol::hashed_signing_key;
using inngest::protocol::parse_signature;
using inngest::protocol::prefix_length;
using inngest::protocol::sign;
using inngest::protocol::signature_state;
using inngest::protocol::verify;
using seconds = std::chrono::sys_seconds;

const seconds now{1767225600s};
const std::string key = "signkey-test-0123456789abcdef";
const std::string body = R"({"a":1})";

/// An HMAC by another road than the library's.
std::string openssl_signature(const std::string& bare_key, const std::string& text, const std::string& t) {
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  const std::string signed_text = text + t;
  HMAC(EVP_sha256(), bare_key.data(), static_cast<int>(bare_key.size()),
       reinterpret_cast<const unsigned char*>(signed_text.data()), signed_text.size(), mac, &size);
  return "t=" + t + "&s=" + inngest::detail::to_hex({mac, size});
}

}  // namespace

TEST_CASE("a signature is the HMAC of body and time under the key without its prefix", "[signature]") {
  CHECK(sign(body, key, now) == openssl_signature("0123456789abcdef", body, "1767225600"));
  CHECK(sign(body, "0123456789abcdef", now) == sign(body, key, now));
  CHECK(sign("", key, now) == openssl_signature("0123456789abcdef", "", "1767225600"));
}

TEST_CASE("what is signed verifies, with the key in either form", "[signature]") {
  for (const std::string& text : {std::string(), body, std::string("not json"), std::string(1 << 20, 'x')}) {
    CHECK(verify(sign(text, key, now), text, key, now));
    CHECK(verify(sign(text, key, now), text, "0123456789abcdef", now));
    CHECK(verify(sign(text, "signkey-prod-0123456789abcdef", now), text, key, now));
  }
}

TEST_CASE("another body, key, time or digest does not verify", "[signature]") {
  const std::string good = sign(body, key, now);
  CHECK_FALSE(verify(good, R"({"a":2})", key, now));
  CHECK_FALSE(verify(good, body + " x", key, now));
  CHECK_FALSE(verify(good, "", key, now));
  CHECK_FALSE(verify(good, body, "signkey-test-0123456789abcdee", now));
  CHECK_FALSE(verify(good, body, "", now));
  std::string later = good;
  later.replace(2, 10, "1767225601");
  CHECK_FALSE(verify(later, body, key, now));
  for (std::size_t i = good.find("&s=") + 3; i < good.size(); ++i) {
    std::string spoilt = good;
    spoilt[i] = spoilt[i] == '0' ? '1' : '0';
    CHECK_FALSE(verify(spoilt, body, key, now));
  }
}

TEST_CASE("a signature is good for five minutes either way", "[signature]") {
  const std::string good = sign(body, key, now);
  CHECK(verify(good, body, key, now + 300s));
  CHECK_FALSE(verify(good, body, key, now + 301s));
  CHECK(verify(good, body, key, now - 300s));
  CHECK_FALSE(verify(good, body, key, now - 301s));
  CHECK_FALSE(verify(good, body, key, seconds(0s)));
}

TEST_CASE("a signature of a key that is empty is never good", "[signature]") {
  CHECK_FALSE(verify(sign(body, "", now), body, "", now));
}

TEST_CASE("a header that is no signature is refused", "[signature]") {
  const std::string digest(64, '0');
  for (const std::string& header : std::vector<std::string>{"",
                                                            "t=",
                                                            "t=&s=",
                                                            "s=" + digest,
                                                            "t=1767225600",
                                                            "t=1767225600&s=",
                                                            "t=1767225600&s=" + digest.substr(1),
                                                            "t=1767225600&s=" + digest + "0",
                                                            "t=1767225600&s=" + std::string(64, 'g'),
                                                            "t=&s=" + digest,
                                                            "t=x&s=" + digest,
                                                            "t=-1&s=" + digest,
                                                            "t= 1767225600&s=" + digest,
                                                            "t=1767225600 &s=" + digest,
                                                            "t=1767225600.5&s=" + digest,
                                                            "t=99999999999999999999&s=" + digest,
                                                            "t=9223372036854775807&s=" + digest,
                                                            "T=1767225600&S=" + digest,
                                                            "t=1767225600;s=" + digest,
                                                            "t=+1767225600&s=" + digest,
                                                            " t=1767225600&s=" + digest,
                                                            "t=1767225600&s=" + digest + " "}) {
    CAPTURE(header);
    CHECK_FALSE(parse_signature(header).has_value());
    CHECK_FALSE(verify(header, body, key, now));
  }
  CHECK(parse_signature("t=1767225600&s=" + digest).has_value());
  CHECK_FALSE(verify(std::string("t=1\0&s=", 7) + digest, body, key, now));
}

TEST_CASE("the digest may be in capitals", "[signature]") {
  std::string good = sign(body, key, now);
  for (std::size_t i = good.find("&s=") + 3; i < good.size(); ++i)
    good[i] = static_cast<char>(std::toupper(static_cast<unsigned char>(good[i])));
  CHECK(verify(good, body, key, now));
}

TEST_CASE("a body is verified in canonical form too: sorted keys, no white space, no needless escapes",
          "[signature]") {
  const std::string canonical = R"({"a":[1,2],"url":"http://x/?a=1&b=<2>"})";
  const std::string header = sign(canonical, key, now);
  CHECK(verify(header, "{ \"url\": \"http:\\/\\/x\\/?a=1\\u0026b=\\u003c2\\u003e\",\n \"a\": [1, 2] }\n", key,
               now));
  CHECK_FALSE(verify(header, R"({"a":[2,1],"url":"http://x/?a=1&b=<2>"})", key, now));
  CHECK_FALSE(verify(header, R"({"a":[1,2],"url":"http://x/?a=1&b=<2>")", key, now));
}

TEST_CASE("a body is verified in canonical form at any size", "[signature]") {
  for (const std::size_t size : {std::size_t{1} << 10, std::size_t{100} << 10, std::size_t{5} << 20}) {
    CAPTURE(size);
    const std::string text(size, 'x');
    const std::string canonical = "{\"a\":\"&" + text + "\",\"n\":1}";
    const std::string header = sign(canonical, key, now);
    CHECK(verify(header, "{\"n\":1.0,\"a\":\"\\u0026" + text + "\"}", key, now));
    CHECK_FALSE(verify(header, "{\"n\":2.0,\"a\":\"\\u0026" + text + "\"}", key, now));
  }
}

TEST_CASE("a body with two members of the same name is never verified", "[signature]") {
  const std::string header = sign(body, key, now);
  for (const std::string& extended : {std::string(R"({"a":2,"a":1})"), std::string(R"({"a":1,"a":1})"),
                                      std::string(R"({"a":2,"\u0061":1})")}) {
    CAPTURE(extended);
    CHECK_FALSE(verify(header, extended, key, now));
    CHECK_FALSE(verify(sign(extended, key, now), extended, key, now));
    const auto check = check_signature(sign(extended, key, now), extended, {key}, now);
    CHECK(check.state == signature_state::duplicate_members);
  }
}

TEST_CASE("what was signed is told: the key, and the bytes where they are not those of the body",
          "[signature]") {
  const std::string other = "signkey-test-ffff";
  const auto raw = check_signature(sign(body, key, now), body, {other, key}, now);
  CHECK(raw.is_good());
  CHECK(raw.key == 1);
  CHECK_FALSE(raw.canonical);
  const auto canonical = check_signature(sign(body, other, now), " {\"a\" : 1.0}", {other, key}, now);
  CHECK(canonical.is_good());
  CHECK(canonical.key == 0);
  CHECK(canonical.canonical == body);
}

TEST_CASE("the reason why a signature is not good is told", "[signature]") {
  const auto state = [](const std::string& header, const std::string& with, seconds at = now) {
    return check_signature(header, body, {with}, at).state;
  };
  const std::string good = sign(body, key, now);
  CHECK(state("", key) == signature_state::malformed);
  CHECK(state(good, key, now + 301s) == signature_state::stale);
  CHECK(state(good, key, now - 301s) == signature_state::stale);
  CHECK(state(good, key, now + 300s) == signature_state::good);
  CHECK(state(good, "") == signature_state::no_key);
  CHECK(state(good, "signkey-test-00") == signature_state::mismatch);
  CHECK(check_signature(good, body, {key}, now + 400s).reason().find("400 s ago") != std::string::npos);
  CHECK(check_signature(good, body, {key}, now - 400s).reason().find("400 s in the future") !=
        std::string::npos);
}

TEST_CASE("a prefix is no key: anybody could sign with it", "[signature][keys]") {
  CHECK_FALSE(verify(sign(body, "signkey-test-", now), body, "signkey-test-", now));
  CHECK_FALSE(verify(sign(body, "", now), body, "signkey-test-", now));
}

TEST_CASE("a body that can't be canonical is merely not verified", "[signature]") {
  const std::string header = sign("x", key, now);
  for (const std::string& text : {std::string("{"), std::string("\xff"), std::string(60000, '['),
                                  std::string(100000, '{'), std::string("1e999")}) {
    CHECK_FALSE(verify(header, text, key, now));
  }
}

TEST_CASE("the prefix of a key ends at its second dash", "[signature][keys]") {
  CHECK(prefix_length("signkey-test-abc") == 13);
  CHECK(prefix_length("signkey-prod-abc-def") == 13);
  CHECK(prefix_length("abcdef") == 0);
  CHECK(prefix_length("signkey-abc") == 0);
  CHECK(prefix_length("signkey-") == 0);
  CHECK(prefix_length("") == 0);
  CHECK(prefix_length("key-test-abc") == 0);
}

TEST_CASE("the API is given the hash of the bytes that the key spells", "[signature][keys]") {
  CHECK(hashed_signing_key("signkey-test-00ff") ==
        "signkey-test-06eb7d6a69ee19e5fbdf749018d3d2abfa04bcbd1365db312eb86dc7169389b8");
  CHECK(hashed_signing_key("00ff") == "06eb7d6a69ee19e5fbdf749018d3d2abfa04bcbd1365db312eb86dc7169389b8");
  // not hex: hashed as text ("abc" has an odd length, "zz" no such digits)
  CHECK(hashed_signing_key("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(hashed_signing_key("signkey-test-zz").size() == 13 + 64);
  CHECK(hashed_signing_key("signkey-test-00ff").find("00ff") == std::string::npos);
}
