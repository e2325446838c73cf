#include <inngest/json.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "catch.hpp"
#include "support/message_of.hpp"

// Names on the wire, private members, and types that nlohmann's macros declare, too.

namespace wire_names {

struct order {
  std::string order_id;
  std::optional<int> line_2_count;
  std::string already_camelCase;
  std::string URL;
  int _version = 0;
  std::map<std::string, int> by_sku;
  bool operator==(const order&) const = default;
};
INNGEST_CAMEL_FIELDS(order, order_id, line_2_count, already_camelCase, (URL, "url"), _version, by_sku)
INNGEST_DEFAULTS(order, by_sku)

struct header {
  std::string content_type;
  int content_length = 0;
  std::string etag;
};
INNGEST_FIELDS(header, (content_type, "content-type"), (content_length, "content-length"), etag)
INNGEST_DEFAULTS(header, content_length)

class account {
 public:
  account() = default;
  account(std::string id, long cents) : id_(std::move(id)), cents_(cents) {}
  INNGEST_INTRUSIVE_FIELDS(account, (id_, "id"), (cents_, "cents"), (notes_, "notes"))
  INNGEST_INTRUSIVE_DEFAULTS(account, notes_)
  bool operator==(const account&) const = default;

 private:
  std::string id_;
  long cents_ = 0;
  std::vector<std::string> notes_;
};

class session {
 public:
  session() = default;
  explicit session(int first) : started_at_(first) {}
  INNGEST_INTRUSIVE_CAMEL_FIELDS(session, started_at_, last_seen_at_)
  int started_at() const { return started_at_; }

 private:
  int started_at_ = 0;
  std::optional<int> last_seen_at_;
};

/// As nlohmann 3.11 declares it.
struct legacy {
  int user_id = 0;
  NLOHMANN_DEFINE_TYPE_INTRUSIVE(legacy, user_id)
};
INNGEST_CAMEL_FIELDS(legacy, user_id)

/// As nlohmann 3.12 declares it: with templates.
struct recent {
  int user_id = 0;
};
template <class Json, std::enable_if_t<nlohmann::detail::is_basic_json<Json>::value, int> = 0>
void to_json(Json& out, const recent& value) {
  out["user_id"] = value.user_id;
}
template <class Json, std::enable_if_t<nlohmann::detail::is_basic_json<Json>::value, int> = 0>
void from_json(const Json& in, recent& value) {
  in.at("user_id").get_to(value.user_id);
}
INNGEST_CAMEL_FIELDS(recent, user_id)

/// Both macros outside of the type.
struct twice {
  int user_id = 0;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(twice, user_id)
INNGEST_CAMEL_FIELDS(twice, user_id)

/// A template declares its members inside.
template <class T>
struct page {
  std::vector<T> items;
  std::optional<int> next_page;
  INNGEST_INTRUSIVE_CAMEL_FIELDS(page, items, next_page)
};

/// nlohmann alone.
struct foreign {
  int user_id = 0;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(foreign, user_id)

}  // namespace wire_names

namespace {

using inngest::decode;
using inngest::encode;
using inngest::json;
using inngest::payload_error;
using namespace wire_names;
using support::message_of;

}  // namespace

TEST_CASE("members in snake case have names in camel case on the wire", "[json][names]") {
  const order value{.order_id = "o1",
                    .line_2_count = 3,
                    .already_camelCase = "x",
                    .URL = "https://a",
                    ._version = 2,
                    .by_sku = {{"a_b", 1}}};
  const std::string text =
      R"({"orderId":"o1","line2Count":3,"alreadyCamelCase":"x","url":"https://a","_version":2,)"
      R"("bySku":{"a_b":1}})";
  CHECK(encode(value) == text);
  CHECK(decode<order>(text) == value);
  CHECK(json(value) == json::parse(text));
  CHECK(json::parse(text).get<order>() == value);
}

TEST_CASE("errors and defaults know the names on the wire", "[json][names]") {
  CHECK(message_of<payload_error>([] {
          static_cast<void>(
              decode<order>(R"({"order_id":"o1","alreadyCamelCase":"","url":"","_version":1})", "data"));
        }) == "data.orderId: expected string, found nothing");
  CHECK(decode<order>(R"({"orderId":"o1","alreadyCamelCase":"","url":"","_version":1})").by_sku.empty());
  CHECK(decode<header>(R"({"content-type":"a","etag":""})").content_length == 0);
  CHECK(message_of<payload_error>([] { static_cast<void>(decode<header>(R"({"content-type":1})")); }) ==
        "content-type: expected string, found number");
}

TEST_CASE("private members are declared inside of the class", "[json][names]") {
  const account value("a1", 5);
  CHECK(encode(value) == R"({"id":"a1","cents":5,"notes":[]})");
  CHECK(decode<account>(R"({"cents":5,"id":"a1"})") == value);
  CHECK(json(value).get<account>() == value);
  CHECK(encode(session(7)) == R"({"startedAt":7})");
  CHECK(decode<session>(R"({"startedAt":9,"lastSeenAt":1})").started_at() == 9);
}

TEST_CASE("a template declares its members inside of it", "[json][names]") {
  CHECK(encode(page<int>{.items = {1, 2}, .next_page = 2}) == R"({"items":[1,2],"nextPage":2})");
  CHECK(decode<page<legacy>>(R"({"items":[{"userId":4}]})").items.at(0).user_id == 4);
  CHECK(json(page<std::string>{.items = {"a"}, .next_page = {}}) == json{{"items", {"a"}}});
}

TEST_CASE("a type may have nlohmann's macros, too: each is used by its own library", "[json][names]") {
  CHECK(encode(legacy{3}) == R"({"userId":3})");
  CHECK(json(legacy{3}) == json{{"user_id", 3}});
  CHECK(decode<legacy>(R"({"userId":4})").user_id == 4);
  CHECK(json{{"user_id", 5}}.get<legacy>().user_id == 5);
  CHECK(encode(twice{3}) == R"({"userId":3})");
  CHECK(json(twice{3}) == json{{"user_id", 3}});
  CHECK(encode(recent{3}) == R"({"userId":3})");
  CHECK(json(recent{3}) == json{{"user_id", 3}});
  CHECK(json{{"user_id", 5}}.get<recent>().user_id == 5);
  CHECK(encode(std::vector<foreign>{{3}}) == R"([{"user_id":3}])");
  CHECK(decode<foreign>(R"({"user_id":4})").user_id == 4);
}
