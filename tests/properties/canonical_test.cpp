#include <inngest/json/detail/canonical.hpp>
#include <inngest/json/detail/members.hpp>

#include <string>
#include <string_view>

#include "catch.hpp"
#include "properties/json_inputs.hpp"
#include "properties/property.hpp"

// Which texts have a canonical form, and that all texts of a document have the same one. The form itself is
// compared with RFC 8785's vectors and a slow writer elsewhere.

namespace {

using inngest::detail::canonical_json;
using property::chance;
using property::json;
using property::stranger;

bool has_canonical_form(const std::string& text) {
  try {
    canonical_json(text);
    return true;
  } catch (const inngest::payload_error&) {
    return false;
  }
}

/// Numbers as the doubles that canonical JSON knows alone.
json with_doubles(const json& given) {
  if (given.is_number()) return given.get<double>();
  if (!given.is_structured()) return given;
  json out = given;
  for (json& part : out) part = with_doubles(part);
  return out;
}

}  // namespace

TEST_CASE("all texts of a document have one canonical form and it says the same", "[property][canonical]") {
  property::try_cases(1500, [](chance& any) {
    const json document = property::random_document(any, 4);
    const std::string text = stranger(any.part(), {.odd_numbers = true}).write(document);
    INFO("the text: " << text);
    const std::string canonical = canonical_json(text);
    REQUIRE(canonical == canonical_json(document.dump()));
    REQUIRE(canonical == canonical_json(canonical));
    REQUIRE(with_doubles(json::parse(canonical)) == with_doubles(document));
  });
}

TEST_CASE("a text has a canonical form exactly when it is JSON without a member that is there twice",
          "[property][canonical]") {
  std::size_t refused = 0;
  property::try_cases(4000, [&](chance& any) {
    json document = property::random_document(any, 3);
    std::string text = stranger(any.part(), {.repeated_members = any.one_in(4)}).write(document);
    for (std::size_t i = any.below(3); i > 0; --i) text = property::damaged(any, std::move(text));
    INFO("the text: " << text);
    const bool is_json =
        text.find('\0') == std::string::npos && !text.starts_with("\xef\xbb\xbf") && json::accept(text);
    const bool expected = is_json && !inngest::detail::has_duplicate_members(text);
    refused += expected ? 0 : 1;
    REQUIRE(has_canonical_form(text) == expected);
  });
  CHECK(refused > 500);
}
