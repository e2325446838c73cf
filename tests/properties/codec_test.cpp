#include <inngest/json.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <limits>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "c_locale.hpp"
#include "catch.hpp"
#include "properties/json_inputs.hpp"
#include "properties/property.hpp"

// The codec against nlohmann's DOM: typed values are filled at random, and their documents built by hand.

namespace codec_property {

enum class colour { red, deep_blue, quoted };
INNGEST_ENUM(colour, {colour::red, "red"}, {colour::deep_blue, "deep-blue"}, {colour::quoted, "gr\"\\ün"})

struct numbers {
  std::int8_t i8 = 0;
  std::int16_t i16 = 0;
  std::int32_t i32 = 0;
  std::int64_t i64 = 0;
  std::uint8_t u8 = 0;
  std::uint16_t u16 = 0;
  std::uint32_t u32 = 0;
  std::uint64_t u64 = 0;
  float f = 0;
  double d = 0;
  bool operator==(const numbers&) const = default;
};
INNGEST_FIELDS(numbers, i8, i16, i32, i64, u8, u16, u32, u64, f, d)

struct open {
  int known = 0;
  inngest::extra_fields rest;
  bool operator==(const open&) const = default;
};
INNGEST_FIELDS(open, known, rest)

struct whole {
  codec_property::numbers numbers;
  bool flag = false;
  std::string text;
  codec_property::colour colour = codec_property::colour::red;
  std::monostate nothing;
  std::optional<int> maybe;
  std::optional<codec_property::numbers> maybe_numbers;
  std::optional<codec_property::colour> maybe_colour;
  std::vector<std::string> texts;
  std::list<std::optional<bool>> flags;
  std::vector<whole> kids;
  std::map<std::string, std::int16_t> counts;
  std::unordered_map<std::string, std::vector<double>> series;
  std::tuple<std::int8_t, std::string, std::optional<double>> triple;
  std::pair<bool, std::uint32_t> pair;
  std::array<std::int32_t, 3> fixed{};
  std::set<std::string> names;
  codec_property::open open;
  inngest::json any;
  int later = 7;
  bool operator==(const whole&) const = default;
};
INNGEST_FIELDS(whole, numbers, flag, text, colour, nothing, maybe, maybe_numbers, maybe_colour, texts, flags,
               kids, counts, series, triple, pair, fixed, names, open, any, later)
INNGEST_DEFAULTS(whole, later)

}  // namespace codec_property

namespace {

using codec_property::colour;
using codec_property::whole;
using inngest::decode;
using inngest::encode;
using inngest::json;
using inngest::payload_error;
using property::chance;
using property::stranger;

// ---- random values ----------------------------------------------------------------------------------------

template <class Integer>
void fill(chance& any, Integer& out) {
  if constexpr (sizeof(Integer) == 8 && std::is_unsigned_v<Integer>)
    out = any.one_in(2) ? any.next() : std::numeric_limits<Integer>::max() - any.below(2);
  else
    out = static_cast<Integer>(property::random_integer(any, std::numeric_limits<Integer>::min(),
                                                        std::numeric_limits<Integer>::max()));
}

float random_float(chance& any) {
  static const std::vector<float> odd = {0.1F,
                                         -0.0F,
                                         16777216.0F,
                                         16777215.0F,
                                         std::numeric_limits<float>::max(),
                                         1e-45F,
                                         8.5e-39F,
                                         std::numeric_limits<float>::min(),
                                         7.038531e-26F,
                                         1e10F};
  if (any.one_in(3)) return any.pick(odd);
  for (;;) {
    const float out = std::bit_cast<float>(static_cast<std::uint32_t>(any.next()));
    if (std::isfinite(out)) return out;
  }
}

codec_property::numbers random_numbers(chance& any) {
  codec_property::numbers out;
  fill(any, out.i8);
  fill(any, out.i16);
  fill(any, out.i32);
  fill(any, out.i64);
  fill(any, out.u8);
  fill(any, out.u16);
  fill(any, out.u32);
  fill(any, out.u64);
  out.f = random_float(any);
  out.d = property::random_double(any);
  return out;
}

colour random_colour(chance& any) { return static_cast<colour>(any.below(3)); }

whole random_whole(chance& any, int depth) {
  whole out;
  const auto times = [&](std::size_t most, const std::function<void()>& make) {
    for (std::size_t i = any.below(most + 1); i > 0; --i) make();
  };
  out.numbers = random_numbers(any);
  out.flag = any.one_in(2);
  out.text = property::random_text(any);
  out.colour = random_colour(any);
  if (any.one_in(2)) fill(any, out.maybe.emplace());
  if (any.one_in(2)) out.maybe_numbers = random_numbers(any);
  if (any.one_in(2)) out.maybe_colour = random_colour(any);
  times(3, [&] { out.texts.push_back(property::random_text(any)); });
  times(3, [&] { out.flags.push_back(any.one_in(3) ? std::nullopt : std::optional<bool>(any.one_in(2))); });
  if (depth > 0) times(2, [&] { out.kids.push_back(random_whole(any, depth - 1)); });
  times(3, [&] { fill(any, out.counts["k" + property::random_text(any)]); });
  times(2, [&] {
    auto& values = out.series["k" + property::random_text(any)];
    times(3, [&] { values.push_back(property::random_double(any)); });
  });
  fill(any, std::get<0>(out.triple));
  std::get<1>(out.triple) = property::random_text(any);
  if (any.one_in(2)) std::get<2>(out.triple) = property::random_double(any);
  out.pair.first = any.one_in(2);
  fill(any, out.pair.second);
  for (auto& number : out.fixed) fill(any, number);
  times(3, [&] { out.names.insert(property::random_text(any)); });
  fill(any, out.open.known);
  times(2, [&] { out.open.rest["x" + property::random_text(any)] = property::random_document(any, 2); });
  out.any = property::random_document(any, 3);
  fill(any, out.later);
  return out;
}

// ---- their documents, and where a type expects what ---------------------------------------------------

/// A place in a document: what may stand there, and the path that an error has there.
struct place {
  enum class kind {
    boolean,
    integer,
    floating,
    single,
    text,
    name,
    null,
    list,
    fixed_list,
    tuple,
    map,
    object
  };
  json::json_pointer where;
  std::string path;
  kind expected = kind::null;
  bool may_be_null = false;
  bool may_be_missing = true;  // unless it is a member that must be there
  std::int64_t low = 0;
  std::uint64_t high = 0;
  std::size_t size = 0;
};
using kind = place::kind;

/// Builds the document of a value and notes its places.
class by_hand {
 public:
  json document;
  std::vector<place> places;

  explicit by_hand(const whole& value) {
    document = json();
    put(value, pointer(), "data", document);
  }

 private:
  using pointer = json::json_pointer;

  place& note(kind expected, const pointer& where, const std::string& path) {
    places.push_back({where, path, expected});
    return places.back();
  }

  void put(bool value, const pointer& at, const std::string& path, json& out) {
    note(kind::boolean, at, path);
    out = value;
  }
  template <std::integral T>
  void put(T value, const pointer& at, const std::string& path, json& out) {
    place& noted = note(kind::integer, at, path);
    noted.low = static_cast<std::int64_t>(std::numeric_limits<T>::min());
    noted.high = static_cast<std::uint64_t>(std::numeric_limits<T>::max());
    out = value;
  }
  void put(double value, const pointer& at, const std::string& path, json& out) {
    note(kind::floating, at, path);
    out = value;
  }
  /// Of the doubles that round to the float, the one that its shortest text says.
  void put(float value, const pointer& at, const std::string& path, json& out) {
    note(kind::single, at, path);
    std::string text;
    for (int digits = 0; digits < 10; ++digits) {
      text = testing_locale::write_number("%.*e", digits, static_cast<double>(value));
      if (testing_locale::read_float(text.c_str()) == value) break;
    }
    out = testing_locale::read_double(text.c_str());
  }
  void put(const std::string& value, const pointer& at, const std::string& path, json& out) {
    note(kind::text, at, path);
    out = value;
  }
  void put(colour value, const pointer& at, const std::string& path, json& out) {
    note(kind::name, at, path);
    out = std::array<const char*, 3>{"red", "deep-blue", "gr\"\\ün"}[static_cast<std::size_t>(value)];
  }
  void put(std::monostate, const pointer& at, const std::string& path, json& out) {
    note(kind::null, at, path);
    out = nullptr;
  }
  /// Within arrays, nothing is null; as a member it is left out.
  template <class T>
  void put(const std::optional<T>& value, const pointer& at, const std::string& path, json& out) {
    if (!value) {
      out = nullptr;
      return;
    }
    const std::size_t first = places.size();
    put(*value, at, path, out);
    places[first].may_be_null = true;
  }
  template <class List>
  void put_list(const List& value, kind expected, const pointer& at, const std::string& path, json& out) {
    note(expected, at, path).size = value.size();
    out = json::array();
    for (const auto& element : value) {
      const std::size_t i = out.size();
      out.push_back(nullptr);
      put(element, at / i, path + "[" + std::to_string(i) + "]", out[i]);
    }
  }
  template <class T>
  void put(const std::vector<T>& value, const pointer& at, const std::string& path, json& out) {
    put_list(value, kind::list, at, path, out);
  }
  template <class T>
  void put(const std::list<T>& value, const pointer& at, const std::string& path, json& out) {
    put_list(value, kind::list, at, path, out);
  }
  void put(const std::set<std::string>& value, const pointer& at, const std::string& path, json& out) {
    put_list(value, kind::list, at, path, out);
  }
  template <class T, std::size_t Size>
  void put(const std::array<T, Size>& value, const pointer& at, const std::string& path, json& out) {
    put_list(value, kind::fixed_list, at, path, out);
  }
  template <class Map>
  void put_map(const Map& value, const pointer& at, const std::string& path, json& out) {
    note(kind::map, at, path);
    out = json::object();
    for (const auto& [key, element] : value) put(element, at / key, path + "." + key, out[key]);
  }
  template <class T>
  void put(const std::map<std::string, T>& value, const pointer& at, const std::string& path, json& out) {
    put_map(value, at, path, out);
  }
  template <class T>
  void put(const std::unordered_map<std::string, T>& value, const pointer& at, const std::string& path,
           json& out) {
    put_map(value, at, path, out);
  }
  template <class Tuple>
  void put_tuple(const Tuple& value, const pointer& at, const std::string& path, json& out) {
    note(kind::tuple, at, path).size = std::tuple_size_v<Tuple>;
    out = json::array();
    std::apply(
        [&](const auto&... element) {
          ((out.push_back(nullptr), put(element, at / (out.size() - 1),
                                        path + "[" + std::to_string(out.size() - 1) + "]", out.back())),
           ...);
        },
        value);
  }
  template <class... T>
  void put(const std::tuple<T...>& value, const pointer& at, const std::string& path, json& out) {
    put_tuple(value, at, path, out);
  }
  template <class A, class B>
  void put(const std::pair<A, B>& value, const pointer& at, const std::string& path, json& out) {
    put_tuple(value, at, path, out);
  }

  template <class T>
  void member(const char* name, const T& value, const pointer& at, const std::string& path, json& out,
              bool must_be_there = true) {
    const std::size_t first = places.size();
    put(value, at / name, path + "." + name, out[name]);
    if (first < places.size()) places[first].may_be_missing = !must_be_there;
  }
  template <class T>
  void member(const char* name, const std::optional<T>& value, const pointer& at, const std::string& path,
              json& out) {
    if (!value) return;
    member(name, *value, at, path, out, false);
    for (place& noted : places) {
      if (noted.where == at / name) noted.may_be_null = true;
    }
  }
  void put(const codec_property::numbers& value, const pointer& at, const std::string& path, json& out) {
    note(kind::object, at, path);
    out = json::object();
    member("i8", value.i8, at, path, out);
    member("i16", value.i16, at, path, out);
    member("i32", value.i32, at, path, out);
    member("i64", value.i64, at, path, out);
    member("u8", value.u8, at, path, out);
    member("u16", value.u16, at, path, out);
    member("u32", value.u32, at, path, out);
    member("u64", value.u64, at, path, out);
    member("f", value.f, at, path, out);
    member("d", value.d, at, path, out);
  }
  void put(const codec_property::open& value, const pointer& at, const std::string& path, json& out) {
    note(kind::object, at, path);
    out = json::object();
    member("known", value.known, at, path, out);
    for (const auto& [key, element] : value.rest) out[key] = element;
  }
  void put(const whole& value, const pointer& at, const std::string& path, json& out) {
    note(kind::object, at, path);
    out = json::object();
    member("numbers", value.numbers, at, path, out);
    member("flag", value.flag, at, path, out);
    member("text", value.text, at, path, out);
    member("colour", value.colour, at, path, out);
    member("nothing", value.nothing, at, path, out);
    member("maybe", value.maybe, at, path, out);
    member("maybe_numbers", value.maybe_numbers, at, path, out);
    member("maybe_colour", value.maybe_colour, at, path, out);
    member("texts", value.texts, at, path, out);
    member("flags", value.flags, at, path, out);
    member("kids", value.kids, at, path, out);
    member("counts", value.counts, at, path, out);
    member("series", value.series, at, path, out);
    member("triple", value.triple, at, path, out);
    member("pair", value.pair, at, path, out);
    member("fixed", value.fixed, at, path, out);
    member("names", value.names, at, path, out);
    member("open", value.open, at, path, out);
    out["any"] = value.any;
    member("later", value.later, at, path, out, false);
  }
};

// ---- what does not fit --------------------------------------------------------------------------------

struct misfit {
  json document;
  std::string path;  // that the error has to name
};

/// An integer beyond the place's range; null when JSON's readers have none.
json beyond(chance& any, const place& at) {
  constexpr auto most = std::numeric_limits<std::uint64_t>::max();
  constexpr auto least = std::numeric_limits<std::int64_t>::min();
  const bool above = any.one_in(2);
  if (above && at.high < most) return at.high + 1 + any.below(2) * (any.next() % (most - at.high));
  if (!above && at.low > least) return at.low - 1 - static_cast<std::int64_t>(any.below(100));
  return above ? json(1.8446744073709552e19) : json(-9.3e18);
}

/// A value that the place can't hold.
json unfit_value(chance& any, const place& at) {
  std::vector<json> all;
  const auto is = [&](std::initializer_list<kind> kinds) {
    return std::find(kinds.begin(), kinds.end(), at.expected) != kinds.end();
  };
  if (!at.may_be_null && !is({kind::null})) all.push_back(nullptr);
  if (!is({kind::boolean})) all.push_back(any.one_in(2));
  if (!is({kind::text, kind::name})) all.push_back(property::random_text(any));
  if (!is({kind::integer, kind::floating, kind::single})) all.push_back(any.one_in(2) ? json(0) : json(1.5));
  if (!is({kind::list, kind::fixed_list, kind::tuple})) all.push_back(json::array());
  if (!is({kind::map, kind::object})) all.push_back(json::object());
  if (is({kind::integer})) {
    all.insert(all.end(), {beyond(any, at), beyond(any, at), 0.5, 1e300, -1e-300});
  }
  if (is({kind::single})) all.insert(all.end(), {1e39, -3.5e38});
  if (is({kind::name})) all.insert(all.end(), {"Red", "", "red "});
  return any.pick(all);
}

misfit spoilt(chance& any, const by_hand& good) {
  misfit out{good.document, {}};
  const place& at = any.pick(good.places);
  out.path = at.path;
  json& value = out.document[at.where];
  const bool sized = at.expected == kind::fixed_list || at.expected == kind::tuple;
  if (sized && any.one_in(2)) {
    if (any.one_in(2)) {
      value.push_back(value[0]);
    } else {
      value.erase(value.size() - 1);
      // the place of a tuple's missing element is named, since each has a type of its own
      if (at.expected == kind::tuple) out.path += "[" + std::to_string(at.size - 1) + "]";
    }
    return out;
  }
  const json::json_pointer parent = at.where.parent_pointer();
  if (!at.may_be_missing && any.one_in(3)) {
    out.document[parent].erase(at.where.back());
    return out;
  }
  value = unfit_value(any, at);
  return out;
}

/// The document with the doubles of another for those that are the same floats.
json with_floats_of(json document, const by_hand& other) {
  for (const place& at : other.places) {
    if (at.expected != kind::single || !document.contains(at.where)) continue;
    json& number = document[at.where];
    const json& wanted = other.document[at.where];
    if (static_cast<float>(number.get<double>()) == static_cast<float>(wanted.get<double>())) number = wanted;
  }
  return document;
}

/// Where two values differ; empty when they don't.
std::string difference(const whole& found, const whole& wanted) {
  if (found == wanted) return {};
  return "differs: " + json::diff(by_hand(wanted).document, by_hand(found).document).dump(-1, ' ', true);
}

template <class T>
std::string path_of_error(const std::string& text) {
  try {
    static_cast<void>(decode<T>(text, "data"));
    return "(it was read)";
  } catch (const payload_error& problem) {
    return problem.path();
  }
}

/// What nlohmann says, which ends at a zero and passes over a byte order mark at the start.
bool is_json(const std::string& text) {
  return text.find('\0') == std::string::npos && !text.starts_with("\xef\xbb\xbf") && json::accept(text);
}

std::string shown(const json& document) { return document.dump(-1, ' ', true); }

}  // namespace

TEST_CASE("any document is read as nlohmann reads it however it is written", "[property][json]") {
  property::try_cases(1500, [](chance& any) {
    const json document = property::random_document(any, 5);
    const chance writing = any.part();
    const std::function<std::string(const json&)> problem = [&](const json& given) -> std::string {
      const std::string text = stranger(writing).write(given);
      try {
        const json found = decode<json>(text);
        if (found != given || found.dump() != given.dump()) return "read from " + text + ": " + shown(found);
        if (json::parse(encode(given)).dump() != given.dump()) return "written as " + encode(given);
        return {};
      } catch (const std::exception& thrown) {
        return "of " + text + ": " + thrown.what();
      }
    };
    property::check_input<json>(document, problem, property::smaller_documents, shown);
  });
}

TEST_CASE("a text is read as a document exactly when nlohmann takes it for JSON", "[property][json]") {
  property::try_cases(4000, [](chance& any) {
    std::string text = stranger(any.part()).write(property::random_document(any, 3));
    for (std::size_t i = any.below(3); i > 0; --i) text = property::damaged(any, std::move(text));
    INFO("the text: " << text << "\nas a JSON string: "
                      << json(text).dump(-1, ' ', true, json::error_handler_t::replace));
    bool read = true;
    try {
      static_cast<void>(decode<json>(text));
    } catch (const payload_error&) {
      read = false;
    }
    REQUIRE(read == is_json(text));
  });
}

TEST_CASE("zero bytes and byte order marks are not JSON", "[json]") {
  for (const std::string& text :
       {std::string("1\0", 2), std::string("{\"a\":1\0}", 8), std::string("{}\0{", 4), std::string("\0", 1),
        std::string("\xef\xbb\xbf{}"),
        std::string("{\"a\":\xef\xbb\xbf"
                    "1}"),
        std::string("[\xef\xbb\xbf\"x\"]")}) {
    CAPTURE(text);
    CHECK_THROWS_AS(decode<json>(text), payload_error);
    CHECK_THROWS_AS((decode<std::map<std::string, json>>(text)), payload_error);
    CHECK_THROWS_AS(decode<std::vector<json>>(text), payload_error);
    CHECK_THROWS_AS(inngest::detail::parse_dom(text), payload_error);
    CHECK_THROWS_AS(decode<int>(text), payload_error);
    CHECK_THROWS_AS(decode<std::vector<int>>("[" + text + "]"), payload_error);
  }
}

TEST_CASE("what follows a value must be JSON where the value is read as a document too", "[json]") {
  for (const std::string rest : {":1}", ":null}", ":[1],\"b\":2}", " 1", "]", "}", ":1"}) {
    CAPTURE(rest);
    for (const std::string scalar : {"\"a\"", "1", "true", "null"}) {
      CHECK_THROWS_AS(decode<json>(scalar + rest), payload_error);
      CHECK_THROWS_AS(decode<std::vector<json>>("[" + scalar + rest + "]"), payload_error);
      CHECK_THROWS_AS((decode<std::map<std::string, json>>("{\"k\":" + scalar + rest + "}")), payload_error);
      CHECK_THROWS_AS(decode<codec_property::open>("{\"known\":1,\"k\":" + scalar + rest + "}"),
                      payload_error);
    }
  }
}

TEST_CASE("an integer with any number of decimal places is the same integer", "[json][numbers]") {
  for (std::size_t places = 1; places < 30; ++places) {
    CAPTURE(places);
    const std::string zeros(places, '0');
    CHECK(decode<std::int64_t>("1000000000000000." + zeros) == 1'000'000'000'000'000);
    CHECK(decode<std::int64_t>("-4503599627370497." + zeros + "e0") == -4'503'599'627'370'497);
    CHECK(decode<int>("7" + zeros + "e-" + std::to_string(places)) == 7);
    CHECK(decode<std::uint8_t>("0." + zeros) == 0);
    if (places < 15) CHECK_THROWS_AS(decode<std::int64_t>("1." + zeros + "1"), payload_error);
  }
}

TEST_CASE("a number with many digits is read as exactly as any other", "[json][numbers]") {
  CHECK(decode<double>("0.1000000000000000055511151") == 0.1);
  CHECK(decode<double>("-0.01155920022587166202943099") == -0.01155920022587166202943099);
  CHECK(decode<float>("0.100000000000000000000000000000") == 0.1F);
  CHECK(decode<int>("0.10000000000000000000000000e1") == 1);
  CHECK(decode<double>("0." + std::string(500, '0') + "1") == 0);
  CHECK_THROWS_AS(decode<double>("1" + std::string(500, '0')), payload_error);
  CHECK_THROWS_AS(decode<double>("0.1000000000000000055511151e400"), payload_error);
  property::try_cases(4000, [](chance& any) {
    const double value = property::random_double(any);
    const int precision = static_cast<int>(any.between(16, 40));
    const char* format = any.one_in(2) ? "%.*e" : std::abs(value) < 1e100 ? "%.*f" : "%.*g";
    const std::string text = testing_locale::write_number(format, precision, value);
    const double wanted = testing_locale::read_double(text.c_str());
    if (!std::isfinite(wanted)) return;  // rounded up
    INFO("the text: " << text);
    REQUIRE(decode<double>(text) == wanted);
    REQUIRE(decode<std::vector<double>>("[ " + text + " ]").at(0) == wanted);
    if (std::abs(value) < 1e38) REQUIRE(decode<float>(text) == testing_locale::read_float(text.c_str()));
  });
}

TEST_CASE("a float is read from its own text and not rounded twice", "[json][numbers]") {
  CHECK(decode<float>("7.038531e-26") == 7.038531e-26F);  // its double lies between two floats
  CHECK(decode<float>("1e-60") == 0);
  CHECK(decode<float>("3.4028234663852886e38") == std::numeric_limits<float>::max());
  CHECK_THROWS_AS(decode<float>("3.5e38"), payload_error);
  CHECK_THROWS_AS(decode<float>("1e999"), payload_error);
  CHECK(decode<long double>(encode(0.1L)) == 0.1L);
}

TEST_CASE("a typed value is written as its document and read back the same", "[property][json]") {
  property::try_cases(200, [](chance& any) {
    const whole value = random_whole(any, any.one_in(4) ? 1 : 0);
    const by_hand expected(value);
    const std::string text = encode(value);
    INFO("the text: " << text);
    REQUIRE(with_floats_of(json::parse(text), expected) == expected.document);
    REQUIRE(difference(decode<whole>(text), value) == "");
    const json dom = value;
    REQUIRE(with_floats_of(dom, expected) == expected.document);
    REQUIRE(difference(dom.get<whole>(), value) == "");
  });
}

TEST_CASE("a typed value is read however its document is written", "[property][json]") {
  property::try_cases(220, [](chance& any) {
    const whole value = random_whole(any, any.one_in(4) ? 1 : 0);
    json document = by_hand(value).document;
    if (value.later == 7 && any.one_in(2)) document.erase("later");
    for (const char* optional : {"maybe", "maybe_numbers", "maybe_colour"}) {
      if (!document.contains(optional) && any.one_in(2)) document[optional] = nullptr;
    }
    json closed = document;
    closed.erase("open");  // what nobody knows is kept there
    const auto is_declared = [](const json& object) {
      return object.contains("i8") || object.contains("flag");
    };
    std::string text = stranger(any.part(), {true, true, is_declared}).write(closed);
    const std::string open = stranger(any.part(), {true, true}).write(document["open"]);
    text.insert(text.find('{') + 1, "\"open\":" + open + ",");
    INFO("the text: " << text);
    REQUIRE(difference(decode<whole>(text), value) == "");
  });
}

// Members that nobody knows are passed over without a close look: that is what makes reading fast. Here there
// are none, since extra_fields keeps them.
TEST_CASE("a typed value of which all is used is read from nothing but JSON", "[property][json]") {
  using item =
      std::tuple<codec_property::open, std::optional<std::string>, double, std::map<std::string, int>>;
  std::size_t read = 0;
  property::try_cases(3000, [&](chance& any) {
    json document = json::array();
    for (std::size_t i = 1 + any.below(2); i > 0; --i) {
      json open = {{"known", any.between(-9, 9)},
                   {property::random_text(any), property::random_document(any, 1)}};
      if (!open["known"].is_number_integer()) open["known"] = 1;
      const json text = any.one_in(3) ? json() : json(property::random_text(any));
      document.push_back(
          {open, text, property::random_double(any), {{property::random_text(any), 1}, {"b", 2}}});
    }
    std::string text = stranger(any.part()).write(document);
    for (std::size_t i = any.below(3); i > 0; --i) text = property::damaged(any, std::move(text));
    INFO("the text: " << text);
    if (path_of_error<std::vector<item>>(text) != "(it was read)") return;
    ++read;
    REQUIRE(is_json(text));
  });
  CHECK(read > 500);
}

TEST_CASE("a value that does not fit is refused with the path of its place", "[property][json]") {
  property::try_cases(280, [](chance& any) {
    const by_hand good(random_whole(any, any.one_in(4) ? 1 : 0));
    const misfit bad = spoilt(any, good);
    const std::string text = stranger(any.part()).write(bad.document);
    INFO("the path: " << bad.path << "\nthe text: " << text);
    REQUIRE(path_of_error<whole>(text) == bad.path);
  });
}
