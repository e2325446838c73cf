// Bytes read into a rich type: an error of ours, or a value that is written and read again alike.
#include <inngest/json.hpp>

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
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
  fuzzed::read_and_write<inngest::json>(text);
  fuzzed::read_and_write<std::string>(text);
  fuzzed::read_and_write<std::int64_t>(text);
  fuzzed::read_and_write<double>(text);
  fuzzed::read_and_write<std::vector<std::optional<bool>>>(text);
}
