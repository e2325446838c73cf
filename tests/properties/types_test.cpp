#include <inngest/json.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "catch.hpp"
#include "properties/json_inputs.hpp"
#include "properties/property.hpp"

// Values of times, variants, bytes, enumeration keys and nested optionals come back as they were, from text
// and through nlohmann's DOM.

namespace types_property {

enum class level { low, high };
INNGEST_ENUM(level, {level::low, "low"}, {level::high, "high\u00fc"})

struct leaf {
  std::string text;
  bool operator==(const leaf&) const = default;
};
INNGEST_FIELDS(leaf, text)
struct open_leaf {
  int number = 0;
  inngest::extra_fields rest;
  bool operator==(const open_leaf&) const = default;
};
INNGEST_FIELDS(open_leaf, number, rest)
using told = std::variant<leaf, open_leaf>;
INNGEST_VARIANT(told, "kind", "leaf", "open")

struct narrow {
  int a = 0, b = 0;
  bool operator==(const narrow&) const = default;
};
INNGEST_FIELDS(narrow, a, b)
using shaped = std::variant<narrow, open_leaf, std::vector<int>>;
INNGEST_VARIANT_BY_SHAPE(shaped)

struct whole {
  std::chrono::sys_time<std::chrono::nanoseconds> nanoseconds{};
  std::chrono::sys_time<std::chrono::microseconds> microseconds{};
  std::chrono::sys_time<std::chrono::milliseconds> milliseconds{};
  std::chrono::sys_seconds seconds{};
  std::chrono::sys_days day{};
  std::chrono::duration<double> length{};
  std::chrono::duration<std::int16_t, std::ratio<7>> weeks_of_seconds{};
  types_property::told told;
  std::vector<types_property::shaped> shaped;
  std::variant<std::monostate, bool, double, std::string> loose;
  std::map<level, std::optional<int>> by_level;
  std::unordered_map<std::int64_t, std::map<std::uint8_t, bool>> by_number;
  std::optional<std::optional<std::string>> patch;
  std::vector<std::byte> bytes;
  std::optional<std::string> binary;
  std::array<unsigned char, 5> five{};
  bool operator==(const whole&) const = default;
};
INNGEST_CAMEL_FIELDS(whole, nanoseconds, microseconds, milliseconds, seconds, day, length, weeks_of_seconds,
                     told, shaped, loose, by_level, by_number, patch, (bytes, inngest::as_base64),
                     (binary, inngest::as_base64), (five, "5", inngest::as_base64))

}  // namespace types_property

namespace {

using inngest::json;
using property::chance;
using types_property::whole;

template <class Duration>
std::chrono::sys_time<Duration> random_time(chance& any, int first_year, int last_year) {
  using namespace std::chrono;
  const auto at = [](int in) {
    return sys_time<Duration>(sys_days(year(in) / 1 / 1)).time_since_epoch().count();
  };
  return sys_time<Duration>(Duration(property::random_integer(any, at(first_year), at(last_year) - 1)));
}

whole random_whole(chance& any) {
  using namespace std::chrono;
  whole out;
  out.nanoseconds = random_time<nanoseconds>(any, 1700, 2200);
  out.microseconds = random_time<microseconds>(any, 0, 10'000);
  out.milliseconds = random_time<milliseconds>(any, 0, 10'000);
  out.seconds = random_time<seconds>(any, 0, 10'000);
  out.day = floor<days>(random_time<seconds>(any, 0, 10'000));
  out.length = duration<double>(property::random_double(any));
  out.weeks_of_seconds = decltype(out.weeks_of_seconds)(
      static_cast<std::int16_t>(property::random_integer(any, INT16_MIN, INT16_MAX)));
  if (any.one_in(2)) {
    out.told = types_property::leaf{property::random_text(any)};
  } else {
    out.told =
        types_property::open_leaf{static_cast<int>(any.below(9)), {{"more", property::random_text(any)}}};
  }
  for (std::size_t i = any.below(4); i > 0; --i) {
    const int number = static_cast<int>(any.below(100));
    if (any.one_in(3))
      out.shaped.emplace_back(types_property::narrow{number, -number});
    else if (any.one_in(2))
      out.shaped.emplace_back(types_property::open_leaf{number, {}});
    else
      out.shaped.emplace_back(std::vector<int>(any.below(3), number));
  }
  if (any.one_in(4)) out.loose = any.one_in(2);
  if (any.one_in(4)) out.loose = property::random_double(any);
  if (any.one_in(4)) out.loose = property::random_text(any);
  if (any.one_in(2)) out.by_level[types_property::level::low] = 1;
  if (any.one_in(2)) out.by_level[types_property::level::high] = std::nullopt;
  for (std::size_t i = any.below(4); i > 0; --i)
    out.by_number[property::random_integer(any, INT64_MIN, INT64_MAX)]
                 [static_cast<std::uint8_t>(any.below(256))] = true;
  if (any.one_in(2)) out.patch.emplace();
  if (any.one_in(3)) out.patch = property::random_text(any);
  for (std::size_t i = any.below(20); i > 0; --i) out.bytes.push_back(static_cast<std::byte>(any.below(256)));
  if (any.one_in(2)) out.binary.emplace(any.below(7), static_cast<char>(any.below(256)));
  for (unsigned char& byte : out.five) byte = static_cast<unsigned char>(any.below(256));
  return out;
}

/// The same document with the members of every object in the order of their names.
std::string sorted(const std::string& text) { return json::parse(text).dump(); }

}  // namespace

TEST_CASE("values of all types come back from text and from a DOM as they were", "[property][json][types]") {
  property::try_cases(400, [](chance& any) {
    const whole value = random_whole(any);
    const std::string text = inngest::encode(value);
    INFO(text);
    CHECK(inngest::decode<whole>(text) == value);
    CHECK(inngest::decode<whole>(sorted(text)) == value);  // a discriminator may follow other members
    CHECK(json::parse(text).get<whole>() == value);
    CHECK(json(value) == json::parse(text));
  });
}

TEST_CASE("damaged values are refused or read, and never more than that", "[property][json][types]") {
  property::try_cases(400, [](chance& any) {
    const std::string text = property::damaged(any, inngest::encode(random_whole(any)));
    INFO(text);
    try {
      const auto read = inngest::decode<whole>(text);
      CHECK(inngest::decode<whole>(inngest::encode(read)) == read);
    } catch (const inngest::payload_error& problem) {
      CHECK(std::string(problem.what()) != "");
    }
  });
}
