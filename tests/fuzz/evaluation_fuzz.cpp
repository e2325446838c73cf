// Computing expressions: a line of CEL, then variables as JSON. Whatever both are, there is a value or an
// error at a place, soon.
#include <inngest/detail/json_dom.hpp>
#include <inngest/evaluation.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz_check.hpp"

namespace {

using inngest::json;
using inngest::missing_fields;

json variables_of(std::string_view text) {
  if (inngest::detail::nesting_depth(text) > INNGEST_MAX_JSON_DEPTH) return json::object();
  json out = json::parse(text, nullptr, false);
  return out.is_object() ? out : json::object();
}

void compute(const inngest::expression& parsed, const json& variables, missing_fields missing) {
  try {
    const json result = inngest::evaluate(parsed, variables, missing);
    FUZZ_CHECK(!result.dump().empty());
  } catch (const inngest::evaluation_error& error) {
    FUZZ_CHECK(error.position() < parsed.text().size());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using names = inngest::expression_names;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t line = std::min(input.find('\n'), size);
  const std::string text(input.substr(0, line));
  const json variables = variables_of(input.substr(std::min(line + 1, size)));
  for (const names each : {names::of_a_server, names::any}) {
    try {
      const inngest::expression parsed(text, each);
      compute(parsed, variables, missing_fields::are_unknown);
      compute(parsed, variables, missing_fields::are_errors);
      static_cast<void>(inngest::holds(parsed, variables));
    } catch (const inngest::expression_error& refused) {
      FUZZ_CHECK(refused.position() <= text.size());
    }
  }
  return 0;
}
