// Computing expressions: a line of CEL, then variables as JSON. Whatever both are, there is a value or an
// error at a place, soon.
#include <inngest/expression/evaluation.hpp>
#include <inngest/json/detail/dom.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "fuzz_check.hpp"
#include "targets.hpp"

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

void targets::fuzz_evaluation(std::string_view input) {
  using names = inngest::expression_names;
  const std::size_t line = std::min(input.find('\n'), input.size());
  const std::string text(input.substr(0, line));
  const json variables = variables_of(input.substr(std::min(line + 1, input.size())));
  for (const names allowed : {names::of_a_server, names::any}) {
    try {
      const inngest::expression parsed(text, allowed);
      compute(parsed, variables, missing_fields::are_unknown);
      compute(parsed, variables, missing_fields::are_errors);
      static_cast<void>(inngest::holds(parsed, variables));
    } catch (const inngest::expression_error& refused) {
      FUZZ_CHECK(refused.position() <= text.size());
    }
  }
}
