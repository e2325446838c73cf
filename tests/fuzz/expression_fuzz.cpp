// CEL expressions: whatever the text, it is parsed into a tree or refused at a place within it.
#include <inngest/expression.hpp>

#include <cstddef>
#include <string>
#include <string_view>

#include "fuzz_check.hpp"
#include "targets.hpp"

void targets::fuzz_expression(std::string_view input) {
  const std::string text(input);
  const std::size_t size = text.size();
  try {
    const inngest::expression parsed(text);
    FUZZ_CHECK(!parsed.nodes().empty());
    for (std::size_t i = 0; i < parsed.nodes().size(); ++i) {
      const auto& node = parsed.nodes()[i];
      FUZZ_CHECK(node.position < size);
      for (const std::size_t part : node.parts) FUZZ_CHECK(part < i);  // a tree: no way leads back
    }
    using policy = inngest::expression_policy;
    for (const policy checked : {policy::logic_only, policy::event_only}) {
      try {
        inngest::check_expression(text, checked);
      } catch (const inngest::expression_error& refused) {
        FUZZ_CHECK(refused.position() < size);
      }
    }
    // what is taken is taken in parentheses, too, but for what is as deep as can be
    try {
      const inngest::expression inner("(" + text + "\n)");
      FUZZ_CHECK(inner.nodes().size() == parsed.nodes().size());
    } catch (const inngest::expression_error& refused) {
      FUZZ_CHECK(std::string_view(refused.what()).find("deeply") != std::string_view::npos || size > 99'990);
    }
  } catch (const inngest::expression_error& refused) {
    FUZZ_CHECK(refused.position() <= size);
    FUZZ_CHECK(refused.line() >= 1 && refused.column() >= 1 && refused.line() + refused.column() <= size + 2);
  }
}
