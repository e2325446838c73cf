#if __has_include(<boost/pfr/core_name.hpp>)  // Boost 1.84 or newer

#include <optional>
#include <string>
#include <vector>

#include <inngest/json/aggregates.hpp>
#include <inngest/members.hpp>

#include "catch.hpp"
#include "support/message_of.hpp"

// Aggregates whose members nobody lists.

namespace aggregates_test {

struct line {
  std::string sku;
  int count = 1;
  bool operator==(const line&) const = default;
};
INNGEST_DEFAULTS(line, count)

struct nothing {};

struct order {
  std::string order_id;
  std::vector<line> lines;
  std::optional<std::string> coupon_code;
  double total = 0;
  bool operator==(const order&) const = default;
};
INNGEST_CAMEL_CASE(order)
inline void validate(const order& value) {
  if (value.total < 0) throw inngest::payload_error("total", "must not be negative");
}

struct listed {
  int written = 0;
  int ignored = 0;
};
INNGEST_FIELDS(listed, written)

}  // namespace aggregates_test

namespace {

using inngest::decode;
using inngest::encode;
using namespace aggregates_test;
using support::message_of;

}  // namespace

TEST_CASE("an aggregate is JSON as it is", "[json][aggregates]") {
  CHECK(encode(line{"a", 2}) == R"({"sku":"a","count":2})");
  CHECK(encode(nothing{}) == "{}");
  const order value{.order_id = "o1", .lines = {{"a", 2}}, .coupon_code = {}, .total = 1.5};
  const std::string text = R"({"orderId":"o1","lines":[{"sku":"a","count":2}],"total":1.5})";
  CHECK(encode(value) == text);
  CHECK(decode<order>(text) == value);
  CHECK(decode<line>(R"({"sku":"a"})") == line{"a", 1});
  CHECK(encode(listed{1, 2}) == R"({"written":1})");
}

TEST_CASE("errors of an aggregate name its members on the wire", "[json][aggregates]") {
  const auto refused = [](const char* text) {
    return message_of<inngest::payload_error>([&] { static_cast<void>(decode<order>(text, "data")); });
  };
  CHECK(refused(R"({"lines":[],"total":1})") == "data.orderId: expected string, found nothing");
  CHECK(refused(R"({"orderId":"o","lines":[{}],"total":1})") ==
        "data.lines[0].sku: expected string, found nothing");
  CHECK(refused(R"({"orderId":"o","lines":[],"total":-1})") == "data.total: must not be negative");
}

TEST_CASE("a key may be a member of an aggregate", "[json][aggregates][members]") {
  CHECK(std::string(inngest::key<&order::coupon_code>) == "event.data.couponCode");
  CHECK(inngest::event_match(inngest::same<&order::order_id, &line::sku>).text() ==
        "data.orderId == data.sku");
}

#endif
