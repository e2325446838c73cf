// CEL expressions: whatever the text, it is parsed into a tree or refused at a place within it.
#include <inngest/expression.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz_check.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  try {
    const inngest::expression parsed(text);
    FUZZ_CHECK(!parsed.nodes().empty());
    for (std::size_t i = 0; i < parsed.nodes().size(); ++i) {
      const auto& node = parsed.nodes()[i];
      FUZZ_CHECK(node.position < size);
      for (const std::size_t part : node.parts) FUZZ_CHECK(part < i);  // a tree: no way leads back
    }
    try {
      inngest::check_expression(text, inngest::expression_policy::logic_only);
    } catch (const inngest::expression_error& refused) {
      FUZZ_CHECK(refused.position() < size);
    }
  } catch (const inngest::expression_error& refused) {
    FUZZ_CHECK(refused.position() <= size);
  }
  return 0;
}
