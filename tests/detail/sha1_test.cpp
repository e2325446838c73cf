#include <inngest/detail/sha1.hpp>

#include <openssl/evp.h>

#include <initializer_list>
#include <random>
#include <string>
#include <thread>

#include <inngest/detail/crypto.hpp>
#include <inngest/detail/hex.hpp>
#include <inngest/step_id.hpp>

#include "catch.hpp"

namespace {

using inngest::detail::sha1;
using inngest::detail::sha1_digest;
using inngest::detail::to_hex;

sha1_digest openssl_sha1(const std::string& text) {
  sha1_digest out{};
  REQUIRE(EVP_Digest(text.data(), text.size(), out.data(), nullptr, EVP_sha1(), nullptr) == 1);
  return out;
}

}  // namespace

TEST_CASE("SHA-1 gives the published digests", "[sha1]") {
  CHECK(to_hex(sha1::of("")) == "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  CHECK(to_hex(sha1::of("a")) == "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8");
  CHECK(to_hex(sha1::of("abc")) == "a9993e364706816aba3e25717850c26c9cd0d89d");
  CHECK(to_hex(sha1::of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")) ==
        "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
  CHECK(to_hex(sha1::of(std::string(1'000'000, 'a'))) == "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
}

TEST_CASE("SHA-1 agrees with OpenSSL on every length up to four blocks", "[sha1]") {
  std::mt19937 random(1);
  for (std::size_t length = 0; length <= 256; ++length) {
    std::string text(length, '\0');
    for (char& c : text) c = static_cast<char>(random() & 0xff);
    CAPTURE(length);
    CHECK(sha1::of(text) == openssl_sha1(text));
  }
}

TEST_CASE("SHA-1 agrees with OpenSSL at the block boundaries", "[sha1]") {
  for (const std::size_t length : std::initializer_list<std::size_t>{0, 1, 54, 55, 56, 57, 63, 64, 65, 118,
                                                                     119, 120, 121, 127, 128, 129, 100000}) {
    CAPTURE(length);
    CHECK(sha1::of(std::string(length, 'x')) == openssl_sha1(std::string(length, 'x')));
    CHECK(sha1::of(std::string(length, '\0')) == openssl_sha1(std::string(length, '\0')));
    CHECK(sha1::of(std::string(length, '\xff')) == openssl_sha1(std::string(length, '\xff')));
  }
}

TEST_CASE("SHA-1 at run time is the same hash, in every thread and time after time", "[sha1]") {
  const auto check_all = [] {
    for (std::size_t size = 0; size <= 256; ++size) {
      const std::string text(size, static_cast<char>('a' + size % 26));
      if (inngest::detail::sha1_at_run_time(text) != sha1::of(text)) return false;
    }
    return true;
  };
  CHECK(check_all());
  bool other = false;
  std::thread([&] { other = check_all(); }).join();
  CHECK(other);
  CHECK(check_all());
}

TEST_CASE("SHA-1 at compile time gives the digest of run time", "[sha1]") {
  constexpr sha1_digest literal =
      sha1::of("a literal that is longer than one block of the hash, which is 64 bytes");
  CHECK(literal == openssl_sha1("a literal that is longer than one block of the hash, which is 64 bytes"));
  static_assert(sha1::of("a")[0] == 0x86);
}

TEST_CASE("a step id hashes alike as a literal and as text made at run time", "[sha1][step]") {
  const std::string made = std::string("char") + "ge";
  const char* pointer = made.c_str();
  CHECK(inngest::step_id("charge").hash() == inngest::step_id(made).hash());
  CHECK(inngest::step_id("charge").hash() == inngest::step_id(pointer).hash());
  CHECK(inngest::step_id("charge").hash() == inngest::step_id(std::string_view(made)).hash());
  CHECK(to_hex(inngest::step_id("a").hash()) == "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8");
  CHECK(inngest::step_id("").hash() == sha1::of(""));
  CHECK(inngest::step_id("größe").hash() == openssl_sha1("größe"));
}

TEST_CASE("a step id knows where it was written", "[step]") {
  const inngest::step_id literal("x");
  const int line = __LINE__ - 1;
  CHECK(literal.line() == line);
  CHECK(std::string(literal.file()) == __FILE__);
  const std::string text = "y";
  const inngest::step_id made(text);
  CHECK(made.line() == __LINE__ - 1);
}
