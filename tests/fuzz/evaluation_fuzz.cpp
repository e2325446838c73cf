// Expressions over an event: whatever both are, computing ends, with a value or an error at a place. The
// input is an expression, and behind a zero byte the variables as JSON.
#include <inngest/evaluation.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "fuzz_check.hpp"

namespace {

std::optional<std::string> computed(const inngest::expression& expression, const inngest::json& variables,
                                    inngest::missing_fields missing) {
  try {
    return inngest::evaluate(expression, variables, missing)
        .dump(-1, ' ', false, inngest::json::error_handler_t::replace);
  } catch (const inngest::evaluation_error& problem) {
    FUZZ_CHECK(problem.position() <= expression.text().size());
    return std::nullopt;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t end = std::min(input.find('\0'), input.size());
  inngest::json variables = inngest::json::parse(input.substr(std::min(end + 1, size)), nullptr, false);
  if (!variables.is_object()) variables = {{"event", {{"data", {{"n", 1}, {"list", {1, 2, 3}}}}}}};
  try {
    const inngest::expression expression{std::string(input.substr(0, end))};
    using inngest::missing_fields;
    for (const missing_fields each : {missing_fields::are_unknown, missing_fields::are_errors}) {
      FUZZ_CHECK(computed(expression, variables, each) == computed(expression, variables, each));
    }
    inngest::holds(expression, variables);
  } catch (const inngest::expression_error&) {
    // expression_fuzz looks at these
  }
  return 0;
}
