// Bytes read into a rich type: an error of ours, or a value that is written and read again alike.
#include <inngest/json.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <variant>
#include <vector>

#include "fuzz_check.hpp"
#include "targets.hpp"

namespace fuzzed {

enum class colour { red, green };
INNGEST_ENUM(colour, {colour::red, "red"}, {colour::green, "gr\"\\een"})

struct leaf {
  double x = 0;
  float f = 0;
  std::int8_t tiny = 0;
  std::uint64_t big = 0;
};
INNGEST_FIELDS(leaf, x, f, tiny, big)
INNGEST_DEFAULTS(leaf, x, f, tiny, big)

struct open_leaf {
  int number = 0;
  inngest::extra_fields rest;
};
INNGEST_FIELDS(open_leaf, number, rest)
using told = std::variant<leaf, open_leaf>;
INNGEST_VARIANT(told, "kind", "leaf", "open")
using shaped = std::variant<open_leaf, leaf, std::vector<std::string>>;
INNGEST_VARIANT_BY_SHAPE(shaped)

struct rich {
  std::optional<std::chrono::sys_time<std::chrono::nanoseconds>> exact;
  std::optional<std::chrono::sys_seconds> at;
  std::optional<std::chrono::sys_days> day;
  std::optional<std::chrono::duration<std::int16_t>> took;
  std::optional<fuzzed::told> told;
  std::optional<fuzzed::shaped> shaped;
  std::map<fuzzed::colour, int> by_colour;
  std::optional<std::optional<std::string>> patch;
  std::optional<std::vector<unsigned char>> bytes;
};
INNGEST_CAMEL_FIELDS(rich, exact, at, day, took, told, shaped, by_colour, patch, (bytes, inngest::as_base64))
INNGEST_DEFAULTS(rich, by_colour)

struct tree {
  std::optional<std::string> name;
  std::vector<tree> kids;
  std::map<std::string, leaf> leaves;
  std::optional<fuzzed::colour> colour;
  std::set<int> numbers;
  std::tuple<bool, std::string> pair;
  std::array<int, 2> two{};
  inngest::json any;
  inngest::extra_fields rest;
};
INNGEST_FIELDS(tree, name, kids, leaves, colour, numbers, pair, two, any, rest)
INNGEST_DEFAULTS(tree, kids, leaves, numbers, pair, two, any)
inline void validate(const tree& t) {
  if (t.numbers.size() > 100) throw std::runtime_error("too many numbers");
}

template <class T>
void read_and_write(std::string_view text) {
  std::optional<T> value;
  try {
    value = inngest::decode<T>(text, "data");
  } catch (const inngest::payload_error& problem) {
    FUZZ_CHECK(problem.what()[0] != '\0');
    return;
  }
  const std::string written = inngest::encode(*value);
  FUZZ_CHECK(inngest::json::accept(written));
  FUZZ_CHECK(inngest::encode(inngest::decode<T>(written)) == written);
}

}  // namespace fuzzed

void targets::fuzz_json(std::string_view text) {
  fuzzed::read_and_write<fuzzed::tree>(text);
  fuzzed::read_and_write<fuzzed::rich>(text);
  fuzzed::read_and_write<inngest::json>(text);
  fuzzed::read_and_write<std::string>(text);
  fuzzed::read_and_write<std::int64_t>(text);
  fuzzed::read_and_write<double>(text);
  fuzzed::read_and_write<std::vector<std::optional<bool>>>(text);
}
