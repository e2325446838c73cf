#include <inngest/json.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include <inngest/event.hpp>
#include <inngest/json/detail/shape.hpp>

#include "catch.hpp"
#include "support/message_of.hpp"

// The types that people have: times, variants, bytes, paths, maps by enumeration, nested optionals.

namespace json_types_test {

using inngest::json;

enum class size { small, extra_large };
INNGEST_ENUM(size, {size::small, "small"}, {size::extra_large, "extra-large"})

struct card {
  std::string number;
  bool operator==(const card&) const = default;
};
INNGEST_FIELDS(card, number)
struct transfer {
  std::string iban;
  std::optional<int> day;
  inngest::extra_fields rest;
  bool operator==(const transfer&) const = default;
};
INNGEST_FIELDS(transfer, iban, day, rest)
struct cash {
  bool operator==(const cash&) const = default;
};
INNGEST_FIELDS(cash)
using payment = std::variant<card, transfer, cash>;
INNGEST_VARIANT(payment, "method", "card", "transfer", "cash")

struct square {
  double side = 0;
  bool operator==(const square&) const = default;
};
INNGEST_FIELDS(square, side)
struct box {
  double width = 0, height = 0;
  bool operator==(const box&) const = default;
};
INNGEST_FIELDS(box, width, height)
using figure = std::variant<square, box, std::string>;
INNGEST_VARIANT_BY_SHAPE(figure)

struct group;
using shape = std::variant<box, group>;
struct group {
  std::vector<shape> parts;
};
INNGEST_FIELDS(group, parts)
INNGEST_VARIANT(shape, "type", "box", "group")

struct purchase {
  payment paid;
  std::variant<std::monostate, int, std::string> reference;
  std::chrono::sys_time<std::chrono::milliseconds> at{};
  std::chrono::minutes open_for{};
  std::map<size, int> by_size;
  std::optional<std::optional<std::string>> note;
  std::vector<std::byte> receipt;
  std::optional<std::array<std::uint8_t, 3>> color;
  std::filesystem::path file;
  bool operator==(const purchase&) const = default;
};
INNGEST_CAMEL_FIELDS(purchase, paid, reference, at, open_for, by_size, note, (receipt, inngest::as_base64),
                     (color, "rgb", inngest::as_base64), file)

using paid = inngest::event<"shop/paid", payment>;

// What a base declares.
struct base_order {
  std::string order_id;
  bool operator==(const base_order&) const = default;
};
INNGEST_CAMEL_FIELDS(base_order, order_id)
struct undeclared_refund : base_order {
  int cents = 0;
};
struct refund : base_order {
  int cents = 0;
};
INNGEST_FIELDS(refund, order_id, cents)
struct foreign_refund : base_order {
  int cents = 0;
  NLOHMANN_DEFINE_TYPE_INTRUSIVE(foreign_refund, order_id, cents)
};
template <class T>
class boxed {
 public:
  boxed() = default;
  explicit boxed(T content) : content_(std::move(content)) {}
  INNGEST_INTRUSIVE_FIELDS(boxed, (content_, "content"))

 private:
  T content_{};
};

struct serialized_refund : base_order {
  int cents = 0;
};

// Types to which those of their members convert.
struct tag {
  std::string name;
};
INNGEST_FIELDS(tag, name)
struct tags {
  std::vector<tag> all;
  tags() = default;
  tags(std::vector<tag> list) : all(std::move(list)) {}
};
INNGEST_FIELDS(tags, all)
// Alternatives that take any member.
struct foreign_kind {
  std::string kind = "own";
  bool operator==(const foreign_kind&) const = default;
  NLOHMANN_DEFINE_TYPE_INTRUSIVE(foreign_kind, kind)
};
using open_choice = std::variant<card, std::map<std::string, std::string>, json, foreign_kind>;
INNGEST_VARIANT(open_choice, "kind", "card", "texts", "any", "foreign")

struct label {
  std::string text;
  int size = 0;
  operator std::string_view() const { return text; }
};
INNGEST_FIELDS(label, text, size)

/// A map without at().
struct small_map : private std::map<std::string, int> {
  using map = std::map<std::string, int>;
  using map::begin, map::end, map::insert, map::insert_or_assign, map::iterator, map::key_type,
      map::mapped_type, map::value_type;
};

// A view of text that may be absent.
struct remark {
  const char* text = nullptr;
};
INNGEST_FIELDS(remark, text)

// A map that keeps its own form.
struct own_map : std::map<int, int> {
  using map::map;
};
void to_json(nlohmann::json& out, const own_map&) { out = "own"; }
void from_json(const nlohmann::json&, own_map& out) { out = {{3, 4}}; }

}  // namespace json_types_test

template <>
struct nlohmann::adl_serializer<json_types_test::serialized_refund> {
  static void to_json(json& out, const json_types_test::serialized_refund& from) {
    out = {{"cents", from.cents}};
  }
  static void from_json(const json& in, json_types_test::serialized_refund& to) {
    in.at("cents").get_to(to.cents);
  }
};

namespace {

using inngest::decode;
using inngest::encode;
using inngest::json;
using inngest::payload_error;
using support::message_of;
using namespace json_types_test;
using namespace std::chrono_literals;
using namespace std::chrono;

template <class T>
std::string refused(std::string_view text) {
  return message_of<payload_error>([&] { static_cast<void>(decode<T>(text, "it")); });
}
template <class T>
std::string unwritable(const T& value) {
  return message_of<payload_error>([&] { static_cast<void>(encode(value, "it")); });
}
template <class T>
T again(const T& value) {
  return decode<T>(encode(value));
}
template <class Duration>
sys_time<Duration> moment(std::string_view text) {
  return decode<sys_time<Duration>>("\"" + std::string(text) + "\"");
}

}  // namespace

TEST_CASE("a duration is a number of its own unit", "[json][types]") {
  CHECK(encode(1500ms) == "1500");
  CHECK(encode(-90min) == "-90");
  CHECK(encode(duration<double>(1.5)) == "1.5");
  CHECK(decode<seconds>("90") == 90s);
  CHECK(decode<hours>("-2.0") == -2h);
  CHECK(again(nanoseconds::max()) == nanoseconds::max());
  CHECK(refused<seconds>("1.5") == "it: expected integer, found a number with a fraction");
  CHECK(refused<seconds>(R"("1s")") == "it: expected integer, found string");
}

TEST_CASE("a time is RFC 3339 in UTC with the digits of its unit", "[json][types][timestamp]") {
  const sys_seconds whole = sys_days(2026y / 11 / 23) + 4h + 40min + 5s;
  CHECK(encode(whole) == R"("2026-11-23T04:40:05Z")");
  CHECK(encode(time_point_cast<milliseconds>(whole) + 7ms) == R"("2026-11-23T04:40:05.007Z")");
  CHECK(encode(time_point_cast<microseconds>(whole) + 7us) == R"("2026-11-23T04:40:05.000007Z")");
  CHECK(encode(time_point_cast<nanoseconds>(whole) + 7ns) == R"("2026-11-23T04:40:05.000000007Z")");
  CHECK(encode(time_point_cast<hours>(floor<days>(whole)) + 5h) == R"("2026-11-23T05:00:00Z")");
  CHECK(encode(time_point_cast<milliseconds>(sys_days(1969y / 12 / 31)) + 86'399'999ms) ==
        R"("1969-12-31T23:59:59.999Z")");
  CHECK(encode(sys_days(2026y / 2 / 3)) == R"("2026-02-03")");
  CHECK(encode(2026y / 2 / 3) == R"("2026-02-03")");
}

TEST_CASE("a time is read with any offset and finer digits", "[json][types][timestamp]") {
  const sys_time<milliseconds> expected = sys_days(2026y / 11 / 23) + 4h + 40min + 40s + 258ms;
  CHECK(moment<milliseconds>("2026-11-23T05:40:40.258+01:00") == expected);
  CHECK(moment<milliseconds>("2026-11-22T23:10:40.258999999-05:30") == expected);
  CHECK(moment<nanoseconds>("2026-11-23T04:40:40.258999999Z") == expected + 999'999ns);
  CHECK(moment<seconds>("2026-11-23T04:40:40.999Z") == floor<seconds>(expected));
  CHECK(moment<milliseconds>("1969-12-31T23:59:59.9999Z") == sys_time<milliseconds>(-1ms));
  CHECK(decode<sys_days>(R"("2024-02-29")") == sys_days(2024y / 2 / 29));
  CHECK(decode<year_month_day>(R"("2024-02-29")") == 2024y / 2 / 29);
}

TEST_CASE("what is no time, or out of range, is refused", "[json][types][timestamp]") {
  CHECK(refused<sys_seconds>(R"("tomorrow")") ==
        "it: expected a time such as \"2026-11-23T04:40:40Z\", found \"tomorrow\"");
  CHECK(refused<sys_seconds>("5") == "it: expected string, found number");
  CHECK(refused<sys_seconds>(R"("2026-02-30T00:00:00Z")") != "(no exception)");
  CHECK(refused<sys_seconds>(R"("2026-02-03T00:00:00")") != "(no exception)");
  CHECK(refused<sys_days>(R"("2026-02-30")") ==
        "it: expected a date such as \"2026-11-23\", found \"2026-02-30\"");
  CHECK(refused<sys_days>(R"("2026-02-03T00:00:00Z")") != "(no exception)");
  const std::string out_of_range =
      "it: the time is out of range: JSON has the years 0 to 9999, and the type perhaps fewer";
  CHECK(refused<sys_time<nanoseconds>>(R"("2500-01-01T00:00:00Z")") == out_of_range);
  CHECK(refused<sys_time<duration<std::int32_t>>>(R"("2038-01-19T03:14:08Z")") == out_of_range);
  CHECK(unwritable(sys_seconds::max()) == out_of_range);
  CHECK(unwritable(sys_time<hours>::max()) == out_of_range);
  CHECK(unwritable(sys_days(9999y / 12 / 31) + days(1)) == out_of_range);
  CHECK(unwritable(2026y / 2 / 30) == out_of_range);
  CHECK(unwritable(sys_days::max()) == out_of_range);
  CHECK(unwritable(sys_days::min()) == out_of_range);
  using short_days = duration<std::int16_t, days::period>;
  CHECK(refused<sys_time<short_days>>(R"("9999-12-31")") == out_of_range);
}

TEST_CASE("the first and the last time of a type are written and read", "[json][types][timestamp]") {
  using nanos = sys_time<nanoseconds>;
  CHECK(encode(nanos::min()) == R"("1677-09-21T00:12:43.145224192Z")");
  CHECK(again(nanos::min()) == nanos::min());
  CHECK(again(nanos::max()) == nanos::max());
  CHECK(refused<nanos>(R"("1677-09-21T00:12:43.145224191Z")").find("out of range") != std::string::npos);
  CHECK(unwritable(sys_time<microseconds>::min()).find("out of range") != std::string::npos);
  using short_microseconds = duration<std::int16_t, std::micro>;
  CHECK(encode(sys_time<short_microseconds>(short_microseconds(-1))) == R"("1969-12-31T23:59:59.999999Z")");
  CHECK(encode(sys_time<milliseconds>(milliseconds(-1))) == R"("1969-12-31T23:59:59.999Z")");
  CHECK(again(sys_time<milliseconds>(milliseconds(-1))) == sys_time<milliseconds>(milliseconds(-1)));
}

TEST_CASE("a variant is told by its discriminator, wherever it stands", "[json][types][variant]") {
  CHECK(encode(payment(card{"4242"})) == R"({"method":"card","number":"4242"})");
  CHECK(encode(payment(cash{})) == R"({"method":"cash"})");
  CHECK(decode<payment>(R"({"number":"4242","method":"card"})") == payment(card{"4242"}));
  CHECK(decode<payment>(R"({"method":"cash","more":1})") == payment(cash{}));
  const auto kept = decode<payment>(R"({"iban":"CH1","more":[1],"method":"transfer"})");
  CHECK(kept == payment(transfer{"CH1", {}, {{"more", json{1}}}}));
  CHECK(encode(kept) == R"({"method":"transfer","iban":"CH1","more":[1]})");
  CHECK(decode<std::vector<payment>>(R"([{"method":"cash"},{"method":"card","number":"1"}])") ==
        std::vector<payment>{cash{}, card{"1"}});
  const shape nested = group{{box{1, 2}, group{{box{3, 4}}}}};
  CHECK(encode(nested) == R"({"type":"group","parts":[{"type":"box","width":1,"height":2},)"
                          R"({"type":"group","parts":[{"type":"box","width":3,"height":4}]}]})");
  CHECK(encode(again(nested)) == encode(nested));
}

TEST_CASE("errors of a variant name its member", "[json][types][variant]") {
  CHECK(refused<payment>(R"({"method":"coupon"})") ==
        "it.method: expected one of \"card\", \"transfer\", \"cash\", found \"coupon\"");
  CHECK(refused<payment>(R"({"number":"1"})") == "it.method: expected string, found nothing");
  CHECK(refused<payment>(R"({"method":3})") == "it.method: expected string, found number");
  CHECK(refused<payment>("[]") == "it: expected object, found array");
  CHECK(refused<payment>(R"({"method":"card","number":7})") == "it.number: expected string, found number");
  CHECK(refused<payment>(R"({"method":"card")").find("not valid JSON") != std::string::npos);
}

TEST_CASE("a variant is told by JSON types, and by members where that is declared",
          "[json][types][variant]") {
  using loose = std::variant<std::monostate, bool, int, std::string, std::vector<int>, card>;
  for (const char* text : {"null", "true", "7", R"("x")", "[1,2]", R"({"number":"1"})"})
    CHECK(encode(decode<loose>(text)) == text);
  CHECK(decode<loose>("7").index() == 2);
  CHECK(refused<loose>("[1,true]") == "it[1]: expected integer, found boolean");
  CHECK(refused<std::variant<int, std::string>>("true") == "it: expected number or string, found boolean");

  CHECK(decode<figure>(R"({"side":2})") == figure(square{2}));
  CHECK(decode<figure>(R"({"width":2,"height":3})") == figure(box{2, 3}));
  CHECK(decode<figure>(R"("line")") == figure(std::string("line")));
  const std::string problem = refused<figure>(R"({"width":2})");
  CHECK(problem ==
        "it: fits none of the variant's alternatives:\n  it.side: expected number, found nothing\n"
        "  it.height: expected number, found nothing");
}

TEST_CASE("alternatives that take any member do not see the discriminator", "[json][types][variant]") {
  const open_choice texts = std::map<std::string, std::string>{{"a", "1"}, {"b", "2"}};
  CHECK(encode(texts) == R"({"kind":"texts","a":"1","b":"2"})");
  CHECK(again(texts) == texts);
  CHECK(encode(again(again(texts))) == encode(texts));
  const open_choice any = json{{"in", {{"kind", 1}}}};
  CHECK(encode(again(any)) == R"({"kind":"any","in":{"kind":1}})");
  CHECK(std::get<json>(decode<open_choice>(R"({"kind":"any"})")) == json::object());
}

TEST_CASE("a value that has a variant's discriminator itself is refused", "[json][types][variant]") {
  const std::string problem =
      "it.kind: INNGEST_VARIANT writes this member, so the value must not have it, too";
  CHECK(unwritable(open_choice(foreign_kind{})) == problem);
  CHECK(unwritable(open_choice(json{{"kind", "mine"}})) == problem);
  CHECK(unwritable(open_choice(std::map<std::string, std::string>{{"kind", "mine"}})) == problem);
  CHECK(unwritable(payment(transfer{"CH1", {}, {{"method", json("mine")}}})) ==
        "it.method: INNGEST_VARIANT writes this member, so the value must not have it, too");
  CHECK(unwritable(open_choice(json::array())).find("must be a JSON object") != std::string::npos);
}

TEST_CASE("extra fields that the type declares are refused", "[json][types]") {
  CHECK(unwritable(transfer{"CH1", {}, {{"iban", json("CH2")}}}) ==
        "it.iban: extra_fields has this member, but the type declares it");
}

TEST_CASE("a derived type does not use its base's declaration", "[json][types]") {
  STATIC_REQUIRE(!inngest::json_convertible<undeclared_refund>);
  STATIC_REQUIRE(!inngest::json_convertible<std::vector<undeclared_refund>>);
  refund mine;
  mine.order_id = "7";
  mine.cents = 500;
  CHECK(encode(mine) == R"({"order_id":"7","cents":500})");
  CHECK(again(mine).cents == 500);
  CHECK(json(mine).dump() == R"({"cents":500,"order_id":"7"})");
  CHECK(encode(static_cast<base_order>(mine)) == R"({"orderId":"7"})");
  foreign_refund theirs;
  theirs.cents = 3;
  CHECK(encode(theirs) == R"({"cents":3,"order_id":""})");
  CHECK(again(theirs).cents == 3);
  serialized_refund own;
  own.cents = 4;
  CHECK(encode(own) == R"({"cents":4})");
  CHECK(again(own).cents == 4);
}

TEST_CASE("a type that converts to a declared one keeps its own JSON", "[json][types]") {
  CHECK(encode(tags({{"a"}, {"b"}})) == R"({"all":[{"name":"a"},{"name":"b"}]})");
  CHECK(again(tags({{"a"}, {"b"}})).all.size() == 2);
  CHECK(encode(std::vector<tag>{{"a"}}) == R"([{"name":"a"}])");
  CHECK(encode(std::optional<tag>(tag{"a"})) == R"({"name":"a"})");
}

TEST_CASE("the members of a class template are declared within it", "[json][types]") {
  CHECK(encode(boxed<int>(7)) == R"({"content":7})");
  CHECK(encode(boxed<std::string>("x")) == R"({"content":"x"})");
  CHECK(encode(again(boxed<boxed<int>>(boxed<int>(7)))) == R"({"content":{"content":7}})");
}

TEST_CASE("declared members are written although the type converts to text", "[json][types]") {
  CHECK(encode(label{"big", 7}) == R"({"text":"big","size":7})");
  CHECK(again(label{"big", 7}).size == 7);
}

TEST_CASE("a map with several values of a key, and a C array, have no JSON form", "[json][types]") {
  STATIC_REQUIRE(!inngest::json_convertible<std::multimap<std::string, int>>);
  STATIC_REQUIRE(!inngest::json_convertible<std::unordered_multimap<std::string, int>>);
  STATIC_REQUIRE(!inngest::json_convertible<int[3]>);
  STATIC_REQUIRE(inngest::json_convertible<std::map<std::string, int>>);
  STATIC_REQUIRE(inngest::json_convertible<std::unordered_map<std::string, int>>);
  STATIC_REQUIRE(inngest::json_convertible<std::multimap<int, std::string>>);  // an array of pairs
  STATIC_REQUIRE(inngest::json_convertible<small_map>);
}

TEST_CASE("a variant with a discriminator is an event's data", "[json][types][variant]") {
  const inngest::any_event event(paid{card{"1"}});
  CHECK(event.data() == R"({"method":"card","number":"1"})");
}

TEST_CASE("bytes are base64 where the declaration says so", "[json][types][bytes]") {
  using bytes = std::vector<unsigned char>;
  CHECK(encode(bytes{1, 2}) == "[1,2]");
  CHECK(encode(inngest::base64{bytes{1, 2, 255}}) == R"("AQL/")");
  CHECK(encode(inngest::base64{std::string("ab")}) == R"("YWI=")");
  CHECK(encode(inngest::base64<>{}) == R"("")");
  CHECK(decode<inngest::base64<bytes>>(R"("AQL/")").bytes == bytes{1, 2, 255});
  CHECK(decode<inngest::base64<std::array<char, 2>>>(R"("YWI=")").bytes == std::array<char, 2>{'a', 'b'});
  CHECK(refused<inngest::base64<std::array<char, 3>>>(R"("YWI=")") == "it: expected 3 bytes, found 2");
  for (const char* wrong : {"YWI", "YW=I", "Y===", "YWI*", "====", "YWI=YWI="})
    CHECK(refused<inngest::base64<>>("\"" + std::string(wrong) + "\"") ==
          "it: expected base64 with padding, found other text");
  CHECK(refused<inngest::base64<>>("[1]") == "it: expected string, found array");
}

TEST_CASE("a span is written like a vector and read as one", "[json][types][bytes]") {
  const std::vector<int> numbers = {1, 2, 3};
  CHECK(encode(std::span<const int>(numbers)) == "[1,2,3]");
  CHECK(encode(std::span<const int, 2>(numbers.data(), 2)) == "[1,2]");
  STATIC_REQUIRE(std::is_same_v<inngest::json_form<std::span<const int>>, std::vector<int>>);
  const std::array<std::byte, 1> byte{std::byte{1}};
  CHECK(encode(inngest::base64{std::span<const std::byte>(byte)}) == R"("AQ==")");
  STATIC_REQUIRE(std::is_same_v<inngest::json_form<inngest::base64<std::span<const std::byte>>>,
                                inngest::base64<std::vector<std::byte>>>);
}

TEST_CASE("a path is text with slashes", "[json][types]") {
  CHECK(encode(std::filesystem::path("a/b c.txt")) == R"("a/b c.txt")");
  CHECK(again(std::filesystem::path(u8"/tmp/\u00fc")) == std::filesystem::path(u8"/tmp/\u00fc"));
  CHECK(encode(std::vector<std::filesystem::path>{"a", "b"}) == R"(["a","b"])");
#ifndef _WIN32
  CHECK(unwritable(std::filesystem::path("\xff")) == "it: text that is not UTF-8 has no JSON form");
#endif
}

TEST_CASE("a map's keys may be an enumeration", "[json][types]") {
  const std::map<size, int> stock = {{size::small, 1}, {size::extra_large, 2}};
  CHECK(encode(stock) == R"({"small":1,"extra-large":2})");
  CHECK(again(stock) == stock);
  CHECK(decode<std::unordered_map<size, int>>(R"({"extra-large":2})").at(size::extra_large) == 2);
  CHECK(refused<std::map<size, int>>(R"({"tiny":1})") ==
        "it.tiny: expected one of \"small\", \"extra-large\", found \"tiny\"");
  CHECK(refused<std::map<size, int>>(R"({"small":"x"})") == "it.small: expected integer, found string");
}

TEST_CASE("a map's keys may be integers, which are decimal names of an object", "[json][types]") {
  const std::map<int, std::string> words = {{-3, "a"}, {0, "b"}, {42, "c"}};
  CHECK(encode(words) == R"({"-3":"a","0":"b","42":"c"})");
  CHECK(again(words) == words);
  CHECK(encode(std::unordered_map<std::uint64_t, bool>{{UINT64_MAX, true}}) ==
        R"({"18446744073709551615":true})");
  const std::map<std::int64_t, std::map<std::uint8_t, int>> nested = {{INT64_MIN, {{255, 1}}},
                                                                      {INT64_MAX, {}}};
  CHECK(again(nested) == nested);
  CHECK(encode(std::map<std::int8_t, int>{{-128, 1}}) == R"({"-128":1})");
  CHECK(decode<std::map<int, int>>(R"({"\u0033":4})") == std::map<int, int>{{3, 4}});

  for (const std::string key : {"", " ", "x", "3x", " 3", "3 ", "3.0", "3e0", "0x3", "+3", "03", "-0", "-03",
                                "00", "--3", "-", "128", "-129", "99999999999999999999999"}) {
    const std::string path = key.empty() ? "it" : "it." + key;
    CHECK(refused<std::map<std::int8_t, int>>(R"({")" + key + R"(":1})") ==
          path + ": expected an integer from -128 to 127 as the name, found \"" + key + "\"");
  }
  CHECK(refused<std::map<unsigned, int>>(R"({"-1":1})") ==
        "it.-1: expected an integer from 0 to 4294967295 as the name, found \"-1\"");
  CHECK(refused<std::map<int, int>>(R"({"3":"x"})") == "it.3: expected integer, found string");
  CHECK(refused<std::map<int, int>>("[[3,4]]") == "it: expected object, found array");
}

TEST_CASE("a map with integer keys is an event's data, an alternative and a member like other maps",
          "[json][types]") {
  using stock = std::map<int, int>;
  const inngest::any_event event(inngest::event<"shop/stock", stock>{.data = {{3, 4}}});
  CHECK(event.data() == R"({"3":4})");
  const std::variant<stock, int> either = stock{{3, 4}};
  CHECK(again(either) == either);
  CHECK(inngest::detail::shape_of<stock>().what == inngest::detail::json_shape::kind::map);
  STATIC_REQUIRE(inngest::json_convertible<std::map<int, own_map>>);
  CHECK(encode(own_map{{3, 4}}) == R"("own")");
}

TEST_CASE("a null pointer to text is null", "[json][types]") {
  char letters[] = "x";
  char* none = nullptr;
  CHECK(encode(remark{}) == R"({"text":null})");
  CHECK(encode(remark{letters}) == R"({"text":"x"})");
  CHECK(encode(none) == "null");
  CHECK(encode(std::vector<char*>{letters, nullptr}) == R"(["x",null])");
  CHECK(encode(std::string_view()) == R"("")");
  CHECK(inngest::any_event(inngest::event<"shop/remark", remark>{}).data() == R"({"text":null})");
}

TEST_CASE("of nested optionals, missing and null are two things", "[json][types]") {
  purchase value{
      .paid = cash{}, .reference = {}, .by_size = {}, .note = {}, .receipt = {}, .color = {}, .file = {}};
  CHECK(!json::parse(encode(value)).contains("note"));
  CHECK(again(value) == value);
  value.note.emplace(std::nullopt);
  CHECK(json::parse(encode(value)).at("note").is_null());
  CHECK(again(value) == value);
  value.note = "text";
  CHECK(json::parse(encode(value)).at("note") == "text");
  CHECK(again(value) == value);
}

TEST_CASE("one type has them all, in text and in a DOM", "[json][types]") {
  const purchase value{.paid = transfer{"CH1", 3, {}},
                       .reference = "r1",
                       .at = sys_days(2026y / 11 / 23) + 5ms,
                       .open_for = 90min,
                       .by_size = {{size::extra_large, 1}},
                       .note = {},
                       .receipt = {std::byte{0}, std::byte{255}},
                       .color = std::array<std::uint8_t, 3>{1, 2, 3},
                       .file = "a/b"};
  const std::string text =
      R"({"paid":{"method":"transfer","iban":"CH1","day":3},"reference":"r1",)"
      R"("at":"2026-11-23T00:00:00.005Z","openFor":90,"bySize":{"extra-large":1},"receipt":"AP8=",)"
      R"("rgb":"AQID","file":"a/b"})";
  CHECK(encode(value) == text);
  CHECK(decode<purchase>(text) == value);
  CHECK(json(value) == json::parse(text));
  CHECK(json::parse(text).get<purchase>() == value);
}

TEST_CASE("a missing member is named with what was expected", "[json][types]") {
  CHECK(refused<purchase>("{}") == "it.paid: expected a value, found nothing");
  CHECK(refused<purchase>(R"({"paid":{"method":"cash"},"reference":1})") ==
        "it.at: expected string, found nothing");
  CHECK(refused<purchase>(R"({"paid":{"method":"cash"},"reference":1,"at":"2026-11-23T00:00:00Z"})") ==
        "it.openFor: expected number, found nothing");
}
